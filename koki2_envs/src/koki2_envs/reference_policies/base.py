"""Reference policies: what chance, doing nothing, the bare senses and full knowledge achieve in a world.

Every policy has the signature ``policy(env, params, state, observation, key) -> action``, a () int32, is pure and can
be jitted and vmapped. ``random``, ``stay`` and ``straight`` look at nothing, ``greedy`` at the observation alone,
``oracle`` at the state. Families of worlds register their own ``greedy`` and ``oracle``, one file a family.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

import jax
import jax.numpy as jnp

from koki2_envs.environments.base import World
from koki2_envs.environments.state import WorldState
from koki2_envs.mechanics.movement import DOWN, LEFT, RIGHT, STAY, UP
from koki2_envs.params import WorldParams

Policy = Callable[[Any, Any, Any, jax.Array, jax.Array], jax.Array]


def random(env: World, params: WorldParams, state: WorldState, observation: jax.Array, key: jax.Array) -> jax.Array:
    """A uniformly random action."""
    return jax.random.randint(key, (), 0, env.num_actions, jnp.int32)


def stay(env: World, params: WorldParams, state: WorldState, observation: jax.Array, key: jax.Array) -> jax.Array:
    """Never moves."""
    return jnp.full((), STAY, jnp.int32)


def straight(env: World, params: WorldParams, state: WorldState, observation: jax.Array, key: jax.Array) -> jax.Array:
    """Always walks to the right."""
    return jnp.full((), RIGHT, jnp.int32)


@singledispatch
def greedy(env: Any, params: Any, state: Any, observation: jax.Array, key: jax.Array) -> jax.Array:
    """Does what the senses alone suggest.

    Raises:
        NotImplementedError: the world has no greedy policy.
    """
    raise NotImplementedError(f"{env!r} has no greedy policy")


@singledispatch
def oracle(env: Any, params: Any, state: Any, observation: jax.Array, key: jax.Array) -> jax.Array:
    """Reads the state: a strong, honest upper reference.

    Raises:
        NotImplementedError: the world has no oracle.
    """
    raise NotImplementedError(f"{env!r} has no oracle")


def towards(dx: jax.Array, dy: jax.Array) -> jax.Array:
    """The action along the larger component of (dx, dy), horizontal on ties; stay at zero."""
    horizontal = jnp.where(dx > 0, RIGHT, LEFT)
    vertical = jnp.where(dy > 0, DOWN, UP)
    action = jnp.where(jnp.abs(dx) >= jnp.abs(dy), horizontal, vertical)
    return jnp.where((dx == 0) & (dy == 0), STAY, action).astype(jnp.int32)


def steps_between(a: jax.Array, b: jax.Array) -> jax.Array:
    """Steps between cells (..., 2) int32 with nothing in the way; (...) int32."""
    return jnp.abs(a[..., 0] - b[..., 0]) + jnp.abs(a[..., 1] - b[..., 1])


def steps_left(params: WorldParams, state: WorldState) -> jax.Array:
    """Steps until the time limit; () float32."""
    return (jnp.asarray(params.max_steps_in_episode, jnp.int32) - state.time).astype(jnp.float32)


def cheapest(costs: jax.Array) -> jax.Array:
    """The index of the least of (n,) costs, the first of equals; () int32."""
    return jax.lax.argmin(costs, 0, jnp.int32)


REFERENCE_POLICIES: dict[str, Policy] = {
    "random": random,
    "stay": stay,
    "straight": straight,
    "greedy": greedy,
    "oracle": oracle,
}
