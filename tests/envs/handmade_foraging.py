"""Foraging states made by hand, and one step from them."""

import jax
import jax.numpy as jnp

from koki2_envs.environments import Foraging, ForagingState
from koki2_envs.params import ForagingParams

STAY, UP, DOWN, LEFT, RIGHT = range(5)


def state_of(pos, sources, *, bad=None, active=None, timers=None, time=0, energy=0.5, integrity=1.0, succeeded=False):
    count = len(sources)
    return ForagingState(
        time=jnp.int32(time),
        succeeded=jnp.bool_(succeeded),
        pos=jnp.asarray(pos, jnp.int32),
        source_pos=jnp.asarray(sources, jnp.int32),
        source_is_bad=jnp.asarray(bad or [False] * count),
        source_active=jnp.asarray([True] * count if active is None else active),
        source_respawn_t=jnp.asarray(timers or [0] * count, jnp.int32),
        energy=jnp.float32(energy),
        integrity=jnp.float32(integrity),
    )


def step(state, action, *, seed=0, **knobs):
    """One step in a world 9 cells wide and 5 high: observation, state, reward, terminated, info."""
    params = ForagingParams(**{"width": 9, "height": 5, "energy_decay": 0.1, "energy_gain": 0.25, **knobs})
    return Foraging(num_sources=state.source_pos.shape[0]).step_env(jax.random.key(seed), state, action, params)
