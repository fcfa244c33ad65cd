"""Sweep chart: a curve over one knob, heat maps over two or more."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from koki2_envs.rendering import save_figure
from koki2_envs.rendering.style import BLUE, FONT, INK, QUIET, TICK_SIZE, Key, dress, heading, legend, tint
from koki2_train.reporting.charts import draw_references

_DPI = 100
_CELL_WIDTH, _CELL_HEIGHT = 1.25, 0.62  # inches
_LEFT, _RIGHT, _TOP, _BOTTOM = 1.05, 1.25, 1.1, 0.85
_GAP = 1.1
_LEAST_WIDTH = 9.0
_MAPS_IN_A_ROW = 3

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
    figure = _curve(result) if len(result["grid"]) == 1 else _maps(result)
    side = " (held-out variant)" if "knobs" in result else ""
    heading(figure, f"{result['rung']}{side}: {' × '.join(_names(result))}", _facts(result), left=_LEFT, top=0.2)
    return figure


def write_sweep_chart(result: Result, path: Path) -> Path:
    """Writes :func:`sweep_chart` to ``path``, a PNG.

    Raises:
        OSError: the file cannot be written.
    """
    return save_figure(sweep_chart(result), path)


def _names(result: Result) -> list[str]:
    return [name.replace("_", " ") for name in result["grid"]]


def _facts(result: Result) -> str:
    world = "the world of adults" if result["test_world"] == "adult" else "the world each was evolved in"
    facts = [
        f"champions of {len(result['seeds'])} seeds a cell on {result['test_episodes']} held-out lives in {world}",
        f"{result['generations']} generations",
    ]
    if len(result["grid"]) > 1 and len(result["seeds"]) > 1:
        facts.append("± 95 %")
    return " · ".join(facts)


def _curve(result: Result) -> Figure:
    (name,) = result["grid"]
    cells = result["cells"]
    texts = [cell["values"][name] for cell in cells]
    places, are_numbers = _places(texts)
    figure, ax = _axes(max(_LEAST_WIDTH, _LEFT + _RIGHT + 0.95 * len(cells)), 5.2)
    aside = 0.012 * (max(places) - min(places) or 1.0)  # single seeds stand beside their mean
    means = [cell["metrics"]["fitness"]["mean"] for cell in cells]
    for place, mean, cell in zip(places, means, cells, strict=True):
        single = list(cell["fitness_by_seed"].values())
        ax.plot([place + aside] * len(single), single, "o", ms=4, color=tint(BLUE, 0.45), mec="none", zorder=3)
        low, high = cell["metrics"]["fitness"]["ci95"]
        if low is not None:
            ax.plot([place, place], [low, high], color=BLUE, lw=2.0, solid_capstyle="butt", zorder=4)
        ax.plot([place], [mean], "D", ms=7, color=BLUE, mec="white", mew=0.8, zorder=6)
    if are_numbers:
        ordered = np.argsort(places)
        ax.plot(np.asarray(places)[ordered], np.asarray(means)[ordered], color=BLUE, lw=1.2, zorder=5)
    ax.set_xticks(places, [text.replace("_", "\n").replace("+", "\n+ ") for text in texts])
    margin = 0.06 * (max(places) - min(places) or 1.0)
    ax.set_xlim(min(places) - margin, max(places) + margin)
    ax.set_xlabel(_names(result)[0])
    ax.set_ylabel("fitness (return of one life)")
    ax.grid(axis="y", color=tint(QUIET, 0.2), lw=0.6)
    ax.set_axisbelow(True)
    baselines = {policy: metric["mean"] for policy, metric in result.get("baselines", {}).items()}
    if baselines:
        low, high = ax.get_ylim()
        room = 0.05 * (max(high, *baselines.values()) - min(low, *baselines.values()))
        ax.set_ylim(min(low, *baselines.values()) - room, max(high, *baselines.values()) + room)
    draw_references(ax, baselines)
    keys: list[Key] = [(Line2D([], [], color=BLUE, marker="D", ms=7, mec="white", lw=1.2), "mean over seeds")]
    if cells[0]["metrics"]["fitness"]["ci95"][0] is not None:
        keys.append((Line2D([], [], color=BLUE, lw=2.0), "95 % interval of the mean"))
    keys.append((Line2D([], [], color=tint(BLUE, 0.45), marker="o", ms=4, lw=0), "single seeds"))
    legend(ax, keys, loc="lower left", bbox_to_anchor=(0.0, 1.01), ncols=3, columnspacing=1.5)
    return figure


def _places(texts: Sequence[str]) -> tuple[list[float], bool]:
    """Where values stand on the axis: numbers at their place, anything else one after the other; and which it is."""
    try:
        return [float(text) for text in texts], True
    except ValueError:
        return [float(place) for place in range(len(texts))], False


def _axes(width: float, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
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
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    for index, panel in enumerate(panels):
        left = _LEFT + (index % in_a_row) * (wide + _GAP)
        bottom = height - _TOP - (index // in_a_row) * (high + _GAP) - high
        ax = figure.add_axes((left / width, bottom / height, wide / width, high / height))
        drawn = [[cells[column, row, *panel] for column in columns] for row in rows]
        _draw_map(ax, drawn, columns, rows, (float(means.min()), float(means.max())))
        ax.set_xlabel(across.replace("_", " "), family=FONT, color=INK)
        ax.set_ylabel(down.replace("_", " "), family=FONT, color=INK)
        if panel:
            title = ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in zip(further, panel, strict=True))
            ax.set_title(title, loc="left", size=TICK_SIZE + 1, family=FONT, color=INK)
    return figure


def _draw_map(
    ax: Any, cells: list[list[Any]], columns: Sequence[str], rows: Sequence[str], limits: tuple[float, float]
) -> None:
    low, high = limits
    for y, line in enumerate(cells):
        for x, cell in enumerate(line):
            fitness = cell["metrics"]["fitness"]
            share = (fitness["mean"] - low) / (high - low) if high > low else 0.5
            ax.add_patch(_tile(x, y, tint(BLUE, 0.08 + 0.8 * share)))
            below, above = fitness["ci95"]
            spread = "" if below is None else f"\n± {(above - below) / 2:.1f}"
            colour = "white" if share > 0.6 else INK
            text = f"{fitness['mean']:.1f}{spread}"
            ax.text(x, y, text, ha="center", va="center", size=TICK_SIZE, color=colour, family=FONT)
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(-0.5, len(rows) - 0.5)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0, labelsize=TICK_SIZE, colors=INK, labelfontfamily=FONT)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _tile(x: int, y: int, colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.49, y - 0.48), 0.98, 0.96, facecolor=colour, lw=0)
