import contextlib
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_envs import NURSING, RUNGS, Schedule, make, ramp, value_at, with_nursing, without_nursing
from koki2_envs.knobs import knob_fields
from koki2_envs.nursing import CHILDHOOD_ENDS, parse_nursing

RISKY = RUNGS["L0.2"].default_params
STRENGTHS = [0.25, 0.5, 1.0]


def scheduled(params):
    return {name for name in knob_fields(params) if isinstance(getattr(params, name), Schedule)}


def test_every_knob_that_is_eased_is_one_of_some_world_and_of_one_preset_only():
    knobs = [easing.knob for preset in NURSING.values() for easing in preset.easings]
    assert len(set(knobs)) == len(knobs)
    assert set(knobs) <= {name for row in RUNGS.values() for name in knob_fields(row.params)}
    needed = {name for preset in NURSING.values() for easing in preset.easings for name in easing.needs}
    assert needed <= {name for row in RUNGS.values() for name in knob_fields(row.params)}


@pytest.mark.parametrize(
    ("name", "strength", "expected"),
    [
        ("energetic_buffer", 1.0, {"energy_decay": 0.0}),
        ("energetic_buffer", 0.25, {"energy_decay": 0.0075}),
        ("rich_nursery", 1.0, {"energy_gain": 0.6}),
        ("rich_nursery", 0.5, {"energy_gain": 0.4}),
        ("risk_gating", 1.0, {"bad_source_integrity_loss": 0.0}),
        ("risk_gating", 0.5, {"bad_source_integrity_loss": 0.125}),
        ("motor_maturation", 0.75, {"motor_gain": 0.25}),
        ("sensory_gating", 1.0, {"grad_gain": 0.0}),
        ("sensory_gating", 0.5, {"grad_gain": 0.5}),
    ],
)
def test_each_factor_alone_by_hand(name, strength, expected):
    params = RISKY.replace(energy_decay=0.01, energy_gain=0.2)
    nursed = with_nursing(params, {name: strength})
    assert scheduled(nursed) == expected.keys()
    for knob, at_birth in expected.items():
        schedule = getattr(nursed, knob)
        assert schedule.start == pytest.approx(at_birth, abs=1e-12)
        assert schedule == Schedule(schedule.start, getattr(params, knob), 0.0, 0.5)


def test_a_newborn_is_full_under_an_energetic_buffer():
    nursed = with_nursing(RISKY.replace(energy_init=0.4), {"energetic_buffer": 0.5})
    assert nursed.energy_init == Schedule(0.7, 0.4, 0.0, 0.5)


@pytest.mark.parametrize("rung", RUNGS)
class TestOnEveryRung:
    @pytest.mark.parametrize("strength", STRENGTHS)
    def test_combined_is_everything_that_acts_and_the_adult_can_be_had_back(self, rung, strength):
        params = RUNGS[rung].default_params
        nursed = with_nursing(params, {"combined": strength})
        alone = set()
        for name in NURSING:
            with contextlib.suppress(ValueError):
                alone |= scheduled(with_nursing(params, {name: strength}))
        assert scheduled(nursed) == alone
        assert {"energy_decay", "energy_gain", "motor_gain", "grad_gain"} <= alone
        assert without_nursing(nursed) == params
        assert with_nursing(nursed, {"combined": strength}) == nursed

    def test_strength_zero_is_the_adult_world_itself(self, rung):
        params = RUNGS[rung].default_params
        assert with_nursing(params, {"combined": 0.0}) == params
        assert scheduled(with_nursing(params, {"combined": 0})) == set()

    @pytest.mark.parametrize("strength", STRENGTHS)
    def test_after_childhood_every_knob_is_exactly_the_adults(self, rung, strength):
        params = RUNGS[rung].default_params
        nursed = with_nursing(params, {"combined": strength})
        for name in scheduled(nursed):
            schedule, grown = getattr(nursed, name), np.float32(getattr(params, name))
            assert [float(value_at(schedule, jnp.float32(phi))) for phi in (CHILDHOOD_ENDS, 0.75, 1.0)] == [grown] * 3
            assert float(value_at(schedule, jnp.float32(0.0))) == np.float32(schedule.start) != grown


def test_harm_is_gated_in_every_world_that_has_some():
    harmful = {
        name for name in RUNGS if scheduled(with_nursing(RUNGS[name].default_params, {"combined": 1.0})) & LOSSES
    }
    assert harmful >= {"L0.2", "L1.0", "L1.1", "L2.1", "L2.2", "L3.0", "L3.1", "L3.2", "L5.0", "L5.1"}
    assert not harmful & {"L0.0", "L0.1", "L1.2", "L2.0"}


LOSSES = {easing.knob for easing in NURSING["risk_gating"].easings}


def test_grown_up_the_nursed_step_as_adults_do():
    env, params = make("L0.2")
    nursed = with_nursing(params, {"combined": 1.0})
    _, state = env.reset_env(jax.random.key(3), params)
    late = state.replace(time=jnp.int32(80), energy=jnp.float32(0.6))
    step = jax.jit(env.step_env)
    for seed, action in enumerate([3, 4, 4, 3, 0]):
        key = jax.random.key(seed)
        as_adult, as_nursed = step(key, late, action, params), step(key, late, action, nursed)
        jax.tree.map(np.testing.assert_array_equal, as_adult, as_nursed)
        late = as_adult[1]


def test_strengths_can_be_swept_under_vmap():
    strengths = jnp.asarray([0.0, 0.5, 1.0])
    swept = jax.vmap(lambda strength: with_nursing(RISKY, {"sensory_gating": strength}))(strengths)
    assert isinstance(swept.grad_gain, Schedule)
    np.testing.assert_allclose(jax.vmap(lambda knob: value_at(knob, 0.0))(swept.grad_gain), [1.0, 0.5, 0.0])


@pytest.mark.parametrize(
    ("params", "strengths", "error", "message"),
    [
        (RISKY, {"risk_gatin": 1.0}, ValueError, "unknown nursing 'risk_gatin'; did you mean 'risk_gating'"),
        (RISKY, {"risk_gating": 1.5}, ValueError, "nursing 'risk_gating': strength must be 0 to 1, got 1.5"),
        (RISKY, {"risk_gating": float("nan")}, ValueError, "strength must be finite, got nan"),
        (RISKY, {"risk_gating": "much"}, TypeError, "nursing 'risk_gating': strength must be a number, got 'much'"),
        (RISKY, {"combined": 0.5, "risk_gating": 1.0}, ValueError, "'combined' holds 'risk_gating' already"),
        (RUNGS["L0.0"].default_params, {"risk_gating": 1.0}, ValueError, "'risk_gating' changes nothing here"),
        (RISKY.replace(grad_gain=0.0), {"sensory_gating": 1.0}, ValueError, "'sensory_gating' changes nothing"),
        (
            RISKY.replace(grad_gain=ramp(0, 1, 0, 0.3)),
            {"sensory_gating": 1.0},
            ValueError,
            "nursing 'sensory_gating' sets grad_gain, which is a schedule already, 0:1@0:0.3",
        ),
    ],
)
def test_invalid_values_are_rejected_by_name(params, strengths, error, message):
    with pytest.raises(error, match=message):
        with_nursing(params, strengths)


class TestReadingText:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("risk_gating", {"risk_gating": 1.0}),
            ("sensory_gating:0.5", {"sensory_gating": 0.5}),
            (" combined : 0 ", {"combined": 0.0}),
            ("risk_gating:0.25+rich_nursery", {"risk_gating": 0.25, "rich_nursery": 1.0}),
        ],
    )
    def test_names_and_strengths(self, text, expected):
        assert parse_nursing(text) == expected

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "unknown nursing ''"),
            ("rich_nursry", "did you mean 'rich_nursery'"),
            ("rich_nursery:", "nursing 'rich_nursery': strength must be 0 to 1, got ''"),
            ("rich_nursery:a lot", "strength must be 0 to 1, got 'a lot'"),
            ("rich_nursery:-0.1", "strength must be 0 to 1, got -0.1"),
            ("rich_nursery+rich_nursery:0.5", "nursing 'rich_nursery' is given twice"),
        ],
    )
    def test_what_is_no_nursing(self, text, message):
        with pytest.raises(ValueError, match=message):
            parse_nursing(text)


def test_no_jax_is_needed():
    code = "import sys, koki2_envs.nursing; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_page_says_of_every_preset_what_it_does():
    page = (Path(__file__).parents[2] / "docs" / "nursing.md").read_text().split("# What was measured")[0]
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    assert rows.keys() == {*NURSING, "combined"}
    for name, preset in NURSING.items():
        assert rows[name].endswith(f"| {preset.doc} |")
        assert set(re.findall(r"`(\w+)`", rows[name])) - {name} == {easing.knob for easing in preset.easings}
    assert f"φ = {CHILDHOOD_ENDS} on" in page
