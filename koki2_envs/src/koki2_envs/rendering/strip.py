"""Strip: a world on a line in a still picture, as position over time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from koki2_envs.rendering.marks import REACH, draw_ending, event_style, outside_key, point
from koki2_envs.rendering.scene import Layer, Scene
from koki2_envs.rendering.style import INK, PAPER, QUIET, Key, Mark, tint
from koki2_envs.rendering.window import Window

_BAND = 0.6  # how much of its colour a band keeps, so that path and marks stand out
_MARKS_ALONG = 5  # how often a band that is as long as the time axis has its mark
_HALO = [patheffects.Stroke(linewidth=2.7, foreground=PAPER), patheffects.Normal()]


def draw_strip(ax: Any, scene: Scene, window: Window) -> list[Key]:
    """Position over time; returns the legend's handles. Limits of the time axis are set before."""
    axis = scene.long_axis
    cells = window.size[axis]
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    ax.set_ylim(window.first[axis] - 0.5 - 0.02 * cells, window.last[axis] + 0.5 + 0.02 * cells)
    keys: list[Key] = []
    for layer in scene.layers:
        _draw_bands(ax, layer, axis, window)
        band = Line2D([], [], color=tint(layer.mark.colour, _BAND), linewidth=5, linestyle=_dashes(layer.mark))
        keys.append(((band, point(layer.mark, size=7.5)), layer.name))
        keys += outside_key(layer, window)
    if any(not layer.present.all() for layer in scene.layers):
        keys.append((Line2D([], [], color=QUIET, linewidth=1.2, linestyle=(0, (1, 1.6))), "gone, will be back"))
    times = np.arange(len(scene.path))
    keys += _draw_reach(ax, scene)
    ax.plot(times, scene.path[:, axis], color=INK, linewidth=1.4, path_effects=_HALO, zorder=5)
    keys.append((Line2D([], [], color=INK, linewidth=1.4), "agent"))
    per_step = ax.get_window_extent().width * 72 / ax.figure.dpi / np.ptp(ax.get_xlim())
    size = float(np.clip(2 * per_step, 4.2, 8.0))  # stepping off a source and back on gives an arrival every other step
    for event in scene.events:
        y = scene.path[event.times, axis]
        ax.scatter(event.times, y, zorder=7, clip_on=False, **event_style(event.mark, size))
        keys.append((point(event.mark, edge=INK, size=8), event.name))
    keys += draw_ending(ax, scene.ending, (times[-1], scene.path[-1, axis]))
    ax.set_ylabel("position " + window.axis_label(axis, scene.size))
    return keys


def _draw_bands(ax: Any, layer: Layer, axis: int, window: Window) -> None:
    """Every thing as a horizontal band for as long as it lies in one cell, with its mark where it appears."""
    extent = ax.get_window_extent()
    thickness = min(max(0.8 * extent.height * 72 / ax.figure.dpi / np.ptp(ax.get_ylim()), 4.6), 7.0)
    here: list[Any] = []
    waiting: list[Any] = []
    for begin, end, cell, present in _spells(layer, axis):
        if window.first[axis] <= cell <= window.last[axis]:
            (here if present else waiting).append([(begin, cell), (end, cell)])
    band: dict[str, Any] = {
        "linewidths": thickness,
        "linestyles": [_dashes(layer.mark)],
        "capstyle": "butt",
        "zorder": 2,
    }
    ax.add_collection(LineCollection(here, colors=tint(layer.mark.colour, _BAND), **band))
    dots: dict[str, Any] = {"linewidths": 1.2, "linestyles": [(0, (1, 1.6))], "zorder": 1}
    ax.add_collection(LineCollection(waiting, colors=layer.mark.colour, **dots))
    apart = max(np.ptp(ax.get_xlim()) / _MARKS_ALONG, 1.0)
    marked = [(time, cell) for (begin, cell), (end, _) in here for time in np.arange(begin, end, apart)]
    if marked:
        ax.scatter(
            *np.asarray(marked).T, s=34, marker=layer.mark.marker, c=layer.mark.colour, ec=PAPER, lw=0.6, zorder=3,
            clip_on=False,
        )  # fmt: skip


def _spells(layer: Layer, axis: int) -> Iterator[tuple[int, int, int, bool]]:
    """(begin, end, cell, present) for every stretch of time in which a thing neither moves, goes nor comes."""
    n = len(layer.pos) - 1
    for k in range(layer.pos.shape[1]):
        cell, present = layer.pos[:, k, axis], layer.present[:, k]
        changes = np.flatnonzero((np.diff(cell) != 0) | (np.diff(present.astype(int)) != 0)) + 1
        for begin, end in zip([0, *changes], [*changes, n], strict=True):
            if end > begin:
                yield int(begin), int(end), int(cell[begin]), bool(present[begin])


def _draw_reach(ax: Any, scene: Scene) -> list[Key]:
    """What the gradients reach, as a shadow about the agent's position; nothing while they reach everything."""
    if scene.reach is None:
        return []
    along = scene.path[:, scene.long_axis]
    ends, colour = (along - scene.reach - 0.5, along + scene.reach + 0.5), tint(QUIET, 0.16)
    ax.fill_between(np.arange(len(along)), *ends, where=scene.reach > 0, facecolor=colour, linewidth=0, zorder=0)
    return [(Rectangle((0, 0), 1, 1, facecolor=colour, linewidth=0), REACH)]


def _dashes(mark: Mark) -> Any:
    return (0, (0.9, 0.45)) if mark.dashed else "-"
