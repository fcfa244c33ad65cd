"""One life in one scan: the only loop that steps a world, for training, viability tests, evaluation and pictures."""

from __future__ import annotations

from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp

from koki2_train.brains.base import Brain, Percept
from koki2_train.rollout.metrics import (
    LifeSummary,
    count_step,
    counted_names,
    empty_tally,
    outcome_of,
    summarize,
)

_BIRTH, _STEPS = 0, 1
_WORLD, _BRAIN = 0, 1


class Trace(NamedTuple):
    """A life step by step; every leaf has a leading axis of T, index t being the transition from t to t + 1.

    Attributes:
        alive: bool, whether the step was lived.
        state: the world's state before the step.
        observation: what was sensed before the step.
        action: int32.
        reward: float32.
        info: the step's info.
        recordings: what the brain shows of its carry after the step (:meth:`Brain.recordings`).
        final_state: the world's state after the last transition (no leading axis).
    """

    alive: jax.Array
    state: Any
    observation: jax.Array
    action: jax.Array
    reward: jax.Array
    info: dict[str, jax.Array]
    recordings: Any
    final_state: Any


def rollout_life(
    env: Any,
    env_params: Any,
    brain: Brain,
    weights: Any,
    key: jax.Array,
    *,
    num_steps: int,
    modulator: jax.Array | None = None,
) -> LifeSummary:
    """Lives one life. Pure; vmaps over ``env_params``, ``weights`` and ``key``.

    Everything random in a life is drawn from ``key`` and the step number alone, so that lives which share a key share
    their world's random numbers, and under ``vmap`` over brains these are drawn only once.

    Args:
        env: a world.
        env_params: its knobs.
        brain: what acts.
        weights: what the brain developed from a genome.
        key: the life's random key.
        num_steps: length of the scan, the concrete value of ``env_params.max_steps_in_episode``.
        modulator: (num_steps,) float32, imposed in place of the brain's own modulator of learning.

    Returns:
        A summary of scalars.
    """
    summary, _ = _live(env, env_params, brain, weights, key, num_steps, modulator, trace=False)
    return summary


def trace_life(
    env: Any, env_params: Any, brain: Brain, weights: Any, key: jax.Array, *, num_steps: int
) -> tuple[LifeSummary, Trace]:
    """The same life that :func:`rollout_life` lives, also step by step."""
    return _live(env, env_params, brain, weights, key, num_steps, None, trace=True)


def _live(
    env: Any,
    env_params: Any,
    brain: Brain,
    weights: Any,
    key: jax.Array,
    num_steps: int,
    modulator: jax.Array | None,
    trace: bool,
) -> tuple[LifeSummary, Any]:
    observation, state = env.reset_env(jax.random.fold_in(key, _BIRTH), env_params)
    step_key = jax.random.fold_in(key, _STEPS)

    def step(moment: tuple[Any, ...], now_and_imposed: tuple[jax.Array, Any]) -> tuple[tuple[Any, ...], Any]:
        state, observation, carry, tally = moment
        t, imposed = now_and_imposed
        now = jax.random.fold_in(step_key, t)
        seen: Any = Percept(env, env_params, state, observation) if brain.reads_state else observation
        action, carry = brain.act(weights, carry, seen, jax.random.fold_in(now, _BRAIN))
        chex.assert_shape(action, (), custom_message=f"the action of {type(brain).__name__}")
        chex.assert_type(action, int, custom_message=f"the action of {type(brain).__name__}")
        after, next_state, reward, terminated, info = env.step_env(
            jax.random.fold_in(now, _WORLD), state, action, env_params
        )
        felt = outcome_of(info, reward, env.phase(t, env_params), tally.alive, imposed)
        learned = brain.learn(weights, carry, felt)
        lived = (tally.alive, state, observation, action, reward, info)
        row = Trace(*lived, brain.recordings(weights, learned), ()) if trace else None
        counted = brain.measure(weights, carry, learned, felt)
        next_tally = count_step(tally, next_state, action, reward, terminated, info, felt.is_event, counted)
        return (next_state, after, learned, next_tally), row

    carry = brain.init(weights)
    start = (state, observation, carry, empty_tally(env, counted_names(brain, weights, carry)))
    steps = jnp.arange(num_steps, dtype=jnp.int32)
    (state, _, carry, tally), rows = jax.lax.scan(step, start, (steps, modulator))
    summary = summarize(brain, weights, carry, tally)
    return summary, rows._replace(final_state=state) if trace else None
