"""Curves within a life: bins that cover a life, and rewards that sum up to the fitness."""

import jax
import numpy as np
import pytest

from koki2_train.evaluation import HeldOutLives
from koki2_train.experiment import Experiment
from koki2_train.rollout.problem import Problem
from koki2_train.studies.life_curves import BINS, bin_edges, reward_within_life


@pytest.mark.parametrize(("num_steps", "bins"), [(1, 1), (12, 12), (32, 32), (33, BINS), (256, BINS), (257, BINS)])
def test_the_parts_of_a_life_are_equal_to_within_a_step(num_steps, bins):
    lengths = np.diff(bin_edges(num_steps))
    assert (lengths.size, lengths.sum()) == (bins, num_steps)
    assert lengths.max() - lengths.min() <= 1


def test_parts_times_their_lengths_sum_up_to_the_fitness_whoever_dies(tiny_settings):
    experiment = Experiment.build("L0.2", {**tiny_settings, "steps": 35, "energy_decay": 0.05})
    lives = HeldOutLives(experiment, 16, 3)
    genomes = 2.0 * jax.random.normal(jax.random.key(1), (2, Problem.of(experiment).genome.size))
    curves, summary = reward_within_life(lives, genomes, experiment), lives.rollout_genomes(genomes)
    assert curves.shape == (2, BINS)
    edges = bin_edges(35)
    assert set(summary.steps_alive.ravel()) == {20.0}, "energy for so many steps"
    assert (curves[:, edges[:-1] >= 20] == 0).all()
    assert curves @ np.diff(edges) == pytest.approx(summary.fitness.mean(axis=1), rel=1e-4)
