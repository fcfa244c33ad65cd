"""Senses of a brain beside the world's observation, and how names select them."""

import numpy as np
import pytest

from koki2_train.brains import Interface, Outcome
from koki2_train.brains.senses import Senses, indices_of
from koki2_train.experiment.brain_settings import SenseSettings

NAMES = ("grad_x", "grad_y", "water_x", "water_y", "energy")


def senses(names=NAMES, **settings):
    return Senses.of(SenseSettings(**settings), Interface(names, (0.5,) * len(names), ("stay",)))


def outcome(energy=0.0, water=0.0, lost=0.0):
    return Outcome(np.True_, *map(np.float32, (energy, water, lost, 0.0, 0.0, 0.0)))


def test_without_senses_of_its_own_a_brain_is_given_the_observation():
    found = senses()
    assert (found.names, found.scales) == (NAMES, (0.5,) * 5)
    observation = np.arange(5, dtype=np.float32)
    assert found.sensed(observation, found.at_birth()) is observation


@pytest.mark.parametrize(("names", "own"), [(NAMES, ("fed", "hurt", "drank")), (NAMES[:2], ("fed", "hurt"))])
def test_events_are_sensed_after_the_observation_and_water_only_where_there_is_some(names, own):
    found = senses(names, sense_event=True)
    assert found.names == (*names, *own)
    assert found.scales == (0.5,) * len(names) + (1.0,) * len(own)
    observation = np.arange(len(names), dtype=np.float32)
    np.testing.assert_array_equal(found.sensed(observation, found.at_birth()), [*observation, *(0.0 for _ in own)])
    felt = found.after(outcome(energy=0.1, lost=0.0, water=0.3))
    np.testing.assert_array_equal(felt, [1.0, 0.0, 1.0][: len(own)])
    np.testing.assert_array_equal(found.after(outcome(lost=0.01)), [0.0, 1.0, 0.0][: len(own)])


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ("*_x,*_y", (0, 1, 2, 3)),
        ("energy", (4,)),
        (" water_y , grad_? ", (0, 1, 3)),
        ("grad_x,grad_*,grad_x", (0, 1)),
        ("*", (0, 1, 2, 3, 4)),
        ("[gw]*_x", (0, 2)),
    ],
)
def test_patterns_select_in_the_order_of_the_senses(patterns, expected):
    assert indices_of(patterns, NAMES) == expected


@pytest.mark.parametrize(
    ("patterns", "culprit"),
    [("smell*", "'smell\\*'"), ("grad_x,Energy", "'Energy'; did you mean 'energy'\\?"), ("", "''")],
)
def test_a_pattern_that_selects_nothing_is_named(patterns, culprit):
    with pytest.raises(ValueError, match=f"no sense is called {culprit}; there are grad_x, .*, energy$"):
        indices_of(patterns, NAMES)
