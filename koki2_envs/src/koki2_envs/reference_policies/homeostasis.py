"""Greedy and oracle policies with food and water."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from koki2_envs.environments.homeostasis import Homeostasis, HomeostasisState
from koki2_envs.knobs import value_at
from koki2_envs.params import HomeostasisParams
from koki2_envs.reference_policies.base import cheapest, greedy, oracle, steps_between, steps_left, towards
from koki2_envs.reference_policies.planning import NEVER, costs_of_moves, field_of, outside

# Steps that the oracle keeps in hand when it sets out for what it needs: sources deplete and come back elsewhere.
# Tuned over 4,096 lives of each rung.
_RESERVE = 5.0
# Steps that it walks, per step left of the life, rather than lose all its integrity; tuned likewise.
_PATIENCE = 0.1


@greedy.register
def _(
    env: Homeostasis, params: HomeostasisParams, state: HomeostasisState, observation: jax.Array, key: jax.Array
) -> jax.Array:
    """Climbs the gradient to whatever is nearer, food or water, whatever its body needs."""
    first = env.observation_names.index("water_x")
    food, water = observation[0:2], observation[first : first + 2]
    food_far, water_far = (jnp.where(jnp.any(g != 0), jnp.sum(jnp.square(g)), NEVER) for g in (food, water))
    nearer = jnp.where(water_far < food_far, water, food)
    return towards(nearer[0], nearer[1])


@oracle.register
def _(
    env: Homeostasis, params: HomeostasisParams, state: HomeostasisState, observation: jax.Array, key: jax.Array
) -> jax.Array:
    """Gathers what is nearest as long as it can still reach the other need from there in time.

    Where neither order of the two leaves enough time it takes the one that leaves more. Its ways are those that cost
    least, in steps and in harm from bad food and salt on the way or in the goal's own cell.
    """
    moves, ways, across, lasts = outlook(env, params, state)
    food_first = jnp.minimum(lasts[0] - ways[0], lasts[1] - ways[0] - across)
    water_first = jnp.minimum(lasts[1] - ways[1], lasts[0] - ways[1] - across)
    nearer_is_water = ways[1] < ways[0]
    in_time = jnp.where(nearer_is_water, water_first, food_first) >= _RESERVE
    wants_water = jnp.where(in_time, nearer_is_water, water_first > food_first)
    return 1 + cheapest(jnp.where(wants_water, moves[1], moves[0]))


class Outlook(NamedTuple):
    """What it takes to get to food and to water, and how long there is time; pairs are food's and water's.

    Attributes:
        moves: (4,) float32 each, the cost of the best way that begins with each move.
        ways: () float32 each, the cost of the best way.
        across: () float32, steps from the nearest food to the nearest water.
        lasts: () float32 each, steps that energy and hydration last.
    """

    moves: tuple[jax.Array, ...]
    ways: tuple[jax.Array, ...]
    across: jax.Array
    lasts: tuple[jax.Array, ...]


def outlook(env: Homeostasis, params: HomeostasisParams, state: HomeostasisState) -> Outlook:
    """Plans the ways to both needs."""
    entering = _entering(env, params, state)
    is_water = env.is_water
    # Bad food does not feed; salty water hydrates.
    serves = state.source_active & (is_water | ~state.source_is_bad)
    moves = tuple(_moves(state, serves & kind, box, entering) for kind, box in _kinds(state, is_water))
    places = [_nearest(state, serves & kind, box) for kind, box in _kinds(state, is_water)]
    phi = env.phase(state.time, params)
    needs = ((state.energy, params.energy_decay), (state.hydration, params.hydration_decay))
    return Outlook(
        moves,
        tuple(jnp.min(costs) for costs in moves),
        steps_between(places[0], places[1]).astype(jnp.float32),
        tuple(level / jnp.maximum(jnp.asarray(value_at(decay, phi), jnp.float32), 1e-6) for level, decay in needs),
    )


def _kinds(state: HomeostasisState, is_water: jax.Array) -> tuple[tuple[jax.Array, jax.Array], ...]:
    """Food and water: which sources, and the box in which they lie."""
    return (~is_water, state.food_box), (is_water, state.water_box)


def _entering(env: Homeostasis, params: HomeostasisParams, state: HomeostasisState) -> jax.Array:
    """What entering the cells around costs, in steps; a field."""
    phi = env.phase(state.time, params)
    is_water = env.is_water
    loss = jnp.where(
        is_water,
        jnp.asarray(value_at(params.salt_integrity_loss, phi), jnp.float32),
        value_at(params.bad_source_integrity_loss, phi),
    )
    harm = field_of(state.pos, state.source_pos, jnp.where(state.source_active & state.source_is_bad, loss, 0.0))
    # The integrity that is left has to last for the rest of the life.
    price = _PATIENCE * steps_left(params, state) / jnp.maximum(state.integrity, 1e-6)
    deadly = (harm > 0) & (harm >= state.integrity)
    cost = 1.0 + price * harm + jnp.where(deadly, jnp.float32(0.01 * NEVER), 0.0)
    return jnp.where(outside(state.pos, env.size(params)), NEVER, cost)


def _moves(state: HomeostasisState, wanted: jax.Array, box: jax.Array, entering: jax.Array) -> jax.Array:
    """What it costs to get to something wanted, or to the middle of where it comes back, by first move; (4,)."""
    goals = jnp.concatenate([state.source_pos, _middle(box)[None]])
    counts = jnp.concatenate([wanted, ~jnp.any(wanted)[None]])
    return costs_of_moves(goals - state.pos[None], counts, entering)


def _nearest(state: HomeostasisState, wanted: jax.Array, box: jax.Array) -> jax.Array:
    """The cell of the nearest thing wanted, or the middle of where it comes back; (2,) int32."""
    far = jnp.where(wanted, steps_between(state.source_pos, state.pos), jnp.iinfo(jnp.int32).max)
    return jnp.where(jnp.any(wanted), state.source_pos[cheapest(far)], _middle(box))


def _middle(box: jax.Array) -> jax.Array:
    return box[:2] + box[2:] // 2
