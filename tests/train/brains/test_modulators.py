"""Modulators: what a step is worth, and how much of it is a surprise."""

import numpy as np
import pytest

from koki2_train.brains import Outcome
from koki2_train.brains.modulators import modulator, surprise

SPIKES = np.array([1.0, 0.0, 1.0], np.float32)


def outcome(energy=0.0, water=0.0, lost=0.0, reduction=0.0):
    return Outcome(np.True_, *map(np.float32, (energy, water, lost, reduction, 0.0, 0.0)))


def value(kind, felt, readout=None, scale=20.0):
    return float(modulator(kind, felt, SPIKES, readout, scale))


@pytest.mark.parametrize(
    ("felt", "expected"),
    [
        ({"energy": 0.1}, np.tanh(2.0)),
        ({"water": 0.1}, np.tanh(2.0)),
        ({"lost": 0.05}, -np.tanh(1.0)),
        ({"energy": 0.1, "water": 0.2, "lost": 0.05}, np.tanh(5.0)),
        ({"reduction": 0.7}, 0.0),
    ],
)
def test_events_are_what_was_eaten_drunk_and_lost(felt, expected):
    assert value("event", outcome(**felt)) == pytest.approx(expected, rel=1e-6)


def test_drive_is_its_reduction_alone():
    assert value("drive", outcome(energy=1.0, reduction=-0.1), scale=3.0) == pytest.approx(np.tanh(-0.3), rel=1e-6)


def test_spikes_are_read_out_by_weights_of_the_genome():
    readout = np.array([0.5, 9.0, -0.2], np.float32)
    assert value("spike", outcome(energy=1.0), readout) == pytest.approx(np.tanh(0.3), rel=1e-6)


def test_surprise_after_two_events():
    """b = 0, then 0.05·0.8 = 0.04; a step that does not count is no surprise, and teaches nothing about the mean."""
    first, mean = surprise(np.float32(0.8), np.float32(0.0), 0.05, np.True_)
    nothing, mean = surprise(np.float32(0.8), mean, 0.05, np.False_)
    second, after = surprise(np.float32(-0.5), mean, 0.05, np.True_)
    assert [float(x) for x in (first, mean, nothing, second)] == pytest.approx([0.8, 0.04, 0.0, -0.54])
    assert float(after) == pytest.approx(0.04 - 0.05 * 0.54)
