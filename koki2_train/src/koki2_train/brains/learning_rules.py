"""Learning rules: eligibility traces of synapses, and how a modulator changes weights by them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from koki2_envs.knobs import is_always


def eligibility(
    trace: jax.Array, decay: jax.Array, pre: jax.Array, post: jax.Array, gate: jax.Array, coefficients: jax.Array | None
) -> jax.Array:
    """The trace e after a step, e ← λ e + pre·post, or with coefficients λ e + (A pre·post + B pre + C post + D)·gate.

    Args:
        trace: e, (rows, columns) float32; a row for each synapse of a neuron, a column for each neuron.
        decay: λ, () float32.
        pre: presynaptic activity, to be broadcast to (rows, columns), float32.
        post: postsynaptic activity times its gate, likewise.
        gate: what gates learning, likewise; 1 where nothing does.
        coefficients: A, B, C, D; (4, rows or 1, columns or 1) float32, or None for 1, 0, 0, 0.
    """
    if coefficients is None:
        return decay * trace + pre * post
    both, of_pre, of_post, constant = coefficients
    return decay * trace + both * pre * post + of_pre * pre * gate + of_post * post + constant * gate


def learned_weights(
    weights: jax.Array, step: jax.Array, trace: jax.Array, birth: jax.Array, drift: Any, largest: Any
) -> jax.Array:
    """The weights after a step, w ← clip(w + η m e, −w_max, w_max), and then w ← w + ρ (w_birth − w).

    Args:
        weights: w, (rows, columns) float32.
        step: η m, () float32.
        trace: e, as the weights.
        birth: w_birth, as the weights.
        drift: ρ; where it is known to be 0 nothing is computed of it.
        largest: w_max.
    """
    changed = weights + step * trace
    # Comparisons take less time on a CPU than jnp.clip, whose minimum and maximum each look for NaN.
    changed = jnp.where(changed > largest, largest, jnp.where(changed < -largest, -largest, changed))
    return changed if is_always(drift, 0.0) else changed + drift * (birth - changed)
