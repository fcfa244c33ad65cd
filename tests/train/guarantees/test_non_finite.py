"""Genomes that come to NaN or inf: counted, never followed, and never given a number."""

import dataclasses
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from koki2_train.strategies.evosax_adapter import open_es
from scipy.stats import rankdata

from koki2_train.brains import SpikingBrain
from koki2_train.evolution.evolve import advance, start, unravel
from koki2_train.experiment.experiment import Experiment
from koki2_train.random_streams import Stream, life_keys, stream_key
from koki2_train.rollout.population import evaluate
from koki2_train.storage import checkpoint

pytestmark = pytest.mark.usefixtures("quick_compilation")

OVERFLOWING = 3e38  # a reward of which two are more than a float32 can hold


@dataclass(frozen=True)
class FragileBrain(SpikingBrain):
    """Its potentials are NaN from the first step on where the genome's first motor bias is above ``limit``."""

    limit: float = 0.0

    def act(self, params, carry, observation, key):
        action, carry = super().act(params, carry, observation, key)
        broken = jnp.where(self.breaks(params.motor_bias), jnp.nan, carry.potential)
        return action, carry._replace(potential=broken)

    def breaks(self, motor_bias):
        return motor_bias[..., 0] > self.limit


@pytest.fixture(scope="module")
def experiment(tiny):
    """No viability test, so that fitness alone ranks; momentum and weight decay are on."""
    return tiny.with_settings({"generations": 3, "pop_size": 12, "mvt": False, "lr": 0.02, "weight_decay": 0.1})


@pytest.fixture
def brain(experiment, monkeypatch):
    """Breaks in some genomes of every generation, and all programs made meanwhile have it."""
    program, build = experiment.program(1), Experiment.program
    first = unravel(program, start(program, jax.random.key(0)).search.mean)
    limit = float(first.b_motor[0]) + experiment.evolution.sigma / 2
    brain = FragileBrain(**dataclasses.asdict(program.task.brain), limit=limit)

    def fragile(self, num_devices=None):
        program = build(self, num_devices)
        return dataclasses.replace(program, task=dataclasses.replace(program.task, brain=brain))

    monkeypatch.setattr(Experiment, "program", fragile)
    return brain


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
    program = experiment.program(1)
    keys = life_keys(stream_key(root, Stream.TRAINING, number), experiment.evolution.episodes)
    lives = evaluate(program.task, experiment.params, unravel(program, population), keys, program.num_steps)
    return np.asarray(lives.fitness).mean(axis=1)


def population_of(experiment, search, root, number, mean):
    ask_key, _ = jax.random.split(stream_key(root, Stream.SEARCH, number + 1))
    strategy = open_es(len(mean), dataclasses.replace(experiment.evolution, generations=1))
    return strategy.ask(ask_key, search.replace(mean=jnp.asarray(mean)))


def gradient_of(population, mean, fitness, ignored, sigma):
    """Downhill, from centred ranks: those that are ignored count as the worst, and weigh nothing."""
    ranks = rankdata(np.where(ignored, -np.inf, fitness)) - 1
    weights = np.where(ignored, 0.0, 0.5 - ranks / (len(fitness) - 1))
    return weights @ ((population - mean) / sigma) / (len(fitness) * sigma)


def test_a_whole_run_moves_as_if_broken_genomes_ranked_worst_and_weighed_nothing(
    experiment, run_tiny, brain, tmp_path, monkeypatch
):
    run, _ = run_tiny(experiment, tmp_path, chunk_seconds=0.0)
    rows, root = run.read_generations(), jax.random.key(0)
    monkeypatch.undo()
    program = experiment.program(1)
    search, config = start(program, root).search, experiment.evolution
    mean, adam = np.asarray(search.mean, np.float64), Adam(config, search.mean.size)
    counted = []
    for number, path in enumerate(reversed(checkpoint.newest_first(run.path / "checkpoints"))):
        population = population_of(experiment, search, root, number, np.float32(mean))
        broken = np.asarray(brain.breaks(unravel(program, population).b_motor))
        fitness = lives_of(experiment, root, number, population)
        population = np.asarray(population, np.float64)
        gradient = gradient_of(population, mean, fitness, broken, config.sigma)
        everyone = gradient_of(population, mean, fitness, np.zeros_like(broken), config.sigma)
        assert np.abs(gradient - everyone).max() > 0.1 * np.abs(gradient).max(), "they would have been followed"
        moved = checkpoint.load(path)[0][".search.mean"]
        np.testing.assert_allclose(moved, adam.step(mean, gradient), rtol=1e-4, atol=1e-5)
        mean = np.asarray(moved, np.float64)
        counted.append(int(broken.sum()))
        assert rows[number]["fitness_best"] == pytest.approx(fitness[~broken].max())
        assert rows[number]["fitness_mean"] == pytest.approx(fitness[~broken].mean(), rel=1e-5)
    assert [row["non_finite"] for row in rows] == counted
    assert len(counted) == 3
    assert all(0 < count < 12 for count in counted)


def test_a_generation_without_one_finite_genome_moves_the_mean_by_its_momentum_alone(experiment):
    program, root, last = experiment.program(1), jax.random.key(0), jnp.int32(99)
    config, state = experiment.evolution, start(program, root)
    adam = Adam(config, state.search.mean.size)
    for number, reward in enumerate((1.0, OVERFLOWING, OVERFLOWING, 1.0)):
        params = experiment.params.replace(survival_reward=reward)
        mean = np.asarray(state.search.mean, np.float64)
        population = population_of(experiment, state.search, root, number, np.float32(mean))
        fitness = lives_of(experiment, root, number, population)
        state, log = advance(program, params, root, state, last, 1)
        ignored = np.full(config.pop_size, reward == OVERFLOWING)
        assert int(log.non_finite[0]) == ignored.sum()
        gradient = gradient_of(np.asarray(population, np.float64), mean, fitness, ignored, config.sigma)
        np.testing.assert_allclose(state.search.mean, adam.step(mean, gradient), rtol=1e-4, atol=1e-5)


def test_evaluate_gives_no_numbers_where_there_are_none(cli, finished):
    judged = cli("evaluate", finished.path, "--episodes", 8, "--set", f"survival_reward={OVERFLOWING}", "--json")
    assert (judged.code, judged.out) == (2, "")
    expected = f"koki2-train: champion of {finished}: brain or return is not finite (NaN or inf) in 8 of 8 lives\n"
    assert judged.err == expected


def test_evaluate_names_a_champion_with_a_weight_that_is_no_number(cli, tiny, run_tiny, tmp_path):
    run, _ = run_tiny(tiny, tmp_path / "run")
    genome = run.load_champion()
    genome["b_motor"] = np.full_like(genome["b_motor"], np.nan)
    facts = {name: float(genome.pop(name)) for name in ("validation_fitness", "champion_generation")}
    run.save_champion(genome, facts)
    judged = cli("evaluate", run.path, "--episodes", 8)
    assert (judged.code, judged.out) == (2, "")
    assert judged.err.startswith(f"koki2-train: champion of {run}: brain or return is not finite")


def test_a_run_in_which_nothing_is_finite_ends_and_its_champion_gets_no_number(cli, tiny, run_tiny, tmp_path):
    hopeless = tiny.with_settings({"survival_reward": OVERFLOWING})
    run, result = run_tiny(hopeless, tmp_path / "run")
    assert (result.generations, result.champion_score) == (6, None)
    assert [row["non_finite"] for row in run.read_generations()] == [6] * 6
    assert [row["fitness_best"] for row in run.read_generations()] == [None] * 6
    assert all(np.isfinite(array).all() for array in run.load_champion().values() if array.ndim)
    assert cli("evaluate", run.path, "--episodes", 8).code == 2
