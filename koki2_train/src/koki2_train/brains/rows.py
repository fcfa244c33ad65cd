"""Rows of synapses: sums, selections and supports in the form that is fast on a CPU."""

from __future__ import annotations

from functools import reduce

import jax
import jax.numpy as jnp

_MOST_UNROLLED = 32


def added_up(rows: jax.Array) -> jax.Array:
    """The sum over rows, one after the other: a reduction would leave their order, and so rounding, to the compiler."""
    if rows.shape[0] > _MOST_UNROLLED:
        return jax.lax.fori_loop(0, rows.shape[0], lambda i, total: total + rows[i], jnp.zeros_like(rows[0]))
    return reduce(jnp.add, rows)


def entries(vector: jax.Array, rows: tuple[int, ...]) -> jax.Array:
    """Some entries of a vector, a slice of it where they lie side by side."""
    if rows == tuple(range(rows[0], rows[-1] + 1) if rows else ()):
        return vector[rows[0] : rows[-1] + 1] if rows else vector[:0]
    return jnp.stack([vector[row] for row in rows])


def support_of(motor: jax.Array) -> jax.Array:
    """Each neuron's support for each action; (actions, N), filled up to a multiple of eight actions."""
    support = (motor - jnp.mean(motor, axis=1, keepdims=True)).T
    return jnp.pad(support, ((0, -motor.shape[1] % 8), (0, 0)))
