"""Factorial studies: every on/off combination of factors at equal budget, evaluated in one and the same world."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from koki2_train.evaluation import HeldOutLives, with_held_out_variant
from koki2_train.experiment import Experiment
from koki2_train.experiment.settings import NURSING, join_settings
from koki2_train.runs.chunks import RunOptions
from koki2_train.runs.directory import RunDirectory
from koki2_train.runs.runner import Observer, run_trial
from koki2_train.studies.cells import Cell, CellChampions, baselines_on, mean_with_interval

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class FactorialCell(Cell):
    """One combination of factors.

    Attributes:
        name: the factors that are on, joined by ``+``; ``none`` where all are off.
        experiment: what is run; its number of generations fits the budget.
        levels: whether each factor is on.
        env_steps: world steps that it takes.
    """

    levels: Mapping[str, bool]
    env_steps: int


def make_cells(rung: str, settings: Settings, factors: Mapping[str, Settings]) -> list[FactorialCell]:
    """All combinations of factors, each with as many generations as the budget of the cell without factors pays for.

    Args:
        rung: the rung.
        settings: of all cells.
        factors: settings of each factor while it is on, by the factor's name.

    Raises:
        ValueError, TypeError: invalid settings, or two factors that set the same one.
    """
    owner: dict[str, str] = {}
    for name, values in factors.items():
        for setting in [*(name for name in values if name != NURSING), *values.get(NURSING, {})]:
            if setting in owner:
                raise ValueError(f"factors {owner[setting]!r} and {name!r} both set {setting}")
            owner[setting] = name
    base = Experiment.build(rung, settings)
    budget = base.env_steps(base.evolution.generations)
    cells = []
    for levels in itertools.product((False, True), repeat=len(factors)):
        on = [name for name, level in zip(factors, levels, strict=True) if level]
        merged = dict(settings)
        for name in on:
            merged = join_settings(merged, factors[name])
        experiment = Experiment.build(rung, merged)
        generations = _affordable(experiment, budget)
        evolution = dataclasses.replace(experiment.evolution, generations=generations)
        experiment = dataclasses.replace(experiment, evolution=evolution)
        cells.append(
            FactorialCell(
                "+".join(on) or "none",
                experiment,
                dict(zip(factors, levels, strict=True)),
                experiment.env_steps(generations),
            )
        )
    return cells


def run_cells(
    cells: Sequence[FactorialCell],
    seeds: Sequence[int],
    out: Path,
    options: RunOptions,
    *,
    resume: bool,
    observe: Callable[[FactorialCell, int], Observer],
) -> bool:
    """Evolves every cell with every seed into ``out/<cell>/seed<k>``.

    Returns:
        Whether all came to their end; False after an interrupt.

    Raises:
        RunError: a directory cannot be used so; nothing was changed.
    """
    planned = [(cell, cell.run(out, seed)) for cell, seed in itertools.product(cells, seeds)]
    for _, run in planned:
        run.check()
    for cell, run in planned:
        observer = observe(cell, run.trial.seed)
        result = run_trial(run.directory, run.trial, options, resume=resume, observer=observer)
        if result.interrupted or (result.stop_asked and run is not planned[-1][1]):
            return False
    return True


def evaluate_cells(
    cells: Sequence[FactorialCell], seeds: Sequence[int], out: Path, episodes: int, test_seed: int
) -> dict[str, Any]:
    """Evaluates all champions on the same held-out lives in the world of the cell without factors.

    Returns:
        ``{"cells": [...], "effects": [...], "baselines": {...}}``: per cell its budget, the viability test's pass
        rates, and fitness over seeds with a 95 % interval; per factor the difference it makes, paired by seed over the
        other factors. ``"held_out"`` has the same, without budgets and rates, of the rung's held-out variant, if it
        has one, with its ``"knobs"``.
    """
    champions = CellChampions(cells, seeds, out)

    def evaluate(knobs: Settings) -> dict[str, Any]:
        lives = HeldOutLives(cells[0].experiment.with_settings(knobs), episodes, test_seed)
        fitness: dict[str, list[float]] = {}
        described = []
        for cell in cells:
            _, report = champions.evaluate(cell, lives)
            fitness[cell.name] = list(report["fitness_by_seed"].values())
            named = {"cell": cell.name, "factors": dict(cell.levels)}
            described.append(named | {"fitness": mean_with_interval(fitness[cell.name])} | report)
        effects = [_effect(factor, cells, fitness) for factor in cells[0].levels]
        return {"cells": described, "effects": effects, "baselines": baselines_on(lives)}

    result = with_held_out_variant([cell.experiment for cell in cells], evaluate)
    for cell, described in zip(cells, result["cells"], strict=True):
        described.update(_evolved(cell, champions.runs[cell.name]))
    return result


def _evolved(cell: FactorialCell, runs: Sequence[RunDirectory]) -> dict[str, Any]:
    """What a cell's evolution took, and how many of its genomes were viable."""
    rates = np.asarray([[row["pass_rate"] for row in _ends(run)] for run in runs])
    return {
        "generations": cell.experiment.evolution.generations,
        "env_steps": cell.env_steps,
        "pass_rate_first": float(rates[:, 0].mean()),
        "pass_rate_last": float(rates[:, 1].mean()),
    }


def _effect(factor: str, cells: Sequence[FactorialCell], fitness: Mapping[str, list[float]]) -> dict[str, Any]:
    on = np.mean([fitness[cell.name] for cell in cells if cell.levels[factor]], axis=0)
    off = np.mean([fitness[cell.name] for cell in cells if not cell.levels[factor]], axis=0)
    return {"factor": factor, "difference": mean_with_interval(on - off)}


def _ends(run: RunDirectory) -> tuple[dict[str, Any], dict[str, Any]]:
    rows = run.read_generations()
    return rows[0], rows[-1]


def _affordable(experiment: Experiment, budget: int) -> int:
    """The largest number of generations, at least 1, that ``budget`` world steps pay for."""
    generations = max(1, budget // experiment.env_steps_per_generation)
    while generations > 1 and experiment.env_steps(generations) > budget:
        generations -= 1
    return generations
