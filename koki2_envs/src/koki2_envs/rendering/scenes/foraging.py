"""Scenes of the foraging worlds, in pieces that other families reuse."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from koki2_envs.environments.foraging import Foraging
from koki2_envs.environments.state import ForagingState
from koki2_envs.knobs import is_always, value_at
from koki2_envs.life_record import LifeRecord
from koki2_envs.params import ForagingParams
from koki2_envs.rendering.scene import Curve, Ending, Event, Layer, Scene, lived_states, scene_of
from koki2_envs.rendering.style import ATE, BAD, BLUE, DASHED, GOOD, HARMED, PURPLE


@scene_of.register
def foraging_scene(env: Foraging, params: ForagingParams, record: LifeRecord) -> Scene:
    """Sources, meals and harm, body, the gradient to food, and the end; also of worlds that add to them."""
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
            for name, mark, times in (("ate", ATE, good_arrivals), ("was harmed", HARMED, bad_arrivals))
            if times.size
        ),
        levels=(Curve("energy", states.energy, BLUE), Curve("integrity", states.integrity, PURPLE, dashes=DASHED)),
        senses=_gradients(env, params, record, (width, height)),
        ending=_foraging_ending(states, params, record),
        reach=_reach(env, params, states),
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


def sensed_gradient(name: str, record: LifeRecord, first: int, size: tuple[int, int]) -> tuple[Curve, ...]:
    """A further gradient as sensed, along every axis that the world has.

    Args:
        name: of what it leads to.
        record: the life.
        first: index of its x among the observations; y is the next.
        size: of the world.
    """
    sensed = record.observations[: record.num_lived]
    return tuple(Curve(f"{name} {'xy'[axis]}", sensed[:, first + axis]) for axis in (0, 1) if size[axis] > 1)


@partial(jax.jit, static_argnames=("env", "constants"))
def _observe_all(
    env: Foraging, params: ForagingParams, constants: tuple[tuple[str, float], ...], states: ForagingState
) -> jax.Array:
    """What is sensed in every state."""
    key = jax.random.key(0)  # a perfect sensor draws nothing
    return jax.vmap(lambda state: env.observe(key, state, None, params.with_constants(constants)))(states)


def _reach(env: Foraging, params: ForagingParams, states: ForagingState) -> np.ndarray | None:
    """How far the gradients reach in every state, where there is a limit."""
    if is_always(params.sense_radius, 0.0):
        return None
    phi = env.phase(jnp.maximum(states.time - 1, 0), params)
    return np.broadcast_to(np.asarray(value_at(params.sense_radius, phi), np.float32), states.time.shape)


def _foraging_ending(states: ForagingState, params: ForagingParams, record: LifeRecord) -> Ending:
    lived = record.num_lived
    if states.integrity[-1] <= 0:
        return Ending(f"died of harm at step {lived}", fatal=True)
    if states.energy[-1] <= 0 and lived < record.num_steps:
        return Ending(f"starved at step {lived}", fatal=True)
    if bool(params.terminate_on_reach) and bool(states.succeeded[-1]):
        return Ending(f"reached a good source at step {lived}", fatal=False)
    if lived == record.num_steps:
        # By default energy lasts for exactly one life without food; used up in the last step, it ends nothing.
        return Ending(
            f"lived {'all ' * (lived > 1)}{lived} step{'s' * (lived > 1)}"
            + ", energy used up" * bool(states.energy[-1] <= 0),
            fatal=False,
        )
    return Ending(f"ended at step {lived}", fatal=False)
