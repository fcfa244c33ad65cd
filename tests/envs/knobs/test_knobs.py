import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koki2_envs import Schedule, ramp, value_at
from koki2_envs.knobs import is_always, knob, knob_fields, largest, pytree_dataclass, spec_of, when_active
from koki2_envs.suggestions import did_you_mean

numbers = st.floats(-100, 100, width=32)
phases = st.floats(0, 1, width=32)


def value(schedule, phi):
    return float(value_at(schedule, np.float32(phi)))


class TestRamp:
    @pytest.mark.parametrize(
        ("phi", "expected"), [(0.0, 2.0), (0.2, 2.0), (0.3, 2.3125), (0.4, 3.0), (0.6, 4.0), (1.0, 4.0)]
    )
    def test_by_hand(self, phi, expected):
        assert value(ramp(2.0, 4.0, 0.2, 0.6), phi) == pytest.approx(expected, abs=1e-6)

    @pytest.mark.parametrize(("start", "stop"), [(0.5, 0.5), (0.0, 0.0), (0.0, 1e-45)])
    @pytest.mark.parametrize("phi", [0.0, 0.5, 1.0])
    def test_without_a_span_it_is_its_end_throughout(self, start, stop, phi):
        assert value(ramp(2.0, 4.0, start, stop), phi) == 4.0

    def test_where_compiled_code_alone_knows_the_phases_one_that_ends_before_it_begins_is_its_end(self):
        read = jax.jit(lambda start, phi: value_at(ramp(2.0, 4.0, start, 0.2), phi))
        assert [float(read(0.7, phi)) for phi in (0.0, 0.5, 1.0)] == [4.0, 4.0, 4.0]

    def test_from_its_end_on_it_is_exactly_the_end(self):
        start, end = np.float32(0.9), np.float32(0.1)
        assert start + (end - start) != end  # what the formula alone would give
        assert value(ramp(float(start), float(end), 0.0, 0.5), 0.5) == end

    @settings(max_examples=60)
    @given(start=numbers, end=numbers, edges=st.tuples(phases, phases), phis=st.tuples(phases, phases))
    def test_it_is_monotonic_between_its_ends(self, start, end, edges, phis):
        schedule, (early, late) = ramp(start, end, *sorted(edges)), sorted(phis)
        slack = 1e-5 * (1 + abs(start) + abs(end))
        first, second = value(schedule, early), value(schedule, late)
        assert min(start, end) - slack <= first <= max(start, end) + slack
        assert (second - first) * np.sign(end - start) >= -slack

    @settings(max_examples=30)
    @given(start=numbers, end=numbers, edges=st.tuples(phases, phases))
    def test_it_hits_its_ends(self, start, end, edges):
        low, high = sorted(edges)
        schedule = ramp(start, end, low, high)
        assert value(schedule, high) == np.float32(end)
        if high - low > 1e-6:
            assert value(schedule, low) == pytest.approx(start, abs=1e-4)

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ((0.0, float("nan")), ValueError, "schedule end must be finite, got nan"),
            ((float("inf"), 1.0), ValueError, "schedule start must be finite, got inf"),
            ((0.0, 1.0, -0.1), ValueError, "schedule from_phi must be 0 to 1, got -0.1"),
            ((0.0, 1.0, 0.0, 1.5), ValueError, "schedule to_phi must be 0 to 1, got 1.5"),
            ((0.0, 1.0, 0.0, float("nan")), ValueError, "schedule to_phi must be finite, got nan"),
            ((0.0, 1.0, 0.7, 0.2), ValueError, "schedule from_phi must be at most to_phi = 0.2, got 0.7"),
            ((0.0, 1.0, np.float32(0.7), jnp.float32(0.2)), ValueError, "schedule from_phi must be at most to_phi"),
            ((0.0, 1.0, np.array([0.1, 0.9]), 0.5), ValueError, "schedule from_phi must be at most to_phi = 0.5"),
            (("low", 1.0), TypeError, "schedule start must be a number, got 'low'"),
            ((True, 1.0), TypeError, "schedule start must be a number, got True"),
        ],
    )
    def test_invalid_values_are_rejected(self, arguments, error, message):
        with pytest.raises(error, match=message):
            ramp(*arguments)

    def test_it_is_written_as_on_the_command_line(self):
        assert str(ramp(0, 1, 0, 0.3)) == "0:1@0:0.3"


class TestReading:
    def test_a_number_is_the_same_in_every_phase(self):
        assert value_at(0.25, jnp.float32(0.7)) == 0.25

    def test_the_largest_value_of_a_life(self):
        assert largest(0.25) == 0.25
        assert float(largest(ramp(3.0, 1.0))) == 3.0
        assert float(largest(ramp(1.0, 3.0))) == 3.0

    @pytest.mark.parametrize("idle", [0.0, 0, False, np.float32(0), ramp(0.0, 0.0)])
    def test_known_to_be_idle(self, idle):
        assert is_always(idle, 0.0)

    @pytest.mark.parametrize("busy", [0.1, True, ramp(0.0, 0.1), ramp(0.1, 0.0), jnp.zeros(())])
    def test_not_known_to_be_idle(self, busy):
        assert not is_always(busy, 0.0)

    def test_a_schedule_compiles_once_for_all_its_values(self):
        traces = []
        read = jax.jit(lambda schedule, phi: traces.append(1) or value_at(schedule, phi))
        assert [float(read(ramp(0.0, end), 1.0)) for end in (1.0, 2.0, 3.0)] == [1.0, 2.0, 3.0]
        assert len(traces) == 1

    def test_schedules_can_be_swept(self):
        swept = jax.vmap(lambda end: value_at(ramp(0.0, end), 1.0))(jnp.arange(3.0))
        np.testing.assert_array_equal(swept, [0.0, 1.0, 2.0])


class TestWhenActive:
    @pytest.mark.parametrize(("setting", "expected"), [(0.0, "idle"), (1.0, "active"), (ramp(0.0, 1.0), "active")])
    def test_a_concrete_knob_is_decided_while_tracing(self, setting, expected):
        assert when_active(setting, 0.0, lambda: "active", lambda: "idle") == expected

    @pytest.mark.parametrize("setting", [0.0, 2.0])
    def test_a_traced_knob_is_decided_at_run_time(self, setting):
        run = jax.jit(lambda knob: when_active(knob, 0.0, lambda: jnp.float32(1), lambda: jnp.float32(0)))
        assert float(run(setting)) == float(setting != 0)
        assert "cond" in str(jax.make_jaxpr(run)(setting))

    def test_a_traced_schedule_is_active_where_either_end_is(self):
        run = jax.jit(lambda knob: when_active(knob, 0.0, lambda: jnp.float32(1), lambda: jnp.float32(0)))
        assert [float(run(ramp(*ends))) for ends in ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0))] == [0.0, 1.0, 1.0]


def test_a_declaration_says_everything_about_a_knob():
    @pytree_dataclass
    class Params:
        p: float = knob(0.5, "a chance", low=0.0, high=1.0, neutral=0.0)
        n: int = knob(3, "a number", unit="cells", low=1)
        plain: int = 4

    fields = knob_fields(Params)
    assert list(fields) == ["p", "n"]
    assert (spec_of(fields["p"]).scheduled, spec_of(fields["n"]).scheduled) == (True, False)
    assert (spec_of(fields["p"]).allowed, spec_of(fields["n"]).allowed) == ("0 to 1", "at least 1")
    assert spec_of(fields["n"]).unit == "cells"
    assert jax.tree.leaves(Params()) == [0.5, 3, 4]
    with pytest.raises(dataclasses.FrozenInstanceError):
        Params().p = 1.0


@pytest.mark.parametrize("leaves", [None, "text", object()])
def test_unflattening_checks_nothing(leaves):
    schedule = jax.tree.unflatten(jax.tree.structure(ramp(0.0, 1.0)), [leaves] * 4)
    assert isinstance(schedule, Schedule)
    assert schedule.start is leaves


def test_did_you_mean():
    assert did_you_mean("grad_gian", ["grad_gain", "width"]) == "; did you mean 'grad_gain'?"
    assert did_you_mean("zzz", ["grad_gain", "width"]) == ""
