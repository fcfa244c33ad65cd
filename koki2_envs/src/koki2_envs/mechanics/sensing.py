"""Senses: a gradient to the nearest thing, and the sensor that distorts it."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from koki2_envs.knobs import Knob, at, is_always, when_active

_FAR = jnp.iinfo(jnp.int32).max


def nearest(pos: jax.Array, things: jax.Array, candidates: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The nearest of K things by Euclidean distance; ties go to the lowest index.

    Args:
        pos: (2,) int32.
        things: (K, 2) int32.
        candidates: (K,) bool, which of them count.

    Returns:
        The displacement (2,) int32 from ``pos`` to it, zero where there is no candidate, and a (K,) bool with one
        True at it (all False where there is none).
    """
    offset = things - pos
    distance = jnp.where(candidates, offset[:, 0] ** 2 + offset[:, 1] ** 2, _FAR)
    first = jnp.argmin(distance)
    chosen = (jnp.arange(things.shape[0]) == first) & candidates
    return jnp.sum(jnp.where(chosen[:, None], offset, 0), axis=0), chosen


def quantise(gradient: jax.Array, bins: Knob, phi: jax.Array) -> jax.Array:
    """round(g·b)/b where the resolution b > 0, else g."""
    if is_always(bins, 0.0):
        return gradient
    b = at(bins, phi)
    safe = jnp.where(b > 0, b, 1.0)
    return jnp.where(b > 0, jnp.round(gradient * safe) / safe, gradient)


def amplify(gradient: jax.Array, gain: Knob, phi: jax.Array) -> jax.Array:
    """The gradient times ``gain``."""
    return gradient if is_always(gain, 1.0) else gradient * at(gain, phi)


def drop_out(key: jax.Array, gradient: jax.Array, p: Knob, phi: jax.Array) -> jax.Array:
    """With probability ``p``, one coin for all components, a silent gradient."""
    return when_active(
        p,
        0.0,
        lambda: jnp.where(jax.random.uniform(key) < at(p, phi), jnp.zeros_like(gradient), gradient),
        lambda: gradient,
    )


def add_noise(key: jax.Array, observation: jax.Array, sigma: Knob, phi: jax.Array) -> jax.Array:
    """Independent Gaussian noise of standard deviation ``sigma`` on every entry."""
    return when_active(
        sigma,
        0.0,
        lambda: observation + at(sigma, phi) * jax.random.normal(key, observation.shape, observation.dtype),
        lambda: observation,
    )
