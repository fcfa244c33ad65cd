"""Panels that share the time axis: body, senses, actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from matplotlib.lines import Line2D

from koki2_envs.rendering.scene import Curve, Event
from koki2_envs.rendering.style import FAINT, FONT, GHOST, INK, QUIET, TICK_SIZE, Key, dress, legend

BESIDE: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.015, 1.0)}


class Panel(NamedTuple):
    """One panel under (or beside) the world, with time in steps on its horizontal axis.

    Attributes:
        draw: draws into the axes it is given; limits of the time axis, spines and ticks are set for it.
        height: in inches.
    """

    draw: Callable[[Any], None]
    height: float


def prepare(ax: Any, num_lived: int, num_steps: int) -> None:
    """Style and time axis of a panel; time that was not lived is hatched."""
    dress(ax)
    ax.set_xlim(0, num_steps)
    if num_lived < num_steps:
        ax.axvspan(num_lived, num_steps, facecolor=GHOST, edgecolor=FAINT, hatch="////", linewidth=0, zorder=0)


def body_panel(levels: tuple[Curve, ...], events: tuple[Event, ...]) -> Panel:
    """Body variables over time; ``events``, where given, as marks above them."""

    def draw(ax: Any) -> None:
        keys: list[Key] = []
        for level in levels:
            style: dict[str, Any] = {
                "color": level.colour,
                "linewidth": 1.8,
                "linestyle": (0, (4, 1.5)) if level.dashed else "-",
            }
            ax.plot(np.arange(level.values.size), level.values, **style, zorder=3)
            keys.append((Line2D([], [], **style), level.name))
        for event in events:
            y = np.full(event.times.shape, 1.16)
            ax.scatter(
                event.times, y, s=16, marker=event.mark.marker, c=event.mark.colour, lw=0, zorder=4, clip_on=False
            )
        ax.set_ylim(0, 1.05)
        ax.set_yticks([0, 0.5, 1.0], ["0", "½", "1"])
        ax.set_ylabel("body")
        legend(ax, keys, **BESIDE)

    return Panel(draw, 0.95)


def sense_panel(sense: Curve, limit: float) -> Panel:
    """One sense as bars from zero, so that a silent step is a gap; a grey line shows the undistorted signal.

    Args:
        sense: what was sensed.
        limit: end of the vertical axis, both ways where the sense has both signs.
    """

    def draw(ax: Any) -> None:
        steps = np.arange(sense.values.size)
        ax.bar(steps, sense.values, width=1.0, align="edge", color=sense.colour, linewidth=0, zorder=3)
        if sense.undistorted is not None:
            true = sense.undistorted
            ax.stairs(true, np.arange(true.size + 1), color=QUIET, linewidth=0.9, baseline=None, zorder=2)
            sensed, perfect = (
                Line2D([], [], color=sense.colour, linewidth=6),
                Line2D([], [], color=QUIET, linewidth=0.9),
            )
            legend(ax, [(sensed, "sensed"), (perfect, "perfect sensor")], **BESIDE)
        ax.axhline(0, color=QUIET, linewidth=0.8, zorder=1)
        ends = (-limit, limit) if sense.signed else (0.0, limit)
        ax.set_ylim(1.08 * ends[0], 1.08 * ends[1])
        ticks = dict.fromkeys((ends[0], 0.0, ends[1]))
        ax.set_yticks(list(ticks), [f"{tick:g}".replace("-", "−") for tick in ticks])
        ax.set_ylabel(sense.name.replace(" ", "\n"))

    return Panel(draw, 0.8)


def action_panel(actions: np.ndarray, names: tuple[str, ...]) -> Panel:
    """Which action was chosen when: one row an action, with its share of the life at the right."""

    def draw(ax: Any) -> None:
        ax.grid(axis="y", color=FAINT, linewidth=0.6, zorder=0)
        for action, _ in enumerate(names):
            begins = np.flatnonzero(actions == action)
            ax.broken_barh([(b, 1) for b in begins], (action - 0.36, 0.72), facecolor=INK, linewidth=0, zorder=3)
            share = f"{begins.size / max(actions.size, 1):.0%}".replace("%", " %")
            style: dict[str, Any] = {"va": "center", "size": TICK_SIZE, "color": QUIET, "family": FONT}
            ax.text(1.015, action, share, transform=ax.get_yaxis_transform(), **style)
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.set_yticks(range(len(names)), names)
        ax.set_ylabel("action")

    return Panel(draw, 0.34 + 0.15 * len(names))


def common_limit(senses: tuple[Curve, ...]) -> float:
    """One end of the axis for all senses, so that they compare: the next of 1, 2, 5 times a power of ten."""
    curves = [c for sense in senses for c in (sense.values, sense.undistorted) if c is not None]
    largest = max((float(np.max(np.abs(curve), initial=0.0)) for curve in curves), default=0.0)
    if not np.isfinite(largest) or largest <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(largest))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= largest * (1 - 1e-6)))
