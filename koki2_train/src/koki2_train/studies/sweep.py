"""Sweeps: a full grid over knobs of world and brain and nursing, at equal budget, each cell with the same seeds."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from koki2_envs.knobs import knob_fields, spec_of
from koki2_envs.ladder import Rung, rung
from koki2_envs.suggestions import did_you_mean
from koki2_train.experiment import Experiment
from koki2_train.experiment.brain_nursing import NURSING_NAMES, parse_strengths
from koki2_train.experiment.registration import DEFAULT_PARTS, REGISTRIES
from koki2_train.experiment.settings import (
    ALIASES,
    NURSING,
    all_setting_names,
    join_settings,
    parse_setting,
    read_setting,
)
from koki2_train.studies.cells import Cell, CellChampions, baselines_on, check_folders, mean_with_interval

Settings = Mapping[str, Any]
Grid = Mapping[str, Sequence[str]]
MOST_RUNS = 10_000


@dataclass(frozen=True)
class SweepCell(Cell):
    """One point of the grid, named after its values.

    Attributes:
        name: the values in one word.
        experiment: what is run.
        values: what varies, by name, as it was written.
    """

    values: Mapping[str, str]


def make_cells(rung_name: str, settings: Settings, grid: Grid) -> list[SweepCell]:
    """All points of a grid.

    Args:
        rung_name: the rung.
        settings: of all cells.
        grid: values by name, written as on a command line: of a knob of the world; of a dynamic setting of the brain;
            of ``nursing``; or strengths of one of its presets, or of ``combined``.

    Raises:
        ValueError, TypeError: a name that cannot vary within one compiled program, an invalid value, or a value given
            twice.
    """
    row = rung(rung_name)
    brain = read_setting("brain", settings.get("brain", DEFAULT_PARTS["brain"]))
    dynamic = REGISTRIES["brain"][brain].settings.dynamic_fields()
    points = {name: {text: _setting(row, dynamic, name, text) for text in values} for name, values in grid.items()}
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
        written = dict(zip(points, texts, strict=True))
        word = ",".join(f"{name}={text}" for name, text in written.items())
        cells.append(SweepCell(word, Experiment.build(rung_name, merged), written))
    for name in grid:
        of_learning = name in dynamic and spec_of(dynamic[name]).group == "plasticity"
        if of_learning and not getattr(cells[0].experiment.brain.settings, "plast_enabled", True):
            raise ValueError(f"{name} does nothing in a brain that does not learn (plast_enabled)")
    check_folders(cells)
    return cells


def _setting(row: Rung, of_brain: Collection[str], name: str, text: str) -> dict[str, Any]:
    """What a value of the grid sets."""
    if name in NURSING_NAMES:
        return {NURSING: parse_strengths(f"{name}:{text}")}
    name = ALIASES.get(name, name)
    variable = [*(knob for knob in knob_fields(row.params) if knob != "max_steps_in_episode"), *of_brain]
    if name not in (*variable, NURSING):
        if name in (*Experiment.build(row.id).settings(), *row.structure):
            raise ValueError(
                f"{name} is compiled in: within a sweep only knobs of the world, dynamic settings of the brain and "
                "nursing vary"
            )
        hint = (
            f"; {row.id} has none" if name in all_setting_names() else did_you_mean(name, [*variable, *NURSING_NAMES])
        )
        raise ValueError(f"unknown knob {name!r}{hint}")
    return {name: parse_setting(name, text)}


def evaluate_cells(
    base: Experiment,
    cells: Sequence[SweepCell],
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
        own_world: whether each cell is evaluated in the world that it was evolved in; else all in that of ``base``,
            with every schedule at its end: without nursing.

    Returns:
        ``{"cells": [...], "baselines": {...}}``: per cell all metrics over seeds with 95 % intervals, fitness by seed,
        and the difference in fitness to the first cell, paired by seed. ``baselines`` only where all share a world.
        ``"held_out"`` has the same of the rung's held-out variant, if it has one, with its ``"knobs"``; not where a
        cell has another value of one of these knobs than the rung.
    """
    from koki2_train.evaluation import HeldOutLives, with_held_out_variant
    from koki2_train.evaluation.statistics import over_runs

    champions = CellChampions(cells, seeds, out)

    def evaluate(knobs: Settings) -> dict[str, Any]:
        def world(experiment: Experiment) -> HeldOutLives:
            return HeldOutLives(experiment.with_settings(knobs), episodes, test_seed)

        shared = world(base.without_nursing())
        described: list[dict[str, Any]] = []
        first: np.ndarray | None = None
        for cell in cells:
            measured, report = champions.evaluate(cell, world(cell.experiment) if own_world else shared)
            fitness = np.asarray(list(report["fitness_by_seed"].values()))
            first = fitness if first is None else first
            named = {"cell": cell.name, "values": dict(cell.values)}
            described.append(named | over_runs(measured) | report | {"difference": mean_with_interval(fitness - first)})
        return {"cells": described} | ({} if own_world else {"baselines": baselines_on(shared)})

    return with_held_out_variant([cell.experiment for cell in cells], evaluate)
