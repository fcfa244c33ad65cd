"""Metrics of learning: correlations of what varies, and of what does not."""

import jax.numpy as jnp
import numpy as np
import pytest

from koki2_train.brains.base import Outcome
from koki2_train.brains.learning_metrics import count_learning, metrics_of_learning


def metrics(changes, modulators, reductions, events):
    """Those of a life in which these are what was counted of its steps, summed one after the other in 32 bits."""
    sums = {}
    for change, m, reduction, event in zip(changes, modulators, reductions, events, strict=True):
        felt = [jnp.float32(x) for x in (0.1 * event, 0.0, 0.0, reduction, 0.0, 0.0)]
        counted = count_learning(jnp.float32(change), jnp.float32(m), Outcome(jnp.bool_(True), *felt))
        sums = {name: np.float32(sums.get(name, 0.0)) + np.float32(value) for name, value in counted.items()}
    return {name: float(value) for name, value in metrics_of_learning(sums, np.float32(len(changes))).items()}


def test_means_per_step_and_per_event():
    found = metrics([0.1, 0.2, 0.6, 0.0], [0.5, -0.5, 1.0, 0.0], [0.1, -0.2, 0.3, 0.0], [1, 0, 1, 0])
    assert found["weight_change"] == pytest.approx(0.225)
    assert found["weight_change_on_event"] == pytest.approx(0.35)
    assert found["modulator"] == pytest.approx(0.5)
    expected = np.corrcoef([0.5, -0.5, 1.0, 0.0], [0.1, -0.2, 0.3, 0.0])[0, 1]
    assert found["modulator_drive_correlation"] == pytest.approx(expected, rel=1e-4)


def test_what_does_not_vary_correlates_with_nothing():
    """Rounding of the sums must not look like a variance."""
    steps = 64
    constant = metrics([0.0] * steps, [-0.3] * steps, [-0.005] * steps, [0] * steps)
    assert constant["modulator_drive_correlation"] == 0.0
    assert constant["weight_change_on_event"] == 0.0
