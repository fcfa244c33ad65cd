"""Genomes that turn out NaN or inf: counted, never followed, and never given a number."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import rankdata

from koki2_train.brains import SpikingBrain
from koki2_train.evolution import Search, compiled_init, compiled_steps
from koki2_train.experiment import Trial
from koki2_train.random_streams import Stream, life_keys, stream_key
from koki2_train.rollout.population import compiled_rollout
from koki2_train.storage import checkpoint

OVERFLOWING = 3e38  # a reward of which two are more than a float32 can hold


class FragileBrain(SpikingBrain):
    """Its potentials are NaN from the first step on where the genome's first motor bias is above ``limit``."""

    limit = None

    def act(self, weights, carry, observation, key):
        action, carry = super().act(weights, carry, observation, key)
        broken = jnp.where(weights.motor_bias[0] > self.limit, jnp.nan, carry.potential)
        return action, carry._replace(potential=broken)


@pytest.fixture(scope="module")
def experiment(tiny):
    """No viability test, so that fitness alone ranks; momentum and weight decay are on."""
    return tiny.with_settings({"generations": 3, "pop_size": 12, "mvt": False, "lr": 0.02, "weight_decay": 0.1})


@functools.cache
def search_of(experiment):
    return Search.of(Trial(experiment, 0), 1)


def biases_of(search, genomes):
    """The first motor bias of each of the genomes (P, D)."""
    return np.asarray(jax.vmap(search.program.problem.genome.compile)(genomes)["b_motor"][:, 0])


class Adam:
    """Adam with decoupled weight decay as Loshchilov and Hutter (2019) write it; steps downhill."""

    def __init__(self, config, dims):
        self.config, self.t = config, 0
        self.m, self.v = np.zeros(dims), np.zeros(dims)

    def step(self, mean, gradient):
        c, self.t = self.config, self.t + 1
        self.m = c.adam_b1 * self.m + (1 - c.adam_b1) * gradient
        self.v = c.adam_b2 * self.v + (1 - c.adam_b2) * gradient**2
        m, v = self.m / (1 - c.adam_b1**self.t), self.v / (1 - c.adam_b2**self.t)
        return mean - c.lr * (m / (np.sqrt(v) + 1e-8) + c.weight_decay * mean)


def fitness_of(search, number, population):
    """Fitness (P,) of a generation."""
    keys = life_keys(stream_key(search.root, Stream.TRAINING, number), search.program.evolution.episodes)
    lives = compiled_rollout(search.program.problem, search.knobs, population, keys)
    return np.asarray(lives.fitness).mean(axis=1)


def population_of(search, number, state, mean):
    ask_key, _ = jax.random.split(stream_key(search.root, Stream.SEARCH, number + 1))
    return search.program.strategy.ask(ask_key, state.replace(mean=jnp.asarray(mean)))


def gradient_of(population, mean, fitness, ignored, sigma):
    """Downhill, from centred ranks: those that are ignored count as the worst, and weigh nothing."""
    ranks = rankdata(np.where(ignored, -np.inf, fitness)) - 1
    weights = np.where(ignored, 0.0, 0.5 - ranks / (len(fitness) - 1))
    return weights @ ((population - mean) / sigma) / (len(fitness) * sigma)


def test_a_whole_run_moves_as_if_broken_genomes_ranked_worst_and_weighed_nothing(
    experiment, run_tiny, tmp_path, monkeypatch
):
    search = search_of(experiment)  # with a sturdy brain
    state = compiled_init(search).strategy
    settings = search.program.strategy.settings
    monkeypatch.setattr(FragileBrain, "limit", float(biases_of(search, state.mean[None])[0]) + settings.sigma / 2)
    fragile = experiment.with_settings({**experiment.settings(), "brain": f"{__name__}:FragileBrain"})
    run, _ = run_tiny(fragile, tmp_path, chunk_seconds=0.0)
    rows, counted = run.read_generations(), []
    mean, adam = np.asarray(state.mean, np.float64), Adam(settings, state.mean.size)
    for number, path in enumerate(reversed(checkpoint.newest_first(run.path / "checkpoints"))):
        population = population_of(search, number, state, np.float32(mean))
        broken = biases_of(search, population) > FragileBrain.limit
        fitness = fitness_of(search, number, population)
        population = np.asarray(population, np.float64)
        gradient = gradient_of(population, mean, fitness, broken, settings.sigma)
        everyone = gradient_of(population, mean, fitness, np.zeros_like(broken), settings.sigma)
        assert np.abs(gradient - everyone).max() > 0.1 * np.abs(gradient).max(), "they would have been followed"
        moved = checkpoint.load(path)[0][".strategy.mean"]
        np.testing.assert_allclose(moved, adam.step(mean, gradient), rtol=1e-4, atol=1e-5)
        mean = np.asarray(moved, np.float64)
        counted.append(int(broken.sum()))
        assert rows[number]["fitness_best"] == pytest.approx(fitness[~broken].max())
        assert rows[number]["fitness_mean"] == pytest.approx(fitness[~broken].mean(), rel=1e-5)
    assert [row["non_finite"] for row in rows] == counted
    assert len(counted) == 3
    assert all(0 < count < 12 for count in counted)


def test_a_generation_without_one_finite_genome_moves_the_mean_by_its_momentum_alone(experiment):
    settings, state = experiment.strategy.settings, compiled_init(search_of(experiment))
    adam = Adam(settings, state.strategy.mean.size)
    for number, reward in enumerate((1.0, OVERFLOWING, OVERFLOWING, 1.0)):
        search = search_of(experiment.with_settings({"survival_reward": reward}))
        mean = np.asarray(state.strategy.mean, np.float64)
        population = population_of(search, number, state.strategy, np.float32(mean))
        fitness = fitness_of(search, number, population)
        state, log = compiled_steps(search, state, jnp.int32(99), 1)
        ignored = np.full(experiment.evolution.pop_size, reward == OVERFLOWING)
        assert int(log.non_finite[0]) == ignored.sum()
        gradient = gradient_of(np.asarray(population, np.float64), mean, fitness, ignored, settings.sigma)
        np.testing.assert_allclose(state.strategy.mean, adam.step(mean, gradient), rtol=1e-4, atol=1e-5)


def test_evaluate_names_champions_without_a_fitness(cli, finished, tiny, run_tiny, tmp_path):
    """In a world whose returns overflow, and with a weight that is NaN."""
    judged = cli("evaluate", finished.path, "--episodes", 8, "--set", f"survival_reward={OVERFLOWING}", "--json")
    assert (judged.code, judged.out) == (2, "")
    expected = f"koki2-train: champion of {finished}: brain or return is not finite (NaN or inf) in 8 of 8 lives\n"
    assert judged.err == expected

    run, _ = run_tiny(tiny, tmp_path / "run")
    champion = run.load_champion()
    genome = champion.pop("genome")
    genome[-1] = np.nan
    run.save_champion(genome, {name: float(value) for name, value in champion.items()})
    judged = cli("evaluate", run.path, "--episodes", 8)
    assert (judged.code, judged.out) == (2, "")
    assert judged.err.startswith(f"koki2-train: champion of {run}: brain or return is not finite")


def test_a_run_in_which_nothing_is_finite_ends_and_its_champion_gets_no_number(cli, tiny, run_tiny, tmp_path):
    hopeless = tiny.with_settings({"survival_reward": OVERFLOWING})
    run, result = run_tiny(hopeless, tmp_path / "run")
    assert (result.generations, result.champion_score) == (6, None)
    assert [row["non_finite"] for row in run.read_generations()] == [6] * 6
    assert [row["fitness_best"] for row in run.read_generations()] == [None] * 6
    assert np.isfinite(run.load_champion()["genome"]).all()
    assert cli("evaluate", run.path, "--episodes", 8).code == 2
