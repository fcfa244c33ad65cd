"""Factorial studies: every on/off combination of factors at equal budget, and what each factor changes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from koki2_train.evaluation import HeldOutLives, with_held_out_variant
from koki2_train.experiment import Experiment
from koki2_train.experiment.settings import ALIASES, NURSING, by_full_name, join_settings
from koki2_train.runs.directory import RunDirectory, RunError
from koki2_train.studies.cells import (
    Cell,
    CellChampions,
    baselines_on,
    check_folders,
    check_names,
    mean_with_interval,
)
from koki2_train.studies.equal_budget import at_budget

Settings = Mapping[str, Any]

NO_FACTOR = "none"
"""The name of the cell in which all factors are off."""


@dataclass(frozen=True)
class FactorialCell(Cell):
    """One combination of factors.

    Attributes:
        name: the factors that are on, joined by ``+``; :data:`NO_FACTOR` where all are off.
        experiment: what is run; its number of generations fits the budget.
        levels: whether each factor is on.
        env_steps: world steps that it takes.
    """

    levels: Mapping[str, bool]
    env_steps: int


def make_cells(rung: str, settings: Settings, factors: Mapping[str, Settings]) -> list[FactorialCell]:
    """All combinations of factors, each with as many generations as the budget of the cell without factors pays for.

    A budget that no number of generations comes close to gives a :class:`RunWarning`.

    Args:
        rung: the rung.
        settings: of all cells.
        factors: settings of each factor while it is on, by the factor's name.

    Raises:
        ValueError, TypeError: invalid names or settings, two factors that set the same one, one that changes nothing,
            one that sets the number of generations, or a cell whose first generation is beyond the budget.
    """
    check_names("factor", factors)
    for name in factors:
        if name.casefold() == NO_FACTOR:
            raise ValueError(f"factor {name!r}: {NO_FACTOR} is the name of the cell without factors")
    _check_settings(factors)
    base = Experiment.build(rung, settings)
    budget = base.env_steps_of_run(base.evolution.generations)
    cells = []
    for levels in itertools.product((False, True), repeat=len(factors)):
        on = [name for name, level in zip(factors, levels, strict=True) if level]
        merged, name = by_full_name(settings.items()), "+".join(on) or NO_FACTOR
        for factor in on:
            merged = join_settings(merged, by_full_name(factors[factor].items()))
        try:
            experiment = Experiment.build(rung, merged)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{name}: {error}") from None
        if len(on) == 1 and experiment == base:
            raise ValueError(f"factor {name!r} changes nothing: its settings are those without it")
        experiment = at_budget(name, experiment, budget)
        steps = experiment.env_steps_of_run(experiment.evolution.generations)
        cells.append(FactorialCell(name, experiment, dict(zip(factors, levels, strict=True)), steps))
    check_folders(cells)
    return cells


def _check_settings(factors: Mapping[str, Settings]) -> None:
    """Rejects settings of two factors, and what is not a factor's to set."""
    owner: dict[str, str] = {}
    for factor, values in factors.items():
        names = [ALIASES.get(name, name) for name in values if name != NURSING]
        for name in (*names, *values.get(NURSING, {})):
            if name == "generations":
                raise ValueError(f"factor {factor!r} sets generations, but all cells have the same budget")
            if name in owner:
                raise ValueError(f"factors {owner[name]!r} and {factor!r} both set {name}")
            owner[name] = factor


def evaluate_cells(
    cells: Sequence[FactorialCell],
    seeds: Sequence[int],
    out: Path,
    episodes: int,
    test_seed: int,
    *,
    own_world: bool = False,
) -> dict[str, Any]:
    """Evaluates all champions, each with the brain that it evolved with, on the same held-out lives.

    Args:
        cells: all combinations, the one without factors first.
        seeds: of each cell.
        out: where their runs are.
        episodes: number of lives.
        test_seed: which lives.
        own_world: whether each cell is evaluated in the world that it evolved in; else all in that of
            :func:`world_without_factors`.

    Returns:
        ``{"cells": [...], "effects": [...], "interactions": [...], "baselines": {...}}``: per cell its budget, the
        viability test's pass rates, and fitness over seeds with a 95 % interval; and what :func:`effects_of` gives.
        ``baselines`` only where all share a world. ``"held_out"`` has the same, without budgets and rates, of the
        rung's held-out variant, if it has one, with its ``"knobs"``.
    """
    champions = CellChampions(cells, seeds, out)

    def evaluate(knobs: Settings) -> dict[str, Any]:
        def world(experiment: Experiment) -> HeldOutLives:
            return HeldOutLives(experiment.with_settings(knobs), episodes, test_seed)

        shared = world(world_without_factors(cells))
        fitness: dict[str, list[float]] = {}
        described = []
        for cell in cells:
            _, report = champions.evaluate(cell, world(cell.experiment) if own_world else shared)
            fitness[cell.name] = list(report["fitness_by_seed"].values())
            named = {"cell": cell.name, "factors": dict(cell.levels)}
            described.append(named | {"fitness": mean_with_interval(fitness[cell.name])} | report)
        baselines = {} if own_world else {"baselines": baselines_on(shared)}
        return {"cells": described} | effects_of(cells, fitness) | baselines

    result = with_held_out_variant([cell.experiment for cell in cells], evaluate)
    for cell, described in zip(cells, result["cells"], strict=True):
        described.update(_evolved(cell, champions.runs[cell.name]))
    return result


def world_without_factors(cells: Sequence[FactorialCell]) -> Experiment:
    """The experiment in whose world all are evaluated: that without factors and without nursing."""
    return cells[0].experiment.without_nursing()


def effects_of(cells: Sequence[FactorialCell], fitness: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Main effects of all factors and interactions of any two, each with a 95 % interval over seeds.

    The effect of A is the fitness with it minus the fitness without it, and the interaction of A and B the effect of A
    with B minus the effect of A without B, in each seed by itself and averaged over the levels of all other factors.

    Args:
        cells: all combinations of the factors.
        fitness: of the seeds of each cell, by its name, in one order.

    Returns:
        ``{"effects": [{"factor", "difference"}], "interactions": [{"factors", "difference"}]}``.
    """

    def difference(*factors: str) -> dict[str, Any]:
        signs = [np.prod([1 if cell.levels[factor] else -1 for factor in factors]) for cell in cells]
        weighted = [sign * np.asarray(fitness[cell.name]) for sign, cell in zip(signs, cells, strict=True)]
        each = len(cells) / 2 ** len(factors)  # how many cells share the levels of these factors
        return mean_with_interval(np.sum(weighted, axis=0) / each)

    factors = list(cells[0].levels)
    return {
        "effects": [{"factor": factor, "difference": difference(factor)} for factor in factors],
        "interactions": [
            {"factors": list(pair), "difference": difference(*pair)} for pair in itertools.combinations(factors, 2)
        ],
    }


def _evolved(cell: FactorialCell, runs: Sequence[RunDirectory]) -> dict[str, Any]:
    """What a cell's evolution took, and how many of its genomes were viable."""
    rates = np.asarray([[row["pass_rate"] for row in _ends(run)] for run in runs], np.float64)
    return {
        "generations": cell.experiment.evolution.generations,
        "env_steps": cell.env_steps,
        "pass_rate_first": float(rates[:, 0].mean()),
        "pass_rate_last": float(rates[:, 1].mean()),
    }


def _ends(run: RunDirectory) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first and the last row of its log."""
    rows = run.first_generations(run.read_trial().generations)
    for row in (rows[0], rows[-1]):
        if row.get("pass_rate") is None:
            raise RunError(f"{run}/generations.jsonl has no pass_rate of generation {row['generation']}")
    return rows[0], rows[-1]
