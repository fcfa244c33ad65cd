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
def presynaptic_selection(n_neurons: int, k_edges: int, seed: int) -> np.ndarray:
    """The wiring of :func:`sparse_inputs` as a matrix of zeros and ones that selects presynaptic neurons.

    Returns:
        (N, k·N) float32: a vector of N neurons times it has at e·N + i the neuron that is input e of i. Read-only.
    """
    inputs = sparse_inputs(n_neurons, k_edges, seed).T.ravel()
    selection = np.zeros((n_neurons, inputs.size), np.float32)
    selection[inputs, np.arange(inputs.size)] = 1.0
    selection.flags.writeable = False
    return selection
