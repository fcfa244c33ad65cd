"""Modulators: the third factor of learning, which tells how good or bad a step was."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from koki2_train.brains.base import Outcome


def modulator(kind: str, outcome: Outcome, spikes: jax.Array, readout: jax.Array | None, scale: Any) -> jax.Array:
    """The modulator of a step before it is centred, m in [−1, 1]; () float32.

    Args:
        kind: ``event``, tanh(c·(energy gained + water gained − integrity lost)); ``drive``, tanh(c·drive reduction);
            or ``spike``, tanh(u·s).
        outcome: what the body felt of the step.
        spikes: s, (N,) float32, 0 or 1.
        readout: u, (N,) float32, of the kind ``spike``, and None for the others.
        scale: c.
    """
    if readout is not None:
        return jnp.tanh(spikes @ readout)
    if kind == "drive":
        return jnp.tanh(scale * outcome.drive_reduction)
    return jnp.tanh(scale * (outcome.energy_gained + outcome.water_gained - outcome.integrity_lost))


def surprise(value: jax.Array, mean: jax.Array, rate: Any, counts: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A modulator centred by its running mean b: m − b where the step counts, else 0; and the new mean.

    Args:
        value: m, () float32.
        mean: b, () float32, 0 at birth.
        rate: share of the difference that the mean takes up in a step that counts.
        counts: () bool. Events count alone where events modulate, all steps otherwise.

    Returns:
        The surprise and the new mean.
    """
    difference = jnp.where(counts, value - mean, 0.0)
    return difference, mean + rate * difference
