"""check_env passes on sound environments, and every property of it can fail."""

import dataclasses

import gymnax
import jax
import pytest
from broken_environments import BROKEN, Counter

from koki2_envs import FiveValueStep, check_env, make, ramp
from koki2_envs.ladder import RUNGS
from koki2_envs.testing import PROPERTIES


def check_only(env, *properties, params=None):
    check_env(env, params, num_steps=4, skip=[name for name in PROPERTIES if name not in properties])


@pytest.mark.parametrize("broken", BROKEN, ids=lambda cls: cls.__name__)
def test_a_broken_environment_is_found_out(broken):
    name, message = BROKEN[broken]
    with pytest.raises(AssertionError, match=f"{broken.__name__}: {name}: .*{message}"):
        check_only(broken(), name)


def test_every_property_is_shown_to_fail():
    assert {name for name, _ in BROKEN.values()} == set(PROPERTIES)


def test_the_sound_environment_passes_everything():
    check_env(Counter())


@pytest.mark.parametrize("name", ["CartPole-v1", "FourRooms-misc"])
def test_environments_of_gymnax_pass(name):
    env, params = gymnax.make(name)
    check_env(env, params)


# The last rung of each family has the most features. The others differ from it in knobs alone, so properties that
# follow from the code, whatever its knobs, are not checked again there.
LAST_OF_FAMILY = list({row.world: name for name, row in RUNGS.items()}.values())
OF_KNOBS = ("spaces", "finite", "time limit")
# Combinations of families are checked too (test_combinations), those of these two with each other.
IN_COMBINATION = ("L2.2", "L3.2")
# One wall is checked in less time than three, and by the same code.
SMALLER = {"L1.2": {"num_walls": 1}}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in IN_COMBINATION else n for n in LAST_OF_FAMILY]
)
def test_every_family_passes(name):
    check_env(*make(name, **SMALLER.get(name, {})), num_steps=8)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNGS)
def test_every_rung_passes(name):
    of_code = [] if name in SMALLER else [each for each in PROPERTIES if each not in OF_KNOBS]
    check_env(*make(name), skip=of_code)


def test_a_rung_with_every_feature_scheduled_passes():
    env, params = make("L1.1")
    knobs = {
        "obs_noise": ramp(0.1, 0.0), "motor_gain": ramp(0.5, 1.0), "grad_gain": ramp(0.0, 1.0, 0.2, 0.6),
        "energy_gain": ramp(0.1, 0.05), "hazard_smell": ramp(1.0, 0.0), "respawn_delay": ramp(2, 4),
    }  # fmt: skip
    check_only(env, "spaces", "vmap over params", "no recompiling", "time limit", params=params.replace(**knobs))


def test_observations_of_the_rungs_have_exactly_the_dtype_of_their_space():
    for name in RUNGS:
        env, params = make(name)
        space = env.observation_space(params)
        shape = jax.eval_shape(env.reset, jax.random.key(0), params)[0]
        assert (shape.shape, shape.dtype) == (space.shape, space.dtype)


def test_five_value_environments_are_recognised():
    with pytest.raises(AssertionError, match=r"L0\.0-koki2: six values: step must return 6 values"):
        check_only(FiveValueStep(make("L0.0")[0]), "six values")


def test_an_unknown_property_cannot_be_skipped():
    with pytest.raises(ValueError, match="unknown property 'space'; did you mean 'spaces'"):
        check_env(Counter(), skip=["space"])


def test_params_without_time_limit_are_rejected():
    @dataclasses.dataclass
    class Timeless:
        rise: float = 0.5

    with pytest.raises(AssertionError, match="time limit: params lack max_steps_in_episode"):
        check_only(Counter(), "time limit", params=Timeless())
