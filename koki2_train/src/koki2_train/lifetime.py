"""One life in one scan: the only loop that steps a world, for training, tests of viability, evaluation and pictures."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from koki2_train.brains.base import Brain, Outcome, Percept

_BIRTH, _STEPS = 0, 1
_WORLD, _BRAIN = 0, 1


class LifeSummary(NamedTuple):
    """What is kept of a life. All () float32 but ``finite``; steps after death count in nothing.

    Attributes:
        fitness: undiscounted return.
        success: 1 if a good source was reached, else 0.
        steps_alive: steps lived, the last one included.
        energy_gained: sum over the life.
        bad_arrivals: sum over the life.
        integrity_lost: sum over the life.
        integrity_min: lowest integrity, 1 at best.
        action_entropy: entropy of the life's action frequencies, in nats.
        action_mode_fraction: share of the most frequent action.
        weight_change: summed absolute change of weights by learning.
        weight_change_on_event: the part of it in steps with an event.
        modulator: mean absolute modulator per step.
        event_fraction: share of steps in which something was eaten or did harm.
        finite: () bool, whether every number in brain and return is finite.
        own: the world's own metrics (its ``metric_names``), by name, each summed over the life.
    """

    fitness: jax.Array
    success: jax.Array
    steps_alive: jax.Array
    energy_gained: jax.Array
    bad_arrivals: jax.Array
    integrity_lost: jax.Array
    integrity_min: jax.Array
    action_entropy: jax.Array
    action_mode_fraction: jax.Array
    weight_change: jax.Array
    weight_change_on_event: jax.Array
    modulator: jax.Array
    event_fraction: jax.Array
    finite: jax.Array
    own: dict[str, jax.Array]


METRICS = tuple(name for name in LifeSummary._fields if name not in ("finite", "own"))
"""The metrics of a life in any world, in the order in which they are reported."""


class Trace(NamedTuple):
    """A life step by step; every leaf has a leading axis of T, index t being the transition from t to t + 1.

    Attributes:
        alive: bool, whether the step was lived.
        state: the world's state before the step.
        observation: what was sensed before the step.
        action: int32.
        reward: float32.
        info: the step's info.
        carry: the brain's carry after the action was chosen.
        final_state: the world's state after the last transition (no leading axis).
    """

    alive: jax.Array
    state: Any
    observation: jax.Array
    action: jax.Array
    reward: jax.Array
    info: dict[str, jax.Array]
    carry: Any
    final_state: Any


class _Tally(NamedTuple):
    alive: jax.Array
    fitness: jax.Array
    success: jax.Array
    steps: jax.Array
    energy_gained: jax.Array
    bad_arrivals: jax.Array
    integrity_lost: jax.Array
    integrity_min: jax.Array
    action_counts: jax.Array
    events: jax.Array
    own: dict[str, jax.Array]


def lifetime(env: Any, env_params: Any, brain: Brain, params: Any, key: jax.Array, *, num_steps: int) -> LifeSummary:
    """Lives one life. Pure; vmaps over ``env_params``, ``params`` and ``key``.

    Everything random in a life is drawn from ``key`` and the step number alone, so that lives which share a key share
    their world's luck, and under ``vmap`` over brains it is drawn only once.

    Args:
        env: a world.
        env_params: its knobs.
        brain: what acts.
        params: the brain's phenotype.
        key: the life's random key.
        num_steps: length of the scan, the concrete value of ``env_params.max_steps_in_episode``.

    Returns:
        A summary of scalars.
    """
    summary, _ = _live(env, env_params, brain, params, key, num_steps, trace=False)
    return summary


def trace_lifetime(
    env: Any, env_params: Any, brain: Brain, params: Any, key: jax.Array, *, num_steps: int
) -> tuple[LifeSummary, Trace]:
    """The same life as :func:`lifetime` lives, also step by step."""
    return _live(env, env_params, brain, params, key, num_steps, trace=True)


def _live(
    env: Any, env_params: Any, brain: Brain, params: Any, key: jax.Array, num_steps: int, trace: bool
) -> tuple[LifeSummary, Any]:
    observation, state = env.reset_env(jax.random.fold_in(key, _BIRTH), env_params)
    step_key = jax.random.fold_in(key, _STEPS)

    def step(carry: tuple[Any, ...], t: jax.Array) -> tuple[tuple[Any, ...], Any]:
        state, observation, memory, tally = carry
        now = jax.random.fold_in(step_key, t)
        seen = Percept(env, env_params, state, observation) if brain.reads_state else observation
        action, memory = brain.act(params, memory, seen, jax.random.fold_in(now, _BRAIN))
        after, next_state, reward, terminated, info = env.step_env(
            jax.random.fold_in(now, _WORLD), state, action, env_params
        )
        felt = Outcome(info["energy_gained"], info["integrity_lost"], info["drive_reduction"], reward)
        learned = brain.learn(params, memory, felt)
        row = Trace(tally.alive, state, observation, action, reward, info, memory, ()) if trace else None
        next_tally = _count(tally, next_state, action, reward, terminated, info)
        return (next_state, after, learned, next_tally), row

    start = (state, observation, brain.init(params), _nothing(env))
    (state, _, memory, tally), rows = jax.lax.scan(step, start, jnp.arange(num_steps))
    summary = _summarise(brain, params, memory, tally)
    return summary, rows._replace(final_state=state) if trace else None


def _nothing(env: Any) -> _Tally:
    zero = jnp.zeros((), jnp.float32)
    no, yes = jnp.zeros((), bool), jnp.ones((), bool)
    own = dict.fromkeys(env.metric_names, zero)
    return _Tally(yes, zero, no, zero, zero, zero, zero, zero + 1.0, jnp.zeros(env.num_actions, jnp.float32), zero, own)


def _count(
    tally: _Tally, state: Any, action: jax.Array, reward: jax.Array, terminated: jax.Array, info: dict[str, jax.Array]
) -> _Tally:
    alive = tally.alive
    lived = alive.astype(jnp.float32)
    event = (info["energy_gained"] > 0) | (info["integrity_lost"] > 0)
    integrity = getattr(state, "integrity", jnp.ones((), jnp.float32))
    return _Tally(
        alive=alive & ~terminated,
        fitness=tally.fitness + jnp.where(alive, reward, 0.0),
        success=tally.success | (alive & info["reached_source"]),
        steps=tally.steps + lived,
        energy_gained=tally.energy_gained + lived * info["energy_gained"],
        bad_arrivals=tally.bad_arrivals + lived * info["bad_arrivals"],
        integrity_lost=tally.integrity_lost + lived * info["integrity_lost"],
        integrity_min=jnp.where(alive, jnp.minimum(tally.integrity_min, integrity), tally.integrity_min),
        action_counts=tally.action_counts + lived * (jnp.arange(tally.action_counts.shape[0]) == action),
        events=tally.events + lived * event,
        own={name: total + lived * info[name] for name, total in tally.own.items()},
    )


def _summarise(brain: Brain, params: Any, memory: Any, tally: _Tally) -> LifeSummary:
    frequency = tally.action_counts / tally.steps
    learned = brain.learning(params, memory)
    return LifeSummary(
        fitness=tally.fitness,
        success=tally.success.astype(jnp.float32),
        steps_alive=tally.steps,
        energy_gained=tally.energy_gained,
        bad_arrivals=tally.bad_arrivals,
        integrity_lost=tally.integrity_lost,
        integrity_min=tally.integrity_min,
        action_entropy=-jnp.sum(jax.scipy.special.xlogy(frequency, frequency)),
        action_mode_fraction=jnp.max(frequency),
        weight_change=learned.weight_change,
        weight_change_on_event=learned.weight_change_on_event,
        modulator=learned.modulator / tally.steps,
        event_fraction=tally.events / tally.steps,
        finite=jnp.isfinite(tally.fitness) & brain.is_finite(params, memory),
        own=tally.own,
    )
