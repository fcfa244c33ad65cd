"""Curves within a life: the reward per step of champions, from birth to the last step."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from koki2_train.evaluation import HeldOutLives, problem_in_world
from koki2_train.experiment import Experiment
from koki2_train.rollout.knobs import Knobs
from koki2_train.rollout.lifetime import trace_life
from koki2_train.rollout.population import in_blocks
from koki2_train.rollout.problem import Problem
from koki2_train.runtime.devices import device_jit, on_every_device, spread

BINS = 32
"""In how many equal parts a life is divided, if it has so many steps."""
_LIVES_AT_ONCE = 128


def reward_within_life(lives: HeldOutLives, genomes: jax.Array, evolved: Experiment) -> np.ndarray:
    """The mean reward per step in equal parts of the life, of each of G genomes.

    The mean is over all lives, and a step after death has reward 0: parts, times their lengths, sum up to the
    fitness, whoever has died.

    Args:
        lives: where and how often they live.
        genomes: (G, D) float32.
        evolved: the experiment that they evolved in; they develop into its brain.

    Returns:
        (G, B), B being :data:`BINS` or the length of a life where that is less.
    """
    problem = problem_in_world(evolved, lives.experiment)
    knobs = Knobs(lives.experiment.params, evolved.brain.settings.dynamic())
    return np.asarray(_compiled_curves(problem, knobs, genomes, lives.keys), np.float64)


def bin_edges(num_steps: int) -> np.ndarray:
    """The steps at which the parts of a life begin, and its end: (B + 1,) int; parts differ by one step at most."""
    return np.linspace(0, num_steps, min(BINS, num_steps) + 1).astype(int)


@partial(device_jit, static_argnames=("problem",))
def _compiled_curves(problem: Problem, knobs: Knobs, genomes: jax.Array, keys: jax.Array) -> jax.Array:
    def run(knobs: Knobs, genomes: jax.Array, keys: jax.Array) -> jax.Array:
        work = partial(_curves, problem, knobs.with_constants(problem.idle), keys=keys)
        curves: jax.Array = spread(problem.mesh, work, genomes)
        return curves

    return on_every_device(problem.mesh, run, knobs, genomes, keys)


def _curves(problem: Problem, knobs: Knobs, genomes: jax.Array, *, keys: jax.Array) -> jax.Array:
    """The curves of genomes (G, D) on one device, genome by genome so that memory stays flat; (G, B)."""
    edges = bin_edges(problem.num_steps)
    parts = np.repeat(np.arange(edges.size - 1), np.diff(edges))
    averaging = (parts[:, None] == np.arange(edges.size - 1)) / np.diff(edges)  # (T, B)

    def one_genome(genome: jax.Array) -> jax.Array:
        weights = problem.develop(genome, knobs.brain)

        def one_life(key: jax.Array) -> jax.Array:
            # What is not used of the trace is not computed.
            _, trace = trace_life(problem.env, knobs.world, problem.brain, weights, key, num_steps=problem.num_steps)
            return jnp.where(trace.alive, trace.reward, 0.0) @ jnp.asarray(averaging, jnp.float32)

        return in_blocks(jax.vmap(one_life), keys, _LIVES_AT_ONCE).mean(axis=0)

    return in_blocks(jax.vmap(one_genome), genomes, 1)
