"""Settings as they are written: numbers, switches, schedules and names from the command line or a file."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koki2_envs import Schedule, ramp
from koki2_train.experiment.settings import parse_setting


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
        ("brain", "spiking", "spiking"),
        ("plast_senses", "smell?_*,energy", "smell?_*,energy"),
        ("plast_senses", "0:1", "0:1"),
        ("plast_gate", "action", 1),
        ("plast_eta", "0.5:0@0.2:0.8", ramp(0.5, 0.0, 0.2, 0.8)),
    ],
)
def test_settings_are_read_as_they_are_written(name, text, value):
    parsed = parse_setting(name, text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    "text",
    ["", ":", "::", "0:", ":1", "a:b", "0:1:2", "0:1@", "0:1@0", "0:1@0:", "0:1@0:1:2", "0:1@0:1@1:2", "0@0:1", "0.3@",
     "0:1@0:2", "0:1@-1:1", "0:1@0.7:0.2", "nan:1", "0:inf", "0:1@nan:1", "0:1 @ x", "1,5", "0x10", "--", "１２a"],
)  # fmt: skip
def test_text_that_is_no_value_is_rejected_with_its_name(text):
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
        ("plast_gate", "acton", "plast_gate must be none or action, got 'acton'"),
        ("plast_lambda", "0:1", "plast_lambda cannot be a schedule"),
        ("brain", "spikin", "unknown brain 'spikin'; did you mean 'spiking'?"),
        ("genome", "nowhere:Class", "genome 'nowhere:Class' cannot be imported: ModuleNotFoundError"),
        ("nois", "1", "unknown setting 'nois'; did you mean 'obs_noise'?"),
    ],
)
def test_an_invalid_setting_is_rejected_by_name(name, text, message):
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
    from_phi, to_phi = sorted((from_phi, to_phi))
    text = f"{start!r}:{end!r}@{from_phi!r}:{to_phi!r}"
    assert parse_setting("energy_setpoint", text) == ramp(start, end, from_phi, to_phi)
