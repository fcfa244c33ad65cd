"""Greedy and oracle policies when the drive weights switch."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from koki2_envs.environments.motivation import Motivation, MotivationState
from koki2_envs.knobs import value_at
from koki2_envs.params import MotivationParams
from koki2_envs.reference_policies.base import cheapest, greedy, oracle, steps_left, towards
from koki2_envs.reference_policies.homeostasis import outlook

# Steps that the oracle keeps in reserve when it sets out for the need of lower weight, and the least weight that it
# gives a need, because it must live. Tuned over 1,024 lives of L4.2.
_RESERVE = 5.0
_LIFE = 0.4


@greedy.register
def _(
    env: Motivation, params: MotivationParams, state: MotivationState, observation: jax.Array, key: jax.Array
) -> jax.Array:
    """Climbs the gradient to what its body has less of, food on ties, whatever their weights."""
    first = env.observation_names.index("water_x")  # then water_y and hydration
    energy, hydration = observation[2], observation[first + 2]
    wanted = jnp.where(hydration < energy, observation[first : first + 2], observation[0:2])
    return towards(wanted[0], wanted[1])


@oracle.register
def _(
    env: Motivation, params: MotivationParams, state: MotivationState, observation: jax.Array, key: jax.Array
) -> jax.Array:
    """Goes where a meal or a drink takes most from the drive per step of the way, unless it is time to save its life.

    It reads which weights will be in force when it gets there.
    """
    moves, ways, across, lasts = outlook(env, params, state)
    now = state.time.astype(jnp.float32)
    last = now + steps_left(params, state) - 1
    phis = [env.phase(jnp.minimum(now + way, last), params) for way in ways]
    names = ("energy", "hydration")
    weights = [env.drive_weights(state, params, phi)[name] for phi, name in zip(phis, names, strict=True)]
    lacks = [
        value_at(setpoint, phi) - level + value_at(decay, phi) * way
        for setpoint, level, decay, phi, way in zip(
            (params.energy_setpoint, params.hydration_setpoint), (state.energy, state.hydration),
            (params.energy_decay, params.hydration_decay), phis, ways, strict=True,
        )
    ]  # fmt: skip
    gains = [value_at(gain, phi) for gain, phi in zip((params.energy_gain, params.water_gain), phis, strict=True)]
    food, water = (
        jnp.maximum(jnp.asarray(weight, jnp.float32), _LIFE)
        * (jnp.square(lack) - jnp.square(jnp.maximum(lack - gain, 0.0)))
        / jnp.maximum(way, 1.0)
        for weight, lack, gain, way in zip(weights, lacks, gains, ways, strict=True)
    )
    left = steps_left(params, state)
    # Whether going to one first leaves too little time for the other.
    late = [(lasts[i] - ways[1 - i] - across < _RESERVE) & (lasts[i] < left) for i in (0, 1)]
    wants_water = jnp.where(late[0] == late[1], jnp.where(late[0], lasts[1] < lasts[0], water > food), late[1])
    return 1 + cheapest(jnp.where(wants_water, moves[1], moves[0]))
