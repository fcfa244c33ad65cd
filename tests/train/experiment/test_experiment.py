"""Experiments put together from named settings, and settings as they are written."""

import contextlib
import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koki2_envs import RUNGS, Schedule, ramp
from koki2_envs.knobs import knob_fields
from koki2_train.experiment.experiment import (
    ALIASES,
    SECTIONS,
    Experiment,
    all_setting_names,
    parse_setting,
    setting_fields,
)
from koki2_train.experiment.sections import BrainConfig, EvolutionConfig, MVTConfig, ValidationConfig

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
    experiment = Experiment.build(rung, SETTINGS)
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
    assert (experiment.brain.n_neurons, experiment.evolution.sigma, experiment.mvt.mvt) == (12, 0.1 + 0.2, True)
    assert experiment.params.respawn_delay == ramp(0, 9)
    assert experiment.params.deplete_sources is True, "as the rung has it"
    assert experiment.validation == ValidationConfig(validation_top=2)


def test_names_of_settings_belong_to_one_part_each():
    for row in RUNGS.values():
        parts = [*(knob_fields(part) for part in (row.params, *SECTIONS.values())), row.structure, ALIASES]
        names = [name for part in parts for name in part]
        assert len(names) == len(set(names))
        assert set(names) - set(ALIASES) == {*setting_fields(row), *row.structure} <= all_setting_names()


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
def test_energy_lasts_one_life_unless_told_otherwise(settings, decay):
    assert Experiment.build("L0.2", settings).params.energy_decay == decay


def test_other_settings_change_nothing_else():
    experiment = Experiment.build("L1.1", SETTINGS)
    changed = experiment.with_settings({"steps": 40})
    assert changed.params.energy_decay == experiment.params.energy_decay
    assert changed.settings() == experiment.settings() | {"max_steps_in_episode": 40}
    assert experiment.with_settings({}) == experiment


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"energy_gian": 1}, "unknown setting 'energy_gian'; did you mean 'energy_gain'?"),
        ({"popsize": 1}, "unknown setting 'popsize'; did you mean 'pop_size'?"),
        ({"xyzzy": 1}, "unknown setting 'xyzzy'"),
        ({"pop_size": 7}, "pop_size must be even"),
        ({"pop_size": 0}, "pop_size must be at least 2, got 0"),
        ({"pop_size": [2, 4]}, "pop_size must be a number, got [2, 4]"),
        ({"sigma": math.nan}, "sigma must be at least 1e-09, got nan"),
        ({"sigma": ramp(0, 1)}, "sigma must be a number"),
        ({"sigma": "big"}, "sigma must be a number, got 'big'"),
        ({"n_neurons": 8, "k_edges": 8}, "k_edges must be at most n_neurons - 1 = 7, got 8"),
        ({"mvt_steps": 10, "mvt_min_alive_steps": 11}, "mvt_min_alive_steps must be at most mvt_steps = 10, got 11"),
        ({"num_bad_sources": 5}, "num_bad_sources must be at most num_sources = 4, got 5"),
        ({"num_sources": 0}, "num_sources must be 1 to 1024, got 0"),
        ({"num_sources": 2.0}, "num_sources must be a whole number, got 2.0"),
        ({"width": 2.5}, "width must be a whole number, got 2.5"),
        ({"generations": 2**31}, "generations must be at most 2147483647"),
        ({"pop_size": 4, "validation_top": 5}, "validation_top must be at most pop_size = 4, got 5"),
        ({"lr": -0.1}, "lr must be at least 0, got -0.1"),
    ],
)
def test_what_cannot_be_is_refused_by_name(settings, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        Experiment.build("L0.2", settings)
    assert message in str(caught.value)


def test_an_unknown_rung_is_refused_with_those_that_are_there():
    with pytest.raises(ValueError, match=r"unknown rung 'L0\.9'.*rungs are L0\.0"):
        Experiment.build("L0.9")


def test_extremes_that_can_be():
    experiment = Experiment.build(
        "L0.0", {"n_neurons": 2, "k_edges": 1, "pop_size": 2, "episodes": 1, "steps": 1, "generations": 1}
    )
    assert experiment.params.energy_decay == 1.0
    assert Experiment.build("L0.0", {"n_neurons": 9, "k_edges": 8}).brain.k_edges == 8


def test_sections_are_frozen_and_hashable():
    for section in (BrainConfig, EvolutionConfig, MVTConfig, ValidationConfig):
        assert hash(section()) == hash(section())
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(section(), dataclasses.fields(section)[0].name, 1)


def test_the_number_of_generations_is_no_part_of_a_program():
    few, many = (Experiment.build("L0.0", {"generations": n}).program(1) for n in (1, 500))
    assert few == many
    assert hash(few) == hash(many)
    assert few != Experiment.build("L0.0", {"episodes": 3}).program(1)
    other_knobs = Experiment.build("L0.0", {"energy_gain": 0.3, "width": 9}).program(1)
    assert few == other_knobs, "values of knobs are no part of a program either"


def test_env_steps_are_counted_with_tests_and_validations():
    settings = {"pop_size": 10, "episodes": 3, "steps": 20, "validate_every": 4, "validation_episodes": 5}
    plain = Experiment.build("L0.0", settings)
    assert plain.env_steps(3) == 3 * 10 * 3 * 20
    assert plain.env_steps(8) == 8 * 600 + 2 * 2 * 5 * 20
    tested = plain.with_settings({"mvt": True, "mvt_episodes": 2, "mvt_steps": 7, "mvt_min_alive_steps": 7})
    assert tested.env_steps(1) == 600 + 10 * 14


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("energy_gain", "0.3", 0.3),
        ("energy_gain", "1e-3", 0.001),
        ("steps", "12", 12),
        ("num_sources", "3", 3),
        ("mvt", "yes", True),
        ("mvt", "OFF", False),
        ("deplete_sources", "1", True),
        ("grad_gain", "0:1", ramp(0.0, 1.0)),
        ("grad_gain", "0:1@0:0.3", ramp(0.0, 1.0, 0.0, 0.3)),
        ("grad_gain", "1:0.5@0.2:0.2", ramp(1.0, 0.5, 0.2, 0.2)),
        ("energy_setpoint", "-1:1e0@0:1", ramp(-1.0, 1.0)),
        ("respawn_delay", "0:8", ramp(0.0, 8.0)),
    ],
)
def test_settings_are_read_as_they_are_written(name, text, value):
    parsed = parse_setting(name, text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    "text",
    ["", ":", "::", "0:", ":1", "a:b", "0:1:2", "0:1@", "0:1@0", "0:1@0:", "0:1@0:1:2", "0:1@0:1@1:2", "0@0:1", "0.3@",
     "0:1@0:2", "0:1@-1:1", "nan:1", "0:inf", "0:1@nan:1", "0:1 @ x", "1,5", "0x10", "--", "１２a"],
)  # fmt: skip
def test_a_value_that_is_none_is_refused_with_its_name(text):
    with pytest.raises(ValueError, match="grad_gain") as caught:
        parse_setting("grad_gain", text)
    assert repr(text) in str(caught.value) or "schedule" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("pop_size", "3.5", "pop_size must be a whole number, got '3.5'"),
        ("pop_size", "", "pop_size must be a whole number, got ''"),
        ("num_sources", "many", "num_sources must be a whole number, got 'many'"),
        ("mvt", "maybe", "mvt must be true or false, got 'maybe'"),
        ("mvt", "0:1", "mvt cannot be a schedule, got '0:1'"),
        ("sigma", "0:1@0:1", "sigma cannot be a schedule"),
        ("pop_size", "2:4", "pop_size cannot be a schedule"),
        ("nois", "1", "unknown setting 'nois'; did you mean 'obs_noise'?"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(name, text, message):
    with pytest.raises(ValueError) as caught:
        parse_setting(name, text)
    assert message in str(caught.value)


names = st.sampled_from(["grad_gain", "pop_size", "mvt", "num_sources"])


@given(names, st.text("0123456789.:@-+e \u0663naif", max_size=9))
def test_no_text_breaks_the_reader(name, text):
    with contextlib.suppress(ValueError):
        assert isinstance(parse_setting(name, text), bool | int | float | Schedule)


numbers = st.floats(-1e6, 1e6)
phases = st.floats(0.0, 1.0)


@given(numbers, numbers, phases, phases)
def test_schedules_are_read_back_from_what_python_writes(start, end, from_phi, to_phi):
    text = f"{start!r}:{end!r}@{from_phi!r}:{to_phi!r}"
    assert parse_setting("energy_setpoint", text) == ramp(start, end, from_phi, to_phi)
