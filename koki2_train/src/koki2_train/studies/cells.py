"""Cells of a study: settings that are run with several seeds, and what all studies report of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from koki2_train.experiment import Experiment, Trial
from koki2_train.runs.planned import PlannedRun

BASELINES = ("random", "greedy", "oracle")
"""The reference policies that studies report beside their cells."""
_LONGEST_NAME = 255  # bytes, on all common file systems


@dataclass(frozen=True)
class Cell:
    """One combination of settings.

    Attributes:
        name: the combination in one word.
        experiment: what is run.
    """

    name: str
    experiment: Experiment

    @property
    def folder(self) -> str:
        """The name of its folder in that of the study."""
        return self.name.replace(":", "-")

    def run(self, out: Path, seed: int) -> PlannedRun:
        """Its run of a seed, in the folder of the study."""
        return PlannedRun(Trial(self.experiment, seed), out / self.folder / f"seed{seed}")


def check_names(kind: str, names: Iterable[str]) -> None:
    """Rejects names that would not each make a folder of their own.

    Args:
        kind: of what they are names, such as ``"factor"``; errors begin with it.
        names: the names.

    Raises:
        ValueError: naming the culprit.
    """
    known: dict[str, str] = {}
    for name in names:
        if not re.fullmatch(r"\w[\w-]*", name):
            raise ValueError(f"{kind} {name!r}: a name consists of letters, digits, _ and -, and begins with no -")
        if (first := known.setdefault(name.casefold(), name)) != name:
            raise ValueError(f"{kind}s {first!r} and {name!r} differ in case alone; their folders could be the same")


def check_folders(cells: Sequence[Cell]) -> None:
    """Rejects cells that cannot each have a folder, on any file system.

    Raises:
        ValueError: a name too long for a folder, or two that differ in case alone.
    """
    names: dict[str, str] = {}
    for cell in cells:
        if len(cell.folder.encode()) > _LONGEST_NAME:
            raise ValueError(f"the name of cell {cell.name!r} is too long for a folder")
        if (first := names.setdefault(cell.folder.casefold(), cell.name)) != cell.name:
            raise ValueError(f"cells {first!r} and {cell.name!r} would share a folder where case does not count")


def check_worlds(cells: Sequence[Cell], world: Experiment | None) -> None:
    """Rejects cells with incompatible knobs, or whose champions cannot live in the world of evaluation (imports JAX).

    Args:
        cells: of a study.
        world: the experiment in whose world all are evaluated; None where each is in its own.

    Raises:
        ValueError, TypeError: naming the cell.
    """
    from koki2_train.evaluation import problem_in_world

    named = {"the world of evaluation": world} if world is not None else {}
    for name, experiment in (named | {cell.name: cell.experiment for cell in cells}).items():
        try:
            experiment.make_world()
            problem_in_world(experiment, world or experiment)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{name}: {error}") from None


class CellChampions:
    """The champions of all cells and seeds of a study (imports JAX).

    Attributes:
        seeds: of each cell.
        runs: the run directories of each cell, in the order of the seeds, by the cell's name.
        genomes: the champions of each cell, (seeds, D) float32, by the cell's name.

    Raises:
        RunError: a run has no champion.
    """

    def __init__(self, cells: Sequence[Cell], seeds: Sequence[int], out: Path):
        from koki2_train.evaluation import stack_champions

        self.seeds = seeds
        self.runs = {cell.name: [cell.run(out, seed).directory for seed in seeds] for cell in cells}
        self.genomes = {cell.name: stack_champions(self.runs[cell.name], cell.experiment) for cell in cells}

    def evaluate(self, cell: Cell, lives: Any, **how: Any) -> tuple[list[Any], dict[str, Any]]:
        """Evaluates a cell's champions, with their own brain, on held-out lives.

        Args:
            cell: the cell.
            lives: :class:`koki2_train.evaluation.HeldOutLives`.
            how: further arguments of its ``evaluate_genomes``.

        Returns:
            The metrics of each champion, and what every study reports of a cell: ``fitness_by_seed`` and the mean
            ``normalized`` score.

        Raises:
            NotFiniteError: a champion whose fitness is not finite.
        """
        from koki2_train.evaluation.statistics import mean_of_all

        names = [f"champion of {run}" for run in self.runs[cell.name]]
        measured = lives.evaluate_genomes(self.genomes[cell.name], names, cell.experiment, **how)
        fitness = {str(seed): metrics["fitness"]["mean"] for seed, metrics in zip(self.seeds, measured, strict=True)}
        normalized = mean_of_all([lives.normalized(metrics) for metrics in measured])
        return measured, {"fitness_by_seed": fitness, "normalized": normalized}


def mean_with_interval(values: Sequence[float] | np.ndarray) -> dict[str, Any]:
    """The mean over seeds with its 95 % interval, as ``{"mean", "ci95"}``."""
    from koki2_train.evaluation.statistics import interval

    return {"mean": float(np.mean(values)), "ci95": list(interval(list(values)))}


def baselines_on(lives: Any) -> dict[str, Any]:
    """The fitness of reference policies on held-out lives, by their names."""
    return {name: lives.evaluate_policy(name)["fitness"] for name in BASELINES}
