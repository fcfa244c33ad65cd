"""Oracle policy where the season turns; greedy is that of foraging, which follows the first food."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from koki2_envs.environments.seasons import Seasons, SeasonsState
from koki2_envs.knobs import value_at
from koki2_envs.mechanics.movement import STAY
from koki2_envs.params import SeasonsParams
from koki2_envs.reference_policies.base import cheapest, oracle, steps_between, steps_left
from koki2_envs.reference_policies.planning import NEVER, costs_of_moves, field_of, outside

# Steps that it walks, per step left of the life, rather than lose all its integrity. Tuned over 1,024 lives of L4.1.
_PATIENCE = 0.1


@oracle.register
def _(env: Seasons, params: SeasonsParams, state: SeasonsState, observation: jax.Array, key: jax.Array) -> jax.Array:
    """Goes to the nearest of the food that will be in season when it gets there, avoiding harm on the way.

    It knows when the season turns: where it cannot reach first food in time any more it sets out for the second, and
    waits beside it until the turn.
    """
    entering = _entering(env, params, state)
    wanted = state.source_active & env.edible(state)
    moves = [_moves(env, params, state, wanted & kind, entering) for kind in (~env.is_second, env.is_second)]
    now = state.time.astype(jnp.float32)
    last = now + steps_left(params, state) - 1
    in_time = env.phase(jnp.minimum(now + jnp.min(moves[0]) - 1, last), params) < state.season_phi
    costs = jnp.where(in_time, moves[0], moves[1])
    early = env.phase(state.time, params) < state.season_phi
    waits = ~in_time & early & (_steps_to(state, wanted & env.is_second) <= 1)
    return jnp.where(waits, STAY, 1 + cheapest(costs)).astype(jnp.int32)


def _entering(env: Seasons, params: SeasonsParams, state: SeasonsState) -> jax.Array:
    """What entering the cells around costs, in steps; a field."""
    phi = env.phase(state.time, params)
    loss = jnp.where(
        state.source_is_bad,
        jnp.asarray(value_at(params.bad_source_integrity_loss, phi), jnp.float32),
        value_at(params.unripe_integrity_loss, phi),
    )
    harm = field_of(state.pos, state.source_pos, jnp.where(state.source_active & ~env.feeds(state, phi), loss, 0.0))
    # The integrity that is left has to last for the rest of the life.
    price = _PATIENCE * steps_left(params, state) / jnp.maximum(state.integrity, 1e-6)
    deadly = (harm > 0) & (harm >= state.integrity)
    cost = 1.0 + price * harm + jnp.where(deadly, jnp.float32(0.01 * NEVER), 0.0)
    return jnp.where(outside(state.pos, env.size(params)), NEVER, cost)


def _moves(
    env: Seasons, params: SeasonsParams, state: SeasonsState, wanted: jax.Array, entering: jax.Array
) -> jax.Array:
    """What it costs to get to something wanted, or else to the middle of the world, by first move; (4,)."""
    goals = jnp.concatenate([state.source_pos, (env.size(params) // 2)[None]])
    counts = jnp.concatenate([wanted, ~jnp.any(wanted)[None]])
    return costs_of_moves(goals - state.pos[None], counts, entering)


def _steps_to(state: SeasonsState, wanted: jax.Array) -> jax.Array:
    """Steps to the nearest thing wanted; () int32."""
    return jnp.min(jnp.where(wanted, steps_between(state.source_pos, state.pos), jnp.iinfo(jnp.int32).max))
