"""The one place that knows evosax: it maximises, keeps its schedules and dtypes, and survives NaN."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from koki2_train.strategies.evosax_adapter import open_es

from koki2_train.experiment.sections import EvolutionConfig
from koki2_train.fitness.viability import all_viable

D, P = 5, 16
TARGET = jnp.asarray([1.0, -2.0, 0.5, 0.0, 3.0])


def config(**changes):
    return EvolutionConfig(**{"pop_size": P, "sigma": 0.2, "lr": 0.1} | changes)


def generation(strategy, state, t, fitness_of):
    population = strategy.ask(jax.random.fold_in(jax.random.key(1), t), state)
    verdict = all_viable(P)
    return population, strategy.tell(jax.random.key(2), population, fitness_of(population), verdict, state)


def evolve(strategy, generations, fitness_of, mean=None):
    state = strategy.init(jax.random.key(0), jnp.zeros(D) if mean is None else mean)
    step = jax.jit(lambda state, t: generation(strategy, state, t, fitness_of)[1])
    states = [state]
    for t in range(generations):
        states.append(step(states[-1], t))
    return states


def minus_distance(population):
    return -jnp.sum((population - TARGET) ** 2, axis=-1)


def test_it_climbs():
    strategy = open_es(D, config())
    states = evolve(strategy, 120, minus_distance)
    distances = [float(-minus_distance(strategy.mean(state))) for state in states]
    assert distances[0] == pytest.approx(14.25)
    assert distances[-1] < 0.2
    assert distances[40] < distances[10] < distances[0]


def test_genomes_come_in_mirrored_pairs():
    strategy = open_es(D, config())
    mean = jnp.arange(5.0)
    population = strategy.ask(jax.random.key(0), strategy.init(jax.random.key(0), mean))
    assert population.shape == (P, D)
    np.testing.assert_allclose(population[: P // 2] + population[P // 2 :], np.tile(2 * mean, (P // 2, 1)), atol=1e-5)
    assert len(np.unique(np.asarray(population[:, 0]))) == P
    ask = jax.jit(lambda k: strategy.ask(jax.random.key(k), strategy.init(jax.random.key(0), mean)) - mean)
    many = np.concatenate([np.ravel(ask(k)) for k in range(20)])
    np.testing.assert_allclose(many.std(), 0.2, rtol=0.1)


def test_the_same_arguments_give_the_same_object():
    assert open_es(D, config()) is open_es(D, config())
    assert open_es(D, config()) is not open_es(D, config(sigma=0.3))
    assert open_es(D + 1, config()) is not open_es(D, config())


@pytest.mark.parametrize(("decay", "floor"), [(0.5, 0.1), (0.9, 0.0)])
def test_sigma_decays_by_the_generation_down_to_its_floor(decay, floor):
    """The population of generation 1 is drawn, like that of generation 0, with the first sigma (evosax)."""
    strategy = open_es(D, config(sigma=0.2, sigma_decay=decay, sigma_floor=floor))
    states = evolve(strategy, 6, minus_distance)
    expected = [0.2 * max(decay ** max(t - 1, 0), floor) for t in range(7)]
    np.testing.assert_allclose([float(strategy.sigma(state)) for state in states], expected, rtol=1e-6)


def test_the_learning_rate_decays_by_the_generation_down_to_its_floor():
    """Without memory Adam moves every number of the mean by the learning rate."""
    decay, floor = 0.5, 0.2
    strategy = open_es(D, config(lr=0.1, lr_decay=decay, lr_floor=floor, adam_b1=0.0, adam_b2=0.0))
    states = evolve(strategy, 5, lambda population: jnp.sum(population, axis=-1))
    moves = [np.asarray(strategy.mean(b) - strategy.mean(a)) for a, b in itertools.pairwise(states)]
    for t, move in enumerate(moves):
        np.testing.assert_allclose(np.abs(move), 0.1 * max(decay**t, floor), rtol=1e-3)


def test_a_learning_rate_of_zero_stays():
    strategy = open_es(D, config(lr=0.0))
    states = evolve(strategy, 3, minus_distance, jnp.ones(D))
    np.testing.assert_array_equal(strategy.mean(states[-1]), np.ones(D))


def test_types_do_not_change_from_generation_to_generation():
    first, *_, last = evolve(open_es(D, config()), 2, minus_distance)
    before, after = jax.tree.leaves(first), jax.tree.leaves(last)
    assert jax.tree.structure(first) == jax.tree.structure(last)
    assert [(x.shape, x.dtype) for x in before] == [(x.shape, x.dtype) for x in after]
    assert {x.dtype for x in before} == {jnp.dtype(jnp.float32), jnp.dtype(jnp.int32)}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_whole_population_without_fitness_moves_nothing(bad):
    strategy = open_es(D, config())
    states = evolve(strategy, 3, lambda population: jnp.full(P, bad), jnp.ones(D))
    np.testing.assert_array_equal(strategy.mean(states[-1]), np.ones(D))
    assert np.isfinite(float(strategy.sigma(states[-1])))


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_single_genomes_without_fitness_do_not_stop_the_climb(bad):
    strategy = open_es(D, config())

    def holed(population):
        return jnp.where(jnp.arange(P) % 5 == 0, bad, minus_distance(population))

    mean = strategy.mean(evolve(strategy, 80, holed)[-1])
    assert np.isfinite(mean).all()
    assert float(-minus_distance(mean)) < 2.0
