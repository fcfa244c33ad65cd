"""Metrics of a life: what is counted step by step, and the summary at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from koki2_train.brains.base import Brain, Outcome


class LifeSummary(NamedTuple):
    """What is kept of a life. All () float32 except ``finite``; steps after death are ignored.

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
        weight_change: mean absolute change of a plastic synapse per step; 0 without learning, as the next two.
        weight_change_on_event: the same in steps with an event.
        modulator: mean absolute modulator per step.
        event_fraction: share of steps in which something was eaten or drunk, or did harm.
        finite: () bool, whether every number in brain and return is finite.
        world_metrics: the world's own metrics (its ``metric_names``), by name, each summed over the life.
        brain_metrics: the brain's own metrics (:meth:`koki2_train.brains.Brain.metrics`), by name.
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
    world_metrics: dict[str, jax.Array]
    brain_metrics: dict[str, jax.Array]


OF_LEARNING = ("weight_change", "weight_change_on_event", "modulator")
"""The metrics that a brain which learns gives, and all lives have."""
METRICS = tuple(name for name in LifeSummary._fields if name not in ("finite", "world_metrics", "brain_metrics"))
"""The metrics of a life in any world, in the order in which they are reported."""


class Tally(NamedTuple):
    """Running sums of a life; see :class:`LifeSummary`."""

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
    world_metrics: dict[str, jax.Array]
    brain: dict[str, jax.Array]


def outcome_of(
    info: Mapping[str, jax.Array], reward: jax.Array, phi: jax.Array, alive: jax.Array, modulator: jax.Array | None
) -> Outcome:
    """What the body felt of a step, from its info."""
    zero = jnp.zeros((), jnp.float32)
    felt = (info["energy_gained"], info.get("water_gained", zero), info["integrity_lost"], info["drive_reduction"])
    return Outcome(alive, *felt, reward, phi, modulator)


def counted_names(brain: Brain, weights: Any, carry: Any) -> list[str]:
    """The names of what a brain counts of a step."""
    one: Any = jax.ShapeDtypeStruct((), jnp.float32)
    outcome = Outcome(one, one, one, one, one, one, one)
    return list(jax.eval_shape(brain.measure, weights, carry, carry, outcome))


def empty_tally(env: Any, counted: Sequence[str] = ()) -> Tally:
    """The tally at birth.

    Args:
        env: the world.
        counted: names of what the brain counts.
    """
    zero = jnp.zeros((), jnp.float32)
    no, yes = jnp.zeros((), bool), jnp.ones((), bool)
    actions = jnp.zeros(env.num_actions, jnp.float32)
    own = dict.fromkeys(env.metric_names, zero)
    of_brain = dict.fromkeys(counted, zero)
    return Tally(yes, zero, no, zero, zero, zero, zero, zero + 1.0, actions, zero, own, of_brain)


def count_step(
    tally: Tally,
    state: Any,
    action: jax.Array,
    reward: jax.Array,
    terminated: jax.Array,
    info: dict[str, jax.Array],
    event: jax.Array,
    counted: Mapping[str, jax.Array],
) -> Tally:
    """The tally after one more step; unchanged after death.

    Args:
        tally: before the step.
        state: the world's state after it.
        action: () int32.
        reward: () float32.
        terminated: () bool.
        info: the step's info.
        event: () bool, whether something was eaten or drunk, or did harm.
        counted: what the brain counts of the step.
    """
    alive = tally.alive
    lived = alive.astype(jnp.float32)
    integrity = getattr(state, "integrity", jnp.ones((), jnp.float32))
    return Tally(
        alive=alive & ~terminated,
        fitness=tally.fitness + jnp.where(alive, reward, 0.0),
        success=tally.success | (alive & info["reached_source"]),
        steps=tally.steps + lived,
        energy_gained=tally.energy_gained + lived * info["energy_gained"],
        bad_arrivals=tally.bad_arrivals + lived * info["bad_arrivals"],
        integrity_lost=tally.integrity_lost + lived * info["integrity_lost"],
        integrity_min=jnp.where(alive, jnp.minimum(tally.integrity_min, integrity), tally.integrity_min),
        action_counts=tally.action_counts
        + lived * (jnp.arange(tally.action_counts.shape[0], dtype=jnp.int32) == action).astype(jnp.float32),
        events=tally.events + lived * event.astype(jnp.float32),
        world_metrics={name: total + lived * info[name] for name, total in tally.world_metrics.items()},
        brain={name: total + jnp.where(alive, counted[name], 0.0) for name, total in tally.brain.items()},
    )


def summarize(brain: Brain, weights: Any, carry: Any, tally: Tally) -> LifeSummary:
    """The summary of a life that is over."""
    frequency = tally.action_counts / tally.steps
    of_brain = dict(brain.metrics(tally.brain, tally.steps))
    learned = {name: of_brain.pop(name, jnp.zeros((), jnp.float32)) for name in OF_LEARNING}
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
        **learned,
        event_fraction=tally.events / tally.steps,
        finite=jnp.isfinite(tally.fitness) & brain.is_finite(weights, carry),
        world_metrics=tally.world_metrics,
        brain_metrics=of_brain,
    )
