"""Reference policies: what chance, doing nothing, the bare senses and full knowledge achieve in a world.

A policy without a memory has the signature ``policy(env, params, state, observation, key) -> action``, a () int32, is
pure and can be jitted and vmapped; one with a memory is a :class:`MemoryPolicy`. ``random``, ``stay`` and ``straight``
look at nothing, ``greedy`` at the observation alone, ``oracle`` at the state. Families of worlds register their own
``greedy`` and ``oracle``, one file a family, and may add policies of their own (:func:`register_policy`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import singledispatch
from typing import Any

import jax
import jax.numpy as jnp

from koki2_envs.environments.base import World
from koki2_envs.environments.state import WorldState
from koki2_envs.mechanics.movement import DOWN, LEFT, RIGHT, STAY, UP
from koki2_envs.params import WorldParams
from koki2_envs.suggestions import did_you_mean


class MemoryPolicy(ABC):
    """A policy with a memory of its own, a pytree; pure."""

    @abstractmethod
    def init(self, env: Any) -> Any:
        """The memory at birth."""

    @abstractmethod
    def act(
        self, env: Any, params: Any, state: Any, observation: jax.Array, memory: Any, key: jax.Array
    ) -> tuple[jax.Array, Any]:
        """The action, () int32, and the memory after it."""


Policy = Callable[[Any, Any, Any, jax.Array, jax.Array], jax.Array] | MemoryPolicy


def init_memory(policy: Policy, env: Any) -> Any:
    """The memory at birth of a policy in a world; nothing where it has none."""
    return policy.init(env) if isinstance(policy, MemoryPolicy) else ()


def act(
    policy: Policy, env: Any, params: Any, state: Any, observation: jax.Array, memory: Any, key: jax.Array
) -> tuple[jax.Array, Any]:
    """The action of a policy with or without memory, () int32, and its memory after it."""
    if isinstance(policy, MemoryPolicy):
        return policy.act(env, params, state, observation, memory, key)
    return policy(env, params, state, observation, key), memory


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
"""The policies of every world, by name."""

_OF_FAMILIES: dict[tuple[type, str], Policy] = {}


def register_policy(family: type, name: str, policy: Policy) -> None:
    """Adds a reference policy to the worlds of a class and those that derive from it."""
    _OF_FAMILIES[family, name] = policy


def policies_of(env: Any) -> dict[str, Policy]:
    """The reference policies of a world by name: those of every world, and those of its own families."""
    families = list(reversed(type(env).__mro__))
    own = {name: policy for base in families for (family, name), policy in _OF_FAMILIES.items() if family is base}
    return {**REFERENCE_POLICIES, **own}


def policy_called(name: str, env: Any) -> Policy:
    """A reference policy of a world.

    Raises:
        ValueError: it has none of this name; the message lists those that it has.
    """
    known = policies_of(env)
    if name not in known:
        raise ValueError(
            f"unknown policy {name!r}{did_you_mean(name, known)}; reference policies of {env.rung} are "
            f"{', '.join(known)}"
        )
    return known[name]
