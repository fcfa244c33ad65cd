"""Cells of a study: settings that are run with several seeds, and what all studies report of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from koki2_train.experiment import Experiment, Trial
from koki2_train.runs.planned import PlannedRun

BASELINES = ("random", "greedy", "oracle")
"""The reference policies that studies report beside their cells."""


@dataclass(frozen=True)
class Cell:
    """One combination of settings.

    Attributes:
        name: the combination in one word.
        experiment: what is run.
    """

    name: str
    experiment: Experiment

    def run(self, out: Path, seed: int) -> PlannedRun:
        """Its run of a seed, in the folder of the study."""
        return PlannedRun(Trial(self.experiment, seed), out / self.name.replace(":", "-") / f"seed{seed}")


class CellChampions:
    """The champions of all cells and seeds of a study (imports JAX).

    Raises:
        RunError: a run has no champion.
    """

    def __init__(self, cells: Sequence[Cell], seeds: Sequence[int], out: Path):
        from koki2_train.evaluation import stack_champions

        self.seeds = seeds
        self.runs = {cell.name: [cell.run(out, seed).directory for seed in seeds] for cell in cells}
        self._genomes = {cell.name: stack_champions(self.runs[cell.name], cell.experiment) for cell in cells}

    def evaluate(self, cell: Cell, lives: Any) -> tuple[list[dict[str, dict[str, float]]], dict[str, Any]]:
        """Evaluates a cell's champions on held-out lives.

        Args:
            cell: the cell.
            lives: :class:`koki2_train.evaluation.HeldOutLives`.

        Returns:
            The metrics of each champion, and what every study reports of a cell: ``fitness_by_seed`` and the mean
            ``normalized`` score.

        Raises:
            NotFiniteError: a champion whose fitness is not finite.
        """
        from koki2_train.evaluation.statistics import mean_of_all

        names = [f"champion of {run}" for run in self.runs[cell.name]]
        measured = lives.evaluate_genomes(self._genomes[cell.name], names)
        fitness = {str(seed): metrics["fitness"]["mean"] for seed, metrics in zip(self.seeds, measured, strict=True)}
        normalized = mean_of_all([lives.normalized(metrics) for metrics in measured])
        return measured, {"fitness_by_seed": fitness, "normalized": normalized}


def mean_with_interval(values: Sequence[float] | np.ndarray) -> dict[str, Any]:
    """The mean over seeds with its 95 % interval, as ``{"mean", "ci95"}``."""
    from koki2_train.evaluation.statistics import interval

    return {"mean": float(np.mean(values)), "ci95": list(interval(list(values)))}


def baselines_on(lives: Any) -> dict[str, dict[str, float]]:
    """The fitness of reference policies on held-out lives, by their names."""
    return {name: lives.evaluate_policy(name)["fitness"] for name in BASELINES}
