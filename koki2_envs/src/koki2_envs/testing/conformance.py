"""Conformance suite for environments behind the Gymnax 1.0 interface, of this package or any other.

Each function ``_property`` below asserts one property of :data:`PROPERTIES`, with an :class:`AssertionError` that names
the environment, the property and what was seen.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from koki2_envs.suggestions import did_you_mean
from koki2_envs.testing.comparison import (
    all_varied,
    arrays,
    assert_close,
    assert_in_space,
    assert_rows,
    assert_same_types,
    describe,
    is_close,
    is_real_scalar,
    require,
    stack,
    variations,
)

_SHORT_LIFE = 3


@dataclasses.dataclass(frozen=True)
class _Step:
    """What went into one step and what came out of it."""

    key: jax.Array
    before: Any
    action: Any
    observation: Any
    state: Any
    reward: Any
    terminated: Any
    truncated: Any
    info: Any


@dataclasses.dataclass(frozen=True)
class _Subject:
    """The environment under test."""

    env: Any
    params: Any
    key: jax.Array
    num_steps: int
    num_envs: int

    def begin(self, stream: int, params: Any = None) -> tuple[jax.Array, Any, Any]:
        key = jax.random.fold_in(self.key, stream)
        observation, state = self.env.reset(key, self.params if params is None else params)
        return key, observation, state

    def live(self, stream: int, num_steps: int, params: Any = None) -> list[_Step]:
        """Steps of random actions from a reset on, across the ends of episodes."""
        params = self.params if params is None else params
        key, _, state = self.begin(stream, params)
        steps = []
        for t in range(num_steps):
            action_key, step_key = jax.random.split(jax.random.fold_in(key, t))
            action = self.env.action_space(params).sample(action_key)
            steps.append(_Step(step_key, state, action, *self.env.step(step_key, state, action, params)))
            state = steps[-1].state
        return steps


def check_env(
    env: Any,
    params: Any = None,
    *,
    num_steps: int = 16,
    num_envs: int = 3,
    seed: int = 0,
    skip: Collection[str] = (),
) -> None:
    """Checks that an environment meets the Gymnax 1.0 interface.

    Args:
        env: the environment.
        params: its params; default params where None.
        num_steps: how many steps of random actions are watched.
        num_envs: how many environments are compared with one another under ``vmap``.
        seed: of everything random in the checks.
        skip: names of :data:`PROPERTIES` to leave out.

    Raises:
        AssertionError: a property does not hold; the message begins with the environment's name and the property's.
        ValueError: ``skip`` names an unknown property.
    """
    for name in skip:
        if name not in PROPERTIES:
            raise ValueError(f"unknown property {name!r}{did_you_mean(name, PROPERTIES)}")
    subject = _Subject(env, env.default_params if params is None else params, jax.random.key(seed), num_steps, num_envs)
    for name, holds in PROPERTIES.items():
        if name not in skip:
            try:
                holds(subject)
            except AssertionError as error:
                raise AssertionError(f"{_title(env)}: {name}: {error}") from None
            except Exception as error:
                raise AssertionError(f"{_title(env)}: {name}: {type(error).__name__}: {error}") from error


def _title(env: Any) -> str:
    return str(getattr(env, "name", env))


def _six_values(subject: _Subject) -> None:
    key, _, state = subject.begin(0)
    action = subject.env.action_space(subject.params).sample(key)
    result = subject.env.step(key, state, action, subject.params)
    require(
        len(result) == 6,
        f"step must return 6 values (obs, state, reward, terminated, truncated, info), got {len(result)}",
    )
    _, _, reward, terminated, truncated, info = result
    require(is_real_scalar(reward), f"reward must be a real scalar, got {describe(reward)}")
    for name, flag in (("terminated", terminated), ("truncated", truncated)):
        require(describe(flag) == "bool[]", f"{name} must be a bool, got {describe(flag)}")
    require(isinstance(info, dict), f"info must be a dict, got {type(info).__name__}")
    missing = {"terminated", "truncated", "final_observation"} - info.keys()
    require(not missing, f"info lacks {sorted(missing)}")


def _spaces(subject: _Subject) -> None:
    actions = subject.env.action_space(subject.params)
    observations = subject.env.observation_space(subject.params)
    key, first, _ = subject.begin(1)
    assert_in_space("a sampled action", actions.sample(key), actions)
    if hasattr(actions, "n"):
        require(
            not actions.contains(jnp.asarray(actions.n)), f"the action space contains {actions.n}, which it excludes"
        )
        count = getattr(subject.env, "num_actions", actions.n)
        require(count == actions.n, f"num_actions is {count}, but the action space has {actions.n}")
    sample = observations.sample(key)
    # Gymnax's uniform sampler overflows where a box is as wide as float32 itself.
    if all(np.isfinite(np.asarray(leaf, np.float64)).all() for leaf in jax.tree.leaves(sample)):
        assert_in_space("a sampled observation", sample, observations)
    assert_in_space("the first observation", first, observations)
    for t, step in enumerate(subject.live(1, subject.num_steps)):
        assert_in_space(f"the observation of step {t}", step.observation, observations)
        assert_in_space(f"the final observation of step {t}", step.info["final_observation"], observations)


def _stable_types(subject: _Subject) -> None:
    _, observation, state = subject.begin(2)
    steps = subject.live(2, subject.num_steps)
    for t, step in enumerate(steps):
        assert_same_types(f"the observation after {t + 1} steps, against reset,", step.observation, observation)
        assert_same_types(f"the state after {t + 1} steps, against reset,", step.state, state)
        outputs, first = (
            (step.reward, step.terminated, step.info),
            (steps[0].reward, steps[0].terminated, steps[0].info),
        )
        assert_same_types(f"reward, terminated or info after {t + 1} steps, against the first,", outputs, first)


def _finite(subject: _Subject) -> None:
    for t, step in enumerate(subject.live(3, subject.num_steps)):
        for name, value in (("reward", step.reward), ("observation", step.observation)):
            finite = all(np.isfinite(leaf).all() for leaf in arrays(value))
            require(finite, f"the {name} of step {t} is not finite: {value}")


def _pure(subject: _Subject) -> None:
    key, _, state = subject.begin(4)
    action = subject.env.action_space(subject.params).sample(key)
    inputs = (state, action, subject.params)
    before, attributes = copy.deepcopy(inputs), dict(vars(subject.env))
    with jax.disable_jit():
        first = subject.env.step_env(key, *inputs)
        second = subject.env.step_env(key, *inputs)
    require(is_close(inputs, before, 0.0), "step_env changes its inputs")
    for name, value in attributes.items():
        require(vars(subject.env).get(name) is value, f"step_env changes the environment's attribute {name}")
    assert_close("a second step_env with the same inputs", second, first, 0.0)


def _jit_is_eager(subject: _Subject) -> None:
    key, observation, state = subject.begin(5)
    action = subject.env.action_space(subject.params).sample(key)
    with jax.disable_jit():
        eager = subject.env.reset(key, subject.params), subject.env.step(key, state, action, subject.params)
    assert_close("reset without jit", eager[0], (observation, state))
    assert_close("step without jit", eager[1], subject.env.step(key, state, action, subject.params))


def _vmap_is_loop(subject: _Subject) -> None:
    env, params = subject.env, subject.params
    keys = jax.random.split(jax.random.fold_in(subject.key, 6), subject.num_envs)
    actions = [env.action_space(params).sample(key) for key in keys]
    born = [env.reset(key, params) for key in keys]
    loop = [env.step(key, state, action, params) for key, (_, state), action in zip(keys, born, actions, strict=True)]

    # Compiled as a whole: an environment that compiles nothing itself would else be compiled operation by operation.
    @jax.jit
    @partial(jax.vmap, in_axes=(0, 0, None))
    def together(key: jax.Array, action: Any, params: Any) -> tuple[Any, Any]:
        begun = env.reset(key, params)
        return begun, env.step(key, begun[1], action, params)

    births, batch = together(keys, stack(actions), params)
    assert_rows("reset under vmap", births, born)
    assert_rows("step under vmap", batch, loop)


def _params_vmap(subject: _Subject) -> None:
    key, _, state = subject.begin(6)
    action = subject.env.action_space(subject.params).sample(key)
    sweep = [subject.params, all_varied(subject.params)]
    loop = [subject.env.step(key, state, action, params) for params in sweep]
    batch = jax.vmap(subject.env.step, in_axes=(None, None, None, 0))(key, state, action, stack(sweep))
    assert_rows("step under vmap over params", batch, loop)


def _knobs_sweep(subject: _Subject) -> None:
    traces = 0

    def counted(key: jax.Array, state: Any, action: Any, params: Any) -> Any:
        nonlocal traces
        traces += 1
        return subject.env.step(key, state, action, params)

    key, _, state = subject.begin(7)
    action = subject.env.action_space(subject.params).sample(key)
    step = jax.jit(counted)
    step.trace(key, state, action, subject.params)
    for name, params in variations(subject.params):
        step.trace(key, state, action, params)
        require(traces == 1, f"another value of {name} compiles step anew; is the field static?")


def _time_limit(subject: _Subject) -> None:
    require(hasattr(subject.params, "max_steps_in_episode"), "params lack max_steps_in_episode")
    params = subject.params.replace(max_steps_in_episode=_SHORT_LIFE)
    age = 0
    for t, step in enumerate(subject.live(8, 4 * _SHORT_LIFE, params)):
        age += 1
        expected = age == _SHORT_LIFE
        require(
            bool(step.truncated) == expected,
            f"with max_steps_in_episode={_SHORT_LIFE}, truncated is {bool(step.truncated)} at step {age} of an episode",
        )
        require(bool(step.info["truncated"]) == expected, f"info['truncated'] is not truncated at step {t}")
        age = 0 if step.truncated or step.terminated else age


def _auto_reset(subject: _Subject) -> None:
    params = subject.params.replace(max_steps_in_episode=_SHORT_LIFE)
    step_env = jax.jit(subject.env.step_env)
    for t, step in enumerate(subject.live(9, 2 * _SHORT_LIFE, params)):
        final = step.info["final_observation"]
        assert_same_types(f"info['final_observation'] of step {t}", final, step.observation)
        if not (step.terminated or step.truncated):
            assert_close(f"info['final_observation'] of step {t}, which ends nothing,", final, step.observation)
            continue
        # step may give its whole key to step_env, or the first half of it as Gymnax does.
        keys = jax.random.split(step.key)[0], step.key
        own = [step_env(key, step.before, step.action, params)[0] for key in keys]
        require(
            any(is_close(final, observation) for observation in own),
            f"info['final_observation'] at the end of an episode is {final}, but step_env observed {own[0]}",
        )
        time = getattr(step.state, "time", None)
        require(time is None or np.all(np.asarray(time) == 0), f"the state after an episode's end has time {time}")


def _copies(subject: _Subject) -> None:
    hash(subject.env)  # raises where an environment cannot be a static argument of a compiled function
    twin = copy.deepcopy(subject.env)
    key, observation, state = subject.begin(10)
    assert_close("reset of a deep copy", twin.reset(key, subject.params), (observation, state))


PROPERTIES: dict[str, Callable[[_Subject], None]] = {
    "copies": _copies,
    "six values": _six_values,
    "spaces": _spaces,
    "stable types": _stable_types,
    "finite": _finite,
    "pure": _pure,
    "jit is eager": _jit_is_eager,
    "vmap is a loop": _vmap_is_loop,
    "vmap over params": _params_vmap,
    "no recompiling": _knobs_sweep,
    "time limit": _time_limit,
    "auto-reset": _auto_reset,
}
"""The properties that :func:`check_env` checks, by name."""
