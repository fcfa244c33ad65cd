"""Dense and sparse synapses are one network, and no sum depends on company, devices or threads."""

import dataclasses
import os
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_train.brains import DenseSynapses, SparseSynapses, SpikingBrain, sparse_inputs
from koki2_train.experiment import Experiment
from koki2_train.experiment.brain_settings import SpikingSettings
from koki2_train.random_streams import life_keys
from koki2_train.rollout.knobs import Knobs
from koki2_train.rollout.lifetime import trace_life
from koki2_train.rollout.population import compiled_rollout
from koki2_train.rollout.problem import Problem
from koki2_train.runs.directory import RunDirectory

KINDS = [DenseSynapses, SparseSynapses]
NEVER_SPARSE = 10**6


@pytest.mark.parametrize("kind", KINDS)
def test_currents_of_three_neurons_by_hand(kind):
    np.testing.assert_array_equal(sparse_inputs(3, 2, 0), [[1, 2], [0, 2], [0, 1]])
    w_in, w_rec = jnp.asarray([[10.0, 1], [20, 2], [30, 3]]), jnp.asarray([[1.0, 2], [3, 4], [5, 6]])
    synapses = kind.wired(w_in, w_rec, 0)
    for spikes, heard in (([0, 0, 0], [0, 0, 0]), ([1, 0, 1], [2, 3 + 4, 5]), ([1, 1, 1], [1 + 2, 3 + 4, 5 + 6])):
        currents = synapses.currents(jnp.asarray([0.5, -2.0]), jnp.asarray(spikes, jnp.float32))
        np.testing.assert_array_equal(currents, np.asarray([5 - 2, 10 - 4, 15 - 6]) + heard)
        assert currents.dtype == jnp.float32


def problem_of(kind, **settings):
    """An experiment whose synapses are of a kind, whatever it would choose by itself, and its problem."""
    sparse_from = 1 if kind is SparseSynapses else NEVER_SPARSE
    brain = {"n_neurons": 96, "k_edges": 5, "init_scale": 0.6, "sparse_from": sparse_from}
    experiment = Experiment.build("L0.1", {"width": 12, **brain, **settings})
    return experiment, Problem.of(experiment, 1)


def test_sparse_memory_grows_with_neurons_times_inputs():
    def synapses(kind, n, k):
        _, problem = problem_of(kind, n_neurons=n, k_edges=k)
        genome = jax.ShapeDtypeStruct((problem.genome.size,), jnp.float32)
        held = jax.eval_shape(partial(problem.develop, knobs={}), genome).synapses
        assert type(held) is kind
        return held

    for n, k in ((64, 8), (4096, 8), (256, 32)):
        sparse = synapses(SparseSynapses, n, k)
        assert (sparse.w_in.shape, sparse.w_rec.shape) == ((4, n), (k, n))
        assert len(jax.tree.leaves(sparse)) == 2, "which neurons a neuron listens to is no part of its weights"
        assert num_bytes_of_shapes(sparse) == 4 * n * (4 + k)
        assert num_bytes_of_shapes(synapses(DenseSynapses, n, k)) == 4 * n * (4 + n)


def num_bytes_of_shapes(tree):
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


class Traced(SpikingBrain):
    """Also records its potentials."""

    def recordings(self, weights, carry):
        return carry._asdict()


def traces_of_three_genomes(kind):
    """Step by step, with leading axes of 3 genomes and 4 lives."""
    experiment, problem = problem_of(kind, steps=40)
    brain = Traced(problem.brain.settings, problem.brain.interface)
    genomes = jax.vmap(problem.genome.init)(jax.random.split(jax.random.key(5), 3))

    def one_life(genome, key):
        return trace_life(problem.env, experiment.params, brain, problem.develop(genome, {}), key, num_steps=40)[1]

    lives = jax.vmap(jax.vmap(one_life, in_axes=(None, 0)), in_axes=(0, None))
    return jax.jit(lives)(genomes, life_keys(jax.random.key(2), 4))


def test_whole_lives_are_the_same_densely_and_sparsely():
    dense, sparse = (traces_of_three_genomes(kind) for kind in KINDS)
    np.testing.assert_array_equal(dense.action, sparse.action)
    spikes = dense.recordings["spikes"]
    np.testing.assert_array_equal(spikes, sparse.recordings["spikes"])
    np.testing.assert_allclose(dense.recordings["potential"], sparse.recordings["potential"], atol=2e-4)
    assert 0.05 < np.mean(spikes) < 0.95
    assert len(np.unique(dense.action)) > 2


class Probe(SpikingBrain):
    """Reports three potentials, summed over the life: they show the last bit of every sum."""

    def measure(self, weights, before, after, outcome):
        n = self.settings.n_neurons
        return {str(neuron): after.potential[neuron] for neuron in (0, n // 2, n - 1)}

    def metrics(self, sums, steps):
        return sums


def potentials(problem, experiment, genomes, num_lives):
    """(3, G, L) float32."""
    lives = compiled_rollout(problem, Knobs.of(experiment), genomes, life_keys(jax.random.key(1), num_lives))
    return np.stack(list(lives.brain_metrics.values()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_lives", [1, 8])
def test_sums_do_not_depend_on_company(kind, num_lives):
    experiment, problem = problem_of(kind, n_neurons=512, k_edges=8, steps=20)
    problem = dataclasses.replace(problem, brain=Probe(problem.brain.settings, problem.brain.interface))
    genomes = jax.vmap(problem.genome.init)(jax.random.split(jax.random.key(0), 5))
    together = potentials(problem, experiment, genomes, num_lives)
    assert len(np.unique(together)) > 10
    np.testing.assert_array_equal(potentials(problem, experiment, genomes[4:], num_lives), together[:, 4:])


@pytest.mark.parametrize("kind", KINDS)
def test_other_genomes_trace_nothing_anew(kind):
    _, problem = problem_of(kind)
    genomes = [problem.genome.init(jax.random.key(seed)) for seed in range(3)]

    @jax.jit
    def drive(genome, spikes):
        return problem.develop(genome, {}).synapses.currents(jnp.ones(4), spikes)

    heard = [drive(genome, jnp.full(96, float(spike))) for genome in genomes for spike in (0, 1)]
    assert drive._cache_size() == 1
    assert len({currents.tobytes() for currents in map(np.asarray, heard)}) == 6


@pytest.mark.parametrize(
    ("settings", "is_sparse"),
    [
        ({}, False),
        ({"n_neurons": 191}, False),
        ({"n_neurons": 192}, True),
        ({"n_neurons": 48, "k_edges": 2}, True),
        ({"n_neurons": 192, "k_edges": 9}, False),
        ({"n_neurons": 32, "k_edges": 8, "sparse_from": 4}, True),
        ({"n_neurons": 32, "k_edges": 8, "sparse_from": 5}, False),
        ({"n_neurons": 2048, "sparse_from": NEVER_SPARSE}, False),
    ],
)
def test_sizes_alone_choose(settings, is_sparse):
    assert SpikingSettings(**settings).is_sparse is is_sparse


@pytest.mark.parametrize("value", ["0", "-3", "1.5", "many"])
def test_an_invalid_threshold_is_rejected(cli, tmp_path, value):
    result = cli("evolve", "L0.2", "--sparse-from", value, "--out", tmp_path / "run")
    assert result.code == 2
    assert len(result.err.strip().splitlines()) == 1
    assert "sparse" in result.err
    assert value in result.err
    assert not (tmp_path / "run").exists()


LARGE_RUN = ["--n-neurons", 1024, "--generations", 2, "--pop-size", 4, "--episodes", 2, "--steps", 6]
LARGE_RUN += ["--init-scale", 0.5, "--energy-gain", 0.2, "--validate-every", 2, "--validation-episodes", 4]

DRIVER = """
import sys
from koki2_train.runtime.jax_setup import set_up
set_up(int(sys.argv[1]))
from koki2_train.cli.main import main
sys.exit(main(["evolve", "L0.2", "--devices", *sys.argv[1:]]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("sparse_from", [24, NEVER_SPARSE])
def test_large_brains_evolve_to_the_same_bits_on_any_number_of_devices_and_threads(
    sparse_from, outcome, python, tmp_path, monkeypatch
):
    outcomes = []
    for devices, threads in ((1, 1), (4, 4)):
        monkeypatch.setitem(os.environ, "NPROC", str(threads))
        path = tmp_path / f"{devices}_{threads}"
        flags = [*LARGE_RUN, "--sparse-from", sparse_from, "--out", path]
        process = python("-c", DRIVER, devices, *flags)
        _, error = process.communicate(timeout=300)
        assert process.returncode == 0, error
        outcomes.append(outcome(RunDirectory(path)))
    assert len(outcomes[0].rows) == 2
    assert outcomes[0] == outcomes[1]
