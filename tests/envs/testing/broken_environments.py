"""A small sound environment, and for each property of ``check_env`` some that lack it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from gymnax.environments import environment, spaces


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
    rng = np.random.default_rng(0)

    def step_env(self, key, state, action, params):
        obs, state, reward, terminated, info = super().step_env(key, state, action, params)
        return obs, state, reward + self.rng.random(), terminated, info


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
    AnotherDtype: ("spaces", "dtype float32, which is not int32"),
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
"""Each broken environment with the property that finds it out, and a part of what is then said."""
