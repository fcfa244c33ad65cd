"""Nursing of brains: schedules of learning, which go with the brain and not with the world."""

import json

import pytest

from koki2_envs import NURSING, Schedule, ramp, with_nursing
from koki2_train.experiment import Experiment
from koki2_train.experiment.brain_nursing import BRAIN_NURSING, NURSING_NAMES, with_brain_nursing
from koki2_train.experiment.brain_settings import SpikingSettings

LEARNING = {"plast_enabled": True, "plast_eta": 0.2}


def nursed(strengths, **settings):
    return Experiment.build("L1.0", {**LEARNING, "nursing": strengths, **settings})


def eta(experiment):
    return experiment.brain.settings.plast_eta


@pytest.mark.parametrize(
    ("strength", "expected"),
    [
        (1.0, Schedule(3.0 * 0.2, 0.2, 0.0, 0.5)),
        (0.5, Schedule(0.2 + 0.5 * (3.0 * 0.2 - 0.2), 0.2, 0.0, 0.5)),
        (0, 0.2),
    ],
)
def test_learning_is_faster_at_birth_and_as_in_adults_from_half_of_life(strength, expected):
    plain = Experiment.build("L1.0", LEARNING)
    for written in ({"plasticity": strength}, f"plasticity:{strength}"):
        assert eta(nursed(written)) == expected
        assert nursed(written).params == plain.params
    assert nursed({"plasticity": strength}).with_settings({"plast_eta": 0.2}) == plain


def test_it_survives_being_written_and_set_again():
    once = nursed({"plasticity": 0.5})
    assert Experiment.from_dict(json.loads(json.dumps(once.to_dict()))) == once
    assert once.with_settings({"nursing": {"plasticity": 0.5}, "generations": 200}) == once


def test_world_and_brain_are_nursed_together_and_combined_is_of_the_world_alone():
    adult = Experiment.build("L1.0", LEARNING)
    both = nursed("combined:0.5+plasticity")
    assert both.params == with_nursing(adult.params, {"combined": 0.5})
    assert eta(both) == eta(nursed({"plasticity": 1.0}))
    assert eta(nursed({"combined": 1.0})) == 0.2
    assert both.without_nursing() == nursed({"plasticity": 1.0}), "a champion keeps its brain"


def test_names_are_those_of_one_preset_and_settings_are_of_one():
    assert len(set(NURSING_NAMES)) == len(NURSING_NAMES) == len(NURSING) + len(BRAIN_NURSING) + 1
    eased = [easing.knob for preset in BRAIN_NURSING.values() for easing in preset.easings]
    assert len(set(eased)) == len(eased)
    assert SpikingSettings.dynamic_fields().keys() >= set(eased)


@pytest.mark.parametrize(
    ("settings", "strengths", "message"),
    [
        ({}, {"plasticty": 1.0}, "unknown nursing 'plasticty'; did you mean 'plasticity'"),
        ({}, "plasticty", "unknown nursing 'plasticty'; did you mean 'plasticity'"),
        ({}, {"plasticity": 2.0}, "nursing 'plasticity': strength must be 0 to 1, got 2"),
        ({"plast_enabled": False}, "plasticity", r"nursing 'plasticity' needs a brain that learns .*\(plast_enabled\)"),
        ({"plast_eta": 0.0}, "plasticity", "'plasticity' changes nothing here, where none of plast_eta matters"),
        ({"plast_eta": ramp(0.1, 0.2)}, "plasticity", "'plasticity' sets plast_eta, which is a schedule already"),
    ],
)
def test_what_cannot_be_nursed_is_said(settings, strengths, message):
    with pytest.raises(ValueError, match=message):
        nursed(strengths, **settings)


def test_a_brain_without_presets_stays_as_it_is():
    settings = SpikingSettings()
    assert with_brain_nursing(settings, {}) == settings
