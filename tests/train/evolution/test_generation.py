"""Evolution as a whole: reproducible, honest about its champion, and robust against numbers that are not finite."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_train.evolution import Search, compiled_finish, compiled_init, compiled_steps
from koki2_train.experiment import Trial
from koki2_train.random_streams import Stream, life_keys, stream_key
from koki2_train.rollout.population import compiled_rollout

LAST, CHUNK = 6, 2


@functools.cache
def evolved(experiment, seed=0, last=LAST):
    """All generations in chunks; the states after each chunk, and the log."""
    search = Search.of(Trial(experiment, seed), 1)
    states, logs = [compiled_init(search)], []
    while int(states[-1].generation) < last:
        state, log = compiled_steps(search, states[-1], jnp.int32(last), CHUNK)
        states.append(state)
        logs.append(log)
    log = jax.tree.map(lambda *parts: np.concatenate(parts), *logs)
    return search, states, jax.tree.map(lambda x: x[log.ran], log)


def lives_of(search, genomes, keys):
    return compiled_rollout(search.program.problem, search.knobs, genomes, keys)


def assert_same_bits(one, other):
    for (path, a), b in zip(jax.tree_util.tree_flatten_with_path(one)[0], jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=jax.tree_util.keystr(path))


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(tiny):
    _, states, log = evolved(tiny)
    _, again, log_again = evolved.__wrapped__(tiny)
    assert_same_bits(states[-1], again[-1])
    assert_same_bits(log, log_again)
    _, other, _ = evolved(tiny, seed=1, last=CHUNK)
    assert not np.array_equal(states[0].champion, other[0].champion)
    assert not np.array_equal(states[1].strategy.mean, other[-1].strategy.mean)


def test_a_longer_run_begins_like_a_shorter_one(tiny):
    """Chunks of 2 do not divide 3 generations: the last place is left out."""
    _, states, log = evolved(tiny, last=3)
    _, _, longer = evolved(tiny)
    assert int(states[-1].generation) == 3
    assert_same_bits(log, jax.tree.map(lambda x: x[:3], longer))
    assert longer.generation.tolist() == list(range(LAST))


def test_the_champion_is_chosen_on_validation_lives(tiny):
    search, states, log = evolved(tiny)
    assert float(states[0].champion_score) == -np.inf
    scores = log.champion_score[1::2]
    assert (log.champion_score[0], log.champion_generation[0]) == (-np.inf, -1), "generation 1 is validated first"
    assert np.isfinite(scores).all()
    assert (np.diff(scores) >= 0).all()
    keys = life_keys(stream_key(search.root, Stream.VALIDATION), search.program.validation.validation_episodes)
    tried = [*states[1:], compiled_finish(search, states[-1])]
    lives = lives_of(search, jnp.stack([state.champion for state in tried]), keys)
    assert np.mean(lives.fitness, axis=1).tolist() == [float(state.champion_score) for state in tried]


def test_the_final_mean_competes_too_without_changing_the_run(tiny):
    search, states, _ = evolved(tiny)
    finished = compiled_finish(search, states[-1])
    assert float(finished.champion_score) >= float(states[-1].champion_score)
    assert_same_bits(finished.strategy, states[-1].strategy)
    beaten = states[-1]._replace(champion_score=jnp.float32(-1e9))
    won = compiled_finish(search, beaten)
    np.testing.assert_array_equal(won.champion, states[-1].strategy.mean)
    assert int(won.champion_generation) == LAST - 1


def test_the_log_tells_what_the_generation_did(tiny):
    search, states, log = evolved(tiny)
    ask_key, _ = jax.random.split(stream_key(search.root, Stream.SEARCH, 1))
    population = search.program.strategy.ask(ask_key, states[0].strategy)
    keys = life_keys(stream_key(search.root, Stream.TRAINING, 0), search.program.evolution.episodes)
    lives = lives_of(search, population, keys)
    fitness = np.mean(lives.fitness, axis=1)
    np.testing.assert_allclose(log.fitness_best[0], fitness.max(), rtol=1e-6)
    np.testing.assert_allclose(log.fitness_mean[0], fitness.mean(), rtol=1e-6)
    np.testing.assert_allclose(log.fitness_median[0], np.median(fitness), rtol=1e-6)
    np.testing.assert_allclose(log.success[0], np.mean(lives.success), rtol=1e-6)
    np.testing.assert_allclose(log.steps_alive[0], np.mean(lives.steps_alive), rtol=1e-6)
    assert log.non_finite.tolist() == [0] * LAST
    np.testing.assert_allclose(log.sigma, 0.15, rtol=1e-6)


@pytest.mark.parametrize("seed", [0, 1, 2, 12345])
def test_training_validation_and_test_lives_are_never_the_same(seed):
    root = jax.random.key(seed)
    drawn = [
        tuple(row)
        for stream in (Stream.TRAINING, Stream.VIABILITY, Stream.VALIDATION, Stream.TEST)
        for index in (range(20) if stream in (Stream.TRAINING, Stream.VIABILITY) else (0,))
        for row in jax.random.key_data(life_keys(stream_key(root, stream, index), 32)).tolist()
    ]
    assert len(set(drawn)) == len(drawn) == 42 * 32


def test_streams_differ_between_seeds():
    data = [jax.random.key_data(stream_key(jax.random.key(s), stream)).tolist() for s in range(8) for stream in Stream]
    assert len({tuple(row) for row in data}) == 8 * len(Stream)


def test_a_population_without_one_finite_fitness_leaves_the_mean_where_it_was(tiny):
    overflowing = tiny.with_settings({"survival_reward": 3e38})
    _, states, log = evolved(overflowing, last=CHUNK)
    np.testing.assert_array_equal(states[-1].strategy.mean, states[0].strategy.mean)
    assert log.non_finite.tolist() == [6] * CHUNK
    assert np.isnan(log.fitness_best).all()
    assert np.isnan(log.fitness_mean).all()
    assert (log.champion_score == -np.inf).all()
    assert np.isfinite(states[-1].champion).all()


def test_brains_that_are_not_finite_have_no_fitness_however_they_live(tiny):
    search, states, _ = evolved(tiny)
    state = states[0]._replace(
        strategy=states[0].strategy.replace(mean=states[0].strategy.mean.at[0].set(np.inf)),
    )
    _, log = compiled_steps(search, state, jnp.int32(CHUNK), CHUNK)
    assert (log.steps_alive > 0).all()
    assert log.non_finite.tolist() == [6, 6]
    assert np.isnan(log.fitness_best).all()
    assert (log.champion_score == -np.inf).all(), "nor can they be champions"


def test_bad_generations_in_between_keep_everything_finite(tiny):
    state, last = evolved(tiny)[1][0], jnp.int32(99)
    for reward in (1.0, 3e38, 1.0):
        search = Search.of(Trial(tiny.with_settings({"survival_reward": reward}), 0), 1)
        state, log = compiled_steps(search, state, last, CHUNK)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.strategy) if leaf.size > 1)
    assert np.isfinite(log.fitness_mean).all()


def test_the_viability_test_is_logged_with_its_reasons(tiny):
    _, _, log = evolved(tiny)
    failed = log.failures.sum(axis=1)
    np.testing.assert_allclose(log.pass_rate, 1 - failed / 6, rtol=1e-6)
    assert 0 < failed.sum() < 6 * LAST
    assert log.failures[:, 3].sum() == failed.sum(), "no agent dies within 8 steps; those that fail found too little"


def test_without_the_viability_test_all_pass_and_the_run_is_another(tiny):
    _, states, log = evolved(tiny.with_settings({"mvt": False, "validation_top": 0}), last=CHUNK)
    assert log.pass_rate.tolist() == [1.0, 1.0]
    assert log.failures.sum() == 0
    assert not np.array_equal(states[-1].strategy.mean, evolved(tiny)[1][1].strategy.mean)
    np.testing.assert_array_equal(states[-1].champion, states[-1].strategy.mean, err_msg="validation_top is 0")
