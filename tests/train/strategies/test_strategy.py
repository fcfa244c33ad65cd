"""Strategies: OpenAI-ES maximises, keeps its schedules and dtypes, survives NaN, and is what evosax has."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_train.experiment.sections import OpenESSettings
from koki2_train.strategies import OpenES, Strategy
from koki2_train.strategies.shaping import centered_ranks

D, P = 5, 16
TARGET = jnp.asarray([1.0, -2.0, 0.5, 0.0, 3.0])


def open_es(pop_size=P, num_dims=D, **settings):
    return OpenES(OpenESSettings(**{"sigma": 0.2, "lr": 0.1} | settings), pop_size, num_dims)


def mean_of(strategy, state):
    [mean] = strategy.candidates(state)
    return np.asarray(mean)


@partial(jax.jit, static_argnames="strategy")
def ask(strategy, t, state):
    return strategy.ask(jax.random.fold_in(jax.random.key(1), t), state)


@partial(jax.jit, static_argnames="strategy")
def tell(strategy, state, population, fitness):
    """As a generation does: whatever is not finite is invalid, and has the lowest score."""
    valid = jnp.isfinite(fitness)
    return strategy.tell(jax.random.key(2), population, jnp.where(valid, fitness, -1e9), valid, state)


def evolve(strategy, generations, fitness_of, mean=None):
    states = [strategy.init(jax.random.key(0), jnp.zeros(D) if mean is None else mean)]
    for t in range(generations):
        population = ask(strategy, t, states[-1])
        states.append(tell(strategy, states[-1], population, fitness_of(population)))
    return states


@jax.jit
def minus_distance(population):
    return -jnp.sum((population - TARGET) ** 2, axis=-1)


def test_it_climbs():
    strategy = open_es()
    states = evolve(strategy, 120, minus_distance)
    distances = [float(-minus_distance(mean_of(strategy, state))) for state in states]
    assert distances[0] == pytest.approx(14.25)
    assert distances[-1] < 0.2
    assert distances[40] < distances[10] < distances[0]


def test_genomes_come_in_mirrored_pairs():
    strategy = open_es()
    mean = jnp.arange(5.0)
    population = strategy.ask(jax.random.key(0), strategy.init(jax.random.key(0), mean))
    assert population.shape == (P, D)
    np.testing.assert_allclose(population[: P // 2] + population[P // 2 :], np.tile(2 * mean, (P // 2, 1)), atol=1e-5)
    assert len(np.unique(np.asarray(population[:, 0]))) == P
    ask = jax.jit(lambda k: strategy.ask(jax.random.key(k), strategy.init(jax.random.key(0), mean)) - mean)
    many = np.concatenate([np.ravel(ask(k)) for k in range(20)])
    np.testing.assert_allclose(many.std(), 0.2, rtol=0.1)


def test_equal_strategies_share_compiled_code():
    assert open_es() == open_es()
    assert hash(open_es()) == hash(open_es())
    assert open_es() not in {open_es(sigma=0.3), open_es(num_dims=D + 1), open_es(pop_size=P + 2)}


@pytest.mark.parametrize(("decay", "floor"), [(0.5, 0.1), (0.9, 0.0)])
def test_sigma_decays_by_the_generation_down_to_its_floor(decay, floor):
    """The population of generation 1 is drawn, like that of generation 0, with the first sigma (evosax)."""
    strategy = open_es(sigma=0.2, sigma_decay=decay, sigma_floor=floor)
    states = evolve(strategy, 6, minus_distance)
    expected = [0.2 * max(decay ** max(t - 1, 0), floor) for t in range(7)]
    np.testing.assert_allclose([float(strategy.step_size(state)) for state in states], expected, rtol=1e-6)


def test_the_learning_rate_decays_by_the_generation_down_to_its_floor():
    """Without memory Adam moves every number of the mean by the learning rate."""
    decay, floor = 0.5, 0.2
    strategy = open_es(lr=0.1, lr_decay=decay, lr_floor=floor, adam_b1=0.0, adam_b2=0.0)
    states = evolve(strategy, 5, lambda population: jnp.sum(population, axis=-1))
    moves = [np.asarray(mean_of(strategy, b) - mean_of(strategy, a)) for a, b in itertools.pairwise(states)]
    for t, move in enumerate(moves):
        np.testing.assert_allclose(np.abs(move), 0.1 * max(decay**t, floor), rtol=1e-3)


def test_a_learning_rate_of_zero_stays():
    strategy = open_es(lr=0.0)
    states = evolve(strategy, 3, minus_distance, jnp.ones(D))
    np.testing.assert_array_equal(mean_of(strategy, states[-1]), np.ones(D))


def test_types_do_not_change_from_generation_to_generation():
    first, *_, last = evolve(open_es(), 2, minus_distance)
    before, after = jax.tree.leaves(first), jax.tree.leaves(last)
    assert jax.tree.structure(first) == jax.tree.structure(last)
    assert [(x.shape, x.dtype) for x in before] == [(x.shape, x.dtype) for x in after]
    assert {x.dtype for x in before} == {jnp.dtype(jnp.float32), jnp.dtype(jnp.int32)}


def test_a_whole_population_without_fitness_moves_nothing():
    strategy = open_es()
    states = evolve(strategy, 3, lambda population: jnp.full(P, jnp.nan), jnp.ones(D))
    np.testing.assert_array_equal(mean_of(strategy, states[-1]), np.ones(D))
    assert np.isfinite(float(strategy.step_size(states[-1])))


def test_single_genomes_without_fitness_do_not_stop_the_climb():
    strategy = open_es()

    def holed(population):
        return jnp.where(jnp.arange(P) % 5 == 0, jnp.nan, minus_distance(population))

    mean = mean_of(strategy, evolve(strategy, 80, holed)[-1])
    assert np.isfinite(mean).all()
    assert float(-minus_distance(mean)) < 2.0


def test_single_genomes_without_fitness_have_no_weight():
    """All but a mirrored pair are invalid: without memory, Adam's step has the signs of the better one's noise."""
    strategy = open_es(adam_b1=0.0, adam_b2=0.0)
    state = strategy.init(jax.random.key(0), jnp.zeros(D))
    population = strategy.ask(jax.random.key(1), state)
    fitness = jnp.full(P, jnp.nan).at[3].set(1.0).at[3 + P // 2].set(0.0)
    moved = mean_of(strategy, tell(strategy, state, population, fitness))
    np.testing.assert_array_equal(np.sign(moved), np.sign(population[3]))


def test_with_all_genomes_valid_it_is_evosax_with_centered_ranks():
    from evosax.core.fitness_shaping import centered_rank_fitness_shaping_fn

    strategy = open_es()
    state = strategy.init(jax.random.key(0), jnp.ones(D))
    population = strategy.ask(jax.random.key(1), state)
    fitness = minus_distance(population).at[5].set(minus_distance(population)[6])  # a tie
    evosax = strategy._evosax
    assert strategy._evosax is evosax, "every new one compiles anew"
    weights = centered_rank_fitness_shaping_fn(None, -fitness, None, None)
    expected, _ = evosax.tell(jax.random.key(2), population, weights, state, evosax.default_params)
    ours = tell(strategy, state, population, fitness)
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-9)


def test_ranks_are_centred_and_equal_costs_share_one():
    np.testing.assert_allclose(centered_ranks(jnp.asarray([3.0, 1.0, 2.0, 5.0, 4.0])), [0, -0.5, -0.25, 0.5, 0.25])
    tied = np.asarray(centered_ranks(jnp.asarray([1.0, 7.0, 7.0, 9.0])))
    assert tied[1] == tied[2]
    assert (tied[0], tied[3]) == (-0.5, 0.5)


class Still(Strategy):
    """The least that a strategy must be."""

    def init(self, key, genome):
        return genome

    def ask(self, key, state):
        return jnp.broadcast_to(state, (self.pop_size, self.num_dims))

    def tell(self, key, population, score, valid, state):
        return state

    def candidates(self, state):
        return state[None]


def test_a_strategy_without_a_step_size_says_so():
    assert np.isnan(Still(None, P, D).step_size(jnp.zeros(D)))
    assert Still(None, P, D) == Still(None, P, D) != Still(None, P, D + 1)
    with pytest.raises(TypeError, match="abstract"):
        Strategy(None, P, D)
