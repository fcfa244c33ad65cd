"""Body variables: their limits, and the drive."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def clip_level(level: jax.Array) -> jax.Array:
    """Keeps a body variable in [0, 1]."""
    return jnp.clip(level, 0.0, 1.0)


def drive(levels: tuple[Any, ...], setpoints: tuple[Any, ...], weights: tuple[Any, ...]) -> jax.Array:
    """Drive D = Σ_k w_k (h_k − setpoint_k)² over body variables h (Keramati & Gutkin 2014, with exponent 2)."""
    terms = [w * jnp.square(h - s) for h, s, w in zip(levels, setpoints, weights, strict=True)]
    return sum(terms[1:], start=terms[0])
