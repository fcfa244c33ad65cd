import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koki2_envs import Schedule, make, ramp
from koki2_envs.knobs import knob_fields, spec_of
from koki2_envs.params import ForagingParams

FIELDS = knob_fields(ForagingParams)


def values_of(name):
    """A strategy for everything that a knob may be."""
    spec, kind = spec_of(FIELDS[name]), type(FIELDS[name].default)
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(int(spec.low), int(spec.high) if spec.high is not None else 1000)
    number = st.floats(spec.low if spec.low is not None else -1e6, spec.high if spec.high is not None else 1e6)
    if spec.above_low:
        number = st.floats(1e-3, spec.high)
    phases = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)
    schedules = st.builds(lambda start, end, phases: Schedule(start, end, *phases), number, number, phases)
    return st.one_of(number, schedules) if spec.scheduled else number


some_params = st.fixed_dictionaries({}, optional={name: values_of(name) for name in FIELDS}).map(
    lambda knobs: ForagingParams(**knobs)
)


@settings(max_examples=60)
@given(params=some_params)
def test_json_gives_back_exactly_the_same_params(params):
    assert ForagingParams.from_json(params.to_json()) == params
    assert ForagingParams.from_dict(params.to_dict()) == params


def test_json_knows_arrays_and_types():
    params = ForagingParams(energy_gain=jnp.float32(0.5), num_bad_sources=np.int64(2), grad_gain=np.float32(0.25))
    assert ForagingParams.from_json(params.to_json()) == params
    assert type(ForagingParams(energy_gain=1).energy_gain) is float
    assert type(ForagingParams(num_bad_sources=2.0).num_bad_sources) is int


def test_batched_params_survive_json():
    params = ForagingParams(energy_gain=np.asarray([0.25, 0.5]))
    np.testing.assert_array_equal(ForagingParams.from_json(params.to_json()).energy_gain, [0.25, 0.5])


@pytest.mark.parametrize(
    ("knobs", "error", "message"),
    [
        ({"energy_gain": float("nan")}, ValueError, "energy_gain must be finite, got nan"),
        ({"energy_gain": float("inf")}, ValueError, "energy_gain must be finite, got inf"),
        ({"energy_gain": -0.5}, ValueError, "energy_gain must be at least 0, got -0.5"),
        ({"energy_gain": "much"}, TypeError, "energy_gain must be a number, got 'much'"),
        ({"energy_gain": None}, TypeError, "energy_gain must be a number, got None"),
        ({"energy_gain": [0.1, -0.2]}, ValueError, "energy_gain must be at least 0, got -0.2"),
        ({"grad_dropout_p": 1.5}, ValueError, "grad_dropout_p must be 0 to 1, got 1.5"),
        ({"grad_dropout_p": ramp(0.0, 1.5)}, ValueError, "grad_dropout_p must be 0 to 1, got 1.5"),
        ({"width": float("inf")}, ValueError, "width must be finite, got inf"),
        ({"energy_gain": 1e300}, ValueError, "energy_gain must be at most 3.40282e"),
        (
            {"max_steps_in_episode": 10**20},
            ValueError,
            f"max_steps_in_episode must be at most 2147483647, got {10**20}",
        ),
        ({"max_steps_in_episode": 1e20}, ValueError, "max_steps_in_episode must be at most 2147483647, got 1e"),
        (
            {"respawn_delay": Schedule(0, 1e12)},
            ValueError,
            "respawn_delay must be at most 2147483647, got 1000000000000",
        ),
        ({"width": True}, TypeError, "width must be a number, got True"),
        ({"energy_gain": False}, TypeError, "energy_gain must be a number, got False"),
        ({"deplete_sources": 2}, TypeError, "deplete_sources must be true or false, got 2"),
        ({"energy_init": 0}, ValueError, "energy_init must be above 0 and at most 1, got 0"),
        ({"energy_init": 1e-46}, ValueError, "energy_init must be above 0 and at most 1, got 1e-46"),
        ({"energy_init": Schedule(0, 1)}, ValueError, "energy_init must be above 0 and at most 1, got 0"),
        ({"energy_setpoint": float("-inf")}, ValueError, "energy_setpoint must be finite, got -inf"),
        ({"width": 0}, ValueError, "width must be 1 to 4096, got 0"),
        ({"width": 3.5}, TypeError, "width must be a whole number, got 3.5"),
        ({"width": ramp(1, 2)}, TypeError, "width cannot be a schedule, got 1:2@0:1"),
        ({"max_steps_in_episode": ramp(1, 2)}, TypeError, "max_steps_in_episode cannot be a schedule"),
        ({"deplete_sources": ramp(0, 1)}, TypeError, "deplete_sources cannot be a schedule"),
        ({"deplete_sources": 0.5}, TypeError, "deplete_sources must be true or false, got 0.5"),
        ({"max_steps_in_episode": 0}, ValueError, "max_steps_in_episode must be at least 1, got 0"),
        ({"bad_source_respawn_delay": -2}, ValueError, "bad_source_respawn_delay must be at least -1, got -2"),
    ],
)
@pytest.mark.parametrize("way", ["constructor", "replace", "from_dict"])
def test_invalid_values_are_rejected_by_name_value_and_range(knobs, error, message, way):
    enter = {
        "constructor": lambda: ForagingParams(**knobs),
        "replace": lambda: ForagingParams().replace(**knobs),
        "from_dict": lambda: ForagingParams.from_dict(knobs),
    }
    with pytest.raises(error, match=message):
        enter[way]()


def test_unknown_knobs_are_rejected_with_a_hint():
    with pytest.raises(TypeError, match="unknown knob 'grad_gian'; did you mean 'grad_gain'"):
        ForagingParams().replace(grad_gian=1.0)
    with pytest.raises(ValueError, match="unknown knob 'grad_gian'; did you mean 'grad_gain'"):
        ForagingParams.from_dict({"grad_gian": 1.0})
    with pytest.raises(ValueError, match="grad_gain: a schedule has start, end"):
        ForagingParams.from_dict({"grad_gain": {"start": 0.0}})


def test_more_bad_sources_than_sources_are_rejected():
    env, params = make("L0.2")
    with pytest.raises(ValueError, match="num_bad_sources must be at most num_sources = 4, got 5"):
        env.reset(jax.random.key(0), params.replace(num_bad_sources=5))
    env, params = make("L0.2", num_sources=1)  # knobs come second
    with pytest.raises(ValueError, match="num_bad_sources must be at most num_sources = 1, got 2"):
        env.reset(jax.random.key(0))
    _, state = env.reset(jax.random.key(0), params.replace(num_bad_sources=1))
    assert state.source_is_bad.tolist() == [True]


@pytest.mark.parametrize("as_what", [int, np.int32, np.asarray, jnp.asarray])
def test_contradictions_are_seen_in_whatever_holds_the_number_and_in_every_step(as_what):
    env, params = make("L0.2")
    wrong, key = params.replace(num_bad_sources=as_what(5)), jax.random.key(0)
    _, state = env.reset(key)
    for call in (lambda: env.reset(key, wrong), lambda: env.step(key, state, 0, wrong)):
        with pytest.raises(ValueError, match="num_bad_sources must be at most num_sources = 4, got 5"):
            call()


def test_params_of_a_world_built_on_this_one_are_rejected_too():
    env, _ = make("L1.0")
    with pytest.raises(TypeError, match=r"L1\.0 takes ForagingParams, got SeasonsParams"):
        env.reset(jax.random.key(0), make("L4.1")[1])


@pytest.mark.parametrize("content", [0, None, object()])
def test_params_are_a_pytree_that_checks_nothing_on_the_way(content):
    params = ForagingParams(grad_gain=ramp(0.0, 1.0))
    mapped = jax.tree.map(lambda _: content, params)
    assert isinstance(mapped, ForagingParams)
    assert mapped.grad_gain.end is content


def test_params_map_over_axes_given_by_params():
    params = ForagingParams(energy_gain=jnp.asarray([0.25, 0.5]))
    axes = jax.tree.unflatten(jax.tree.structure(params), [0 if np.ndim(x) else None for x in jax.tree.leaves(params)])
    total = jax.vmap(lambda p: p.energy_gain + p.energy_init, in_axes=(axes,))(params)
    np.testing.assert_allclose(total, [1.25, 1.5])


def test_params_are_hashable_and_comparable():
    assert hash(ForagingParams(energy_gain=0.25)) == hash(ForagingParams(energy_gain=0.25))
    assert ForagingParams(energy_gain=0.25) != ForagingParams()
    assert ForagingParams(grad_gain=ramp(0, 1)) == ForagingParams(grad_gain=ramp(0.0, 1.0))
