"""Genomes × lives: nobody's result depends on company, on padding, or on the number of devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_train.evaluation import evaluate, population_mesh
from koki2_train.run_directory import RunDirectory
from koki2_train.streams import life_keys
from koki2_train.training import advance, start

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
        for name in together._fields:
            np.testing.assert_array_equal(getattr(together, name)[i], getattr(alone, name)[0], err_msg=name)


def test_every_genome_lives_the_same_lives(tiny):
    program = tiny.program(1)
    twins = jax.tree.map(lambda x: jnp.stack([x[0]] * 5), genomes_of(program, 1))
    lives = evaluate(program.task, tiny.params, twins, life_keys(jax.random.key(1), 3), STEPS)
    for name in lives._fields:
        column = np.asarray(getattr(lives, name))
        np.testing.assert_array_equal(column, np.broadcast_to(column[:1], column.shape), err_msg=name)


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


DRIVER = """
import sys
from koki2_train.platform_setup import set_up
set_up(int(sys.argv[1]))
import jax
assert len(jax.devices()) == int(sys.argv[1])
from koki2_train.cli.main import main
sys.exit(main(["evolve", "L1.0", "--devices", *sys.argv[1:]]))
"""


@pytest.mark.parametrize("devices", [pytest.param(2, marks=pytest.mark.slow), 4])
def test_a_run_has_the_same_bits_on_any_number_of_devices(devices, tiny_flags, finished, outcome, python, tmp_path):
    """Six genomes in training and two in validation: on 4 devices padding, and shares of one."""
    expected = outcome(finished)
    assert len(expected.rows) == 6
    assert 0 < np.mean([row["pass_rate"] for row in expected.rows]) < 1
    path = tmp_path / "run"
    process = python("-c", DRIVER, devices, "--out", path, "--log-every", 2, *tiny_flags)
    _, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    assert outcome(RunDirectory(path)) == expected
