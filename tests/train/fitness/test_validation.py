"""Validation: candidates compete on the same lives throughout a run, and a broken one cannot win."""

import jax
import jax.numpy as jnp
import numpy as np

from koki2_train.experiment import Experiment
from koki2_train.fitness.validation import best_of, validation_scores
from koki2_train.random_streams import Stream, life_keys, stream_key
from koki2_train.rollout.knobs import Knobs
from koki2_train.rollout.population import compiled_rollout
from koki2_train.rollout.problem import Problem
from koki2_train.runtime.devices import on_every_device


def test_the_best_are_those_of_highest_rank():
    population = jnp.arange(8.0).reshape(4, 2)
    assert best_of(population, jnp.asarray([1.0, 3.0, 0.0, 2.0]), 2).tolist() == [[2, 3], [6, 7]]
    assert best_of(population, jnp.zeros(4), 0).shape == (0, 2)


def test_scores_are_means_over_the_validation_lives_and_minus_infinity_for_what_is_broken():
    experiment = Experiment.build(
        "L0.1", {"steps": 8, "n_neurons": 6, "k_edges": 2, "init_scale": 0.6, "validation_episodes": 3}
    )
    problem, root = Problem.of(experiment, 1), jax.random.key(5)
    candidates = jax.vmap(problem.genome.init)(jax.random.split(jax.random.key(0), 3)).at[1].set(jnp.nan)

    def scores(knobs, root, candidates):
        return validation_scores(problem, knobs, root, candidates, experiment.validation)

    found = jax.jit(lambda *inputs: on_every_device(problem.mesh, scores, *inputs))(
        Knobs.of(experiment), root, candidates
    )
    keys = life_keys(stream_key(root, Stream.VALIDATION), 3)
    lives = compiled_rollout(problem, Knobs.of(experiment), candidates, keys)
    np.testing.assert_allclose(found[::2], lives.fitness.mean(axis=1)[::2], rtol=1e-6)
    assert float(found[1]) == -np.inf
