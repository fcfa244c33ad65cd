"""Comparison chart: every seed of every arm and control, and the reward within life."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from koki2_envs.rendering import save_figure
from koki2_envs.rendering.style import (
    BLUE,
    DASHED,
    DOTTED,
    FONT,
    GREEN,
    INK,
    PURPLE,
    QUIET,
    SECOND,
    SKY,
    SOLID,
    TICK_SIZE,
    VERMILLION,
    Dashes,
    Key,
    dress,
    fit_legend,
    heading,
    house_style,
    legend,
    new_figure,
    tint,
)
from koki2_envs.rendering.text import literal, shortened
from koki2_train.reporting.charts import draw_references, limit_to

_DPI = 120
# Inches.
_LEFT, _TOP, _BOTTOM, _HEIGHT = 0.95, 1.55, 1.35, 6.1
_COLUMN, _CONTROL, _APART = 0.6, 0.14, 0.22  # an arm, one of its controls, and what is left before the next arm
_LEAST_WIDTH = 4.2
_POLICIES, _AXIS = 1.15, 0.75  # room for the labels of policies, and for the axis of the curves
_CURVES, _NAMES = 4.2, 2.05
_LONGEST = 22  # characters of a name

_COLOURS = (VERMILLION, BLUE, GREEN, PURPLE, SECOND.colour, SKY)
_LINES: tuple[Dashes, ...] = (SOLID, DASHED, DOTTED, (6, 1.5, 1.2, 1.5))
_CONTROLS = "vs^pP*hX"
"""Markers of controls, in the order of the plan."""

_SEED: dict[str, Any] = {"ms": 4.6, "mec": "white", "mew": 0.4}
_MEAN: dict[str, Any] = {"ms": 6.0, "mec": "white", "mew": 0.6}

Result = Mapping[str, Any]


def comparison_chart(result: Result, world: Result | None = None, where: str = "") -> Figure:
    """Draws a result of ``comparison.json``.

    On the left every arm: a dot for each seed, always in the same order, and their mean with its 95 % interval;
    controls are paler, beside their arm; reference policies are lines. On the right the reward per step within life.

    Args:
        result: the contents of ``comparison.json``.
        world: what is drawn of it: ``result["held_out"]`` or one of ``result["tests"]``; the world of evaluation where
            None.
        where: words for that world.

    Returns:
        A matplotlib figure, not registered with pyplot.
    """
    world = result if world is None else world
    looks = _looks([arm["arm"] for arm in world["arms"]], result["baseline"])
    columns = _columns(world)
    across = columns[-1].right + _APART
    width = _LEFT + across + _POLICIES + _AXIS + _CURVES + _NAMES
    with house_style():
        figure = new_figure(width, _HEIGHT, _DPI)
        seeds = _axes(figure, _LEFT, across)
        curves = _axes(figure, _LEFT + across + _POLICIES + _AXIS, _CURVES)
        _draw_seeds(seeds, result, world, columns, looks)
        _draw_curves(curves, world["arms"], looks)
        heading(figure, result["title"], result["question"], left=0.3, top=0.2)
        heading(figure, "", _facts(result, where), left=0.3, top=0.44)
    return figure


def write_comparison_charts(result: Result, folder: Path) -> list[Path]:
    """Writes ``comparison.png`` into a folder, and one more for the held-out variant and for each test.

    Returns:
        The paths that were written.

    Raises:
        OSError: a file cannot be written.
    """
    paths = [save_figure(comparison_chart(result), folder / "comparison.png")]
    if "held_out" in result:
        figure = comparison_chart(result, result["held_out"], "held-out variant")
        paths.append(save_figure(figure, folder / "comparison_held_out.png"))
    for name, test in result["tests"].items():
        figure = comparison_chart(result, test, f"test {name}")
        paths.append(save_figure(figure, folder / f"comparison_test_{name}.png"))
    return paths


class _Column:
    """A column of the left panel: an arm, or a control of the arm before it.

    Attributes:
        entry: what the result holds of it.
        left: where it begins, in inches.
        width: how wide it is, in inches.
        arm: the arm's name.
        control: the control's; None for the arm itself.
    """

    def __init__(self, entry: Result, left: float, width: float):
        self.entry, self.left, self.width = entry, left, width
        self.arm, self.control = str(entry["arm"]), entry.get("control")

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


def _columns(world: Result) -> list[_Column]:
    """The columns from left to right; few of them are wider."""
    groups = [[arm, *(each for each in world["controls"] if each["arm"] == arm["arm"])] for arm in world["arms"]]
    least = sum(_COLUMN + _APART + _CONTROL * (len(group) - 1) for group in groups) + _APART
    scale = max(1.0, _LEAST_WIDTH / least)
    columns, left = [], scale * _APART
    for group in groups:
        for entry in group:
            columns.append(_Column(entry, left, scale * (_CONTROL if "control" in entry else _COLUMN)))
            left = columns[-1].right
        left += scale * _APART
    return columns


def _looks(arms: Sequence[str], baseline: str) -> dict[str, tuple[str, Dashes]]:
    """Colour and dashes of each arm; the baseline is grey, and no two arms look the same before the 24th."""
    looks = {baseline: (QUIET, SOLID)}
    for index, arm in enumerate(arm for arm in arms if arm != baseline):
        looks[arm] = (_COLOURS[index % len(_COLOURS)], _LINES[index % len(_LINES)])
    return looks


def _axes(figure: Figure, left: float, width: float) -> Any:
    whole = figure.get_figwidth()
    ax = figure.add_axes((left / whole, _BOTTOM / _HEIGHT, width / whole, (_HEIGHT - _TOP - _BOTTOM) / _HEIGHT))
    dress(ax)
    ax.grid(axis="y", color=tint(QUIET, 0.2), lw=0.6)
    ax.set_axisbelow(True)
    return ax


def _draw_seeds(ax: Any, result: Result, world: Result, columns: list[_Column], looks: Mapping[str, Any]) -> None:
    name = result["primary"]
    policies = {policy: metrics[name]["mean"] for policy, metrics in world.get("policies", {}).items()}
    controls = dict.fromkeys(column.control for column in columns if column.control)
    markers = dict(zip(controls, itertools.cycle(_CONTROLS), strict=False))
    values = [np.asarray([row[name] for row in column.entry["by_seed"].values()]) for column in columns]
    ax.set_xlim(0, columns[-1].right + _APART)
    limit_to(ax, values, policies)
    for column, seeds in zip(columns, values, strict=True):
        colour = looks[column.arm][0]
        if column.control:
            _draw_control(ax, column, seeds, colour, markers[column.control])
        else:
            _draw_arm(ax, column, seeds, colour)
    draw_references(ax, policies)
    arms = [column for column in columns if not column.control]
    labels = [literal(shortened(column.arm, _LONGEST)) for column in arms]
    ax.set_xticks([each.middle for each in arms], labels, rotation=35, ha="right", rotation_mode="anchor")
    ax.set_ylabel(f"{name.replace('_', ' ')} (mean over lives)")
    _explain(ax, markers)


def _draw_arm(ax: Any, column: _Column, seeds: np.ndarray, colour: str) -> None:
    """Mean and interval at the left of a column, and the seeds beside it, always in the same order."""
    summary = column.entry["primary"]
    at, first = column.left + 0.2 * column.width, column.left + 0.35 * column.width
    places = first + 0.6 * column.width * (np.arange(seeds.size) + 0.5) / seeds.size
    ax.plot(places, seeds, "o", color=tint(colour, 0.5), zorder=4, **_SEED)
    ax.plot([at, at], summary["ci95"], color=colour, lw=2.0, solid_capstyle="butt", zorder=5)
    ax.plot([at], [summary["mean"]], "D", color=colour, zorder=6, **_MEAN)


def _draw_control(ax: Any, column: _Column, seeds: np.ndarray, colour: str, marker: str) -> None:
    """The seeds in one line, and a bar across it for their mean."""
    ax.plot(np.full(seeds.size, column.middle), seeds, marker, color=tint(colour, 0.4), zorder=4, **_SEED)
    margin, mean = 0.1 * column.width, column.entry["primary"]["mean"]
    ax.plot(
        [column.left + margin, column.right - margin],
        [mean, mean],
        color=tint(colour, 0.8),
        lw=1.6,
        solid_capstyle="butt",
        zorder=5,
    )


def _explain(ax: Any, markers: Mapping[str, str]) -> None:
    """The legend of the left panel."""
    mean = Line2D([], [], color=QUIET, marker="D", lw=2.0, **_MEAN)
    faint = {"color": tint(QUIET, 0.6), "lw": 0, **_SEED}
    keys: list[Key] = [(mean, "mean over seeds, 95 % interval"), (Line2D([], [], marker="o", **faint), "one seed each")]
    keys += [(Line2D([], [], marker=marker, **faint), name.replace("_", " ")) for name, marker in markers.items()]
    drawn = legend(ax, keys, loc="lower left", bbox_to_anchor=(0.0, 1.02), ncols=4 if markers else 2, columnspacing=1.5)
    fit_legend(drawn, ax.get_position().width * ax.figure.get_figwidth() + _POLICIES)


def _draw_curves(ax: Any, arms: Sequence[Result], looks: Mapping[str, Any]) -> None:
    keys: list[Key] = []
    lines = []
    for arm in arms:
        colour, dashes = looks[arm["arm"]]
        mean = np.asarray(arm["curve"]["mean"], np.float64)
        low, high = np.asarray(arm["curve"]["ci95"], np.float64).T
        phase = (np.arange(mean.size) + 0.5) / mean.size
        style: dict[str, Any] = {"color": colour, "lw": 1.8, "ls": (0, dashes) if dashes else "-"}
        ax.fill_between(phase, low, high, color=colour, alpha=0.13, lw=0, zorder=2)
        ax.plot(phase, mean, zorder=5, **style)
        keys.append((Line2D([], [], **style), shortened(arm["arm"], _LONGEST)))
        lines.append(mean)
    ax.set_xlim(0.0, 1.0)
    limit_to(ax, lines, {"none": 0.0})
    ax.set_xlabel("phase of life φ (0 birth, 1 last step)")
    ax.set_ylabel("reward per step (mean over all lives)")
    drawn = legend(ax, keys, loc="upper left", bbox_to_anchor=(1.03, 1.0))
    fit_legend(drawn, _NAMES - 0.2)
    ax.set_title(
        "within life: mean over seeds, 95 % interval", loc="left", size=TICK_SIZE + 0.5, color=INK, family=FONT
    )


def _facts(result: Result, where: str) -> str:
    world = "one world without nursing" if result["test_world"] == "adult" else "each arm's own world"
    lives = f"{result['episodes']} held-out lives in {where or world}"
    return f"{result['rung']} · champions of {len(result['seeds'])} seeds an arm · {lives}"
