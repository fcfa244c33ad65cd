"""Reference policies: what chance, doing nothing, the bare senses and full knowledge achieve in a world.

Every policy has the signature ``policy(env, params, state, observation, key) -> action``, a () int32, is pure and can
be jitted and vmapped. ``random`` and ``stay`` look at nothing, ``greedy`` at the observation alone, ``oracle`` at the
state. Families of worlds register their own ``greedy`` and ``oracle``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

import jax
import jax.numpy as jnp

from koki2_envs.environments.foraging import Foraging, ForagingState
from koki2_envs.environments.world import World, WorldState
from koki2_envs.knobs import at
from koki2_envs.mechanics.movement import DOWN, LEFT, RIGHT, STAY, UP, move
from koki2_envs.mechanics.sources import contacts
from koki2_envs.params import ForagingParams, WorldParams

Policy = Callable[[Any, Any, Any, jax.Array, jax.Array], jax.Array]

_NEVER = 1e6
# What crossing a bad source costs the oracle, in steps of detour it would rather walk; tuned on L1.0 and L1.1.
_CROSSING_COST = 8.0


def random(
    env: World, params: WorldParams, state: WorldState, observation: jax.Array, key: jax.Array
) -> jax.Array:
    """A uniformly random action."""
    return jax.random.randint(key, (), 0, env.num_actions)


def stay(env: World, params: WorldParams, state: WorldState, observation: jax.Array, key: jax.Array) -> jax.Array:
    """Never moves."""
    return jnp.full((), STAY, jnp.int32)


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


REFERENCE_POLICIES: dict[str, Policy] = {"random": random, "stay": stay, "greedy": greedy, "oracle": oracle}


@greedy.register
def _(env: Foraging, params: ForagingParams, state: ForagingState, observation: jax.Array, key: jax.Array) -> jax.Array:
    """Climbs the gradient along its larger component; stays where it is silent."""
    return _towards(observation[0], observation[1])


@oracle.register
def _(env: Foraging, params: ForagingParams, state: ForagingState, observation: jax.Array, key: jax.Array) -> jax.Array:
    """Walks to the good source it can arrive at soonest and keeps arriving.

    It steps off and back on a source that stays, walks around bad sources in two dimensions, crosses them in one
    only where it survives that and the way is worth it, drifts to the middle while nothing is there, and where
    reaching ends the life, waits beside the source until the last step.
    """
    size = env.size(params)
    offset = state.source_pos - state.pos
    distance = jnp.sum(jnp.abs(offset), axis=1)
    crossed = _bad_sources_between(state, size)
    loss = at(params.bad_source_integrity_loss, env.phase(state.time, params))
    survives = (crossed == 0) | (state.integrity - crossed * loss > 0)
    wanted = state.source_active & ~state.source_is_bad & survives
    cost = jnp.where(wanted, jnp.where(distance > 0, distance, 2) + _CROSSING_COST * crossed * loss, _NEVER)
    target = jnp.argmin(cost)
    goal = jnp.where(cost[target] < _NEVER, state.source_pos[target], size // 2)

    action = _best_move(state, goal, size, fatal=state.integrity - loss <= 0)
    beside = (cost[target] < _NEVER) & (distance[target] == 1) & (state.time < params.max_steps_in_episode - 1)
    return jnp.where(jnp.asarray(params.terminate_on_reach) & beside, STAY, action)


def _towards(dx: jax.Array, dy: jax.Array) -> jax.Array:
    """The action along the larger component of (dx, dy), horizontal on ties; stay at zero."""
    horizontal = jnp.where(dx > 0, RIGHT, LEFT)
    vertical = jnp.where(dy > 0, DOWN, UP)
    action = jnp.where(jnp.abs(dx) >= jnp.abs(dy), horizontal, vertical)
    return jnp.where((dx == 0) & (dy == 0), STAY, action).astype(jnp.int32)


def _bad_sources_between(state: ForagingState, size: jax.Array) -> jax.Array:
    """How many active bad sources must be crossed on the way to each source; (K,), zero where one can walk around."""
    line = jnp.sum(state.source_pos, axis=1) - jnp.sum(state.pos)
    strictly = (jnp.sign(line)[:, None] == jnp.sign(line)[None, :]) & (
        jnp.abs(line)[None, :] < jnp.abs(line)[:, None]
    )
    blocking = state.source_active & state.source_is_bad & (line != 0)
    on_target = (line[None, :] == line[:, None]) & blocking[None, :] & (line[:, None] != 0)
    count = jnp.sum((strictly & blocking[None, :]) | on_target, axis=1)
    return jnp.where(jnp.min(size) == 1, count, 0)


def _best_move(state: ForagingState, goal: jax.Array, size: jax.Array, fatal: jax.Array) -> jax.Array:
    """The move that brings ``goal`` nearest, around bad sources; at the goal, a step aside onto a harmless cell."""
    offset = goal - state.pos
    at_goal = jnp.all(offset == 0)
    one_dimensional = jnp.min(size) == 1

    def score(action: jax.Array) -> jax.Array:
        pos = move(state.pos, action, size)
        moved = jnp.any(pos != state.pos)
        harm = jnp.any(contacts(state.sources, pos) & state.source_is_bad & ~contacts(state.sources, state.pos))
        steps = jnp.sum(jnp.abs(goal - pos)).astype(jnp.float32)
        off_axis = jnp.where(action == _towards(offset[0], offset[1]), 0.0, 0.5)
        price = jnp.where(one_dimensional & ~at_goal & ~fatal, 0.0, 10.0)
        useless = jnp.where(at_goal & ~moved, 5.0, 0.0)
        return steps + off_axis + harm * price + useless

    actions = jnp.arange(5)
    return actions[jnp.argmin(jax.vmap(score)(actions))].astype(jnp.int32)
