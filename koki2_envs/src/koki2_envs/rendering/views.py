"""Views of the world in a still picture: position over time for a strip, a map for a plane."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import MaxNLocator

from koki2_envs.rendering.scene import Ending, Layer, Scene
from koki2_envs.rendering.style import FAINT, FONT, INK, LABEL_SIZE, PAPER, QUIET, TICK_SIZE, Key, Mark, tint

# Light to dark, so that the order also survives a photocopier.
TIME_COLOURS = LinearSegmentedColormap.from_list("koki2_time", ["#b9d7ec", "#56a0d3", "#1f5f99", "#0b2545"])
_BAND = 0.6  # how much of its colour a band keeps, so that path and marks stand out
_WOBBLE = 0.15
_REACH = "reach of the senses"
_HALO = [patheffects.Stroke(linewidth=2.7, foreground=PAPER), patheffects.Normal()]


def draw_strip(ax: Any, scene: Scene) -> list[Key]:
    """Position over time; returns the legend's handles."""
    axis = scene.long_axis
    cells = scene.size[axis]
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    keys: list[Key] = []
    for layer in scene.layers:
        _draw_bands(ax, layer, axis)
        band = Line2D([], [], color=tint(layer.mark.colour, _BAND), linewidth=5, linestyle=_dashes(layer.mark))
        keys.append(((band, _point(layer.mark, size=7.5)), layer.name))
    if any(not layer.present.all() for layer in scene.layers):
        keys.append((Line2D([], [], color=QUIET, linewidth=1.2, linestyle=(0, (1, 1.6))), "gone, will be back"))
    times = np.arange(len(scene.path))
    keys += _draw_reach_in_time(ax, scene)
    ax.plot(times, scene.path[:, axis], color=INK, linewidth=1.4, path_effects=_HALO, zorder=5)
    keys.append((Line2D([], [], color=INK, linewidth=1.4), "agent"))
    per_step = ax.get_window_extent().width * 72 / ax.figure.dpi / np.ptp(ax.get_xlim())
    size = float(np.clip(2 * per_step, 3.4, 6.6))  # stepping off a source and back on gives an arrival every other step
    for event in scene.events:
        y = scene.path[event.times, axis]
        style = {"marker": event.mark.marker, "c": event.mark.colour, "ec": INK, "lw": 0.9 if size > 5 else 0.5}
        ax.scatter(event.times, y, s=size**2, zorder=7, clip_on=False, **style)
        keys.append((_point(event.mark, edge=INK, size=7), event.name))
    keys += _draw_ending(ax, scene.ending, (times[-1], scene.path[-1, axis]))
    ax.set_ylim(-0.5 - 0.02 * cells, cells - 0.5 + 0.02 * cells)
    ax.set_ylabel(f"position {'xy'[axis]} (cells)")
    return keys


def draw_map(ax: Any, scene: Scene) -> list[Key]:
    """The world from above with the path coloured by time; returns the legend's handles."""
    width, height = scene.size
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="equal")
    _grid(ax, scene.size)
    points = ax.get_window_extent().width * 72 / ax.figure.dpi / width
    keys: list[Key] = []
    for layer in scene.layers:
        keys += _draw_places(ax, layer, points)
    keys += _draw_reach_at_the_ends(ax, scene)
    path = scene.path + _wobble(len(scene.path))
    segments = np.stack([path[:-1], path[1:]], axis=1)
    colours = TIME_COLOURS(np.linspace(0, 1, max(len(segments), 1)))
    ax.add_collection(LineCollection(list(segments), colors=colours, linewidths=1.6, capstyle="round", zorder=5))
    birth: dict[str, Any] = {"marker": "o", "ms": 7, "mfc": PAPER, "mec": QUIET, "mew": 1.4, "lw": 0}
    ax.plot(*path[0], **birth, zorder=6)
    keys.append((Line2D([], [], color=TIME_COLOURS(0.7), linewidth=1.8), "agent"))
    keys.append((Line2D([], [], **birth), "birth"))
    keys += _draw_events(ax, scene, points)
    ax.plot(*path[-1], "o", ms=7, mfc=INK, mec=PAPER, mew=1.2, zorder=8)
    if scene.ending.fatal:
        keys += _draw_ending(ax, scene.ending, tuple(path[-1]))
    else:
        keys.append((Line2D([], [], marker="o", ms=7, mfc=INK, mec=PAPER, lw=0), "end"))
    return keys


def _draw_bands(ax: Any, layer: Layer, axis: int) -> None:
    """Every thing as a horizontal band for as long as it lies in one cell, with its mark where it appears."""
    extent = ax.get_window_extent()
    thickness = min(max(0.8 * extent.height * 72 / ax.figure.dpi / np.ptp(ax.get_ylim()), 4.6), 7.0)
    here: list[Any] = []
    waiting: list[Any] = []
    for begin, end, cell, present in _spells(layer, axis):
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
    if here:
        begins = np.asarray([spell[0] for spell in here])
        ax.scatter(
            *begins.T, s=30, marker=layer.mark.marker, c=layer.mark.colour, ec=PAPER, lw=0.6, zorder=3, clip_on=False
        )


def _spells(layer: Layer, axis: int) -> Iterator[tuple[int, int, int, bool]]:
    """(begin, end, cell, present) for every stretch of time in which a thing neither moves, goes nor comes."""
    n = len(layer.pos) - 1
    for k in range(layer.pos.shape[1]):
        cell, present = layer.pos[:, k, axis], layer.present[:, k]
        changes = np.flatnonzero((np.diff(cell) != 0) | (np.diff(present.astype(int)) != 0)) + 1
        for begin, end in zip([0, *changes], [*changes, n], strict=True):
            if end > begin:
                yield int(begin), int(end), int(cell[begin]), bool(present[begin])


def _draw_places(ax: Any, layer: Layer, points: float) -> list[Key]:
    """Every cell in which something lay: filled where it lies there at the end, hollow where it once lay."""
    mark = layer.mark
    last = {tuple(cell) for cell in layer.pos[-1][layer.present[-1]]}
    ever = {tuple(cell) for cell in layer.pos[layer.present]}
    if mark.shape == "block":
        for x, y in ever:
            ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=mark.colour, linewidth=0, zorder=1))
        return [(_point(mark), layer.name)]
    size = float(np.clip(0.8 * points, 5, 17)) ** 2
    keys: list[Key] = []
    for cells, face, label in (
        (sorted(last), mark.colour, layer.name),
        (sorted(ever - last), PAPER, f"{layer.name}, earlier"),
    ):
        if not cells:
            continue
        x, y = np.asarray(cells).T
        ax.scatter(x, y, s=size, marker=mark.marker, c=face, ec=mark.colour, lw=1.6, zorder=3)
        keys.append((_point(mark, face=face, edge=mark.colour), label))
    return keys


def _draw_events(ax: Any, scene: Scene, points: float) -> list[Key]:
    """A small mark in every cell in which something happened, and how often, where that was more than once."""
    width, height = scene.size
    size = float(np.clip(0.36 * points, 3.2, 6.5))
    for event in scene.events:
        cells, counts = np.unique(scene.path[event.times], axis=0, return_counts=True)
        style = {"marker": event.mark.marker, "c": event.mark.colour, "ec": INK, "lw": 0.8}
        ax.scatter(*cells.T, s=size**2, zorder=7, **style)
        for (x, y), count in zip(cells, counts, strict=True):
            if count == 1:
                continue
            left, down = x > 0.85 * width, y < 0.08 * height
            ax.annotate(
                f"×{count}", (x, y), xytext=(-11 if left else 11, -11 if down else 10), textcoords="offset points",
                ha="right" if left else "left", va="center", size=LABEL_SIZE, weight="bold", color=event.mark.colour,
                family=FONT, path_effects=[patheffects.withStroke(linewidth=2.4, foreground=PAPER)], zorder=9,
            )  # fmt: skip
    return [(_point(event.mark, edge=INK, size=6), event.name) for event in scene.events]


def _draw_reach_in_time(ax: Any, scene: Scene) -> list[Key]:
    """What the gradients reach, as a shadow about the agent's position; nothing while they reach everything."""
    if scene.reach is None:
        return []
    along = scene.path[:, scene.long_axis]
    ends, colour = (along - scene.reach - 0.5, along + scene.reach + 0.5), tint(QUIET, 0.16)
    ax.fill_between(np.arange(len(along)), *ends, where=scene.reach > 0, facecolor=colour, linewidth=0, zorder=0)
    return [(Rectangle((0, 0), 1, 1, facecolor=colour, linewidth=0), _REACH)]


def _draw_reach_at_the_ends(ax: Any, scene: Scene) -> list[Key]:
    """What the gradients reach where the agent is born and where it ends; nothing where they reach everything."""
    if scene.reach is None:
        return []
    line: dict[str, Any] = {"linewidth": 1.2, "linestyle": (0, (3, 2))}
    for moment in (0, -1):
        if scene.reach[moment] > 0:
            circle = Circle(tuple(scene.path[moment]), scene.reach[moment], fill=False, edgecolor=INK, zorder=4, **line)
            ax.add_patch(circle)
    return [(Line2D([], [], color=INK, **line), _REACH)]


def _draw_ending(ax: Any, ending: Ending, where: tuple[float, float]) -> list[Key]:
    if not ending.fatal:
        return []
    ax.plot(*where, "o", ms=11, mfc=INK, mec=PAPER, mew=1.2, zorder=10, clip_on=False)
    ax.plot(*where, "x", ms=5, mec=PAPER, mew=1.8, zorder=11, clip_on=False)
    skull = Line2D([], [], marker="o", ms=10, mfc=INK, mec=PAPER, lw=0)
    return [((skull, Line2D([], [], marker="x", ms=4.5, mec=PAPER, mew=1.7, lw=0)), "death")]


def _point(mark: Mark, *, face: str = "", edge: str = PAPER, size: float = 8.0) -> Line2D:
    """A mark by itself, for a legend."""
    return Line2D(
        [], [], marker=mark.marker, ms=size, mfc=face or mark.colour, mec=edge, mew=1.2 if face else 0.8, lw=0
    )


def _dashes(mark: Mark) -> Any:
    return (0, (0.9, 0.45)) if mark.dashed else "-"


def _grid(ax: Any, size: tuple[int, int]) -> None:
    """Ticks at whole cells; and cell borders, as long as they are not denser than the eye can use."""
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    if max(size) <= 32:
        ax.set_xticks(np.arange(size[0] + 1) - 0.5, minor=True)
        ax.set_yticks(np.arange(size[1] + 1) - 0.5, minor=True)
        ax.grid(which="minor", color=FAINT, linewidth=0.6, zorder=0)
        ax.tick_params(which="minor", length=0)


def _wobble(length: int) -> np.ndarray:
    """Small fixed offsets (length, 2) that keep steps over the same cells apart."""
    return np.random.default_rng(0).uniform(-_WOBBLE, _WOBBLE, (length, 2))


def draw_time_key(figure: Any, box: tuple[float, float, float, float], num_lived: int) -> None:
    """The colours of time as a slim bar; ``box`` is (left, bottom, width, height) in figure coordinates."""
    ax = figure.add_axes(box)
    ax.imshow(np.linspace(0, 1, 256)[None], cmap=TIME_COLOURS, aspect="auto", extent=(0, num_lived, 0, 1))
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.tick_params(labelsize=TICK_SIZE, labelcolor=INK, color=QUIET, length=3, labelfontfamily=FONT)
    ax.set_xlabel("time (steps)", size=LABEL_SIZE, color=INK, family=FONT)
