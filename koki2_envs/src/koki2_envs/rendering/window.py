"""Window: the cells of a world that a picture shows, all of them or those that a life was lived in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from koki2_envs.rendering.scene import Layer, Scene

_WHOLE = 32  # cells; a side that is no longer is shown whole
_LEAST = 16  # cells that are shown at least
_MARGIN = 0.15  # of the cells that the agent went through, at either end
_NEARLY_ALL = 0.8


class Window(NamedTuple):
    """First and last cell shown along x and along y.

    Attributes:
        first: (2,) int.
        last: (2,) int.
    """

    first: np.ndarray
    last: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in cells."""
        width, height = self.last - self.first + 1
        return int(width), int(height)

    def holds(self, pos: np.ndarray) -> np.ndarray:
        """Whether cells (..., 2) are shown; (...) bool."""
        return np.all((pos >= self.first) & (pos <= self.last), axis=-1)

    def axis_label(self, axis: int, size: tuple[int, int]) -> str:
        """The label of an axis, 0 or 1, with the cells it shows where these are not all."""
        return f"{'xy'[axis]} (cells{self._part(axis, size)})"

    def cut(self, size: tuple[int, int]) -> str:
        """Which cells are shown along every axis that is not shown whole; empty if both are."""
        return ", ".join(f"{'xy'[axis]}{part}" for axis in (0, 1) if (part := self._part(axis, size)))

    def _part(self, axis: int, size: tuple[int, int]) -> str:
        first, last = int(self.first[axis]), int(self.last[axis])
        return "" if last - first + 1 == size[axis] else f" {first}–{last} of 0–{size[axis] - 1}"

    def outside(self, layer: Layer) -> str:
        """How many of a layer's things are never seen, in words; empty if all are, or together fill the world."""
        hidden = int((~self.holds(layer.pos).any(axis=0)).sum())
        return f"{hidden} of {layer.pos.shape[1]} outside" if hidden and layer.mark.shape != "block" else ""


def window_of(scene: Scene) -> Window:
    """The cells that a picture of ``scene`` shows.

    A long side is cut to where the agent went, and a margin; on a line also to the nearest things, if they are near.
    """
    things = [layer.pos.reshape(-1, 2) for layer in scene.layers if scene.one_dimensional]
    cells = np.concatenate([np.empty((0, 2), int), *things])
    ends = [_shown(scene.path[:, axis], cells[:, axis], scene.size[axis]) for axis in (0, 1)]
    return Window(*np.asarray(ends).T)


def _shown(path: np.ndarray, things: np.ndarray, cells: int) -> tuple[int, int]:
    """First and last cell along a side of so many cells."""
    low, high = int(path.min()), int(path.max())
    wanted = max(_LEAST, int(np.ceil((1 + 2 * _MARGIN) * (high - low + 1))))
    first = min(max((low + high + 1 - wanted) // 2, 0), max(cells - wanted, 0))
    last = min(first + wanted, cells) - 1
    # The nearest things on either side, where they add no more cells than are shown anyway.
    below = things[(things < first) & (things >= first - wanted)]
    above = things[(things > last) & (things <= last + wanted)]
    first = max(below.max() - 1, 0) if below.size else first
    last = min(above.min() + 1, cells - 1) if above.size else last
    whole = cells <= _WHOLE or last - first + 1 > _NEARLY_ALL * cells
    return (0, cells - 1) if whole else (int(first), int(last))
