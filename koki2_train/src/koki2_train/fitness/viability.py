"""Minimal viability test (MVT): hopeless genomes rank below all others, graded by how far they got."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from koki2_train.experiment.sections import ViabilitySettings
from koki2_train.rollout.metrics import LifeSummary

FAILURES = ("non_finite", "died_early", "low_action_entropy", "low_energy_gained")
"""Why a genome fails, in the order in which the criteria are checked."""


CRITERIA = ("finite", "steps_alive", "action_entropy", "energy_gained")
"""The fields of a :class:`LifeSummary` that the test looks at."""


class Verdict(NamedTuple):
    """The test's result for G genomes.

    Attributes:
        viable: (G,) bool.
        progress: (G,) float32 in [0, 1], how far the best short life got; 1 where viable.
        failure: (G,) int32, index into :data:`FAILURES` of the best short life's first unmet criterion; −1 if viable.
    """

    viable: jax.Array
    progress: jax.Array
    failure: jax.Array


def judge(short_lives: LifeSummary, settings: ViabilitySettings) -> Verdict:
    """Applies the criteria: a genome is viable if at least one of its short lives meets all of them.

    Args:
        short_lives: summary with leaves (G, M).
        settings: the criteria.
    """
    degree = jnp.stack(
        [
            short_lives.finite.astype(jnp.float32),
            _degree(short_lives.steps_alive, settings.mvt_min_alive_steps),
            _degree(short_lives.action_entropy, settings.mvt_min_action_entropy),
            _degree(short_lives.energy_gained, settings.mvt_min_energy_gained),
        ],
        axis=-1,
    )
    degree = jnp.where(short_lives.finite[..., None], degree, 0.0)
    met = degree >= 1.0
    passed = jnp.all(met, axis=-1)
    progress = jnp.where(passed, 1.0, jnp.mean(degree, axis=-1) * (1.0 - 1e-6))
    best = jnp.argmax(progress, axis=1)
    unmet = jnp.argmin(jnp.take_along_axis(met, best[:, None, None], axis=1)[:, 0], axis=-1)
    viable = jnp.any(passed, axis=1)
    return Verdict(viable, jnp.max(progress, axis=1), jnp.where(viable, -1, unmet).astype(jnp.int32))


def all_viable(num_genomes: int) -> Verdict:
    """The verdict where the test is off."""
    return Verdict(
        jnp.ones(num_genomes, bool), jnp.ones(num_genomes, jnp.float32), jnp.full(num_genomes, -1, jnp.int32)
    )


def failure_counts(verdict: Verdict) -> jax.Array:
    """How many genomes failed for each reason; (len(FAILURES),) int32."""
    failed = verdict.failure[:, None] == jnp.arange(len(FAILURES), dtype=jnp.int32)[None, :]
    return jnp.sum(failed, axis=0, dtype=jnp.int32)


def _degree(value: jax.Array, threshold: float) -> jax.Array:
    """How much of a criterion is met, 0 to 1; everything meets a threshold of 0."""
    return jnp.clip(value / threshold, 0.0, 1.0) if threshold > 0 else jnp.ones_like(value)
