"""Held-out lives: the same for everyone, and never those of training."""

import jax
import numpy as np
import pytest

from koki2_envs import REFERENCE_POLICIES, ramp
from koki2_train.evaluation import HeldOutLives, NotFiniteError, evaluate_runs, load_champion, stack_champions
from koki2_train.evaluation.statistics import normalized
from koki2_train.experiment import Experiment, Trial
from koki2_train.random_streams import Stream, life_keys, stream_key
from koki2_train.rollout.metrics import METRICS
from koki2_train.rollout.population import compiled_rollout
from koki2_train.rollout.problem import Problem
from koki2_train.runs.directory import RunDirectory, RunError

LIVES = 8


@pytest.fixture(scope="module")
def lives(tiny):
    return HeldOutLives(tiny, LIVES, seed=3)


@pytest.fixture
def champion(tmp_path):
    """Keeps a genome as the champion of a run that was never lived."""

    def keep(experiment, genome, name="run"):
        run = RunDirectory(tmp_path / name)
        run.begin_invocation(Trial(experiment, 0), ["test"], ["cpu"])
        run.save_champion(np.asarray(genome), {})
        return run

    return keep


def test_metrics_are_those_of_lives_from_the_test_stream(tiny, finished, lives):
    keys = life_keys(stream_key(jax.random.key(3), Stream.TEST), LIVES)
    genomes = load_champion(finished, tiny)[None]
    np.testing.assert_array_equal(stack_champions([finished], tiny), genomes)
    expected = compiled_rollout(Problem.of(tiny), tiny.params, genomes, keys)
    (metrics,) = lives.evaluate_genomes(genomes)
    assert tuple(metrics) == METRICS
    for name in METRICS:
        values = np.asarray(getattr(expected, name)[0], np.float64)
        assert metrics[name]["mean"] == pytest.approx(values.mean(), rel=1e-6, abs=1e-9)
        assert metrics[name]["se"] == pytest.approx(values.std() / np.sqrt(LIVES), rel=1e-5, abs=1e-6)
    result = evaluate_runs([finished.path], LIVES, 3)
    assert result["runs"] == [
        {"run": str(finished.path), "rung": "L1.0", "metrics": metrics, "normalized": lives.normalized(metrics)}
    ]


def test_a_genome_without_finite_lives_is_named(tiny, lives):
    genomes = np.full((1, Problem.of(tiny).genome.size), np.nan, np.float32)
    for names, culprit in (((), "genome 0"), (["champion of x"], "champion of x")):
        with pytest.raises(NotFiniteError, match=f"{culprit}.* in 8 of 8 lives"):
            lives.evaluate_genomes(genomes, names)


def test_scores_put_random_at_0_and_the_oracle_at_1(lives):
    assert lives.normalized(lives.evaluate_policy("random")) == 0.0
    assert lives.normalized(lives.evaluate_policy("oracle")) == 1.0
    fitness = {name: lives.evaluate_policy(name)["fitness"]["mean"] for name in REFERENCE_POLICIES}
    assert fitness["oracle"] > fitness["random"] > fitness["stay"]
    expected = normalized(fitness["greedy"], fitness["random"], fitness["oracle"])
    assert lives.normalized(lives.evaluate_policy("greedy")) == expected


def test_the_same_seed_means_the_same_lives_in_any_company(finished, champion, tiny):
    other = champion(tiny, 0.5 * np.sin(np.arange(Problem.of(tiny).genome.size, dtype=np.float32)))
    alone = evaluate_runs([finished.path], LIVES, 5, ["greedy"])
    together = evaluate_runs([other.path, finished.path], LIVES, 5, ["stay", "greedy"])
    assert together["runs"][1] == alone["runs"][0]
    assert together["runs"][0]["metrics"] != alone["runs"][0]["metrics"]
    assert together["baselines"]["greedy"] == alone["baselines"]["greedy"]
    assert together["aggregate"]["n"] == 2
    means = [entry["metrics"]["fitness"]["mean"] for entry in together["runs"]]
    assert together["aggregate"]["metrics"]["fitness"]["mean"] == pytest.approx(np.mean(means))
    assert alone["aggregate"]["metrics"]["fitness"]["ci95"] == [None, None]
    assert evaluate_runs([finished.path], LIVES, 6)["runs"][0]["metrics"] != alone["runs"][0]["metrics"]


def test_overrides_change_the_world(finished):
    as_trained = evaluate_runs([finished.path], LIVES, 0)["runs"][0]["metrics"]
    richer = evaluate_runs([finished.path], LIVES, 0, overrides={"energy_reward": 1000.0})["runs"][0]["metrics"]
    assert richer["energy_gained"] == as_trained["energy_gained"]
    assert richer["fitness"]["mean"] > as_trained["fitness"]["mean"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"n_neurons": 8}, r"best_genome\.npz: genome has shape \(71,\), the experiment's has \(93,\)"),
        ({"k_edges": 3}, r"genome has shape \(71,\), the experiment's has \(77,\)"),
        ({"energy_gian": 1}, "did you mean 'energy_gain'"),
        ({"pop_size": 3}, "pop_size must be even"),
        ({"brain": "spikin"}, "did you mean 'spiking'"),
    ],
)
def test_invalid_overrides_are_rejected_by_name(finished, overrides, message):
    with pytest.raises((RunError, ValueError), match=message):
        evaluate_runs([finished.path], LIVES, 0, overrides=overrides)


@pytest.mark.parametrize(
    ("genome", "message"),
    [
        (np.zeros(72, np.float32), r"genome has shape \(72,\), the experiment's has \(71,\)"),
        (np.zeros((71, 1), np.float32), r"genome has shape \(71, 1\)"),
        (np.full(71, "x"), "genome has dtype"),
        (np.zeros(71, np.int64), "genome has dtype int64, not float32"),
    ],
)
def test_a_champion_of_another_kind_is_rejected_by_name(tiny, champion, genome, message):
    with pytest.raises(RunError, match=rf"best_genome\.npz: {message}"):
        evaluate_runs([champion(tiny, genome).path], 2, 0)


def test_nursing_ends_before_overrides_hold(champion, monkeypatch, tiny_settings):
    """What is lived, without living it."""
    lived = []
    monkeypatch.setattr(
        "koki2_train.evaluation.evaluate._evaluate", lambda runs, experiments, *_: lived.append(experiments) or {}
    )
    nursed = Experiment.build("L1.0", {**tiny_settings, "nursing": {"combined": 1.0}})
    paths, adult = [champion(nursed, np.zeros(71, np.float32)).path], nursed.without_nursing()
    assert adult.params != nursed.params
    evaluate_runs(paths, 2, 0)
    evaluate_runs(paths, 2, 0, nursed=False)
    evaluate_runs(paths, 2, 0, overrides={"grad_gain": ramp(0.25, 0.5)}, nursed=False)
    assert lived == [[nursed], [adult], [adult.with_settings({"grad_gain": ramp(0.25, 0.5)})]]
    assert lived[2][0].params.motor_gain == adult.params.motor_gain != nursed.params.motor_gain
