"""check_env passes on sound environments, and every property of it can fail."""

import dataclasses
from typing import Any

import gymnax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from gymnax.environments import environment, spaces

from koki2_envs import FiveValueStep, check_env, make, ramp
from koki2_envs.ladder import RUNGS
from koki2_envs.testing import PROPERTIES

pytestmark = pytest.mark.usefixtures("quick_compilation")


@struct.dataclass
class CounterState(environment.EnvState):
    time: Any
    level: Any


@struct.dataclass
class CounterParams(environment.EnvParams):
    rise: float = 0.5
    fall: float = 0.0
    max_steps_in_episode: int = 9


class Counter(environment.Environment[CounterState, CounterParams]):
    """The smallest sound environment: a level that rises by action 1. Each broken one below changes one thing."""

    @property
    def default_params(self):
        return CounterParams()

    @property
    def num_actions(self):
        return 2

    def step_env(self, key, state, action, params):
        level = state.level + params.rise * action - params.fall
        after = CounterState(state.time + 1, level)
        return self.look(after), after, level, level > 8.0, {"level": level}

    def reset_env(self, key, params):
        state = CounterState(jnp.zeros((), jnp.int32), jax.random.uniform(key))
        return self.look(state), state

    def look(self, state):
        return jnp.stack([state.level, state.level**2])

    def action_space(self, params=None):
        return spaces.Discrete(2)

    def observation_space(self, params):
        return spaces.Box(-100.0, 100.0, (2,), jnp.float32)


class FiveValues(Counter):
    def step(self, key, state, action, params=None):
        obs, state, reward, terminated, truncated, info = super().step(key, state, action, params)
        return obs, state, reward, terminated | truncated, info


class VectorReward(Counter):
    def step_env(self, key, state, action, params):
        obs, state, reward, terminated, info = super().step_env(key, state, action, params)
        return obs, state, reward[None], terminated, info


class FloatTerminated(Counter):
    def step(self, key, state, action, params=None):
        obs, state, reward, terminated, truncated, info = super().step(key, state, action, params)
        return obs, state, reward, terminated.astype(jnp.float32), truncated, info


class NoFinalObservation(Counter):
    def step(self, key, state, action, params=None):
        *values, info = super().step(key, state, action, params)
        return *values, {"level": info["level"], "terminated": info["terminated"], "truncated": info["truncated"]}


class OutsideItsSpace(Counter):
    def observation_space(self, params):
        return spaces.Box(-1.0, -0.5, (2,), jnp.float32)


class AnotherShape(Counter):
    def observation_space(self, params):
        return spaces.Box(-100.0, 100.0, (3,), jnp.float32)


class AnotherDtype(Counter):
    def observation_space(self, params):
        return spaces.Box(-100, 100, (2,), jnp.int32)


class MiscountedActions(Counter):
    @property
    def num_actions(self):
        return 3


class ActionSpaceWithoutEnd(Counter):
    def action_space(self, params=None):
        class Endless(spaces.Discrete):
            def contains(self, x):
                return jnp.ones((), bool)

        return Endless(2)


class StateChangesType(Counter):
    def step(self, key, state, action, params=None):
        state = state.replace(time=state.time.astype(jnp.int32))
        obs, state, *rest = super().step(key, state, action, params)
        return obs, state.replace(time=state.time.astype(jnp.float32)), *rest


class NotFinite(Counter):
    def step_env(self, key, state, action, params):
        obs, state, reward, terminated, info = super().step_env(key, state, action, params)
        return obs, state, jnp.log(reward - 100.0), terminated, info


class Remembers(Counter):
    def __init__(self):
        self.calls = 0

    def step_env(self, key, state, action, params):
        self.calls += 1
        return super().step_env(key, state, action, params)


class HiddenRandomness(Counter):
    luck = np.random.default_rng(0)

    def step_env(self, key, state, action, params):
        obs, state, reward, terminated, info = super().step_env(key, state, action, params)
        return obs, state, reward + self.luck.random(), terminated, info


class MutatesItsInputs(Counter):
    def reset(self, key, params=None):
        obs, state = super().reset(key, params)
        return obs, state.replace(level=np.array(state.level))

    def step_env(self, key, state, action, params):
        if isinstance(state.level, np.ndarray):
            state.level[...] += 1.0
        return super().step_env(key, state, action, params)


class DiffersWhenCompiled(Counter):
    def step_env(self, key, state, action, params):
        obs, state, reward, terminated, info = super().step_env(key, state, action, params)
        return obs, state, reward + isinstance(action, jax.core.Tracer), terminated, info


class BranchesInPython(Counter):
    def step_env(self, key, state, action, params):
        return super().step_env(key, state, 1 if action > 0 else 0, params)


@jax.custom_batching.custom_vmap
def batched(x):
    """0, and 1 under ``vmap`` over ``x``."""
    return jnp.zeros_like(x)


@batched.def_vmap
def _batched_is_one(axis_size, in_batched, x):
    return jnp.ones_like(x), True


class DiffersUnderVmap(Counter):
    def step(self, key, state, action, params=None):
        obs, state, reward, *rest = super().step(key, state, action, params)
        return obs, state, reward + batched(state.level), *rest


class BornOtherwiseUnderVmap(Counter):
    def reset(self, key, params=None):
        obs, state = super().reset(key, params)
        return obs + batched(obs), state


class DiffersUnderParamsVmap(Counter):
    def step(self, key, state, action, params=None):
        obs, state, reward, *rest = super().step(key, state, action, params)
        return obs, state, reward + isinstance(params.rise, jax.core.Tracer), *rest


@struct.dataclass
class StaticParams(CounterParams):
    rise: float = struct.field(pytree_node=False, default=0.5)


class StaticKnob(Counter):
    @property
    def default_params(self):
        return StaticParams()


class NeverTruncated(Counter):
    def is_truncated(self, state, params):
        return jnp.zeros((), bool)


class TruncatedLate(Counter):
    def is_truncated(self, state, params):
        return state.time > params.max_steps_in_episode


class ForgetsTheEnd(Counter):
    def step(self, key, state, action, params=None):
        *values, info = super().step(key, state, action, params)
        return *values, {**info, "final_observation": values[0]}


class DoesNotReset(Counter):
    def step(self, key, state, action, params=None):
        params = self.default_params if params is None else params
        obs, state, reward, terminated, info = self.step_env(jax.random.split(key)[0], state, action, params)
        truncated = state.time % params.max_steps_in_episode == 0
        ends = {"terminated": terminated, "truncated": truncated, "final_observation": obs}
        return obs, state, reward, terminated, truncated, {**info, **ends}


class CannotBeHashed(Counter):
    def __eq__(self, other):
        return type(self) is type(other)


class CannotBeCopied(Counter):
    def __deepcopy__(self, memo):
        raise RuntimeError("no copies")


BROKEN = {
    FiveValues: ("six values", "got 5"),
    VectorReward: ("six values", "reward must be a real scalar"),
    FloatTerminated: ("six values", "terminated must be a bool"),
    NoFinalObservation: ("six values", "info lacks .'final_observation'"),
    OutsideItsSpace: ("spaces", "outside"),
    AnotherShape: ("spaces", "shape .2,. instead of .3,."),
    AnotherDtype: ("spaces", "dtype float32, which is no int32"),
    MiscountedActions: ("spaces", "num_actions is 3"),
    ActionSpaceWithoutEnd: ("spaces", "contains 2, which it excludes"),
    StateChangesType: ("stable types", "time"),
    NotFinite: ("finite", "reward of step 0"),
    Remembers: ("pure", "attribute calls"),
    HiddenRandomness: ("pure", "a second step_env"),
    MutatesItsInputs: ("pure", "changes its inputs"),
    DiffersWhenCompiled: ("jit is eager", "step without jit"),
    BranchesInPython: ("six values", "TracerBoolConversionError"),
    DiffersUnderVmap: ("vmap is a loop", "step under vmap, row 0"),
    BornOtherwiseUnderVmap: ("vmap is a loop", "reset under vmap, row 0"),
    DiffersUnderParamsVmap: ("vmap over params", "row 0"),
    StaticKnob: ("no recompiling", "rise"),
    NeverTruncated: ("time limit", "truncated is False at step 3"),
    TruncatedLate: ("time limit", "truncated is False at step 3"),
    ForgetsTheEnd: ("auto-reset", "final_observation"),
    DoesNotReset: ("auto-reset", "has time 3"),
    CannotBeHashed: ("copies", "unhashable"),
    CannotBeCopied: ("copies", "no copies"),
}


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


@pytest.mark.parametrize("name", RUNGS)
def test_every_rung_passes(name):
    check_env(*make(name))


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


def test_five_value_environments_are_told_apart():
    with pytest.raises(AssertionError, match=r"L0\.0-koki2: six values: step must return 6 values"):
        check_only(FiveValueStep(make("L0.0")[0]), "six values")


def test_an_unknown_property_cannot_be_skipped():
    with pytest.raises(ValueError, match="unknown property 'space'; did you mean 'spaces'"):
        check_env(Counter(), skip=["space"])


def test_params_without_time_limit_are_refused():
    @dataclasses.dataclass
    class Timeless:
        rise: float = 0.5

    with pytest.raises(AssertionError, match="time limit: params lack max_steps_in_episode"):
        check_only(Counter(), "time limit", params=Timeless())
