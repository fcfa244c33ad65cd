"""Oracle policy among threats. Greedy is that of the foraging worlds: it climbs the gradient to food, come what may."""

from __future__ import annotations

from functools import reduce

import jax
import jax.numpy as jnp

from koki2_envs.environments.threats import Threats, ThreatsState
from koki2_envs.knobs import value_at
from koki2_envs.mechanics import storms
from koki2_envs.mechanics.movement import STAY
from koki2_envs.params import ThreatsParams
from koki2_envs.reference_policies.base import cheapest, oracle, steps_between, steps_left
from koki2_envs.reference_policies.planning import NEVER, REACH, around, costs_of_moves, outside

# What it pays, in steps, for losing all the integrity that it has, per step left of the life.
_PATIENCE = 0.7
# The most that it pays for a meal, in steps; else it waits for its integrity to heal, or for food nearer by.
_WORTH = 60.0
# The integrity that it keeps for the rest of a life that has just begun; what is more, a storm may take.
_RESERVE = 0.3


@oracle.register
def _(env: Threats, params: ThreatsParams, state: ThreatsState, observation: jax.Array, key: jax.Array) -> jax.Array:
    """Walks the way to food that costs least in steps and harm, and is in a shelter when the storm comes.

    It knows the storm's clock up to the end of the round, and forages until it is time to go: each step towards food
    must leave enough steps for the way to the shelter. Caught outside, it goes to the shelter if it can arrive before
    the storm is over. What integrity it can spare it spends on meals in the storm.
    Where harm makes every meal too expensive, it waits.
    """
    shelter_distance = jnp.min(steps_between(state.shelter_pos, state.pos))
    phi = env.phase(state.time, params)
    seeks_shelter = _seeks_shelter(state, params, shelter_distance, phi)
    harm = _harm_around(env, params, state, phi)
    left = steps_left(params, state)
    healed = value_at(params.integrity_healing, phi) * left
    price = _PATIENCE * left / jnp.maximum(state.integrity + healed - 0.2, 0.02)
    food = state.source_active & env.edible(state)
    goals = jnp.concatenate([state.source_pos, state.shelter_pos])
    wanted = jnp.concatenate([food & ~seeks_shelter, jnp.broadcast_to(seeks_shelter, state.shelter_pos.shape[:1])])
    entering = 1.0 + price * harm
    moves = costs_of_moves(goals - state.pos[None], wanted, entering)
    here = harm[REACH, REACH] > 0
    waits = (seeks_shelter & (shelter_distance == 0)) | (~seeks_shelter & ~here & (jnp.min(moves) > _WORTH))
    return jnp.where(waits, STAY, 1 + cheapest(moves)).astype(jnp.int32)


def _seeks_shelter(state: ThreatsState, params: ThreatsParams, distance: jax.Array, phi: jax.Array) -> jax.Array:
    """Whether it is time to be in the shelter, or on the way, ``distance`` steps long; () bool."""
    loss = jnp.asarray(value_at(params.storm_integrity_loss, phi), jnp.float32)
    comes, wait = storms.steps_until_storm(state.clock)
    raging = state.clock.phase == storms.STORM
    # After the last of a storm's steps it is calm: there is no point in arriving later.
    is_time = jnp.where(raging, distance < state.clock.t - 1, comes & (distance + 2 > wait))
    left = steps_left(params, state) / jnp.asarray(params.max_steps_in_episode, jnp.float32)
    spare = state.integrity - loss * (distance + 1).astype(jnp.float32) > _RESERVE * left
    return is_time & ~spare & (loss > 0)


def _harm_around(env: Threats, params: ThreatsParams, state: ThreatsState, phi: jax.Array) -> jax.Array:
    """What entering each cell around costs in integrity, out of the world a lot; (n, n) float32, [y, x]."""
    x, y = around(state.pos)

    def holds(cell: jax.Array, radius: jax.Array | float) -> jax.Array:
        square = jnp.square(x - cell[0]) + jnp.square(y - cell[1])
        return square.astype(jnp.float32) <= jnp.square(jnp.asarray(radius, jnp.float32))

    in_zone = reduce(jnp.logical_or, [holds(cell, params.zone_radius) for cell in state.zone_pos])
    bad = state.source_active & state.source_is_bad
    on_bad = reduce(jnp.logical_or, [holds(cell, 0.0) & b for cell, b in zip(state.source_pos, bad, strict=True)])
    harm = value_at(params.zone_integrity_loss, phi) * in_zone.astype(jnp.float32)
    harm = harm + value_at(params.bad_source_integrity_loss, phi) * on_bad.astype(jnp.float32)
    return jnp.where(outside(state.pos, env.size(params)), NEVER, harm)
