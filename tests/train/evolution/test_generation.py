"""Evolution as a whole: reproducible, honest about its champion, and not to be upset."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_train.evolution.evolve import advance, crown, start, unravel
from koki2_train.random_streams import Stream, life_keys, stream_key
from koki2_train.rollout.population import evaluate

LAST = 6


def evolve(experiment, seed=0, chunk=2, last=LAST, params=None):
    """All generations in chunks; the states behind each chunk, and the log."""
    program, root = experiment.program(1), jax.random.key(seed)
    states, logs = [start(program, root)], []
    while int(states[-1].generation) < last:
        state, log = advance(program, params or experiment.params, root, states[-1], jnp.int32(last), chunk)
        states.append(state)
        logs.append(log)
    log = jax.tree.map(lambda *parts: np.concatenate(parts), *logs)
    return program, root, states, jax.tree.map(lambda x: x[log.ran], log)


def assert_same_bits(one, other):
    for (path, a), b in zip(jax.tree_util.tree_flatten_with_path(one)[0], jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=jax.tree_util.keystr(path))


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(tiny):
    _, _, states, log = evolve(tiny)
    _, _, again, log_again = evolve(tiny)
    assert_same_bits(states[-1], again[-1])
    assert_same_bits(log, log_again)
    _, _, other, _ = evolve(tiny, seed=1)
    assert not np.array_equal(states[0].champion, other[0].champion)
    assert not np.array_equal(states[-1].search.mean, other[-1].search.mean)


def test_the_size_of_a_chunk_does_not_change_the_bits(tiny):
    """Chunks of 4 do not divide 6 generations: the last places of the second one are left out."""
    _, _, states, log = evolve(tiny)
    _, _, others, log_of_others = evolve(tiny, chunk=4)
    assert_same_bits(states[-1], others[-1])
    assert_same_bits(log, log_of_others)
    assert log.generation.tolist() == list(range(LAST))


def test_a_longer_run_begins_like_a_shorter_one(tiny):
    _, _, states, log = evolve(tiny, last=3)
    _, _, _, longer = evolve(tiny)
    assert int(states[-1].generation) == 3
    assert_same_bits(log, jax.tree.map(lambda x: x[:3], longer))


def test_the_champion_is_chosen_on_validation_lives(tiny):
    program, root, states, log = evolve(tiny)
    assert float(states[0].champion_score) == -np.inf
    scores = log.champion_score[1::2]
    assert (log.champion_score[0], log.champion_generation[0]) == (-np.inf, -1), "the first validation is behind 1"
    assert np.isfinite(scores).all()
    assert (np.diff(scores) >= 0).all()
    keys = life_keys(stream_key(root, Stream.VALIDATION), program.validation.validation_episodes)
    for state in (*states[1:], crown(program, tiny.params, root, states[-1])):
        genome = unravel(program, state.champion[None])
        lives = evaluate(program.task, tiny.params, genome, keys, program.num_steps)
        assert float(jnp.mean(lives.fitness)) == float(state.champion_score)


def test_the_final_mean_competes_too_without_changing_the_run(tiny):
    program, root, states, _ = evolve(tiny)
    crowned = crown(program, tiny.params, root, states[-1])
    assert float(crowned.champion_score) >= float(states[-1].champion_score)
    assert_same_bits(crowned.search, states[-1].search)
    beaten = states[-1]._replace(champion_score=jnp.float32(-1e9))
    won = crown(program, tiny.params, root, beaten)
    np.testing.assert_array_equal(won.champion, states[-1].search.mean)
    assert int(won.champion_generation) == LAST - 1


def test_the_log_tells_what_the_generation_did(tiny):
    program, root, states, log = evolve(tiny)
    strategy_keys = jax.random.split(stream_key(root, Stream.SEARCH, 1))
    from koki2_train.strategies.evosax_adapter import open_es

    population = open_es(states[0].champion.size, program.evolution).ask(strategy_keys[0], states[0].search)
    keys = life_keys(stream_key(root, Stream.TRAINING, 0), program.evolution.episodes)
    lives = evaluate(program.task, tiny.params, unravel(program, population), keys, program.num_steps)
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
    overflowing = tiny.params.replace(survival_reward=3e38)
    _, _, states, log = evolve(tiny, params=overflowing)
    np.testing.assert_array_equal(states[-1].search.mean, states[0].search.mean)
    assert log.non_finite.tolist() == [6] * LAST
    assert np.isnan(log.fitness_best).all()
    assert np.isnan(log.fitness_mean).all()
    assert (log.champion_score == -np.inf).all()
    assert np.isfinite(states[-1].champion).all()


def test_brains_that_are_not_finite_have_no_fitness_however_they_live(tiny):
    program, root = tiny.program(1), jax.random.key(0)
    state = start(program, root)
    state = state._replace(search=state.search.replace(mean=state.search.mean.at[0].set(np.inf)))
    state, log = advance(program, tiny.params, root, state, jnp.int32(2), 2)
    assert (log.steps_alive > 0).all()
    assert log.non_finite.tolist() == [6, 6]
    assert np.isnan(log.fitness_best).all()
    assert (log.champion_score == -np.inf).all(), "nor can they be champions"


def test_bad_generations_in_between_keep_everything_finite(tiny):
    program, root = tiny.program(1), jax.random.key(0)
    state, last = start(program, root), jnp.int32(99)
    for reward in (1.0, 3e38, 1.0):
        state, log = advance(program, tiny.params.replace(survival_reward=reward), root, state, last, 2)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.search) if leaf.size > 1)
    assert np.isfinite(log.fitness_mean).all()


def test_the_viability_test_is_logged_with_its_reasons(tiny):
    _, _, _, log = evolve(tiny)
    failed = log.failures.sum(axis=1)
    np.testing.assert_allclose(log.pass_rate, 1 - failed / 6, rtol=1e-6)
    assert 0 < failed.sum() < 6 * LAST
    assert log.failures[:, 3].sum() == failed.sum(), "nobody dies within 8 steps; those that fail found too little"


def test_without_the_viability_test_everyone_passes_and_the_run_is_another(tiny):
    _, _, states, log = evolve(tiny.with_settings({"mvt": False, "validation_top": 0}), last=2)
    assert log.pass_rate.tolist() == [1.0, 1.0]
    assert log.failures.sum() == 0
    assert not np.array_equal(states[-1].search.mean, evolve(tiny, last=2)[2][-1].search.mean)
    np.testing.assert_array_equal(states[-1].champion, states[-1].search.mean, err_msg="validation_top is 0")
