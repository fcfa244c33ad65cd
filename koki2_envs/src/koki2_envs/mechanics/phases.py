"""Phases at which a world changes, drawn for each life."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from koki2_envs.knobs import Knob, is_always
from koki2_envs.mechanics.rng import Rng


def drawn_phase(rng: Rng, low: Knob, high: Knob) -> jax.Array:
    """A phase uniform between two, () float32; if both are the same constant, that value, and nothing is drawn."""
    phase = jnp.asarray(low, jnp.float32)
    if isinstance(high, int | float) and is_always(low, high):
        return phase
    return phase + (jnp.asarray(high, jnp.float32) - phase) * jax.random.uniform(rng.key(), (), jnp.float32)
