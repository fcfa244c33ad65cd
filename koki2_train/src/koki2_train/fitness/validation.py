"""Validation: scores of the genomes that compete for champion, on lives that are the same throughout a run."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from koki2_train.experiment.sections import ValidationSettings
from koki2_train.random_streams import Stream, life_keys, stream_key
from koki2_train.rollout.knobs import Knobs
from koki2_train.rollout.population import rollout_on_devices
from koki2_train.rollout.problem import Problem

_VALIDATION = ("fitness", "finite")


def validation_scores(
    problem: Problem, knobs: Knobs, root: jax.Array, candidates: jax.Array, settings: ValidationSettings
) -> jax.Array:
    """Mean fitness of each candidate on the run's validation lives.

    Args:
        problem: world, brain, genome and devices.
        knobs: of world and brain.
        root: the run's root key.
        candidates: (C, D) float32, genomes.
        settings: how many lives.

    Returns:
        (C,) float32; −inf where a life was not finite.
    """
    keys = life_keys(stream_key(root, Stream.VALIDATION), settings.validation_episodes)
    lives = rollout_on_devices(problem, knobs, candidates, keys, problem.num_steps, _VALIDATION)
    return jnp.where(jnp.all(lives.finite, axis=1), jnp.mean(lives.fitness, axis=1), -jnp.inf)


def best_of(population: jax.Array, rank: jax.Array, count: int) -> jax.Array:
    """The ``count`` genomes of highest rank; (count, D)."""
    _, index = jax.lax.top_k(rank, count)
    return population[index]
