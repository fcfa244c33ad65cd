"""Ranking: a generation's genomes in order, by viability first."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from koki2_train.fitness.viability import Verdict


def rank_genomes(verdict: Verdict, fitness: jax.Array) -> jax.Array:
    """Each genome's rank by viability, then progress, then fitness: the score that a strategy is given.

    Args:
        verdict: of the viability test, for G genomes.
        fitness: (G,) float32, larger is better; NaN and inf rank below every finite fitness.

    Returns:
        (G,) float32 whole numbers, 0 for the worst; equal genomes share a rank.
    """
    return dense_rank(verdict.viable, verdict.progress, fitness)


def dense_rank(viable: jax.Array, progress: jax.Array, fitness: jax.Array) -> jax.Array:
    """Ranks genomes lexicographically by viability, then progress, then fitness.

    Among viable genomes fitness decides; among the others progress, then fitness. Fitness that is not finite is the
    lowest there is, so it never lifts a genome.

    Args:
        viable: (G,) bool.
        progress: (G,) float32.
        fitness: (G,) float32, larger is better.

    Returns:
        (G,) float32 whole numbers, 0 for the worst; equal genomes share a rank.
    """
    fitness = jnp.where(jnp.isfinite(fitness), fitness, -jnp.inf)
    columns = (fitness, jnp.where(viable, 1.0, progress), viable.astype(jnp.float32))
    order = jnp.lexsort(columns)
    ordered = jnp.stack([column[order] for column in columns])
    steps = jnp.any(ordered[:, 1:] != ordered[:, :-1], axis=0)
    ranks = jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(steps, dtype=jnp.int32)]).astype(jnp.float32)
    return jnp.zeros_like(ranks).at[order].set(ranks)
