"""Topology: fixed sparse wiring, the neurons that each neuron listens to."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=32)
def sparse_inputs(n_neurons: int, k_edges: int, seed: int) -> np.ndarray:
    """Draws the presynaptic neurons of every neuron: distinct, and never itself.

    Args:
        n_neurons: N.
        k_edges: k, inputs per neuron; at most N − 1.
        seed: topology seed.

    Returns:
        (N, k) int32, row i holding the neurons that i listens to, ascending. Read-only.
    """
    rng = np.random.default_rng(seed)
    rows = [np.sort(rng.choice(n_neurons - 1, size=k_edges, replace=False)) for _ in range(n_neurons)]
    inputs = np.stack(rows).astype(np.int32)
    inputs += inputs >= np.arange(n_neurons)[:, None]
    inputs.flags.writeable = False
    return inputs


@lru_cache(maxsize=32)
def dense_mask(n_neurons: int, k_edges: int, seed: int) -> np.ndarray:
    """The wiring of :func:`sparse_inputs` as (N, N) float32: 1 in row j, column i where i listens to j. Read-only."""
    mask = np.zeros((n_neurons, n_neurons), np.float32)
    mask[sparse_inputs(n_neurons, k_edges, seed), np.arange(n_neurons)[:, None]] = 1.0
    mask.flags.writeable = False
    return mask
