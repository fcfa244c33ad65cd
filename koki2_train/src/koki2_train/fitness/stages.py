"""Stages of a generation's evaluation: full lives for fitness, and short ones for the viability test."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from koki2_train.experiment.sections import ViabilitySettings
from koki2_train.fitness.viability import CRITERIA, Verdict, all_viable, judge
from koki2_train.random_streams import Stream, life_keys, stream_key
from koki2_train.rollout.knobs import Knobs
from koki2_train.rollout.metrics import LifeSummary
from koki2_train.rollout.population import rollout_population
from koki2_train.rollout.problem import Problem
from koki2_train.runtime.devices import spread

_TRAINING = ("fitness", "finite", "success", "steps_alive")


class Evaluated(NamedTuple):
    """A generation's G genomes after their lives.

    Attributes:
        fitness: (G,) float32, mean over the genome's lives; NaN where one of them was not finite.
        success: (G, L) float32, of each life.
        steps_alive: (G, L) float32, of each life.
        verdict: of the viability test.
    """

    fitness: jax.Array
    success: jax.Array
    steps_alive: jax.Array
    verdict: Verdict


def evaluate_generation(
    problem: Problem,
    knobs: Knobs,
    root: jax.Array,
    generation: jax.Array,
    population: jax.Array,
    episodes: int,
    viability: ViabilitySettings,
) -> Evaluated:
    """Fitness and viability of a population. Call it inside :func:`koki2_train.runtime.devices.on_every_device`.

    Args:
        problem: world, brain, genome and devices.
        knobs: of world and brain.
        root: the run's root key.
        generation: () int32, its number.
        population: (G, D) float32.
        episodes: lives of each genome.
        viability: the viability test.
    """
    keys = life_keys(stream_key(root, Stream.TRAINING, generation), episodes)

    def share(genomes: jax.Array) -> tuple[LifeSummary, Verdict]:
        lives = rollout_population(problem, knobs, genomes, keys, problem.num_steps, _TRAINING)
        return lives, _judge(problem, knobs, root, generation, genomes, viability)

    lives, verdict = spread(problem.mesh, share, population)
    fitness = jnp.mean(lives.fitness, axis=1)
    fitness = jnp.where(jnp.all(lives.finite, axis=1), fitness, jnp.nan)
    return Evaluated(fitness, lives.success, lives.steps_alive, verdict)


def _judge(
    problem: Problem,
    knobs: Knobs,
    root: jax.Array,
    generation: jax.Array,
    genomes: jax.Array,
    viability: ViabilitySettings,
) -> Verdict:
    if not viability.mvt:
        return all_viable(genomes.shape[0])
    keys = life_keys(stream_key(root, Stream.VIABILITY, generation), viability.mvt_episodes)
    short = knobs._replace(world=knobs.world.with_constants((("max_steps_in_episode", viability.mvt_steps),)))
    return judge(rollout_population(problem, short, genomes, keys, viability.mvt_steps, CRITERIA), viability)
