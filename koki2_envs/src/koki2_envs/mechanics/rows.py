"""Rows: short arrays assembled from scalars without concatenation, which is slow on CPUs."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def row(*entries: jax.Array) -> jax.Array:
    """Scalars as a row (n,).

    The same as ``jnp.stack``. XLA's CPU code branches on every element of a concatenation, and so computes everything
    that it fuses with one number at a time; with selections it stays with many numbers at a time.
    """
    position = jnp.arange(len(entries), dtype=jnp.int32)
    result = jnp.broadcast_to(entries[-1], (len(entries),))
    for index in reversed(range(len(entries) - 1)):
        result = jnp.where(position == index, entries[index], result)
    return result


def pairs(x: jax.Array, y: jax.Array) -> jax.Array:
    """Two rows (n,) as pairs (n, 2), without a concatenation (see :func:`row`)."""
    return jnp.where(jnp.arange(2, dtype=jnp.int32) == 0, x[:, None], y[:, None])
