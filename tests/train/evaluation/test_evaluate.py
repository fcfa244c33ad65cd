"""Held-out lives: the same for everyone, and never those of training."""

import jax
import numpy as np
import pytest

from koki2_envs import REFERENCE_POLICIES
from koki2_train.evaluation import HeldOut, evaluate_runs, load_champion, stack_genomes
from koki2_train.evaluation.statistics import normalized
from koki2_train.random_streams import Stream, life_keys, stream_key
from koki2_train.rollout.lifetime import METRICS
from koki2_train.rollout.population import evaluate
from koki2_train.runs.directory import RunDirectory, RunError

LIVES = 8


@pytest.fixture(scope="module")
def lives(tiny):
    return HeldOut(tiny, LIVES, seed=3)


@pytest.fixture(scope="module")
def champion(finished, tiny):
    return load_champion(finished, tiny)


def test_metrics_are_those_of_lives_from_the_test_stream(tiny, finished, champion, lives):
    keys = life_keys(stream_key(jax.random.key(3), Stream.TEST), LIVES)
    program = tiny.program(1)
    expected = evaluate(program.task, tiny.params, stack_genomes([champion]), keys, program.num_steps)
    (metrics,) = lives.genomes(stack_genomes([champion]))
    assert tuple(metrics) == METRICS
    for name in METRICS:
        values = np.asarray(getattr(expected, name)[0], np.float64)
        assert metrics[name]["mean"] == pytest.approx(values.mean(), rel=1e-6, abs=1e-9)
        assert metrics[name]["se"] == pytest.approx(values.std() / np.sqrt(LIVES), rel=1e-5, abs=1e-6)
    result = evaluate_runs([finished.path], LIVES, 3)
    assert result["runs"] == [
        {"run": str(finished.path), "rung": "L1.0", "metrics": metrics, "normalized": lives.normalized(metrics)}
    ]


def test_scores_put_random_at_0_and_the_oracle_at_1(lives):
    assert lives.normalized(lives.policy("random")) == 0.0
    assert lives.normalized(lives.policy("oracle")) == 1.0
    fitness = {name: lives.policy(name)["fitness"]["mean"] for name in REFERENCE_POLICIES}
    assert fitness["oracle"] > fitness["random"] > fitness["stay"]
    expected = normalized(fitness["greedy"], fitness["random"], fitness["oracle"])
    assert lives.normalized(lives.policy("greedy")) == expected


def test_the_same_seed_means_the_same_lives_in_any_company(finished, run_tiny, tiny, tmp_path):
    other, _ = run_tiny(tiny, tmp_path / "other", seed=1)
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


def test_overrides_change_the_world_and_refuse_what_cannot_be(finished):
    as_trained = evaluate_runs([finished.path], LIVES, 0)["runs"][0]["metrics"]
    richer = evaluate_runs([finished.path], LIVES, 0, overrides={"energy_reward": 1000.0})["runs"][0]["metrics"]
    assert richer["energy_gained"] == as_trained["energy_gained"]
    assert richer["fitness"]["mean"] > as_trained["fitness"]["mean"]
    for overrides, message in (
        ({"n_neurons": 8}, r"w_in has shape \(6, 4\), the experiment's brain needs \(8, 4\)"),
        ({"k_edges": 3}, r"w_rec has shape \(6, 2\)"),
        ({"energy_gian": 1}, "did you mean 'energy_gain'"),
        ({"pop_size": 3}, "pop_size must be even"),
    ):
        with pytest.raises((RunError, ValueError), match=message):
            evaluate_runs([finished.path], LIVES, 0, overrides=overrides)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"w_rec": None}, "w_rec has shape nothing"),
        ({"w_rec": np.zeros((6, 3), np.float32)}, r"w_rec has shape \(6, 3\)"),
        ({"w_rec": np.full((6, 2), "x")}, "w_rec has dtype"),
        ({"w_rec": np.zeros((6, 2), np.int64)}, "w_rec has dtype int64, not float32"),
    ],
)
def test_a_champion_of_another_kind_is_refused_by_name(tiny, champion, tmp_path, part, message):
    run = RunDirectory(tmp_path / "run")
    run.create(tiny, 0)
    arrays = {name: np.asarray(value) for name, value in champion._asdict().items()} | part
    run.save_champion({name: value for name, value in arrays.items() if value is not None}, {})
    with pytest.raises(RunError, match=rf"best_genome\.npz: {message}"):
        evaluate_runs([run.path], 2, 0)
