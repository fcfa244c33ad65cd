"""Metrics of learning in a life: how much synapses changed, and what modulated them."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from koki2_train.brains.base import Outcome


def count_learning(change: jax.Array, modulator: jax.Array, outcome: Outcome) -> dict[str, jax.Array]:
    """What is counted of a step for :func:`metrics_of_learning`.

    Args:
        change: mean absolute change of a plastic synapse, () float32.
        modulator: () float32.
        outcome: what the body felt.
    """
    m, reduction, event = modulator, outcome.drive_reduction, outcome.is_event.astype(jnp.float32)
    return {
        "weight_change": change,
        "weight_change_on_event": change * event,
        "modulator": jnp.abs(m),
        "_events": event,
        "_m": m,
        "_mm": m * m,
        "_d": reduction,
        "_dd": reduction * reduction,
        "_md": m * reduction,
    }


def metrics_of_learning(sums: Mapping[str, jax.Array], steps: jax.Array) -> dict[str, jax.Array]:
    """Metrics of a life from what was counted, summed over the steps lived.

    ``weight_change``: mean absolute change of a plastic synapse per step; ``weight_change_on_event``: the same in steps
    with an event; ``modulator``: mean absolute modulator per step; ``modulator_drive_correlation``: Pearson's
    correlation over steps of the modulator with drive reduction, 0 where one of them does not vary by more than a
    thousandth of its size.
    """
    mean = {name: total / steps for name, total in sums.items()}
    covariance = mean["_md"] - mean["_m"] * mean["_d"]
    spread = _variance(mean["_mm"], mean["_m"]) * _variance(mean["_dd"], mean["_d"])
    correlation = jnp.clip(covariance / jnp.sqrt(jnp.where(spread > 0, spread, 1.0)), -1.0, 1.0)
    return {
        "weight_change": mean["weight_change"],
        "weight_change_on_event": sums["weight_change_on_event"] / jnp.maximum(sums["_events"], 1.0),
        "modulator": mean["modulator"],
        "modulator_drive_correlation": jnp.where(spread > 0, correlation, 0.0),
    }


def _variance(mean_square: jax.Array, mean: jax.Array) -> jax.Array:
    """The variance; 0 where the difference of the two is no more than their rounding in 32 bits."""
    variance = mean_square - mean**2
    return jnp.where(variance > _ROUNDING * mean_square, variance, 0.0)


_ROUNDING = 1e-6
