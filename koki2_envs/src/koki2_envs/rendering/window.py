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
    """The cells that a picture of ``scene`` shows: a long side is cut to where the agent went, and a margin."""
    ends = [_shown(scene.path[:, axis], scene.size[axis]) for axis in (0, 1)]
    return Window(*np.asarray(ends).T)


def _shown(path: np.ndarray, cells: int) -> tuple[int, int]:
    low, high = int(path.min()), int(path.max())
    wanted = max(_LEAST, int(np.ceil((1 + 2 * _MARGIN) * (high - low + 1))))
    if cells <= _WHOLE or wanted > _NEARLY_ALL * cells:
        return 0, cells - 1
    first = min(max((low + high + 1 - wanted) // 2, 0), cells - wanted)
    return first, first + wanted - 1
