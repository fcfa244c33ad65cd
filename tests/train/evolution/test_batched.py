"""Many runs as one program: the bits of each are those of the run alone, and nothing compiles twice."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_envs import Schedule, ramp
from koki2_train.evolution import Search, batched, compiled_finish, compiled_init, compiled_steps
from koki2_train.experiment import Experiment, Trial

GENERATIONS = 5
VARIED = [{}, {"obs_noise": 0.1, "num_bad_sources": 1, "nursing": {"combined": 0.5}}]
"""Features that are off in some of the runs and on in others."""


@pytest.fixture(scope="module")
def trials(tiny_settings):
    experiments = [Experiment.build("L1.0", {**tiny_settings, **settings}) for settings in VARIED]
    return [Trial(experiment, seed) for experiment in experiments for seed in (0, 7)]


@pytest.fixture(scope="module")
def together(trials):
    return batched.stack_searches(trials, 1)


@pytest.fixture(scope="module")
def alone(trials):
    """The result of each run by itself: its last state, its log, and the state with the champion chosen."""

    def run(trial):
        search, last = Search.of(trial, 1), jnp.asarray(GENERATIONS, jnp.int32)
        state, log = compiled_steps(search, compiled_init(search), last, GENERATIONS + 1)
        return state, log, compiled_finish(search, state)

    return [run(trial) for trial in trials]


def assert_same(ours, theirs):
    chex.assert_trees_all_equal_structs(ours, theirs)
    for mine, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert np.asarray(mine).tobytes() == np.asarray(other).tobytes()


@pytest.mark.parametrize("room", [0, pytest.param(2**32, marks=pytest.mark.slow)], ids=["one-by-one", "all-at-once"])
def test_every_run_has_the_bits_that_it_has_alone(together, alone, room, monkeypatch):
    monkeypatch.setattr(batched, "_BATCH_BYTES", {"cpu": room})
    for compiled in (batched.compiled_steps_all, batched.compiled_finish_all):
        compiled.clear_cache()  # how many at once is decided while tracing
    last = jnp.asarray(GENERATIONS, jnp.int32)
    states, first = batched.compiled_steps_all(together, batched.compiled_init_all(together), jnp.int32(2), 3)
    states, second = batched.compiled_steps_all(together, states, last, 3)
    final = batched.compiled_finish_all(together, states)
    assert int(states.generation) == GENERATIONS
    assert first.ran[:, 0].tolist() == [True, True, False]
    for index, (state, log, winner) in enumerate(alone):
        assert_same(batched.run_of(states, index), state)
        assert_same(batched.run_of(final, index), winner)
        ours = jax.tree.map(lambda a, b, i=index: np.concatenate([a[:2, i], b[:, i]]), first, second)
        assert_same(ours, jax.tree.map(lambda leaf: np.asarray(leaf)[:GENERATIONS], log))
    assert_same(batched.stack_states([state for state, *_ in alone]), states)


def test_other_values_and_seeds_do_not_compile_again(trials, together):
    states, last = batched.compiled_init_all(together), jnp.int32(1)
    batched.compiled_steps_all(together, states, last, 3)
    before = batched.compiled_steps_all._cache_size()
    params = together.env_params
    richer = params.replace(survival_reward=params.survival_reward * np.float32(2))
    batched.compiled_steps_all(dataclasses.replace(together, env_params=richer), states, last, 3)
    seeds = jax.vmap(jax.random.key)(jnp.arange(100, 100 + len(trials)))
    batched.compiled_steps_all(dataclasses.replace(together, root=seeds), states, jnp.int32(2), 3)
    assert batched.compiled_steps_all._cache_size() == before


def test_a_number_beside_a_schedule_becomes_one_that_keeps_it():
    adult = Experiment.build("L0.2").params
    stacked = batched.stack_params([adult, adult.replace(grad_gain=ramp(0.0, 1.0, 0.0, 0.5))])
    assert isinstance(stacked.grad_gain, Schedule)
    np.testing.assert_array_equal(stacked.grad_gain.start, np.float32([1.0, 0.0]))
    np.testing.assert_array_equal(stacked.grad_gain.end, np.float32([1.0, 1.0]))
    assert stacked.width.dtype == np.int32
    assert stacked.deplete_sources.dtype == bool


def test_idle_is_what_is_idle_everywhere_at_the_same_value():
    adult = Experiment.build("L0.2").params
    idle = dict(batched.idle_everywhere([adult, adult.replace(obs_noise=0.1)]))
    assert "obs_noise" not in idle
    assert dict(adult.idle_knobs()).keys() - idle.keys() == {"obs_noise"}
