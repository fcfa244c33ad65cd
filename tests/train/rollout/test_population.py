"""Genomes × lives: no result depends on which genomes share a device, nor on padding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_train.evolution import Search, compiled_init, compiled_steps
from koki2_train.experiment import Trial
from koki2_train.random_streams import life_keys
from koki2_train.rollout import population
from koki2_train.rollout.knobs import Knobs
from koki2_train.rollout.population import compiled_rollout
from koki2_train.rollout.problem import Problem
from koki2_train.runtime.devices import population_mesh


@pytest.fixture(scope="module")
def problem(tiny):
    return Problem.of(tiny, 1)


def genomes_of(problem, count, seed=0):
    return jax.vmap(problem.genome.init)(jax.random.split(jax.random.key(seed), count))


def assert_same_bits(one, other):
    jax.tree.map(np.testing.assert_array_equal, one._asdict(), other._asdict())


def test_a_genome_alone_has_the_lives_that_it_has_among_others(tiny, problem):
    genomes, keys = genomes_of(problem, 5), life_keys(jax.random.key(1), 3)
    together = compiled_rollout(problem, Knobs.of(tiny), genomes, keys)
    assert together.fitness.shape == (5, 3)
    assert together.finite.dtype == bool
    assert len(np.unique(together.fitness)) > 3
    for i in range(5):
        alone = compiled_rollout(problem, Knobs.of(tiny), genomes[i : i + 1], keys)
        assert_same_bits(jax.tree.map(lambda x, i=i: x[i : i + 1], together), alone)


def test_every_genome_lives_the_same_lives(tiny, problem):
    twins = jnp.repeat(genomes_of(problem, 1), 5, axis=0)
    lives = compiled_rollout(problem, Knobs.of(tiny), twins, life_keys(jax.random.key(1), 3))
    for column in map(np.asarray, jax.tree.leaves(lives)):
        np.testing.assert_array_equal(column, np.broadcast_to(column[:1], column.shape))


def test_blocks_do_not_change_results():
    items = jnp.arange(7.0)
    for at_most in (1, 3, 7, 9):
        np.testing.assert_array_equal(population.in_blocks(lambda x: x**2, items, at_most), items**2)


def test_the_first_lives_are_the_same_for_any_number_of_lives():
    few, many = (jax.random.key_data(life_keys(jax.random.key(3), n)) for n in (2, 9))
    np.testing.assert_array_equal(few, many[:2])
    assert len({tuple(row) for row in many.tolist()}) == 9


@pytest.mark.parametrize("devices", [0, -1, 10_000])
def test_too_many_or_no_devices_are_rejected(devices):
    with pytest.raises(ValueError, match=f"devices must be 1 to .*, got {devices}"):
        population_mesh(devices)


def test_arrays_that_are_not_those_of_the_blueprint_are_rejected(problem):
    arrays = dict(problem.genome.compile(genomes_of(problem, 1)[0]))
    arrays["b_motor"] = jnp.zeros(arrays["b_motor"].shape[0] + 1)
    with pytest.raises(AssertionError, match="array 'b_motor' of the blueprint"):
        problem.genome.blueprint.check(arrays)
    del arrays["b_motor"]
    with pytest.raises(AssertionError, match=r"must give the arrays .*b_motor"):
        problem.genome.blueprint.check(arrays)


@pytest.mark.parametrize("change", [-1, 1])
def test_genomes_of_another_size_are_rejected_by_name(tiny, problem, change):
    genomes = jnp.zeros((2, problem.genome.size + change))
    with pytest.raises(AssertionError, match="a genome of DirectGenome"):
        compiled_rollout(problem, Knobs.of(tiny), genomes, life_keys(jax.random.key(1), 3))


def test_seeds_knobs_and_lengths_of_runs_compile_nothing_anew(tiny):
    def run(experiment, seed, last):
        search = Search.of(Trial(experiment, seed), 1)
        return compiled_steps(search, compiled_init(search), jnp.int32(last), 2)

    run(tiny, 0, 2)
    compiled, lived = compiled_steps._cache_size(), []
    for seed, settings in enumerate(({}, {"energy_gain": 0.3}, {"generations": 999}, {"respawn_delay": 7, "width": 5})):
        _, log = run(tiny.with_settings(settings), seed, 1 + seed)
        lived.append(tuple(np.asarray(log.fitness_mean).tolist()))
    assert compiled_steps._cache_size() == compiled > 0
    assert len(set(lived)) == 4, "other values should still have other results"
