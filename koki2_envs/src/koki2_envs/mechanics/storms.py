"""Storms: a clock that goes from calm to a warning to a storm, and cues that can mislead."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from koki2_envs.mechanics.rng import Rng

CALM, WARNING, STORM = range(3)
PHASE_NAMES = ("calm", "warning", "storm")


class Clock(NamedTuple):
    """The clock of the storms. All that is random about a round is drawn as it begins, with its calm.

    Attributes:
        phase: () int32, calm, warning or storm.
        t: () int32, steps until the phase is over, at least 1.
        warning: () int32, how many steps this round's warning lasts.
        announced: () bool, whether the cue is on in this round's warning.
        real: () bool, whether a storm follows it.
    """

    phase: jax.Array
    t: jax.Array
    warning: jax.Array
    announced: jax.Array
    real: jax.Array


class Climate(NamedTuple):
    """Parameters of all storms of a life; numbers, or () arrays.

    Attributes:
        calm_min: shortest calm in steps.
        calm_max: longest; the shortest where it is below that.
        delay: mean length of a warning in steps.
        jitter: how much shorter or longer a warning may be.
        storm: length of a storm in steps.
        validity: probability that a storm is announced.
        false_alarm_p: share of cues that no storm follows.
    """

    calm_min: jax.Array | int
    calm_max: jax.Array | int
    delay: jax.Array | int
    jitter: jax.Array | int
    storm: jax.Array | int
    validity: jax.Array | float
    false_alarm_p: jax.Array | float


def new_round(rng: Rng, climate: Climate) -> Clock:
    """A new round: its calm, and what will follow it.

    A round is a false alarm with the probability q that makes false alarms a share f of all cues: where a storm is
    announced with probability v, q/(q + (1 − q)·v) = f. Without any cue (v = 0) there is no false alarm.
    """
    kind, calm, warning = jax.random.uniform(rng.key(), (3,), jnp.float32)
    v, f = climate.validity, climate.false_alarm_p
    false_alarm = f * v / jnp.maximum(1.0 - f + f * v, 1e-6)
    storm_unannounced = (1.0 - false_alarm) * (1.0 - v)
    return Clock(
        phase=jnp.full((), CALM, jnp.int32),
        t=_between(calm, climate.calm_min, climate.calm_max),
        warning=jnp.maximum(_between(warning, climate.delay - climate.jitter, climate.delay + climate.jitter), 1),
        announced=kind >= storm_unannounced,
        real=kind < 1.0 - false_alarm,
    )


def no_storms() -> Clock:
    """The clock of a world without storms: it is always calm."""
    zero, no = jnp.zeros((), jnp.int32), jnp.zeros((), bool)
    return Clock(zero, zero, zero, no, no)


def next_phase(clock: Clock) -> jax.Array:
    """The phase after one more step; () int32. It is never random."""
    after_warning = jnp.where(clock.real, STORM, CALM)
    following = jnp.where(clock.phase == CALM, WARNING, jnp.where(clock.phase == WARNING, after_warning, CALM))
    return jnp.where(clock.t > 1, clock.phase, following).astype(jnp.int32)


def tick(rng: Rng, clock: Clock, climate: Climate) -> Clock:
    """The clock after one more step."""
    phase = next_phase(clock)
    length = jnp.where(phase == WARNING, clock.warning, climate.storm)
    goes_on = clock.t > 1
    same_round = clock._replace(phase=phase, t=jnp.where(goes_on, clock.t - 1, length).astype(jnp.int32))
    begins = ~goes_on & (phase == CALM)
    return Clock(*(jnp.where(begins, a, b) for a, b in zip(new_round(rng, climate), same_round, strict=True)))


def cue(clock: Clock) -> jax.Array:
    """Whether the cue is on; () bool."""
    return (clock.phase == WARNING) & clock.announced


def steps_until_storm(clock: Clock) -> tuple[jax.Array, jax.Array]:
    """When this round's storm begins, as far as it is not yet over.

    Returns:
        Whether this round has a storm, () bool, and after how many steps it is there, () int32, 0 while it lasts.
    """
    wait = jnp.where(clock.phase == CALM, clock.t + clock.warning, jnp.where(clock.phase == WARNING, clock.t, 0))
    return clock.real, wait


def _between(u: jax.Array, low: jax.Array | int, high: jax.Array | int) -> jax.Array:
    """A uniform whole number from ``low`` to ``high`` (to ``low``, where that is larger), from u in [0, 1); int32."""
    span = jnp.maximum(jnp.asarray(high, jnp.int32) - low, 0)
    return low + jnp.minimum(jnp.floor(u * (span + 1).astype(jnp.float32)), span.astype(jnp.float32)).astype(jnp.int32)
