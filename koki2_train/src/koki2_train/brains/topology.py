"""Fixed sparse wiring: which neurons each neuron listens to."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=32)
def sparse_inputs(num_neurons: int, num_inputs: int, seed: int) -> np.ndarray:
    """Draws the presynaptic neurons of every neuron: distinct, and never itself.

    Args:
        num_neurons: N.
        num_inputs: k, inputs per neuron; at most N − 1.
        seed: topology seed.

    Returns:
        (N, k) int32, row i holding the neurons that i listens to, ascending. Read-only.
    """
    rng = np.random.default_rng(seed)
    rows = [np.sort(rng.choice(num_neurons - 1, size=num_inputs, replace=False)) for _ in range(num_neurons)]
    inputs = np.stack(rows).astype(np.int32)
    inputs += inputs >= np.arange(num_neurons)[:, None]
    inputs.flags.writeable = False
    return inputs
