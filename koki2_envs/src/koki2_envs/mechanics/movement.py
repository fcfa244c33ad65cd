"""Moving on a grid with closed borders."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from koki2_envs.knobs import Knob, value_at, when_active
from koki2_envs.mechanics.rng import Rng
from koki2_envs.mechanics.rows import row

STAY, UP, DOWN, LEFT, RIGHT = range(5)
ACTION_NAMES = ("stay", "up", "down", "left", "right")


def displacement(action: jax.Array | int) -> jax.Array:
    """The step (dx, dy) that an action asks for; shape (2,) int32. Up is y − 1."""
    action = jnp.asarray(action)
    dx = (action == RIGHT).astype(jnp.int32) - (action == LEFT).astype(jnp.int32)
    dy = (action == DOWN).astype(jnp.int32) - (action == UP).astype(jnp.int32)
    return row(dx, dy)


def move(pos: jax.Array, action: jax.Array, size: jax.Array) -> jax.Array:
    """The cell reached from ``pos`` (2,) int32 by an action; the border of a world of ``size`` (2,) stops it."""
    return jnp.clip(pos + displacement(action), 0, size - 1)


def carried_out(rng: Rng, action: jax.Array, motor_gain: Knob, phi: jax.Array) -> jax.Array:
    """The action if the body carries it out (probability ``motor_gain``), else stay; () int32."""
    return when_active(
        motor_gain,
        1.0,
        lambda: jnp.where(rng.bernoulli(value_at(motor_gain, phi)), action, STAY),
        lambda: action,
    )
