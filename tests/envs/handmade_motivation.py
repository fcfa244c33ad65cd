"""States of lives whose drive weights switch, made by hand, and one step from them."""

import jax
import jax.numpy as jnp

from koki2_envs.environments import Motivation, MotivationState
from koki2_envs.params import MotivationParams

STAY, LEFT, RIGHT = 0, 3, 4


KNOBS = {
    "width": 9, "height": 1, "max_steps_in_episode": 11, "energy_decay": 0.1, "energy_gain": 0.25,
    "hydration_decay": 0.05, "energy_drive_weight": 2.0, "hydration_drive_weight": 0.5,
    "energy_drive_weight_after": 0.25, "hydration_drive_weight_after": 3.0,
}  # fmt: skip


def state_of(pos, *, time=0, switch_phi=0.5, energy=0.5, hydration=0.5, food=8, water=0):
    """A life on a line of 9 cells."""
    box = jnp.asarray([0, 0, 9, 1], jnp.int32)
    return MotivationState(
        time=jnp.int32(time),
        succeeded=jnp.bool_(False),
        pos=jnp.asarray([pos, 0], jnp.int32),
        source_pos=jnp.asarray([[food, 0], [water, 0]], jnp.int32),
        source_is_bad=jnp.zeros(2, bool),
        source_active=jnp.ones(2, bool),
        source_respawn_t=jnp.zeros(2, jnp.int32),
        energy=jnp.float32(energy),
        integrity=jnp.float32(1.0),
        layout=jnp.int32(0),
        food_box=box,
        water_box=box,
        hydration=jnp.float32(hydration),
        switch_phi=jnp.float32(switch_phi),
    )


def step(state, action, **knobs):
    """One step: observation, state, reward, terminated, info."""
    return Motivation().step_env(jax.random.key(0), state, action, MotivationParams(**{**KNOBS, **knobs}))
