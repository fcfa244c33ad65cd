"""Sweeps: a full grid over knobs of the world and over nursing, at equal budget, each cell with the same seeds."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from koki2_envs.knobs import did_you_mean, knob_fields
from koki2_envs.ladder import Rung, rung
from koki2_envs.nursing import COMBINED, parse_nursing
from koki2_envs.nursing import NURSING as PRESETS
from koki2_train.experiment import (
    ALIASES,
    NURSING,
    Experiment,
    all_setting_names,
    join_settings,
    parse_setting,
    setting_fields,
)
from koki2_train.runs import PlannedRun

Settings = Mapping[str, Any]
Grid = Mapping[str, Sequence[str]]
MOST_RUNS = 10_000


@dataclass(frozen=True)
class Cell:
    """One point of the grid.

    Attributes:
        values: what varies, by name, as it was written.
        experiment: what is run.
    """

    values: Mapping[str, str]
    experiment: Experiment

    @property
    def name(self) -> str:
        """The values in one word."""
        return ",".join(f"{name}={value}" for name, value in self.values.items())

    def run(self, out: Path, seed: int) -> PlannedRun:
        """Its run of a seed, in the folder of the sweep."""
        return PlannedRun(self.experiment, seed, out / self.name.replace(":", "-") / f"seed{seed}")


def make_cells(rung_name: str, settings: Settings, grid: Grid) -> list[Cell]:
    """All points of a grid.

    Args:
        rung_name: the rung.
        settings: of all cells.
        grid: values by name, written as on a command line: of a knob of the world; of ``nursing``; or strengths of
            one of its presets, or of ``combined``.

    Raises:
        ValueError, TypeError: a name that cannot vary within one compiled program, a value that cannot be, a value
            given twice.
    """
    row = rung(rung_name)
    points = {name: {text: _setting(row, name, text) for text in values} for name, values in grid.items()}
    for name, values in grid.items():
        for index, text in enumerate(values):
            same = next(other for other in values if points[name][other] == points[name][text])
            if values.index(same) < index:
                raise ValueError(f"{name}: {text} is given twice" + (f", also as {same}" if same != text else ""))
        if name in settings:
            raise ValueError(f"{name} varies, and is also given as {settings[name]}")
    cells = []
    for texts in itertools.product(*points.values()):
        merged: dict[str, Any] = dict(settings)
        for name, text in zip(points, texts, strict=True):
            merged = join_settings(merged, points[name][text])
        cells.append(Cell(dict(zip(points, texts, strict=True)), Experiment.build(rung_name, merged)))
    return cells


def check_worlds(cells: Sequence[Cell]) -> None:
    """Refuses cells in which knobs cannot be together (imports JAX).

    Raises:
        ValueError, TypeError: naming the cell.
    """
    for cell in cells:
        try:
            cell.experiment.make_world()
        except (ValueError, TypeError) as error:
            raise type(error)(f"{cell.name}: {error}") from None


def _setting(row: Rung, name: str, text: str) -> dict[str, Any]:
    """What a value of the grid sets."""
    if name in (*PRESETS, COMBINED):
        return {NURSING: parse_nursing(f"{name}:{text}")}
    name = ALIASES.get(name, name)
    variable = [knob for knob in knob_fields(row.params) if knob != "max_steps_in_episode"]
    if name not in (*variable, NURSING):
        if name in (*setting_fields(row), *row.structure):
            raise ValueError(f"{name} is compiled in: within a sweep only knobs of the world and nursing vary")
        hint = f"; {row.id} has none" if name in all_setting_names() else did_you_mean(name, [*variable, *PRESETS])
        raise ValueError(f"unknown knob {name!r}{hint}")
    return {name: parse_setting(name, text)}


def assess_cells(
    base: Experiment,
    cells: Sequence[Cell],
    seeds: Sequence[int],
    out: Path,
    episodes: int,
    test_seed: int,
    *,
    own_world: bool,
) -> dict[str, Any]:
    """Evaluates all champions on held-out lives.

    Args:
        base: the settings that do not vary.
        cells: the grid.
        seeds: of each cell.
        out: where their runs are.
        episodes: number of lives.
        test_seed: which lives.
        own_world: whether each cell is judged in the world that it was evolved in; else all in that of ``base``, with
            every schedule at its end: the world of adults.

    Returns:
        ``{"cells": [...], "baselines": {...}}``: per cell all metrics over seeds with 95 % intervals, fitness by seed,
        and the difference in fitness to the first cell, paired by seed. ``baselines`` only where all share a world.
        Where the rung keeps a side of its world for tests, ``"held_out"`` says the same of that side, with the
        ``"knobs"`` that make it; not where a cell has another value of one of these knobs than the rung.
    """
    from koki2_train.assessment import HeldOut, load_champion, on_both_sides, stack_genomes
    from koki2_train.statistics import interval, mean_of_all, over_runs

    runs = {cell.name: [cell.run(out, seed).directory for seed in seeds] for cell in cells}
    champions = {
        cell.name: stack_genomes([load_champion(run, cell.experiment) for run in runs[cell.name]]) for cell in cells
    }

    def judge(knobs: Settings) -> dict[str, Any]:
        def world(experiment: Experiment) -> HeldOut:
            return HeldOut(experiment.with_settings(knobs), episodes, test_seed)

        adults = world(base.adult())
        described: list[dict[str, Any]] = []
        first: np.ndarray | None = None
        for cell in cells:
            lives = world(cell.experiment) if own_world else adults
            measured = lives.genomes(champions[cell.name], [f"champion of {run}" for run in runs[cell.name]])
            fitness = np.asarray([metrics["fitness"]["mean"] for metrics in measured])
            first = fitness if first is None else first
            difference = list(fitness - first)
            described.append(
                {
                    "cell": cell.name,
                    "values": dict(cell.values),
                    **over_runs(measured),
                    "fitness_by_seed": dict(zip(map(str, seeds), fitness.tolist(), strict=True)),
                    "normalized": mean_of_all([lives.normalised(metrics) for metrics in measured]),
                    "difference": {"mean": float(np.mean(difference)), "ci95": list(interval(difference))},
                }
            )
        result: dict[str, Any] = {"cells": described}
        if not own_world:
            result["baselines"] = {name: adults.policy(name)["fitness"] for name in ("random", "greedy", "oracle")}
        return result

    return on_both_sides([cell.experiment for cell in cells], judge)
