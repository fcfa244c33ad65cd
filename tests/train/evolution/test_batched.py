"""Many runs as one program: the bits of each are those of the run alone, and nothing compiles twice."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_envs import Schedule, ramp
from koki2_train.evolution import Search, batched, compiled_finish, compiled_init, compiled_steps
from koki2_train.evolution.batched import compiled_finish_all, compiled_init_all, compiled_steps_all
from koki2_train.experiment import Experiment, Trial
from koki2_train.rollout.knobs import IdleKnobs

GENERATIONS, CHUNK = 3, 2
VARIED = {"obs_noise": 0.1, "num_bad_sources": 1, "nursing": {"combined": 0.5}}
"""Features that are off in the first runs and on in the last."""


@pytest.fixture(scope="module")
def trials(tiny, tiny_settings):
    return [Trial(tiny, 0), Trial(tiny, 7), Trial(Experiment.build("L1.0", {**tiny_settings, **VARIED}), 7)]


@pytest.fixture(scope="module")
def searches(trials):
    return batched.stack_searches(trials, 1)


def steps(advance, search, state):
    """All generations in two chunks, of which the last is not full; the state, and the log of each chunk."""
    state, first = advance(search, state, jnp.int32(CHUNK), CHUNK)
    state, second = advance(search, state, jnp.int32(GENERATIONS), CHUNK)
    return state, jax.tree.map(lambda a, b: np.concatenate([a, b])[:GENERATIONS], first, second)


def assert_same(ours, theirs):
    chex.assert_trees_all_equal_structs(ours, theirs)
    for mine, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert np.asarray(mine).tobytes() == np.asarray(other).tobytes()


@pytest.mark.parametrize(
    ("room", "compared"),
    [(0, [0]), pytest.param(0, [1, 2], marks=pytest.mark.slow), pytest.param(2**32, [0, 2], marks=pytest.mark.slow)],
    ids=["one-by-one", "one-by-one, all compared", "all-at-once"],
)
def test_every_run_has_the_bits_that_it_has_alone(trials, searches, monkeypatch, room, compared):
    monkeypatch.setattr(batched, "_BATCH_BYTES", {"cpu": room})
    for compiled in (compiled_steps_all, compiled_finish_all):
        compiled.clear_cache()  # how many at once is decided while tracing
    states, log = steps(compiled_steps_all, searches, compiled_init_all(searches))
    finished = compiled_finish_all(searches, states)
    assert int(states.generation) == GENERATIONS
    assert log.ran.shape == (GENERATIONS, len(trials))
    for index in compared:
        search = Search.of(trials[index], 1)
        alone, log_alone = steps(compiled_steps, search, compiled_init(search))
        assert_same(batched.run_of(states, index), alone)
        assert_same(batched.run_of(finished, index), compiled_finish(search, alone))
        assert_same(jax.tree.map(lambda leaf, i=index: leaf[:, i], log), log_alone)
    assert_same(batched.stack_states([batched.run_of(states, index) for index in range(len(trials))]), states)
    assert len({np.asarray(log.fitness_mean)[:, index].tobytes() for index in range(len(trials))}) == len(trials)


def test_other_values_and_seeds_do_not_compile_again(trials, searches):
    states = compiled_init_all(searches)
    compiled_steps_all(searches, states, jnp.int32(1), CHUNK)
    before = compiled_steps_all._cache_size()
    others = [
        Trial(each.experiment.with_settings({"survival_reward": 2.0}), seed) for seed, each in enumerate(trials, 100)
    ]
    compiled_steps_all(batched.stack_searches(others, 1), states, jnp.int32(2), CHUNK)
    assert compiled_steps_all._cache_size() == before


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
    runs = [IdleKnobs(params.idle_knobs(), ()) for params in (adult, adult.replace(obs_noise=0.1))]
    idle = dict(batched.idle_everywhere(runs).world)
    assert "obs_noise" not in idle
    assert dict(adult.idle_knobs()).keys() - idle.keys() == {"obs_noise"}
