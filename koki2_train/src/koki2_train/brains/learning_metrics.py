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
    correlation over steps of the modulator with drive reduction, 0 where one of them does not vary.
    """
    mean = {name: total / steps for name, total in sums.items()}
    covariance = mean["_md"] - mean["_m"] * mean["_d"]
    spread = (mean["_mm"] - mean["_m"] ** 2) * (mean["_dd"] - mean["_d"] ** 2)
    correlation = jnp.clip(covariance / jnp.sqrt(jnp.where(spread > 0, spread, 1.0)), -1.0, 1.0)
    return {
        "weight_change": mean["weight_change"],
        "weight_change_on_event": sums["weight_change_on_event"] / jnp.maximum(sums["_events"], 1.0),
        "modulator": mean["modulator"],
        "modulator_drive_correlation": jnp.where(spread > 0, correlation, 0.0),
    }
