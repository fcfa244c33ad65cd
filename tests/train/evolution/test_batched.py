"""Many runs as one program: the bits of each are those of the run alone, and nothing compiles twice."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_envs import Schedule, ramp
from koki2_train.evolution import batched as batch
from koki2_train.evolution.evolve import advance, crown, start
from koki2_train.experiment.experiment import Experiment

GENERATIONS = 5
VARIED = [{}, {"obs_noise": 0.1, "num_bad_sources": 1, "nursing": {"combined": 0.5}}]
"""Features that are off in some of the runs and on in others."""


@pytest.fixture(scope="module")
def runs(tiny_settings):
    experiments = [Experiment.build("L1.0", {**tiny_settings, **settings}) for settings in VARIED]
    return [(experiment, seed) for experiment in experiments for seed in (0, 7)]


@pytest.fixture(scope="module")
def together(runs):
    """Program, params, root keys of all the runs in one."""
    cells = [experiment.params for experiment, _ in runs]
    program = runs[0][0].program(1)
    task = dataclasses.replace(program.task, idle=batch.idle_everywhere(cells))
    roots = jax.vmap(jax.random.key)(jnp.asarray([seed for _, seed in runs]))
    return dataclasses.replace(program, task=task), batch.stack_params(cells), roots


@pytest.fixture(scope="module")
def alone(runs):
    """What each run comes to by itself: its last state, and crowned."""

    def run(experiment, seed):
        program, root = experiment.program(1), jax.random.key(seed)
        last = jnp.asarray(GENERATIONS, jnp.int32)
        state, log = advance(program, experiment.params, root, start(program, root), last, GENERATIONS + 1)
        return state, log, crown(program, experiment.params, root, state)

    return [run(*each) for each in runs]


def assert_same(ours, theirs):
    chex.assert_trees_all_equal_structs(ours, theirs)
    for mine, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert np.asarray(mine).tobytes() == np.asarray(other).tobytes()


@pytest.mark.parametrize("room", [0, 2**32], ids=["one-by-one", "all-at-once"])
def test_every_run_has_the_bits_that_it_has_alone(runs, together, alone, room, monkeypatch):
    monkeypatch.setattr(batch, "_BATCH_BYTES", {"cpu": room})
    for compiled in (batch.advance_all, batch.crown_all):
        compiled.clear_cache()  # how many at once is decided while tracing
    program, params, roots = together
    last = jnp.asarray(GENERATIONS, jnp.int32)
    states, first = batch.advance_all(program, params, roots, batch.start_all(program, roots), jnp.int32(2), 3)
    states, second = batch.advance_all(program, params, roots, states, last, 3)
    crowned = batch.crown_all(program, params, roots, states)
    assert int(states.generation) == GENERATIONS
    assert first.ran[:, 0].tolist() == [True, True, False]
    for index, (state, log, winner) in enumerate(alone):
        assert_same(batch.run_of(states, index), state)
        assert_same(batch.run_of(crowned, index), winner)
        ours = jax.tree.map(lambda a, b, i=index: np.concatenate([a[:2, i], b[:, i]]), first, second)
        assert_same(ours, jax.tree.map(lambda leaf: np.asarray(leaf)[:GENERATIONS], log))
    assert_same(batch.lockstep([state for state, *_ in alone]), states)


def test_other_values_and_seeds_do_not_compile_again(runs, together):
    program, params, roots = together
    states, last = batch.start_all(program, roots), jnp.int32(1)
    batch.advance_all(program, params, roots, states, last, 3)
    before = batch.advance_all._cache_size()
    richer = params.replace(survival_reward=params.survival_reward * np.float32(2))
    batch.advance_all(program, richer, roots, states, last, 3)
    more = jax.vmap(jax.random.key)(jnp.arange(100, 100 + len(runs)))
    batch.advance_all(program, params, more, states, jnp.int32(2), 3)
    assert batch.advance_all._cache_size() == before


def test_a_number_beside_a_schedule_becomes_one_that_keeps_it():
    adult = Experiment.build("L0.2").params
    stacked = batch.stack_params([adult, adult.replace(grad_gain=ramp(0.0, 1.0, 0.0, 0.5))])
    assert isinstance(stacked.grad_gain, Schedule)
    np.testing.assert_array_equal(stacked.grad_gain.start, np.float32([1.0, 0.0]))
    np.testing.assert_array_equal(stacked.grad_gain.end, np.float32([1.0, 1.0]))
    assert stacked.width.dtype == np.int32
    assert stacked.deplete_sources.dtype == bool


def test_idle_is_what_is_idle_everywhere_at_the_same_value():
    adult = Experiment.build("L0.2").params
    idle = dict(batch.idle_everywhere([adult, adult.replace(obs_noise=0.1)]))
    assert "obs_noise" not in idle
    assert dict(adult.idle_knobs()).keys() - idle.keys() == {"obs_noise"}
