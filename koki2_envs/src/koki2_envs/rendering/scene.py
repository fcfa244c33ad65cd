"""Scenes: what is drawn of a life, in terms that are the same for every world.

A family of worlds registers one function with :data:`scene_of`, in a file of its own under ``scenes``. Walls, water,
shelters and hazards are further :class:`Layer` s (a ``block`` mark fills its cell), further body variables and senses
are further :class:`Curve` s.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import Any, NamedTuple

import jax
import numpy as np

from koki2_envs.life_record import LifeRecord
from koki2_envs.rendering.style import INK, SOLID, Dashes, Mark


class Layer(NamedTuple):
    """K things of one kind in the world, over n + 1 states.

    Attributes:
        name: for the legend, singular.
        mark: how they look.
        pos: (n + 1, K, 2) int, their cells (x, y).
        present: (n + 1, K) bool, whether they are there; where not, they are drawn as waiting in their cell.
    """

    name: str
    mark: Mark
    pos: np.ndarray
    present: np.ndarray


class Event(NamedTuple):
    """An event in the agent's life.

    Attributes:
        name: what, in two or three words.
        mark: how it looks.
        times: (E,) int, the states that it led to, 1 to n.
    """

    name: str
    mark: Mark
    times: np.ndarray


class Curve(NamedTuple):
    """A number over time.

    Attributes:
        name: for labels; what is in parentheses is left out where there is little room.
        values: (n + 1,) for a body variable, (n,) for a sense.
        colour: ``#rrggbb``.
        dashes: of the line, as lengths drawn and left out in widths of the line; none where it is solid.
        undistorted: (n,) what a perfect sensor would have given, or None where the sensor was perfect.
        signed: whether a sense can be negative; if not, its axis begins at 0.
    """

    name: str
    values: np.ndarray
    colour: str = INK
    dashes: Dashes = SOLID
    undistorted: np.ndarray | None = None
    signed: bool = True


class Ending(NamedTuple):
    """How the life ended.

    Attributes:
        text: in a few words, such as ``starved at step 57``.
        fatal: whether it was a death.
    """

    text: str
    fatal: bool


@dataclass(frozen=True)
class Scene:
    """All that is drawn of one life of n lived steps.

    Attributes:
        size: width and height in cells.
        path: (n + 1, 2) int, the agent's cells.
        layers: things in the world, drawn in this order.
        events: what happened to the agent.
        levels: body variables in [0, 1].
        senses: what was sensed, without the body variables.
        ending: how it ended.
        reach: (n + 1,) float, how many cells far the gradients reach at each moment, 0 without limit; None where they
            are never limited.
    """

    size: tuple[int, int]
    path: np.ndarray
    layers: tuple[Layer, ...]
    events: tuple[Event, ...]
    levels: tuple[Curve, ...]
    senses: tuple[Curve, ...]
    ending: Ending
    reach: np.ndarray | None = None

    @property
    def one_dimensional(self) -> bool:
        """Whether the world is a strip."""
        return min(self.size) == 1

    @property
    def long_axis(self) -> int:
        """0 where a strip lies, 1 where it stands."""
        return int(self.size[1] > self.size[0])


@singledispatch
def scene_of(env: Any, params: Any, record: LifeRecord) -> Scene:
    """The scene of a life.

    Args:
        env: its world.
        params: the world's knobs.
        record: the life.

    Raises:
        NotImplementedError: no scene is registered for this world.
        ValueError: the record is not of this world.
    """
    raise NotImplementedError(f"{env!r} has no picture: register a function with koki2_envs.rendering.scene_of")


def lived_states(env: Any, record: LifeRecord, kind: type) -> Any:
    """The record's lived states, numpy in the fields of ``kind``.

    Raises:
        ValueError: they are of another kind.
    """
    states = jax.device_get(record.lived_states)
    if not isinstance(states, kind):
        raise ValueError(f"{env!r} needs states of {kind.__name__}, got {type(states).__name__}")
    return states
