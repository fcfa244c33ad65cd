"""Experiments and trials: built from settings by name, written as plain data, compared, and importable without JAX."""

import dataclasses
import json
import math

import numpy as np
import pytest

from koki2_envs import RUNGS, ramp
from koki2_envs.knobs import knob_fields
from koki2_train.evolution import Program
from koki2_train.experiment import Experiment, Trial
from koki2_train.experiment.brain_settings import PlasticitySettings, SenseSettings, SpikingSettings
from koki2_train.experiment.registration import DEFAULT_PARTS
from koki2_train.experiment.sections import (
    DirectSettings,
    EvolutionSettings,
    OpenESSettings,
    ValidationSettings,
    ViabilitySettings,
)
from koki2_train.experiment.settings import ALIASES, all_setting_names, known_settings
from koki2_train.experiment.sources import read_preset

SETTINGS = {
    "num_sources": 6,
    "num_bad_sources": 3,
    "steps": 77,
    "energy_gain": ramp(0.1, 1 / 3, 0.2, 0.7),
    "respawn_delay": ramp(0, 9),
    "terminate_on_reach": True,
    "n_neurons": 12,
    "tau_m": 7.3,
    "sigma": 0.1 + 0.2,
    "mvt": True,
    "validation_top": 2,
}


@pytest.mark.parametrize("rung", RUNGS)
def test_an_experiment_survives_json_exactly(rung):
    counts = () if "num_sources" in RUNGS[rung].structure else ("num_sources", "num_bad_sources")
    experiment = Experiment.build(rung, {name: value for name, value in SETTINGS.items() if name not in counts})
    again = Experiment.from_dict(json.loads(json.dumps(experiment.to_dict(), allow_nan=False)))
    assert again == experiment
    assert hash(again) == hash(experiment)
    assert [type(v) for v in again.settings().values()] == [type(v) for v in experiment.settings().values()]
    assert Experiment.build(rung, experiment.settings()) == experiment


def test_settings_go_where_they_belong():
    experiment = Experiment.build("L1.0", SETTINGS)
    assert experiment.rung == "L1.0"
    assert dict(experiment.structure) == {"num_sources": 6}
    assert experiment.params.max_steps_in_episode == 77
    assert experiment.params.num_bad_sources == 3
    assert experiment.brain.settings == SpikingSettings(n_neurons=12, tau_m=7.3)
    assert experiment.strategy.settings == OpenESSettings(sigma=0.1 + 0.2)
    assert experiment.mvt.mvt is True
    assert experiment.params.respawn_delay == ramp(0, 9)
    assert experiment.params.deplete_sources is True, "as the rung has it"
    assert experiment.validation == ValidationSettings(validation_top=2)


def test_names_of_settings_are_unique_over_all_parts():
    for row in RUNGS.values():
        fields = known_settings(row, DEFAULT_PARTS)  # which raises where two parts share a name
        assert not set(fields) & {*row.structure, *ALIASES, *DEFAULT_PARTS}
        assert {*fields, *row.structure} <= all_setting_names()


def test_every_alias_stands_for_a_setting():
    assert set(ALIASES.values()) <= all_setting_names()
    assert Experiment.build("L0.0", {"steps": 9}) == Experiment.build("L0.0", {"max_steps_in_episode": 9})


@pytest.mark.parametrize(
    ("settings", "decay"),
    [
        ({}, 1 / 128),
        ({"steps": 50}, 1 / 50),
        ({"steps": 50, "energy_init": 0.5}, 0.01),
        ({"energy_init": ramp(0.5, 1.0), "steps": 10}, 0.05),
        ({"energy_decay": 0.3, "steps": 50}, 0.3),
        ({"energy_decay": ramp(0.0, 0.1)}, ramp(0.0, 0.1)),
    ],
)
def test_energy_lasts_one_life_where_no_decay_is_given(settings, decay):
    assert Experiment.build("L0.2", settings).params.energy_decay == decay


def test_other_settings_change_nothing_else():
    experiment = Experiment.build("L1.1", SETTINGS)
    changed = experiment.with_settings({"steps": 40})
    assert changed.params.energy_decay == experiment.params.energy_decay
    assert changed.settings() == experiment.settings() | {"max_steps_in_episode": 40}
    assert experiment.with_settings({}) == experiment


def test_numbers_of_numpy_are_those_of_python():
    arrays = {
        "num_sources": np.int32(6),
        "steps": np.array(77),
        "energy_decay": np.array(0.5),
        "energy_gain": ramp(np.array(0.25), np.float32(0.5)),
        "mvt": np.bool_(True),
        "sigma": np.float64(0.25),
    }
    plain = {"num_sources": 6, "steps": 77, "energy_decay": 0.5, "energy_gain": ramp(0.25, 0.5)}
    plain |= {"mvt": True, "sigma": 0.25}
    built, expected = (Experiment.build("L1.0", settings) for settings in (arrays, plain))
    assert built == expected
    assert hash(built) == hash(expected)
    assert json.dumps(built.to_dict()) == json.dumps(expected.to_dict())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"energy_gian": 1}, "unknown setting 'energy_gian'; did you mean 'energy_gain'?"),
        ({"popsize": 1}, "unknown setting 'popsize'; did you mean 'pop_size'?"),
        ({"xyzzy": 1}, "unknown setting 'xyzzy'"),
        ({"pop_size": 7}, "pop_size must be even"),
        ({"pop_size": 0}, "pop_size must be at least 2, got 0"),
        ({"pop_size": [2, 4]}, "pop_size must be one value, got [2, 4]"),
        ({"energy_gain": np.array([0.1, 0.2])}, "energy_gain must be one value, got array([0.1, 0.2])"),
        ({"sigma": math.nan}, "sigma must be finite, got nan"),
        ({"sigma": ramp(0, 1)}, "sigma cannot be a schedule, got 0:1@0:1"),
        ({"sigma": "big"}, "sigma must be a number, got 'big'"),
        ({"n_neurons": 8, "k_edges": 8}, "k_edges must be at most n_neurons - 1 = 7, got 8"),
        ({"mvt_steps": 10, "mvt_min_alive_steps": 11}, "mvt_min_alive_steps must be at most mvt_steps = 10, got 11"),
        ({"num_bad_sources": 5}, "num_bad_sources must be at most num_sources = 4, got 5"),
        ({"num_sources": 0}, "num_sources must be 1 to 1024, got 0"),
        ({"num_sources": 2.0}, "num_sources must be a whole number, got 2.0"),
        ({"width": 2.5}, "width must be a whole number, got 2.5"),
        ({"generations": 2**31}, "generations must be at most 2147483647"),
        ({"pop_size": 4, "validation_top": 5}, "validation_top must be at most pop_size = 4, got 5"),
        ({"generations": True}, "generations must be a number, got True"),
        ({"generations": 2.5}, "generations must be a whole number, got 2.5"),
        ({"generations": "2.5"}, "generations must be a whole number, got '2.5'"),
        ({"generations": 10**20}, f"generations must be at most 2147483647, got {10**20}"),
        ({"mvt": "maybe"}, "mvt must be true or false, got 'maybe'"),
        ({"steps": 3, "max_steps_in_episode": 4}, "steps and max_steps_in_episode are the same setting"),
        ({"grad_gain": "0:1@0.7:0.2"}, "grad_gain: schedule from_phi must be at most to_phi = 0.2, got 0.7"),
        ({"grad_gain": {"start": 0}}, "grad_gain: a schedule has start, end, from_phi, to_phi; got ['start']"),
        ({"nursing": 0.5}, "nursing must be NAME:STRENGTH or a table of strengths, got 0.5"),
        ({"nursing": {"combined": True}}, "nursing 'combined': strength must be a number, got True"),
        ({"nursing": "gating"}, "unknown nursing 'gating'"),
        ({"brain": 3}, "brain must be a name, got 3"),
        ({"lr": -0.1}, "lr must be at least 0, got -0.1"),
    ],
)
def test_invalid_settings_are_rejected_by_name(settings, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        Experiment.build("L0.2", settings)
    assert message in str(caught.value)


def test_a_setting_has_the_same_form_in_python_as_on_a_command_line():
    values = {"grad_gain": ramp(0.0, 1.0, 0.0, 0.3), "nursing": {"risk_gating": 0.5}, "sigma": 0.2, "mvt": True}
    as_text = {"grad_gain": "0:1@0:0.3", "nursing": "risk_gating:0.5", "sigma": "0.2", "mvt": "yes"}
    as_tables = {**as_text, "grad_gain": {"start": 0, "end": 1, "to_phi": 0.3}}
    expected = Experiment.build("L1.1", values)
    assert Experiment.build("L1.1", as_text) == Experiment.build("L1.1", **as_text) == expected
    assert Experiment.build("L1.1", as_tables) == Experiment.build("L1.1").with_settings(as_text) == expected
    with pytest.raises(ValueError, match="sigma is given twice"):
        Experiment.build("L1.1", {"sigma": 0.1}, sigma=0.2)


@pytest.mark.parametrize("seed", [-1, 2**32, True, 1.5, "3"])
def test_a_seed_is_a_whole_number_of_32_bits(seed):
    with pytest.raises((ValueError, TypeError), match="seed must be"):
        Trial(Experiment.build("L0.0"), seed)


def test_an_unknown_rung_is_rejected_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"unknown rung 'L0\.9'.*rungs are L0\.0"):
        Experiment.build("L0.9")


def test_extremes_that_are_valid():
    experiment = Experiment.build(
        "L0.0", {"n_neurons": 2, "k_edges": 1, "pop_size": 2, "episodes": 1, "steps": 1, "generations": 1}
    )
    assert experiment.params.energy_decay == 1.0
    assert Experiment.build("L0.0", {"n_neurons": 9, "k_edges": 8}).brain.settings.k_edges == 8


SECTIONS = (
    SpikingSettings, DirectSettings, OpenESSettings, EvolutionSettings, ViabilitySettings, ValidationSettings,
)  # fmt: skip


def test_sections_are_frozen_and_hashable():
    for section in SECTIONS:
        assert hash(section()) == hash(section())
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(section(), dataclasses.fields(section)[0].name, 1)


def test_the_number_of_generations_is_no_part_of_a_program():
    few, many = (Program.of(Experiment.build("L0.0", {"generations": n}), 1) for n in (1, 500))
    assert few == many
    assert hash(few) == hash(many)
    assert few != Program.of(Experiment.build("L0.0", {"episodes": 3}), 1)
    other_knobs = Program.of(Experiment.build("L0.0", {"energy_gain": 0.3, "width": 9}), 1)
    assert few == other_knobs, "values of knobs are no part of a program either"


def test_env_steps_are_counted_with_tests_and_validations():
    settings = {"pop_size": 10, "episodes": 3, "steps": 20, "validate_every": 4, "validation_episodes": 5}
    plain = Experiment.build("L0.0", settings)
    assert plain.env_steps(3) == 3 * 10 * 3 * 20
    assert plain.env_steps(8) == 8 * 600 + 2 * 2 * 5 * 20
    tested = plain.with_settings({"mvt": True, "mvt_episodes": 2, "mvt_steps": 7, "mvt_min_alive_steps": 7})
    assert tested.env_steps(1) == 600 + 10 * 14


def test_a_setting_that_a_configuration_lacks_has_its_default():
    data = Experiment.build("L0.2", {"n_neurons": 64}).to_dict()
    del data["brain"]["settings"]["sparse_from"]
    assert Experiment.from_dict(data) == Experiment.build("L0.2", {"n_neurons": 64})


def test_a_configuration_from_before_there_was_learning_is_one_without():
    plain, learning = Experiment.build("L0.2"), knob_fields(PlasticitySettings) | knob_fields(SenseSettings)
    data = plain.to_dict()
    for name in learning:
        del data["brain"]["settings"][name]
    assert Experiment.from_dict(data) == plain


def test_choices_of_learning_are_written_by_name():
    learning = Experiment.build("L5.0", read_preset("plastic"), plast_evolve="rates_and_drift")
    written = learning.to_dict()["brain"]["settings"]
    chosen = ("plast_gate", "plast_evolve", "plast_coefficients", "modulator_kind", "plast_senses")
    assert [written[name] for name in chosen] == ["action", "rates_and_drift", "none", "event", "*_x,*_y"]
    assert Experiment.from_dict(json.loads(json.dumps(learning.to_dict()))) == learning


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"structure": {"num_sources": 0}}, "num_sources must be 1 to 1024, got 0"),
        ({"structure": {}}, "num_sources"),
        ({"brain": {"name": "spikin", "settings": {}}}, "unknown brain 'spikin'; did you mean 'spiking'"),
        ({"strategy": {"name": "open_es", "settings": {"sigma": 0}}}, "sigma must be at least"),
        ({"genome": {"name": "direct", "settings": {"rank": 2}}}, "rank"),
    ],
)
def test_invalid_data_is_rejected_by_name(changes, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        Experiment.from_dict(Experiment.build("L0.2").to_dict() | changes)
    assert message in str(caught.value)


class TestTrial:
    def test_it_survives_json_and_rejects_other_formats(self):
        trial = Trial(Experiment.build("L1.0", SETTINGS), 7)
        data = json.loads(json.dumps(trial.to_dict()))
        assert Trial.from_dict(data) == trial
        with pytest.raises(ValueError, match="format"):
            Trial.from_dict(data | {"format": 1})

    def test_the_first_difference_is_named_and_generations_are_none(self):
        trial = Trial(Experiment.build("L1.0"), 0)
        assert trial.with_generations(3).generations == 3
        assert trial.difference(trial.with_generations(3)) is None
        assert trial.difference(Trial(trial.experiment, 1)) == ("seed", 0, 1)
        assert trial.difference(Trial(Experiment.build("L0.2"), 0)) == ("rung", "L1.0", "L0.2")
        other = trial.experiment.with_settings({"sigma": 0.3})
        assert trial.difference(Trial(other, 0)) == ("sigma", 0.15, 0.3)


def test_experiments_are_plain_data_without_jax(python):
    code = (
        "import sys\n"
        "from koki2_train.experiment import Experiment, Trial\n"
        "trial = Trial(Experiment.build('L4.2', {'nursing': {'combined': 0.5}, 'steps': 9}), 3)\n"
        "assert Trial.from_dict(trial.to_dict()) == trial\n"
        "heavy = {'jax', 'jaxlib', 'gymnax', 'evosax', 'click'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    _, errors = (process := python("-c", code)).communicate(timeout=60)
    assert process.returncode == 0, errors
