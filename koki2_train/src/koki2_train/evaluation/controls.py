"""Controls of within-life learning: the lives of champions with one link of their learning cut."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from koki2_envs.knobs import Schedule
from koki2_envs.suggestions import did_you_mean
from koki2_train.brains.resting import RestingBrain
from koki2_train.experiment import Experiment
from koki2_train.rollout.knobs import Knobs
from koki2_train.rollout.lifetime import rollout_life, trace_life
from koki2_train.rollout.metrics import LifeSummary
from koki2_train.rollout.population import LIVES_AT_ONCE, compiled_rollout, in_blocks
from koki2_train.rollout.problem import Problem
from koki2_train.runtime.devices import device_jit

_SHUFFLE = 2  # after the two keys that a life itself draws from its own
_ETA = "plast_eta"


def learns(experiment: Experiment) -> bool:
    """Whether the brain of an experiment learns within its life."""
    return bool(getattr(experiment.brain.settings, "plast_enabled", False))


def check_control(control: str) -> None:
    """Rejects an unknown control.

    Raises:
        ValueError: naming it, and what is close to it.
    """
    if control not in CONTROLS:
        hint = did_you_mean(control, CONTROLS)
        raise ValueError(f"unknown control {control!r}{hint}; there are {', '.join(CONTROLS)}")


def rollout_controlled(control: str, problem: Problem, knobs: Knobs, genomes: jax.Array, keys: jax.Array) -> Any:
    """Every life of every genome under a control.

    Args:
        control: one of :data:`CONTROLS`.
        problem: world, brain and genome.
        knobs: of world and brain.
        genomes: (G, D) float32.
        keys: (L,) random keys, of the lives.

    Returns:
        A summary with leaves (G, L).

    Raises:
        ValueError: no such control; a brain that does not learn, or lacks what the control changes; or fewer than two
            lives to exchange modulators.
    """
    check_control(control)
    if not getattr(problem.brain.settings, "plast_enabled", False):
        raise ValueError(f"control {control!r} needs a brain that learns")
    return _ROLLOUTS[control](problem, knobs, genomes, keys)


def _with_rate(
    change: Callable[[Any], Any], problem: Problem, knobs: Knobs, genomes: jax.Array, keys: jax.Array
) -> Any:
    if _ETA not in knobs.brain:
        raise ValueError(f"controls of the learning rate need a brain with the dynamic setting {_ETA}")
    rate = knobs.brain[_ETA]
    if isinstance(rate, Schedule):
        changed: Any = dataclasses.replace(rate, start=change(rate.start), end=change(rate.end))
    else:
        changed = change(rate)
    return compiled_rollout(problem, knobs._replace(brain={**knobs.brain, _ETA: changed}), genomes, keys)


def _at_rest(problem: Problem, knobs: Knobs, genomes: jax.Array, keys: jax.Array) -> Any:
    resting = dataclasses.replace(problem, brain=RestingBrain(problem.brain))
    return compiled_rollout(resting, knobs, genomes, keys)


def _with_modulator(
    change: Callable[[jax.Array, jax.Array, jax.Array], jax.Array],
    problem: Problem,
    knobs: Knobs,
    genomes: jax.Array,
    keys: jax.Array,
) -> Any:
    modulators, alive = _record(problem, knobs, genomes, keys)
    return _impose(problem, knobs, genomes, keys, change(modulators, alive, keys))


def _shuffled(modulators: jax.Array, alive: jax.Array, keys: jax.Array) -> jax.Array:
    """The steps lived of each life in an order drawn for the life; (G, L, T)."""

    def shuffle(modulator: jax.Array, alive: jax.Array, key: jax.Array) -> jax.Array:
        order = jax.random.uniform(jax.random.fold_in(key, _SHUFFLE), modulator.shape, jnp.float32)
        return modulator[jnp.argsort(jnp.where(alive, order, 2.0))]

    return jax.vmap(jax.vmap(shuffle), (0, 0, None))(modulators, alive, keys)


def _of_another_life(modulators: jax.Array, alive: jax.Array, keys: jax.Array) -> jax.Array:
    """Each life has the modulators of the one before it, the first those of the last; (G, L, T)."""
    if keys.shape[0] < 2:
        raise ValueError("control 'other_life' needs at least two lives")
    return jnp.roll(modulators, 1, axis=1)


@partial(device_jit, static_argnames=("problem",))
def _record(problem: Problem, knobs: Knobs, genomes: jax.Array, keys: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The modulators of lives as they are, and which steps were lived; (G, L, T)."""
    constant = knobs.with_constants(problem.idle)

    def one_genome(genome: jax.Array) -> tuple[jax.Array, jax.Array]:
        weights = problem.develop(genome, constant.brain)

        def one_life(key: jax.Array) -> tuple[jax.Array, jax.Array]:
            lived = (problem.env, constant.world, problem.brain, weights, key)
            _, trace = trace_life(*lived, num_steps=problem.num_steps)
            if "modulator" not in trace.recordings:
                raise ValueError("controls of the modulator need a brain that records it as 'modulator'")
            return trace.recordings["modulator"], trace.alive

        return in_blocks(jax.vmap(one_life), keys, LIVES_AT_ONCE)

    return jax.lax.map(one_genome, genomes)


@partial(device_jit, static_argnames=("problem",))
def _impose(problem: Problem, knobs: Knobs, genomes: jax.Array, keys: jax.Array, modulators: jax.Array) -> LifeSummary:
    """Lives with other modulators, (G, L, T), than their own."""
    constant = knobs.with_constants(problem.idle)

    def one_genome(item: tuple[jax.Array, jax.Array]) -> LifeSummary:
        genome, imposed = item
        weights = problem.develop(genome, constant.brain)

        def one_life(item: tuple[jax.Array, jax.Array]) -> LifeSummary:
            key, modulator = item
            lived = (problem.env, constant.world, problem.brain, weights, key)
            return rollout_life(*lived, num_steps=problem.num_steps, modulator=modulator)

        return in_blocks(jax.vmap(one_life), (keys, imposed), LIVES_AT_ONCE)

    summary: LifeSummary = jax.lax.map(one_genome, (genomes, modulators))
    return summary


_ROLLOUTS: dict[str, Callable[[Problem, Knobs, jax.Array, jax.Array], Any]] = {
    "eta_zero": partial(_with_rate, lambda eta: 0.0 * eta),
    "shuffled": partial(_with_modulator, _shuffled),
    "other_life": partial(_with_modulator, _of_another_life),
    "sign_turned": partial(_with_rate, lambda eta: -eta),
    "memory_reset": _at_rest,
}
CONTROLS = tuple(_ROLLOUTS)
"""The controls by name: learning off; the modulator's steps permuted in time; the modulator of another life; its sign
turned; and spikes, potentials and traces reset before every step, so that nothing but weights remembers."""
