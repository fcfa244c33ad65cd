"""Panels that share the time axis: body, senses, actions."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from koki2_envs.rendering.scene import Curve, Event
from koki2_envs.rendering.style import FAINT, FONT, GHOST, INK, PAPER, QUIET, TICK_SIZE, Key, dress, legend, tint
from koki2_envs.rendering.text import literal, shortened

BESIDE: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.015, 1.0)}
_NO_EFFECT = tint(INK, 0.35)
_LONGEST_NAME = 18  # characters at an axis


class Panel(NamedTuple):
    """One panel under (or beside) the world, with time in steps on its horizontal axis.

    Attributes:
        draw: draws into the axes it is given; limits of the time axis, spines and ticks are set for it.
        height: in inches.
    """

    draw: Callable[[Any], None]
    height: float


def shown_steps(num_lived: int, num_steps: int) -> int:
    """Where the time axis ends: a little after the life, so that a short life is not lost on it."""
    return min(num_steps, math.ceil(1.25 * num_lived) + 1)


def prepare(ax: Any, num_lived: int, num_steps: int) -> None:
    """Style and time axis of a panel; time that was not lived is hatched."""
    dress(ax)
    end = shown_steps(num_lived, num_steps)
    ax.set_xlim(0, end)
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
    if num_lived < end:
        ax.axvspan(num_lived, end, facecolor=GHOST, edgecolor=FAINT, hatch="////", linewidth=0, zorder=0)


def body_panel(levels: tuple[Curve, ...], events: tuple[Event, ...]) -> Panel:
    """Body variables over time; ``events``, where given, as marks above them."""

    def draw(ax: Any) -> None:
        keys: list[Key] = []
        for level in levels:
            style: dict[str, Any] = {
                "color": level.colour,
                "linewidth": 1.8,
                "linestyle": (0, level.dashes) if level.dashes else "-",
            }
            ax.plot(np.arange(level.values.size), level.values, **style, zorder=3)
            keys.append((Line2D([], [], **style), level.name))
        for event in events:
            y = np.full(event.times.shape, 1.16)
            look: dict[str, Any] = {"marker": event.mark.marker, "c": event.mark.colour, "ec": PAPER, "lw": 0.4}
            ax.scatter(event.times, y, s=20, zorder=4, clip_on=False, **look)
        ax.set_ylim(0, 1.05)
        ax.set_yticks([0, 0.5, 1.0], ["0", "½", "1"])
        ax.set_ylabel("body")
        legend(ax, keys, **BESIDE)

    return Panel(draw, 0.8)


def sense_panel(sense: Curve, limit: float) -> Panel:
    """One sense as bars from zero, so that a silent step is a gap; a grey line shows the undistorted signal.

    Args:
        sense: what was sensed.
        limit: end of the vertical axis, both ways where the sense has both signs.
    """

    def draw(ax: Any) -> None:
        ax.stairs(sense.values, np.arange(sense.values.size + 1), fill=True, color=sense.colour, linewidth=0, zorder=3)
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
        ax.set_ylabel("\n".join(_short(sense.name).rsplit(" ", 1)))

    return Panel(draw, 0.6)


def action_panel(actions: np.ndarray, names: tuple[str, ...], moved: np.ndarray, idle: Collection[str] = ()) -> Panel:
    """Which action was chosen when: one row an action, with its share of the life at the right.

    Args:
        actions: (n,) int.
        names: by action; the first one is to stay.
        moved: (n,) bool, whether the agent then was in another cell. Other actions than the first are drawn light where
            it was not.
        idle: names of actions that never move it in this world.
    """

    def draw(ax: Any) -> None:
        ax.grid(axis="y", color=FAINT, linewidth=0.6, zorder=0)
        for action, _ in enumerate(names):
            chosen = actions == action
            in_vain = chosen & ~moved & (action > 0)
            for which, colour in ((chosen & ~in_vain, INK), (in_vain, _NO_EFFECT)):
                ax.broken_barh(_stretches(which), (action - 0.36, 0.72), facecolor=colour, linewidth=0, zorder=3)
            share = f"{chosen.sum() / max(actions.size, 1):.0%}".replace("%", " %")
            share += " = stay" * (names[action] in idle)
            style: dict[str, Any] = {"va": "center", "size": TICK_SIZE, "color": QUIET, "family": FONT}
            ax.text(1.015, action, share, transform=ax.get_yaxis_transform(), **style)
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.set_yticks(range(len(names)), [_short(name) for name in names])
        ax.set_ylabel("action")
        if (~moved & (actions > 0)).any():
            light = Rectangle((0, 0), 1, 1, facecolor=_NO_EFFECT, linewidth=0)
            legend(ax, [(light, "no move")], **{**BESIDE, "bbox_to_anchor": (1.12, 1.0)})

    return Panel(draw, 0.3 + 0.14 * len(names))


def _stretches(which: np.ndarray) -> list[tuple[int, int]]:
    """(begin, length) of every stretch of True."""
    edges = np.diff(np.concatenate([[0], which.astype(int), [0]]))
    begins, ends = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
    return list(zip(begins.tolist(), (ends - begins).tolist(), strict=True))


def common_limit(senses: tuple[Curve, ...]) -> float:
    """One end of the axis for all senses, so that they compare: the next of 1, 2, 5 times a power of ten."""
    curves = [c for sense in senses for c in (sense.values, sense.undistorted) if c is not None]
    largest = max((float(np.max(np.abs(curve), initial=0.0)) for curve in curves), default=0.0)
    if not np.isfinite(largest) or largest <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(largest))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= largest * (1 - 1e-6)))


def _short(name: str) -> str:
    return shortened(literal(name), _LONGEST_NAME)
