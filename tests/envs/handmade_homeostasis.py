"""States with food and water made by hand, and one step from them."""

import jax
import jax.numpy as jnp

from koki2_envs.environments import Homeostasis, HomeostasisState
from koki2_envs.mechanics.layouts import UNIFORM
from koki2_envs.params import HomeostasisParams

STAY, UP, DOWN, LEFT, RIGHT = range(5)


EVERYWHERE = (0, 0, 9, 5)


def state_of(
    pos, food, water, *, bad=(), salty=(), gone=(), energy=0.5, hydration=0.5, integrity=1.0, time=0, boxes=None
):
    """A life among food and water; ``bad``, ``salty`` and ``gone`` are indices of food, water and of all."""
    cells = [*food, *water]
    is_bad = [i in bad for i in range(len(food))] + [i in salty for i in range(len(water))]
    food_box, water_box = boxes or (EVERYWHERE, EVERYWHERE)
    return HomeostasisState(
        time=jnp.int32(time),
        succeeded=jnp.bool_(False),
        pos=jnp.asarray(pos, jnp.int32),
        source_pos=jnp.asarray(cells, jnp.int32),
        source_is_bad=jnp.asarray(is_bad),
        source_active=jnp.asarray([i not in gone for i in range(len(cells))]),
        source_respawn_t=jnp.asarray([9 * (i in gone) for i in range(len(cells))], jnp.int32),
        energy=jnp.float32(energy),
        integrity=jnp.float32(integrity),
        layout=jnp.int32(UNIFORM),
        food_box=jnp.asarray(food_box, jnp.int32),
        water_box=jnp.asarray(water_box, jnp.int32),
        hydration=jnp.float32(hydration),
    )


def world_of(state, num_water):
    return Homeostasis(num_sources=state.source_pos.shape[0] - num_water, num_water=num_water)


def params_of(**knobs):
    return HomeostasisParams(
        **{"width": 9, "height": 5, "energy_decay": 0.1, "energy_gain": 0.25, "hydration_decay": 0.05, **knobs}
    )


def step(state, action, *, num_water=1, seed=0, **knobs):
    """One step: observation, state, reward, terminated, info."""
    return world_of(state, num_water).step_env(jax.random.key(seed), state, action, params_of(**knobs))
