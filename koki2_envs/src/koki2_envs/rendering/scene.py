"""What is to be seen of a life, world by world, in words that the drawing code shares.

A new family of worlds registers one function with :data:`scene_of`. Walls, water, shelters and hazards are further
:class:`Layer` s (a ``block`` mark fills its cell), further body variables and senses are further :class:`Curve` s.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, singledispatch
from typing import Any, NamedTuple

import jax
import numpy as np

from koki2_envs.environments.foraging import Foraging, ForagingState
from koki2_envs.params import ForagingParams
from koki2_envs.rendering.record import LifeRecord
from koki2_envs.rendering.style import BAD, BLUE, GOOD, INK, PURPLE, Mark


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
    """Something that happened to the agent.

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
        name: for labels.
        values: (n + 1,) for a body variable, (n,) for a sense.
        colour: ``#rrggbb``.
        dashed: whether the line is dashed.
        undistorted: (n,) what a perfect sensor would have given, or None where the sensor was perfect.
    """

    name: str
    values: np.ndarray
    colour: str = INK
    dashed: bool = False
    undistorted: np.ndarray | None = None


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
    """

    size: tuple[int, int]
    path: np.ndarray
    layers: tuple[Layer, ...]
    events: tuple[Event, ...]
    levels: tuple[Curve, ...]
    senses: tuple[Curve, ...]
    ending: Ending

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
    """What is to be seen of a life.

    Args:
        env: its world.
        params: the world's knobs.
        record: the life.

    Raises:
        NotImplementedError: nobody has said how this world looks.
        ValueError: the record is not of this world.
    """
    raise NotImplementedError(f"{env!r} has no picture: register a function with koki2_envs.rendering.scene_of")


def lived_states(env: Any, record: LifeRecord, kind: type) -> Any:
    """The record's lived states, numpy in the fields of ``kind``.

    Raises:
        ValueError: they are of another kind.
    """
    states = record.lived_states
    if not isinstance(states, kind):
        raise ValueError(f"{env!r} needs states of {kind.__name__}, got {type(states).__name__}")
    return states


@scene_of.register
def _(env: Foraging, params: ForagingParams, record: LifeRecord) -> Scene:
    states = lived_states(env, record, ForagingState)
    width, height = (int(n) for n in np.asarray(env.size(params)))
    # A source stays good or bad for its whole life.
    bad = states.source_is_bad[0]
    good_arrivals, bad_arrivals = _arrivals(states)
    return Scene(
        size=(width, height),
        path=states.pos,
        layers=tuple(
            Layer(name, mark, states.source_pos[:, which], states.source_active[:, which])
            for name, mark, which in (("good source", GOOD, ~bad), ("bad source", BAD, bad))
            if which.any()
        ),
        events=tuple(
            Event(name, mark, times)
            for name, mark, times in (("ate", GOOD, good_arrivals), ("was harmed", BAD, bad_arrivals))
            if times.size
        ),
        levels=(Curve("energy", states.energy, BLUE), Curve("integrity", states.integrity, PURPLE, dashed=True)),
        senses=_gradients(env, params, record, (width, height)),
        ending=_foraging_ending(states, params, record),
    )


def _arrivals(states: ForagingState) -> tuple[np.ndarray, np.ndarray]:
    """The times of arrivals at good and at bad sources, by the world's own rule."""
    before = states.source_pos[:-1]
    active = states.source_active[:-1]
    touched = active & np.all(before == states.pos[:-1, None], axis=-1)
    touches = active & np.all(before == states.pos[1:, None], axis=-1)
    arrived = touches & ~touched
    is_bad = states.source_is_bad[:-1]
    return tuple(np.flatnonzero((arrived & kind).any(axis=1)) + 1 for kind in (~is_bad, is_bad))  # type: ignore[return-value]


def _gradients(env: Foraging, params: ForagingParams, record: LifeRecord, size: tuple[int, int]) -> tuple[Curve, ...]:
    """The gradient along every axis that the world has, as sensed, and as a perfect sensor would have given it."""
    lived = record.num_lived
    perfect = params.replace(hazard_smell=0.0, grad_bins=0.0, grad_gain=1.0, grad_dropout_p=0.0, obs_noise=0.0)
    truth = np.asarray(_observe_all(env, perfect, perfect.idle_knobs(), record.states))[:lived]
    curves = []
    for axis in (0, 1):
        if size[axis] == 1:
            continue
        sensed, true = record.observations[:lived, axis], truth[:, axis]
        undistorted = None if np.allclose(sensed, true, atol=1e-6) else true
        curves.append(Curve(f"gradient {'xy'[axis]}", sensed, undistorted=undistorted))
    return tuple(curves)


@partial(jax.jit, static_argnames=("env", "constants"))
def _observe_all(
    env: Foraging, params: ForagingParams, constants: tuple[tuple[str, float], ...], states: ForagingState
) -> jax.Array:
    """What is sensed in every state."""
    key = jax.random.key(0)  # a perfect sensor draws nothing
    return jax.vmap(lambda state: env.observe(key, state, None, params.with_constants(constants)))(states)


def _foraging_ending(states: ForagingState, params: ForagingParams, record: LifeRecord) -> Ending:
    lived = record.num_lived
    if states.integrity[-1] <= 0:
        return Ending(f"died of harm at step {lived}", fatal=True)
    if states.energy[-1] <= 0 and lived < record.num_steps:
        return Ending(f"starved at step {lived}", fatal=True)
    if bool(params.terminate_on_reach) and bool(states.succeeded[-1]):
        return Ending(f"reached a good source at step {lived}", fatal=False)
    if lived == record.num_steps:
        # By default energy lasts for exactly one life without food: who used it up has still lived all of it.
        return Ending(f"lived all {lived} steps" + ", energy used up" * bool(states.energy[-1] <= 0), fatal=False)
    return Ending(f"ended at step {lived}", fatal=False)
