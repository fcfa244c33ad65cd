"""Held-out lives: champions and reference policies on the same episodes, from a stream that training never uses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import jax
import numpy as np

from koki2_train.brains import ReferenceBrain
from koki2_train.evaluation.controls import rollout_controlled
from koki2_train.evaluation.statistics import Metrics, normalized, summarize_lives
from koki2_train.evaluation.worlds import problem_in_world
from koki2_train.experiment import Experiment
from koki2_train.random_streams import Stream, life_keys, root_key, stream_key
from koki2_train.rollout.knobs import Knobs
from koki2_train.rollout.lifetime import rollout_life
from koki2_train.rollout.metrics import LifeSummary
from koki2_train.rollout.population import compiled_rollout
from koki2_train.runtime.devices import device_jit


class NotFiniteError(ValueError):
    """Lives without a fitness; the message names the genome."""


class HeldOutLives:
    """The same lives for every genome and policy: a world, a number of lives and a seed.

    Attributes:
        experiment: whose world is lived in.
        episodes: number of lives.
        seed: which lives.
    """

    def __init__(self, experiment: Experiment, episodes: int, seed: int):
        self.experiment, self.episodes, self.seed = experiment, episodes, seed
        self._measured: dict[str, Metrics] = {}

    @cached_property
    def keys(self) -> jax.Array:
        """The lives' keys, (episodes,)."""
        return life_keys(stream_key(root_key(self.seed), Stream.TEST), self.episodes)

    def evaluate_policy(self, name: str) -> Metrics:
        """Metrics of a reference policy.

        Raises:
            ValueError: the world has no such policy.
        """
        if name not in self._measured:
            params = self.experiment.params
            env, idle, num_steps = self.experiment.make_world(), params.idle_knobs(), params.max_steps_in_episode
            self._measured[name] = summarize_lives(_rollout_policy(env, name, idle, num_steps, params, self.keys))
        return self._measured[name]

    def rollout_genomes(
        self, genomes: jax.Array, evolved: Experiment | None = None, control: str | None = None
    ) -> LifeSummary:
        """Every life of each of G genomes (G, D): leaves (G, episodes), of numpy; see :meth:`evaluate_genomes`."""
        problem = problem_in_world(evolved or self.experiment, self.experiment)
        knobs = Knobs(self.experiment.params, (evolved or self.experiment).brain.settings.dynamic())
        rollout = partial(rollout_controlled, control) if control else compiled_rollout
        lives: LifeSummary = jax.tree.map(np.asarray, rollout(problem, knobs, genomes, self.keys))
        return lives

    def evaluate_genomes(
        self,
        genomes: jax.Array,
        names: Sequence[str] = (),
        evolved: Experiment | None = None,
        control: str | None = None,
    ) -> list[Metrics]:
        """Metrics of each of G genomes.

        Args:
            genomes: (G, D) float32.
            names: what errors call them; their numbers where not given.
            evolved: the experiment that they evolved in; they develop into its brain, and live in this world. That of
                this world where None.
            control: one of :data:`koki2_train.evaluation.controls.CONTROLS`, under which they live; none where None.

        Raises:
            ValueError: an unknown or useless control, or this world has other senses or actions than theirs.
            NotFiniteError: a genome had a life in which its brain or its return was not finite; no mean over its lives
                says anything.
        """
        lives = self.rollout_genomes(genomes, evolved, control)
        for index, finite in enumerate(lives.finite):
            if not finite.all():
                culprit = names[index] if names else f"genome {index}"
                raise NotFiniteError(
                    f"{culprit}: brain or return is not finite (NaN or inf) in {np.sum(~finite)} of {finite.size} lives"
                )
        return [summarize_lives(jax.tree.map(lambda x, i=i: x[i], lives)) for i in range(len(lives.fitness))]

    def normalized(self, metrics: Metrics) -> float | None:
        """Fitness with random at 0 and oracle at 1, on these lives."""
        random, oracle = self.evaluate_policy("random"), self.evaluate_policy("oracle")
        return normalized(metrics["fitness"]["mean"], random["fitness"]["mean"], oracle["fitness"]["mean"])


@partial(device_jit, static_argnames=("env", "policy", "idle", "num_steps"))
def _rollout_policy(
    env: Any, policy: str, idle: tuple[tuple[str, float], ...], num_steps: int, params: Any, keys: jax.Array
) -> LifeSummary:
    params = params.with_constants(idle)
    brain = ReferenceBrain(policy, env)
    return jax.vmap(lambda key: rollout_life(env, params, brain, (), key, num_steps=num_steps))(keys)
