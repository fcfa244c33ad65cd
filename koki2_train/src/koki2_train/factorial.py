"""Factorial studies: every on/off combination of factors at equal budget, judged in one and the same adult world."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from koki2_train.assessment import HeldOut, load_champion, on_both_sides, stack_genomes
from koki2_train.experiment import NURSING, Experiment, join_settings
from koki2_train.run_directory import RunDirectory
from koki2_train.runner import Observer, RunOptions, run_experiment
from koki2_train.runs import PlannedRun
from koki2_train.statistics import interval, mean_of_all

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """One combination of factors.

    Attributes:
        name: the factors that are on, joined by ``+``; ``none`` where all are off.
        levels: whether each factor is on.
        experiment: what is run; its number of generations fits the budget.
        env_steps: world steps that it takes.
    """

    name: str
    levels: Mapping[str, bool]
    experiment: Experiment
    env_steps: int

    def run(self, out: Path, seed: int) -> PlannedRun:
        """Its run of a seed, in the folder of the study."""
        return PlannedRun(self.experiment, seed, out / self.name / f"seed{seed}")


def make_cells(rung: str, settings: Settings, factors: Mapping[str, Settings]) -> list[Cell]:
    """All combinations of factors, each with as many generations as the budget of the cell without factors pays for.

    Args:
        rung: the rung.
        settings: of all cells.
        factors: settings of each factor while it is on, by the factor's name.

    Raises:
        ValueError, TypeError: settings that cannot be, or two factors that set the same one.
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
            Cell(
                "+".join(on) or "none",
                dict(zip(factors, levels, strict=True)),
                experiment,
                experiment.env_steps(generations),
            )
        )
    return cells


def run_cells(
    cells: Sequence[Cell],
    seeds: Sequence[int],
    out: Path,
    options: RunOptions,
    *,
    resume: bool,
    observe: Callable[[Cell, int], Observer],
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
        observer = observe(cell, run.seed)
        result = run_experiment(run.directory, run.experiment, run.seed, options, resume=resume, observer=observer)
        if result.interrupted or (result.stop_asked and run is not planned[-1][1]):
            return False
    return True


def assess_cells(
    cells: Sequence[Cell], seeds: Sequence[int], out: Path, episodes: int, test_seed: int
) -> dict[str, Any]:
    """Evaluates all champions on the same held-out lives in the world of the cell without factors.

    Returns:
        ``{"cells": [...], "effects": [...], "baselines": {...}}``: per cell its budget, the viability test's pass
        rates, and fitness over seeds with a 95 % interval; per factor the difference it makes, paired by seed over the
        other factors. Where the rung keeps a side of its world for tests, ``"held_out"`` says of that side what lives
        there can say, with the ``"knobs"`` that make it.
    """
    runs = {cell.name: [cell.run(out, seed).directory for seed in seeds] for cell in cells}
    champions = {
        cell.name: stack_genomes([load_champion(run, cell.experiment) for run in runs[cell.name]]) for cell in cells
    }

    def judge(knobs: Settings) -> dict[str, Any]:
        lives = HeldOut(cells[0].experiment.with_settings(knobs), episodes, test_seed)
        fitness: dict[str, list[float]] = {}
        described = []
        for cell in cells:
            measured = lives.genomes(champions[cell.name], [f"champion of {run}" for run in runs[cell.name]])
            fitness[cell.name] = [metrics["fitness"]["mean"] for metrics in measured]
            described.append(
                {
                    "cell": cell.name,
                    "factors": dict(cell.levels),
                    "fitness": {"mean": float(np.mean(fitness[cell.name])), "ci95": list(interval(fitness[cell.name]))},
                    "fitness_by_seed": dict(zip(map(str, seeds), fitness[cell.name], strict=True)),
                    "normalized": mean_of_all([lives.normalised(metrics) for metrics in measured]),
                }
            )
        return {
            "cells": described,
            "effects": [_effect(factor, cells, fitness) for factor in cells[0].levels],
            "baselines": {name: lives.policy(name)["fitness"] for name in ("random", "greedy", "oracle")},
        }

    result = on_both_sides([cell.experiment for cell in cells], judge)
    for cell, described in zip(cells, result["cells"], strict=True):
        described.update(_evolved(cell, runs[cell.name]))
    return result


def _evolved(cell: Cell, runs: Sequence[RunDirectory]) -> dict[str, Any]:
    """What a cell's evolution took, and how many of its genomes were viable."""
    rates = np.asarray([[row["pass_rate"] for row in _ends(run)] for run in runs])
    return {
        "generations": cell.experiment.evolution.generations,
        "env_steps": cell.env_steps,
        "pass_rate_first": float(rates[:, 0].mean()),
        "pass_rate_last": float(rates[:, 1].mean()),
    }


def _effect(factor: str, cells: Sequence[Cell], fitness: Mapping[str, list[float]]) -> dict[str, Any]:
    on = np.mean([fitness[cell.name] for cell in cells if cell.levels[factor]], axis=0)
    off = np.mean([fitness[cell.name] for cell in cells if not cell.levels[factor]], axis=0)
    difference = on - off
    return {
        "factor": factor,
        "difference": {"mean": float(difference.mean()), "ci95": list(interval(list(difference)))},
    }


def _ends(run: RunDirectory) -> tuple[dict[str, Any], dict[str, Any]]:
    rows = run.read_generations()
    return rows[0], rows[-1]


def _affordable(experiment: Experiment, budget: int) -> int:
    """The largest number of generations, at least 1, that ``budget`` world steps pay for."""
    generations = max(1, budget // experiment.env_steps_per_generation)
    while generations > 1 and experiment.env_steps(generations) > budget:
        generations -= 1
    return generations
