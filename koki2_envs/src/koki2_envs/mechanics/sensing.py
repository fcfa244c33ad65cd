"""Senses: a gradient to the nearest thing, and the sensor that distorts it."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from koki2_envs.knobs import Knob, is_always, value_at, when_active
from koki2_envs.mechanics.rng import Rng
from koki2_envs.mechanics.rows import row

DISPLACEMENT, NEARNESS = range(2)
"""The laws of smell, numbered as in :data:`koki2_envs.params.foraging.SMELL_LAWS`."""

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
    # One thing after the other: on a CPU several times as fast as a reduction over so few.
    nothing = jnp.zeros((), jnp.int32)
    best, dx, dy, first = jnp.asarray(_FAR, jnp.int32), nothing, nothing, nothing - 1
    for k in range(things.shape[0]):
        x, y = things[k, 0] - pos[0], things[k, 1] - pos[1]
        distance = x * x + y * y
        closer = candidates[k] & (distance < best)
        best, dx, dy, first = (jnp.where(closer, a, b) for a, b in ((distance, best), (x, dx), (y, dy), (k, first)))
    return row(dx, dy), jnp.arange(things.shape[0], dtype=jnp.int32) == first


def gradient_to(offset: jax.Array, size: jax.Array, law: jax.Array | int) -> jax.Array:
    """The gradient to a thing, zero where it is in the agent's own cell; (2,) float32.

    Args:
        offset: (2,) int32, the displacement to it.
        size: (2,) int32, width and height of the world.
        law: ``DISPLACEMENT``, over width − 1 and height − 1, or ``NEARNESS``, the unit direction over the distance.
    """
    along = offset.astype(jnp.float32)
    span = jnp.maximum(size - 1, 1).astype(jnp.float32)
    if is_always(law, DISPLACEMENT):
        return along / span
    squared = jnp.maximum(jnp.sum(jnp.square(along)), 1.0)
    return along / jnp.where(law == NEARNESS, squared, span)


def fade(gradient: jax.Array, offset: jax.Array, radius: Knob, phi: jax.Array) -> jax.Array:
    """The gradient where the thing at ``offset`` (2,) int32 is no farther (Euclidean) than ``radius`` > 0, else zero.

    A radius of 0 is without limit.
    """
    if is_always(radius, 0.0):
        return gradient
    limit = jnp.asarray(value_at(radius, phi), jnp.float32)
    distance = jnp.sum(jnp.square(offset.astype(jnp.float32)))
    return jnp.where((limit <= 0) | (distance <= jnp.square(limit)), gradient, 0.0)


def quantise(gradient: jax.Array, bins: Knob, phi: jax.Array) -> jax.Array:
    """round(g·b)/b where the resolution b > 0, else g."""
    if is_always(bins, 0.0):
        return gradient
    b = value_at(bins, phi)
    safe = jnp.where(b > 0, b, 1.0)
    return jnp.where(b > 0, jnp.round(gradient * safe) / safe, gradient)


def amplify(gradient: jax.Array, gain: Knob, phi: jax.Array) -> jax.Array:
    """The gradient times ``gain``."""
    return gradient if is_always(gain, 1.0) else gradient * value_at(gain, phi)


def drop_out(rng: Rng, gradient: jax.Array, p: Knob, phi: jax.Array) -> jax.Array:
    """With probability ``p``, one coin for all components, a silent gradient."""
    return when_active(
        p,
        0.0,
        lambda: jnp.where(rng.bernoulli(value_at(p, phi)), jnp.zeros_like(gradient), gradient),
        lambda: gradient,
    )


def add_noise(rng: Rng, observation: jax.Array, sigma: Knob, phi: jax.Array) -> jax.Array:
    """Independent Gaussian noise of standard deviation ``sigma`` on every entry."""
    return when_active(
        sigma,
        0.0,
        lambda: observation + value_at(sigma, phi) * rng.normal(observation.size),
        lambda: observation,
    )
