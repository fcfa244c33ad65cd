"""Lottery: which of several kinds of things are winners, drawn for each life."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from koki2_envs.mechanics.rng import Rng

ALL, UNLIKE, ALIKE = range(3)
"""Which sets of winners are drawn, numbered as in :data:`koki2_envs.params.lottery.FEEDING_SETS`."""


def set_weights(num_kinds: int, num_winners: jax.Array | int, sets: jax.Array | int) -> tuple[jax.Array, ...]:
    """How many sets of winners have neither, one and both of the first two kinds, up to a common factor.

    Args:
        num_kinds: at least 2.
        num_winners: () int32, size of a set.
        sets: which sets count: all, those that tell the first two kinds apart, or those that do not.
    """
    won, lost = jnp.asarray(num_winners, jnp.int32), num_kinds - jnp.asarray(num_winners, jnp.int32)
    neither, one, both = lost * (lost - 1), 2 * won * lost, won * (won - 1)
    return jnp.where(sets == UNLIKE, 0, neither), jnp.where(sets == ALIKE, 0, one), jnp.where(sets == UNLIKE, 0, both)


def draw_winners(rng: Rng, num_kinds: int, num_winners: jax.Array | int, sets: jax.Array | int) -> jax.Array:
    """A set of exactly ``num_winners`` kinds, uniform over the sets that count (:func:`set_weights`); (n,) bool."""
    lots = rng.bits(num_kinds + 1)
    weights = [weight.astype(jnp.float32) for weight in set_weights(num_kinds, num_winners, sets)]
    # A fraction in [0, 1) from 24 bits, so that it cannot round up to 1.
    fraction = (lots[-1] >> 8).astype(jnp.float32) / jnp.float32(1 << 24)
    at = fraction * sum(weights[1:], start=weights[0])
    of_first_two = (at >= weights[0]).astype(jnp.int32) + (at >= weights[0] + weights[1]).astype(jnp.int32)
    first, others = lots[:2], lots[2:-1]
    of_others = jnp.asarray(num_winners, jnp.int32) - of_first_two
    return jnp.concatenate([_lowest(first, of_first_two), _lowest(others, of_others)])


def _lowest(lots: jax.Array, count: jax.Array) -> jax.Array:
    """Which of n lots are the ``count`` lowest; equal ones in order; (n,) bool."""
    index = jnp.arange(lots.size, dtype=jnp.int32)
    ahead = (lots[None, :] < lots[:, None]) | ((lots[None, :] == lots[:, None]) & (index[None, :] < index[:, None]))
    return jnp.sum(ahead, axis=1, dtype=jnp.int32) < count
