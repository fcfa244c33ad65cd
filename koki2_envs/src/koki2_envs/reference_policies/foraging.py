"""Greedy and oracle policies in the foraging worlds."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from koki2_envs.environments.foraging import Foraging
from koki2_envs.environments.state import ForagingState
from koki2_envs.knobs import value_at
from koki2_envs.mechanics.movement import STAY, move
from koki2_envs.mechanics.sources import touching
from koki2_envs.params import ForagingParams
from koki2_envs.reference_policies.base import cheapest, greedy, oracle, steps_between, steps_left, towards

_NEVER = 1e6
# Steps that the oracle walks, per step left of the life, rather than lose all its integrity; tuned on L1.0 and L1.1
# over 4,096 lives; between 0.4 and 1.5 the return changes by less than 0.1.
_PATIENCE = 0.5


@greedy.register
def _(env: Foraging, params: ForagingParams, state: ForagingState, observation: jax.Array, key: jax.Array) -> jax.Array:
    """Climbs the gradient along its larger component; stays where it is silent."""
    return towards(observation[0], observation[1])


@oracle.register
def _(env: Foraging, params: ForagingParams, state: ForagingState, observation: jax.Array, key: jax.Array) -> jax.Array:
    """Walks to the good source it can arrive at soonest and keeps arriving.

    It steps off and back on a source that stays, walks around bad sources in two dimensions, and touches one (on the
    way in one dimension, or in the good source's own cell) only where it survives that and the way is worth it. While
    nothing is within reach it drifts to the middle. Where reaching ends the life, it waits beside the source until
    the last step. It plans one step ahead, so that two bad sources that corner it in the plane can hold it up.
    """
    size, phi = env.size(params), env.phase(state.time, params)
    loss = value_at(params.bad_source_integrity_loss, phi)
    distance = steps_between(state.source_pos, state.pos).astype(jnp.float32)
    touched = _bad_sources_on_the_way(state, size)
    survives = (touched == 0) | (state.integrity - touched * loss > 0)
    wanted = state.source_active & ~state.source_is_bad & survives
    # The integrity that is left has to last for the rest of the life.
    price = _PATIENCE * steps_left(params, state) * loss / jnp.maximum(state.integrity, 1e-6)
    cost = jnp.where(wanted, jnp.where(distance > 0, distance, 2.0) + price * touched, _NEVER)
    target = cheapest(cost)
    found = cost[target] < _NEVER
    goal = jnp.where(found, state.source_pos[target], size // 2)

    action = _best_move(state, goal, size, may_touch=found & (touched[target] > 0))
    lasts = (steps_left(params, state) > 1) & (state.energy > value_at(params.energy_decay, phi))
    waits = jnp.asarray(params.terminate_on_reach) & found & (distance[target] == 1) & lasts
    return jnp.where(waits, STAY, action)


def _bad_sources_on_the_way(state: ForagingState, size: jax.Array) -> jax.Array:
    """How many active bad sources an arrival at each source touches: in its cell and, on a line, on the way; (K,)."""
    bad = state.source_active & state.source_is_bad
    in_its_cell = jnp.all(state.source_pos[:, None] == state.source_pos[None, :], axis=2)
    way = jnp.sum(state.source_pos - state.pos[None], axis=1, dtype=jnp.int32)
    same_side = jnp.sign(way)[:, None] == jnp.sign(way)[None, :]
    between = (jnp.min(size) == 1) & same_side & (way != 0)[None, :] & (jnp.abs(way)[None, :] < jnp.abs(way)[:, None])
    return jnp.sum((in_its_cell | between) & bad[None, :], axis=1, dtype=jnp.float32)


def _best_move(state: ForagingState, goal: jax.Array, size: jax.Array, may_touch: jax.Array) -> jax.Array:
    """The move that brings ``goal`` nearest, around bad sources; at the goal, a step aside onto a harmless cell."""
    offset = goal - state.pos
    at_goal = jnp.all(offset == 0)
    on_a_line = jnp.min(size) == 1

    def score(action: jax.Array) -> jax.Array:
        pos = move(state.pos, action, size)
        left = jnp.abs(goal - pos)
        harm = jnp.any(touching(state.sources, pos) & state.source_is_bad & ~touching(state.sources, state.pos))
        accepted = may_touch & ~at_goal & (on_a_line | jnp.all(left == 0))
        # Where a bad source is in the way, a step aside (which the longer side decides) is better than one back.
        way = steps_between(goal, pos).astype(jnp.float32) + 0.1 * jnp.max(left).astype(jnp.float32)
        detour = _if(action != towards(offset[0], offset[1]), 0.5)
        idle = _if(jnp.all(pos == state.pos), 3.0)
        return way + detour + idle + _if(harm & ~accepted, 10.0)

    return cheapest(jax.vmap(score)(jnp.arange(5, dtype=jnp.int32)))


def _if(condition: jax.Array, cost: float) -> jax.Array:
    return jnp.where(condition, jnp.float32(cost), 0.0)
