"""Learning rules: single synapses by hand."""

import numpy as np
import pytest

from koki2_train.brains.learning_rules import eligibility, learned_weights


def single(value):
    return np.full((1, 1), value, np.float32)


def weight_after(weight=0.5, step=0.3, trace=2.0, birth=0.5, drift=0.0, largest=3.0):
    return float(learned_weights(single(weight), np.float32(step), single(trace), single(birth), drift, largest)[0, 0])


def test_one_synapse_and_one_event():
    """Two steps with input 0.5 and −1, a spike in both: e = 0.5·0.5 − 1 = −0.75; η m = 0.4: w = 0.25 − 0.3."""
    trace, post = single(0.0), np.ones(1, np.float32)
    for pre in (0.5, -1.0):
        trace = eligibility(trace, np.float32(0.5), single(pre), post, post, None)
    assert float(trace[0, 0]) == -0.75
    assert weight_after(0.25, 0.4, -0.75) == pytest.approx(-0.05, abs=1e-7)


@pytest.mark.parametrize(
    ("pre", "spike", "gate", "expected"),
    [
        (0.5, 1.0, 2.0, 0.1 + 2.0 * (4.0 * 0.5 + 3.0 * 0.5 + 2.0 + 1.0)),
        (0.5, 0.0, 2.0, 0.1 + 2.0 * (3.0 * 0.5 + 1.0)),
        (0.0, 1.0, -1.0, 0.1 - (2.0 + 1.0)),
        (0.5, 1.0, 0.0, 0.1),
    ],
)
def test_coefficients_weigh_every_term_and_the_gate_all_of_them(pre, spike, gate, expected):
    coefficients = np.array([4.0, 3.0, 2.0, 1.0], np.float32).reshape(4, 1, 1)
    open_to = np.full(1, gate, np.float32)
    trace = eligibility(single(0.2), np.float32(0.5), single(pre), spike * open_to, open_to, coefficients)
    assert float(trace[0, 0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("step", "expected"), [(0.3, 1.1), (5.0, 3.0), (-5.0, -3.0), (0.0, 0.5)])
def test_weights_stay_within_the_largest(step, expected):
    assert weight_after(step=step) == pytest.approx(expected)


def test_drift_goes_back_to_birth_after_learning():
    """0.5 + 0.3·2 = 1.1, of which a quarter of the way to −0.9 is 0.6; also from where the weight was clipped."""
    assert weight_after(birth=-0.9, drift=0.25) == pytest.approx(0.6)
    assert weight_after(step=50.0, birth=-1.0, drift=0.25) == pytest.approx(2.0)
    assert weight_after(birth=-0.9, drift=1.0) == pytest.approx(-0.9)
