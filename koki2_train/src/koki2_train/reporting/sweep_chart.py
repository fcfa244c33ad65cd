"""Sweep chart: a curve over one knob, heat maps over two or more."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from koki2_envs.rendering import save_figure
from koki2_envs.rendering.style import (
    BLUE,
    FONT,
    INK,
    LABEL_SIZE,
    QUIET,
    TICK_SIZE,
    Key,
    dress,
    heading,
    house_style,
    legend,
    new_figure,
    tint,
)
from koki2_envs.rendering.text import literal, shortened
from koki2_train.reporting.charts import draw_references
from koki2_train.reporting.knob_titles import long_title, short_title

_DPI = 120
# Inches.
_COLUMN, _CELL_WIDTH, _CELL_HEIGHT = 0.95, 1.15, 0.55
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.95, 1.25, 1.1, 0.95
_GAP = 1.0
_LEAST_WIDTH, _HEIGHT = 7.5, 4.6
_DOT, _ASIDE = 0.075, 0.12  # a seed's dot, and where the first one stands beside the mean
_MAPS_IN_A_ROW = 3
_LONGEST = 16  # characters of a line at an axis
_NEAR = 0.03  # values this near, as a share of their range, do not stand to scale

Result = Mapping[str, Any]


def sweep_chart(result: Result) -> Figure:
    """Draws what ``sweep.json`` holds.

    With one knob each cell is its mean over seeds with the 95 % interval, and a dot for each seed; with two a heat map
    of means and half-widths of the intervals; with more a map for each combination of the knobs after the second.

    Args:
        result: the contents of ``sweep.json``; with those of its ``"held_out"`` on top, the held-out variant is drawn.

    Returns:
        A matplotlib figure, not registered with pyplot.
    """
    with house_style():
        figure = _curve(result) if len(result["grid"]) == 1 else _maps(result)
        side = " (held-out variant)" if "knobs" in result else ""
        what = " × ".join(short_title(result["rung"], name) for name in result["grid"])
        heading(figure, f"{result['rung']}{side}: {what}", _facts(result), left=0.3, top=0.2)
    return figure


def write_sweep_chart(result: Result, path: Path) -> Path:
    """Writes :func:`sweep_chart` to ``path``, a PNG.

    Raises:
        OSError: the file cannot be written.
    """
    return save_figure(sweep_chart(result), path)


def _facts(result: Result) -> str:
    world = "the world of adults" if result["test_world"] == "adult" else "the world each was evolved in"
    facts = [
        f"champions of {len(result['seeds'])} seeds a cell on {result['test_episodes']} held-out lives in {world}",
        f"{result['generations']} generations",
    ]
    if len(result["grid"]) > 1 and len(result["seeds"]) > 1:
        facts.append("± half the 95 % interval of the mean")
    return " · ".join(facts)


def _curve(result: Result) -> Figure:
    (name,) = result["grid"]
    cells = result["cells"]
    texts = [cell["values"][name] for cell in cells]
    places, are_numbers, to_scale = _places(texts)
    figure, ax = _axes(max(_LEAST_WIDTH, _LEFT + _RIGHT + _COLUMN * len(cells)), _HEIGHT)
    baselines = {policy: metric["mean"] for policy, metric in result.get("baselines", {}).items()}
    gap = min(np.diff(np.sort(places)), default=1.0)
    ax.set_xlim(min(places) - 0.4 * gap, max(places) + 0.6 * gap)
    ax.set_ylim(*_limits(cells, list(baselines.values())))
    means = [cell["metrics"]["fitness"]["mean"] for cell in cells]
    for place, cell in zip(places, cells, strict=True):
        _draw_cell(ax, place, 0.5 * gap, cell)
    if are_numbers:
        ordered = np.argsort(places)
        ax.plot(np.asarray(places)[ordered], np.asarray(means)[ordered], color=BLUE, lw=1.2, zorder=5)
    ax.set_xticks(places, [_tick(text) for text in texts])
    title = long_title(result["rung"], name) + " (not to scale)" * (are_numbers and not to_scale)
    ax.set_xlabel(textwrap.fill(title, int(12 * ax.get_position().width * figure.get_figwidth())))
    ax.set_ylabel("held-out fitness (mean over lives)")
    ax.grid(axis="y", color=tint(QUIET, 0.2), lw=0.6)
    ax.set_axisbelow(True)
    draw_references(ax, baselines)
    mean = Line2D([], [], color=BLUE, marker="D", ms=7, mec="white", lw=1.2 if are_numbers else 0)
    keys: list[Key] = [(mean, "mean over seeds")]
    if cells[0]["metrics"]["fitness"]["ci95"][0] is not None:
        keys.append((Line2D([], [], color=BLUE, lw=2.0), "95 % interval of the mean"))
    keys.append((Line2D([], [], color=tint(BLUE, 0.45), marker="o", ms=4.5, mec="white", lw=0), "one seed each"))
    legend(ax, keys, loc="lower left", bbox_to_anchor=(0.0, 1.01), ncols=3, columnspacing=1.5)
    return figure


def _draw_cell(ax: Any, place: float, room: float, cell: Any) -> None:
    """Mean and interval at ``place``, and the seeds at its right within ``room``."""
    fitness = cell["metrics"]["fitness"]
    values = np.asarray(list(cell["fitness_by_seed"].values()), np.float64)
    width, height = ax.get_position().size * ax.figure.get_size_inches()
    across, up = np.ptp(ax.get_xlim()) / width, np.ptp(ax.get_ylim()) / height  # per inch
    ranks = _ranks_beside(values, _DOT * up)
    step = min(_DOT, (room / across - _ASIDE) / max(ranks.max(), 1))
    seeds = {"ms": 4.5, "color": tint(BLUE, 0.45), "mec": "white", "mew": 0.5, "zorder": 5.5}
    ax.plot(place + across * (_ASIDE + step * ranks), values, "o", label="seeds", **seeds)
    low, high = fitness["ci95"]
    if low is not None:
        ax.plot([place, place], [low, high], color=BLUE, lw=2.0, solid_capstyle="butt", zorder=4)
    ax.plot([place], [fitness["mean"]], "D", ms=7, color=BLUE, mec="white", mew=0.8, zorder=6)


def _ranks_beside(values: np.ndarray, near: float) -> np.ndarray:
    """For every value how many others stand before it in its row: values this near share one; (n,) int."""
    ranks = np.zeros(values.size, int)
    first, rank = -np.inf, 0
    for index in np.argsort(values, kind="stable"):
        first, rank = (first, rank + 1) if values[index] - first < near else (values[index], 0)
        ranks[index] = rank
    return ranks


def _limits(cells: Sequence[Any], baselines: Sequence[float]) -> tuple[float, float]:
    """Of fitness. Intervals of few seeds are wide, and would flatten the rest; they are cut off where they do."""
    single = [value for cell in cells for value in cell["fitness_by_seed"].values()]
    low, high = min(*single, *baselines, np.inf), max(*single, *baselines, -np.inf)
    span = high - low or abs(high) or 1.0
    ends = [end for cell in cells for end in cell["metrics"]["fitness"]["ci95"] if end is not None]
    low, high = max(min([low, *ends]), low - span), min(max([high, *ends]), high + span)
    return low - 0.06 * span, high + 0.06 * span


def _places(texts: Sequence[str]) -> tuple[list[float], bool, bool]:
    """Where values stand on the axis, whether they are numbers, and whether these stand to scale."""
    in_order = [float(place) for place in range(len(texts))]
    try:
        places = [float(text) for text in texts]
    except ValueError:
        return in_order, False, False
    apart = np.diff(np.sort(places))
    if len(texts) > 1 and apart.min() < _NEAR * apart.sum():
        return np.argsort(np.argsort(places)).astype(float).tolist(), True, False
    return places, True, True


def _tick(text: str) -> str:
    """A value at an axis, in lines that are not too long."""
    lines = literal(text).replace("_", "\n").replace("+", "\n+ ").split("\n")
    return "\n".join(shortened(line, _LONGEST) for line in lines)


def _axes(width: float, height: float) -> tuple[Figure, Any]:
    figure = new_figure(width, height, _DPI)
    box = (_LEFT / width, _BOTTOM / height, (width - _LEFT - _RIGHT) / width, (height - _TOP - _BOTTOM) / height)
    ax = figure.add_axes(box)
    dress(ax)
    return figure, ax


def _maps(result: Result) -> Figure:
    """A map for each combination of values of the third knob and those after it."""
    across, down, *further = result["grid"]
    columns, rows = result["grid"][across], result["grid"][down]
    panels = list(itertools.product(*(result["grid"][name] for name in further)))
    cells = {tuple(cell["values"].values()): cell for cell in result["cells"]}
    means = np.asarray([cell["metrics"]["fitness"]["mean"] for cell in result["cells"]])
    wide, high = len(columns) * _CELL_WIDTH, len(rows) * _CELL_HEIGHT
    in_a_row = min(len(panels), _MAPS_IN_A_ROW)
    lines = -(-len(panels) // in_a_row)
    width = max(_LEAST_WIDTH, _LEFT + in_a_row * (wide + _GAP))
    height = _TOP + lines * (high + _GAP) - 0.3
    figure = new_figure(width, height, _DPI)
    for index, panel in enumerate(panels):
        left = _LEFT + (index % in_a_row) * (wide + _GAP)
        bottom = height - _TOP - (index // in_a_row) * (high + _GAP) - high
        ax = figure.add_axes((left / width, bottom / height, wide / width, high / height))
        drawn = [[cells[column, row, *panel] for column in columns] for row in rows]
        _draw_map(ax, drawn, columns, rows, (float(means.min()), float(means.max())))
        style: dict[str, Any] = {"family": FONT, "color": INK, "size": LABEL_SIZE}
        ax.set_xlabel(short_title(result["rung"], across), **style)
        ax.set_ylabel(short_title(result["rung"], down), **style)
        if panel:
            named = zip(further, panel, strict=True)
            title = ", ".join(f"{short_title(result['rung'], name)} {literal(text)}" for name, text in named)
            ax.set_title(title, loc="left", **style)
    return figure


def _draw_map(
    ax: Any, cells: list[list[Any]], columns: Sequence[str], rows: Sequence[str], limits: tuple[float, float]
) -> None:
    low, high = limits
    for y, line in enumerate(cells):
        for x, cell in enumerate(line):
            fitness = cell["metrics"]["fitness"]
            share = (fitness["mean"] - low) / (high - low) if high > low else 0.5
            tile = Rectangle((x - 0.49, y - 0.48), 0.98, 0.96, facecolor=tint(BLUE, 0.08 + 0.8 * share), lw=0)
            ax.add_patch(tile)
            below, above = fitness["ci95"]
            spread = "" if below is None else f"\n± {(above - below) / 2:.1f}"
            colour = "white" if share > 0.6 else INK
            text = f"{fitness['mean']:.1f}{spread}"
            ax.text(x, y, text, ha="center", va="center", size=TICK_SIZE, color=colour, family=FONT)
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(-0.5, len(rows) - 0.5)
    ax.set_xticks(range(len(columns)), [_tick(text) for text in columns])
    ax.set_yticks(range(len(rows)), [_tick(text) for text in rows])
    ax.tick_params(length=0, labelsize=TICK_SIZE, colors=INK, labelfontfamily=FONT)
    for spine in ax.spines.values():
        spine.set_visible(False)
