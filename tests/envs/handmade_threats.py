"""States among threats made by hand, and one step from them."""

import jax
import jax.numpy as jnp

from koki2_envs.environments import Threats, ThreatsState
from koki2_envs.mechanics.storms import CALM
from koki2_envs.params import ThreatsParams

STAY, UP, DOWN, LEFT, RIGHT = range(5)


ZONES = {"zone_integrity_loss": 0.125, "zone_radius": 1.5}


STORMS = {"storm_integrity_loss": 0.25, "storm_calm_min": 3, "storm_calm_max": 3, "cue_delay": 2, "storm_steps": 4}


def state_of(pos, *, zone=(8, 4), shelter=(0, 0), phase=CALM, t=9, warning=2, announced=True, real=True, integrity=1.0):
    """A life in a world with one source far away, one zone and one shelter."""
    return ThreatsState(
        time=jnp.int32(0),
        succeeded=jnp.bool_(False),
        pos=jnp.asarray(pos, jnp.int32),
        source_pos=jnp.asarray([[8, 0]], jnp.int32),
        source_is_bad=jnp.asarray([False]),
        source_active=jnp.asarray([True]),
        source_respawn_t=jnp.zeros(1, jnp.int32),
        energy=jnp.float32(0.5),
        integrity=jnp.float32(integrity),
        zone_pos=jnp.asarray([zone], jnp.int32),
        shelter_pos=jnp.asarray([shelter], jnp.int32),
        storm_phase=jnp.int32(phase),
        storm_t=jnp.int32(t),
        storm_warning=jnp.int32(warning),
        storm_announced=jnp.bool_(announced),
        storm_real=jnp.bool_(real),
        validity=jnp.float32(1.0),
        decoy_on=jnp.bool_(False),
    )


def step(state, action, *, seed=0, **knobs):
    """One step in a world 9 cells wide and 5 high: observation, state, reward, terminated, info."""
    params = ThreatsParams(**{"width": 9, "height": 5, "energy_decay": 0.1, **knobs})
    return Threats().step_env(jax.random.key(seed), state, action, params)
