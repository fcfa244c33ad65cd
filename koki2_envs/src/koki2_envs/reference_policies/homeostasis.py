"""Greedy and oracle where there is food and water."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from koki2_envs.environments.homeostasis import Homeostasis, HomeostasisState
from koki2_envs.knobs import at
from koki2_envs.mechanics.movement import move
from koki2_envs.mechanics.sources import contacts
from koki2_envs.params import HomeostasisParams
from koki2_envs.reference_policies.base import greedy, oracle, towards

_NEVER = 1e6
# Steps that the oracle keeps in hand when it sets out for what it needs: sources deplete and come back elsewhere, and
# the way may lead around salt. Tuned over 4,096 lives of each rung; from 3 to 8 the return changes by less than 1 %.
_RESERVE = 5.0


@greedy.register
def _(
    env: Homeostasis, params: HomeostasisParams, state: HomeostasisState, observation: jax.Array, key: jax.Array
) -> jax.Array:
    """Climbs the gradient to whatever is nearer, food or water, whatever its body needs."""
    food, water = observation[0:2], observation[4:6]
    food_far, water_far = (jnp.where(jnp.any(g != 0), jnp.sum(jnp.square(g)), _NEVER) for g in (food, water))
    nearer = jnp.where(water_far < food_far, water, food)
    return towards(nearer[0], nearer[1])


@oracle.register
def _(
    env: Homeostasis, params: HomeostasisParams, state: HomeostasisState, observation: jax.Array, key: jax.Array
) -> jax.Array:
    """Gathers what is nearest, and sets out for the other need while there is just time to get there.

    It goes around bad food and, as long as there is other water that it reaches alive, around salty water. It drinks
    salt only where it would else die of thirst, and survives it.
    """
    phi = env.phase(state.time, params)
    distance = jnp.sum(jnp.abs(state.source_pos - state.pos), axis=1)
    steps = jnp.where(distance > 0, distance, 2).astype(jnp.float32)
    is_water = jnp.arange(env.num_places) >= env.num_sources
    harmless = state.source_active & ~_shares_its_cell(state)
    survives = state.integrity > at(params.salt_integrity_loss, phi)
    salty = state.source_active & state.source_is_bad & is_water & survives

    needs = ((state.energy, params.energy_decay), (state.hydration, params.hydration_decay))
    hours = [level / jnp.maximum(at(decay, phi), 1e-6) for level, decay in needs]
    fresh = jnp.where(harmless, steps, _NEVER)
    nearest_fresh = jnp.min(jnp.where(is_water, fresh, _NEVER))
    nearest_salty = jnp.min(jnp.where(salty, steps, _NEVER))
    thirsting = (nearest_fresh >= hours[1]) & (nearest_salty + _RESERVE >= hours[1])
    cost = jnp.where(thirsting & salty, steps, fresh)
    food_cost, water_cost = jnp.where(is_water, _NEVER, cost), jnp.where(is_water, cost, _NEVER)
    ways = [_way(food_cost, state, state.food_box), _way(water_cost, state, state.water_box)]
    spare = [hours[i] - ways[i] for i in range(2)]
    urgent = jnp.minimum(*spare) < _RESERVE
    wants_water = jnp.where(urgent, spare[1] < spare[0], ways[1] < ways[0])
    target = jnp.argmin(jnp.where(wants_water, water_cost, food_cost))
    waiting = jnp.where(wants_water, _middle(state.water_box), _middle(state.food_box))
    goal = jnp.where(jnp.where(wants_water, water_cost, food_cost)[target] < _NEVER, state.source_pos[target], waiting)
    return _best_move(env, params, state, goal)


def _shares_its_cell(state: HomeostasisState) -> jax.Array:
    """Whether something bad lies in the same cell, or it is bad itself; (K,) bool."""
    bad = state.source_active & state.source_is_bad
    return jnp.any(jnp.all(state.source_pos[:, None] == state.source_pos[None, :], axis=2) & bad[None, :], axis=1)


def _way(cost: jax.Array, state: HomeostasisState, box: jax.Array) -> jax.Array:
    """Steps to the nearest of what costs so much, or to the middle of where it comes back."""
    back = jnp.sum(jnp.abs(_middle(box) - state.pos)).astype(jnp.float32)
    return jnp.where(jnp.min(cost) < _NEVER, jnp.min(cost), back)


def _middle(box: jax.Array) -> jax.Array:
    return box[:2] + box[2:] // 2


def _best_move(env: Homeostasis, params: HomeostasisParams, state: HomeostasisState, goal: jax.Array) -> jax.Array:
    """The move that gets closest to the goal without touching anything bad but there; at the goal, a step aside."""
    size, offset = env.size(params), goal - state.pos

    def score(action: jax.Array) -> jax.Array:
        pos = move(state.pos, action, size)
        left = goal - pos
        harm = jnp.any(contacts(state.sources, pos) & state.source_is_bad & ~contacts(state.sources, state.pos))
        way = jnp.sum(jnp.abs(left)) + 0.1 * jnp.max(jnp.abs(left))
        detour = jnp.where(action == towards(offset[0], offset[1]), 0.0, 0.5)
        idle = jnp.where(jnp.all(pos == state.pos), 3.0, 0.0)
        return way + detour + idle + jnp.where(harm & jnp.any(left != 0), 10.0, 0.0)

    return jnp.argmin(jax.vmap(score)(jnp.arange(5))).astype(jnp.int32)
