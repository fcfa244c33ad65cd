"""Marks that strips and maps share: things, ends of lives, and entries of legends."""

from __future__ import annotations

from typing import Any

from matplotlib.lines import Line2D

from koki2_envs.rendering.scene import Ending, Layer
from koki2_envs.rendering.style import INK, PAPER, Key, Mark
from koki2_envs.rendering.window import Window

REACH = "reach of the senses"


def point(mark: Mark, *, face: str = "", edge: str = PAPER, size: float = 8.0) -> Line2D:
    """A mark by itself, for a legend."""
    return Line2D(
        [], [], marker=mark.marker, ms=size, mfc=face or mark.colour, mec=edge, mew=1.2 if face else 0.8, lw=0
    )


def outside_key(layer: Layer, window: Window) -> list[Key]:
    """The legend's line on things of a layer that are not shown, if any."""
    outside = window.outside(layer)
    return [(Line2D([], [], lw=0), outside)] if outside else []


def event_style(mark: Mark, size: float) -> dict[str, Any]:
    """How ``scatter`` draws an event, about ``size`` points wide."""
    # A star fills less of its box than other shapes do.
    area = (1.4 if mark.shape == "star" else 1.0) * size**2
    return {"s": area, "marker": mark.marker, "c": mark.colour, "ec": INK, "lw": 0.7 if size > 5 else 0.5}


def draw_ending(ax: Any, ending: Ending, where: tuple[float, float]) -> list[Key]:
    """A death, crossed out; returns its legend."""
    if not ending.fatal:
        return []
    ax.plot(*where, "o", ms=11, mfc=INK, mec=PAPER, mew=1.2, zorder=10, clip_on=False)
    ax.plot(*where, "x", ms=5, mec=PAPER, mew=1.8, zorder=11, clip_on=False)
    skull = Line2D([], [], marker="o", ms=10, mfc=INK, mec=PAPER, lw=0)
    return [((skull, Line2D([], [], marker="x", ms=4.5, mec=PAPER, mew=1.7, lw=0)), "death")]
