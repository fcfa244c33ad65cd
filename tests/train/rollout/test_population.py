"""Genomes × lives: nobody's result depends on company or on padding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_train.evolution.evolve import advance, start
from koki2_train.random_streams import life_keys
from koki2_train.rollout.population import evaluate, population_mesh

STEPS = 12


def genomes_of(program, count, seed=0):
    return jax.vmap(program.task.encoding.init)(jax.random.split(jax.random.key(seed), count))


def test_genomes_do_not_feel_each_other(tiny):
    program = tiny.program(1)
    genomes, keys = genomes_of(program, 5), life_keys(jax.random.key(1), 3)
    together = evaluate(program.task, tiny.params, genomes, keys, STEPS)
    assert together.fitness.shape == (5, 3)
    assert together.finite.dtype == bool
    assert len(np.unique(together.fitness)) > 3
    for i in range(5):
        one = jax.tree.map(lambda x, i=i: x[i : i + 1], genomes)
        alone = evaluate(program.task, tiny.params, one, keys, STEPS)
        mine, only = jax.tree.map(lambda x, i=i: x[i], together), jax.tree.map(lambda x: x[0], alone)
        jax.tree.map(np.testing.assert_array_equal, mine._asdict(), only._asdict())


def test_every_genome_lives_the_same_lives(tiny):
    program = tiny.program(1)
    twins = jax.tree.map(lambda x: jnp.stack([x[0]] * 5), genomes_of(program, 1))
    lives = evaluate(program.task, tiny.params, twins, life_keys(jax.random.key(1), 3), STEPS)
    for column in map(np.asarray, jax.tree.leaves(lives)):
        np.testing.assert_array_equal(column, np.broadcast_to(column[:1], column.shape))


def test_the_first_lives_are_the_same_for_any_number_of_lives():
    few, many = (jax.random.key_data(life_keys(jax.random.key(3), n)) for n in (2, 9))
    np.testing.assert_array_equal(few, many[:2])
    assert len({tuple(row) for row in many.tolist()}) == 9


@pytest.mark.parametrize("devices", [0, -1, 10_000])
def test_devices_that_are_not_there_are_refused(devices):
    with pytest.raises(ValueError, match=f"devices must be 1 to .*, got {devices}"):
        population_mesh(devices)


def test_seeds_knobs_and_lengths_of_runs_compile_nothing_anew(tiny):
    def run(experiment, seed, last):
        program, root = experiment.program(1), jax.random.key(seed)
        state = start(program, root)
        return jax.block_until_ready(advance(program, experiment.params, root, state, jnp.int32(last), 2))

    run(tiny, 0, 2)
    compiled, lived = advance._cache_size(), []
    for seed, settings in enumerate(({}, {"energy_gain": 0.3}, {"generations": 999}, {"respawn_delay": 7, "width": 5})):
        _, log = run(tiny.with_settings(settings), seed, 1 + seed)
        lived.append(tuple(np.asarray(log.fitness_mean).tolist()))
    assert advance._cache_size() == compiled > 0
    assert len(set(lived)) == 4, "other values should still have other results"
