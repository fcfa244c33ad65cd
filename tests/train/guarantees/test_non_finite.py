"""Genomes with NaN or inf: counted, never followed, and never given a number."""

import dataclasses
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import rankdata

from koki2_train.brains import SpikingBrain
from koki2_train.evolution import Search, compiled_init, compiled_steps
from koki2_train.experiment import Part, Trial, setting
from koki2_train.experiment.sections import SpikingSettings
from koki2_train.random_streams import Stream, life_keys, stream_key
from koki2_train.rollout.population import compiled_rollout
from koki2_train.rollout.problem import Problem
from koki2_train.storage import checkpoint

OVERFLOWING = 3e38  # a reward of which two are more than a float32 can hold


@dataclass(frozen=True)
class FragileSettings(SpikingSettings):
    limit: float = setting(0.0, "first motor bias above which the brain breaks")


class FragileBrain(SpikingBrain):
    """Its potentials are NaN from the first step on where the genome's first motor bias is above ``limit``."""

    settings_class = FragileSettings

    def act(self, weights, carry, observation, key):
        action, carry = super().act(weights, carry, observation, key)
        broken = jnp.where(self.breaks(weights.motor_bias), jnp.nan, carry.potential)
        return action, carry._replace(potential=broken)

    def breaks(self, motor_bias):
        return motor_bias[..., 0] > self.settings.limit


@pytest.fixture(scope="module")
def experiment(tiny):
    """No viability test, so that fitness alone ranks; momentum and weight decay are on."""
    return tiny.with_settings({"generations": 3, "pop_size": 12, "mvt": False, "lr": 0.02, "weight_decay": 0.1})


def motor_biases(problem, population):
    return np.asarray(jax.vmap(problem.genome.compile)(population)["b_motor"])


@pytest.fixture(scope="module")
def fragile(experiment):
    """The experiment with a brain that breaks in some genomes of every generation."""
    search = Search.of(Trial(experiment, 0), 1)
    first = motor_biases(search.program.problem, compiled_init(search).strategy.mean[None])[0]
    limit = float(first[0]) + experiment.strategy.settings.sigma / 2
    settings = FragileSettings(**dataclasses.asdict(experiment.brain.settings), limit=limit)
    return dataclasses.replace(experiment, brain=Part(f"{__name__}:FragileBrain", settings))


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


def lives_of(experiment, root, number, population):
    """Fitness (P,) of a generation in the sturdy brain of ``experiment``."""
    keys = life_keys(stream_key(root, Stream.TRAINING, number), experiment.evolution.episodes)
    lives = compiled_rollout(Problem.of(experiment, 1), experiment.params, population, keys)
    return np.asarray(lives.fitness).mean(axis=1)


def population_of(search, state, number, mean):
    ask_key, _ = jax.random.split(stream_key(search.root, Stream.SEARCH, number + 1))
    return search.program.strategy.ask(ask_key, state.replace(mean=jnp.asarray(mean)))


def gradient_of(population, mean, fitness, ignored, sigma):
    """Downhill, from centred ranks: those that are ignored count as the worst, and weigh nothing."""
    ranks = rankdata(np.where(ignored, -np.inf, fitness)) - 1
    weights = np.where(ignored, 0.0, 0.5 - ranks / (len(fitness) - 1))
    return weights @ ((population - mean) / sigma) / (len(fitness) * sigma)


def test_a_whole_run_moves_as_if_broken_genomes_ranked_worst_and_weighed_nothing(
    experiment, fragile, run_tiny, tmp_path
):
    run, _ = run_tiny(fragile, tmp_path, chunk_seconds=0.0)
    rows, search = run.read_generations(), Search.of(Trial(experiment, 0), 1)
    brain = Problem.of(fragile, 1).brain
    state, settings = compiled_init(search).strategy, experiment.strategy.settings
    mean, adam = np.asarray(state.mean, np.float64), Adam(settings, state.mean.size)
    counted = []
    for number, path in enumerate(reversed(checkpoint.newest_first(run.path / "checkpoints"))):
        population = population_of(search, state, number, np.float32(mean))
        broken = np.asarray(brain.breaks(motor_biases(search.program.problem, population)))
        fitness = lives_of(experiment, search.root, number, population)
        population = np.asarray(population, np.float64)
        gradient = gradient_of(population, mean, fitness, broken, settings.sigma)
        all_genomes = gradient_of(population, mean, fitness, np.zeros_like(broken), settings.sigma)
        assert np.abs(gradient - all_genomes).max() > 0.1 * np.abs(gradient).max(), "they would have been followed"
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
    search, last = Search.of(Trial(experiment, 0), 1), jnp.int32(99)
    settings, state = experiment.strategy.settings, compiled_init(search)
    adam = Adam(settings, state.strategy.mean.size)
    for number, reward in enumerate((1.0, OVERFLOWING, OVERFLOWING, 1.0)):
        params = experiment.params.replace(survival_reward=reward)
        mean = np.asarray(state.strategy.mean, np.float64)
        population = population_of(search, state.strategy, number, np.float32(mean))
        fitness = lives_of(experiment, search.root, number, population)
        state, log = compiled_steps(dataclasses.replace(search, env_params=params), state, last, 1)
        ignored = np.full(experiment.evolution.pop_size, reward == OVERFLOWING)
        assert int(log.non_finite[0]) == ignored.sum()
        gradient = gradient_of(np.asarray(population, np.float64), mean, fitness, ignored, settings.sigma)
        np.testing.assert_allclose(state.strategy.mean, adam.step(mean, gradient), rtol=1e-4, atol=1e-5)


def test_evaluate_gives_no_numbers_where_there_are_none(cli, finished):
    judged = cli("evaluate", finished.path, "--episodes", 8, "--set", f"survival_reward={OVERFLOWING}", "--json")
    assert (judged.code, judged.out) == (2, "")
    expected = f"koki2-train: champion of {finished}: brain or return is not finite (NaN or inf) in 8 of 8 lives\n"
    assert judged.err == expected


def test_evaluate_names_a_champion_with_a_weight_that_is_not_finite(cli, tiny, run_tiny, tmp_path):
    run, _ = run_tiny(tiny, tmp_path / "run")
    champion = run.load_champion()
    genome = champion.pop("genome")
    genome[-1] = np.nan  # the last motor bias
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
