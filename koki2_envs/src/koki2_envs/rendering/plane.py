"""Plane: a world in two dimensions in a still picture, as a map with the path coloured by time."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import MaxNLocator

from koki2_envs.rendering.marks import REACH, draw_ending, event_style, outside_key, point
from koki2_envs.rendering.scene import Layer, Scene
from koki2_envs.rendering.style import FAINT, FONT, INK, LABEL_SIZE, PAPER, QUIET, TICK_SIZE, Key
from koki2_envs.rendering.window import Window

# Light to dark, so that the order also survives a photocopier.
TIME_COLOURS = LinearSegmentedColormap.from_list("koki2_time", ["#b9d7ec", "#56a0d3", "#1f5f99", "#0b2545"])
_WOBBLE = 0.15


def draw_map(ax: Any, scene: Scene, window: Window) -> list[Key]:
    """The world from above with the path coloured by time; returns the legend's handles."""
    (left, top), (right, bottom) = window.first - 0.5, window.last + 0.5
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    ax.set(xlabel=window.axis_label(0, scene.size), ylabel=window.axis_label(1, scene.size))
    _grid(ax, window)
    points = ax.get_window_extent().width * 72 / ax.figure.dpi / window.size[0]
    keys: list[Key] = []
    for layer in scene.layers:
        keys += _draw_places(ax, layer, window, points)
    keys += _draw_reach(ax, scene)
    path = scene.path + _wobble(len(scene.path))
    segments = np.stack([path[:-1], path[1:]], axis=1)
    colours = TIME_COLOURS(np.linspace(0, 1, max(len(segments), 1)))
    ax.add_collection(LineCollection(list(segments), colors=colours, linewidths=1.6, capstyle="round", zorder=5))
    birth: dict[str, Any] = {"marker": "o", "ms": 7, "mfc": PAPER, "mec": QUIET, "mew": 1.4, "lw": 0}
    ax.plot(*path[0], **birth, zorder=6)
    keys.append((Line2D([], [], color=TIME_COLOURS(0.7), linewidth=1.8), "agent"))
    keys.append((Line2D([], [], **birth), "birth"))
    keys += _draw_events(ax, scene, window, points)
    ax.plot(*path[-1], "o", ms=7, mfc=INK, mec=PAPER, mew=1.2, zorder=8)
    if scene.ending.fatal:
        keys += draw_ending(ax, scene.ending, tuple(path[-1]))
    else:
        keys.append((Line2D([], [], marker="o", ms=7, mfc=INK, mec=PAPER, lw=0), "end"))
    return keys


def _draw_places(ax: Any, layer: Layer, window: Window, points: float) -> list[Key]:
    """Every cell in which something lay: filled where it lies there at the end, hollow where it once lay."""
    mark = layer.mark
    shown = layer.present & window.holds(layer.pos)
    last = {tuple(cell) for cell in layer.pos[-1][shown[-1]]}
    ever = {tuple(cell) for cell in layer.pos[shown]}
    if mark.shape == "block":
        for x, y in ever:
            ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=mark.colour, linewidth=0, zorder=1))
        return [(point(mark), layer.name)]
    size = float(np.clip(0.8 * points, 5, 17)) ** 2
    keys: list[Key] = []
    for cells, face, label in (
        (sorted(last), mark.colour, layer.name),
        (sorted(ever - last), PAPER, f"{layer.name}, earlier"),
    ):
        if not cells:
            continue
        ax.scatter(*np.asarray(cells).T, s=size, marker=mark.marker, c=face, ec=mark.colour, lw=1.6, zorder=3)
        keys.append((point(mark, face=face, edge=mark.colour), label))
    outside = outside_key(layer, window)
    return [*(keys or [(point(mark), layer.name)] * len(outside)), *outside]


def _draw_events(ax: Any, scene: Scene, window: Window, points: float) -> list[Key]:
    """A small mark in every cell in which something happened, and how often, where that was more than once."""
    width, height = window.size
    size = float(np.clip(0.42 * points, 4.2, 8.0))
    for number, event in enumerate(scene.events):
        cells, counts = np.unique(scene.path[event.times], axis=0, return_counts=True)
        ax.scatter(*cells.T, zorder=7, **event_style(event.mark, size))
        for (x, y), count in zip(cells, counts, strict=True):
            if count == 1:
                continue
            left, down = x - window.first[0] > 0.85 * width, y - window.first[1] < 0.08 * height
            lower = 9 * number  # counts of several events in one cell stand below each other
            ax.annotate(
                f"×{count}", (x, y), textcoords="offset points",
                xytext=(-11 if left else 11, (-11 if down else 10) - lower),
                ha="right" if left else "left", va="center", size=LABEL_SIZE, weight="bold", color=event.mark.colour,
                family=FONT, path_effects=[patheffects.withStroke(linewidth=2.4, foreground=PAPER)], zorder=9,
            )  # fmt: skip
    return [(point(event.mark, edge=INK, size=8), event.name) for event in scene.events]


def _draw_reach(ax: Any, scene: Scene) -> list[Key]:
    """What the gradients reach where the agent is born and where it ends; nothing where they reach everything."""
    if scene.reach is None:
        return []
    line: dict[str, Any] = {"linewidth": 1.2, "linestyle": (0, (3, 2))}
    for moment in (0, -1):
        if scene.reach[moment] > 0:
            circle = Circle(tuple(scene.path[moment]), scene.reach[moment], fill=False, edgecolor=INK, zorder=4, **line)
            ax.add_patch(circle)
    return [(Line2D([], [], color=INK, **line), REACH)]


def _grid(ax: Any, window: Window) -> None:
    """Ticks at whole cells; and cell borders, as long as they are not denser than the eye can use."""
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    if max(window.size) <= 32:
        (left, top), (right, bottom) = window.first, window.last
        ax.set_xticks(np.arange(left, right + 2) - 0.5, minor=True)
        ax.set_yticks(np.arange(top, bottom + 2) - 0.5, minor=True)
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
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    ax.spines[:].set_visible(False)
    ax.tick_params(labelsize=TICK_SIZE, labelcolor=INK, color=QUIET, length=3, labelfontfamily=FONT)
    ax.set_xlabel("time (steps)", size=LABEL_SIZE, color=INK, family=FONT)
