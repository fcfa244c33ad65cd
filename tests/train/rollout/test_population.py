"""Genomes × lives: a genome's result depends neither on its company nor on padding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_train.evolution import Search, compiled_init, compiled_steps
from koki2_train.experiment import Trial
from koki2_train.random_streams import life_keys
from koki2_train.rollout.population import compiled_rollout
from koki2_train.rollout.problem import Problem
from koki2_train.runtime.devices import population_mesh


@pytest.fixture(scope="module")
def problem(tiny):
    return Problem.of(tiny, 1)


def genomes_of(problem, count, seed=0):
    return jax.vmap(problem.genome.init)(jax.random.split(jax.random.key(seed), count))


def test_a_genome_has_the_result_that_it_has_alone(tiny, problem):
    genomes, keys = genomes_of(problem, 5), life_keys(jax.random.key(1), 3)
    together = compiled_rollout(problem, tiny.params, genomes, keys)
    assert together.fitness.shape == (5, 3)
    assert together.finite.dtype == bool
    assert len(np.unique(together.fitness)) > 3
    for i in (0, 4):
        alone = compiled_rollout(problem, tiny.params, genomes[i : i + 1], keys)
        mine, only = jax.tree.map(lambda x, i=i: x[i], together), jax.tree.map(lambda x: x[0], alone)
        jax.tree.map(np.testing.assert_array_equal, mine._asdict(), only._asdict())


def test_every_genome_lives_the_same_lives(tiny, problem):
    twins = jnp.stack([genomes_of(problem, 1)[0]] * 5)
    lives = compiled_rollout(problem, tiny.params, twins, life_keys(jax.random.key(1), 3))
    for column in map(np.asarray, jax.tree.leaves(lives)):
        np.testing.assert_array_equal(column, np.broadcast_to(column[:1], column.shape))


def test_the_first_lives_are_the_same_for_any_number_of_lives():
    few, many = (jax.random.key_data(life_keys(jax.random.key(3), n)) for n in (2, 9))
    np.testing.assert_array_equal(few, many[:2])
    assert len({tuple(row) for row in many.tolist()}) == 9


@pytest.mark.parametrize("devices", [0, -1, 10_000])
def test_a_number_of_devices_that_do_not_exist_is_rejected(devices):
    with pytest.raises(ValueError, match=f"devices must be 1 to .*, got {devices}"):
        population_mesh(devices)


def test_seeds_knobs_and_lengths_of_runs_do_not_recompile(tiny):
    def run(experiment, seed, last):
        search = Search.of(Trial(experiment, seed), 1)
        return jax.block_until_ready(compiled_steps(search, compiled_init(search), jnp.int32(last), 2))

    run(tiny, 0, 2)
    compiled, lived = compiled_steps._cache_size(), []
    for seed, settings in enumerate(({}, {"energy_gain": 0.3}, {"generations": 999}, {"respawn_delay": 7, "width": 5})):
        _, log = run(tiny.with_settings(settings), seed, 1 + seed)
        lived.append(tuple(np.asarray(log.fitness_mean).tolist()))
    assert compiled_steps._cache_size() == compiled > 0
    assert len(set(lived)) == 4, "other values should still have other results"


def test_a_genome_of_another_size_is_named(tiny, problem, monkeypatch):
    monkeypatch.setattr(type(problem.genome), "compile", lambda self, genome: {"w_in": genome[:3]})
    with pytest.raises(
        AssertionError, match=r"a genome must give the arrays \['b_motor', 'w_in', 'w_motor', 'w_rec'\]"
    ):
        problem.develop(jnp.zeros(problem.genome.size))
