"""Held-out lives: the same for everyone, and never those of training."""

import json
import shutil

import jax
import numpy as np
import pytest

from koki2_envs import REFERENCE_POLICIES, ramp
from koki2_train.evaluation import (
    HeldOutLives,
    NotFiniteError,
    evaluate_runs,
    load_champion,
    problem_in_world,
    stack_champions,
)
from koki2_train.evaluation.statistics import normalized
from koki2_train.experiment import Experiment, Trial
from koki2_train.random_streams import Stream, life_keys, stream_key
from koki2_train.rollout.knobs import Knobs
from koki2_train.rollout.metrics import METRICS
from koki2_train.rollout.population import compiled_rollout
from koki2_train.rollout.problem import Problem
from koki2_train.runs.directory import RunDirectory, RunError, RunWarning

LIVES = 8


@pytest.fixture(scope="module")
def lives(tiny):
    return HeldOutLives(tiny, LIVES, seed=3)


@pytest.fixture
def champion(tmp_path):
    """Keeps a genome as the champion of a run that was never lived."""

    def keep(experiment, genome, name="run", seed=0):
        run = RunDirectory(tmp_path / name)
        run.begin_invocation(Trial(experiment, seed), ["test"], ["cpu"])
        run.save_champion(np.asarray(genome), {})
        return run

    return keep


def test_metrics_are_those_of_lives_from_the_test_stream(tiny, finished, lives):
    keys = life_keys(stream_key(jax.random.key(3), Stream.TEST), LIVES)
    genomes = load_champion(finished, tiny)[None]
    np.testing.assert_array_equal(stack_champions([finished], tiny), genomes)
    expected = compiled_rollout(Problem.of(tiny), Knobs.of(tiny), genomes, keys)
    (metrics,) = lives.evaluate_genomes(genomes)
    assert tuple(metrics) == (*METRICS, "firing_rate")
    for name in METRICS:
        values = np.asarray(getattr(expected, name)[0], np.float64)
        assert metrics[name]["mean"] == pytest.approx(values.mean(), rel=1e-6, abs=1e-9)
        assert metrics[name]["se"] == pytest.approx(values.std(ddof=1) / np.sqrt(LIVES), rel=1e-5, abs=1e-6)
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
    genome = 0.5 * np.sin(np.arange(Problem.of(tiny).genome.size, dtype=np.float32))
    other = champion(tiny, genome, seed=1)
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
        (
            {"n_neurons": 8},
            "n_neurons is not a setting of the world: .* brain that it evolved with, here n_neurons = 6",
        ),
        ({"theta": 0.5}, r"theta is not a setting of the world: .* here theta = 1\.0"),
        ({"modulator_kind": "drive"}, "modulator_kind is not a setting of the world: .* here modulator_kind = event$"),
        ({"modulator_kind": "event", "plast_gate": 1}, "plast_gate is not .* here plast_gate = none$"),
        ({"pop_size": 8}, "pop_size is not a setting of the world"),
        ({"brain": "own:Brain"}, "brain is not a setting of the world"),
        ({"energy_gian": 1}, "did you mean 'energy_gain'"),
        ({"width": 0}, "width must be 1 to 4096, got 0"),
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


def test_nursing_ends_before_overrides_hold(champion, lived, tiny_settings):
    nursed = Experiment.build("L1.0", {**tiny_settings, "nursing": {"combined": 1.0}})
    paths, adult = [champion(nursed, np.zeros(71, np.float32)).path], nursed.without_nursing()
    assert adult.params != nursed.params
    evaluate_runs(paths, 2, 0)
    evaluate_runs(paths, 2, 0, nursed=False)
    evaluate_runs(paths, 2, 0, overrides={"grad_gain": ramp(0.25, 0.5)}, nursed=False)
    assert lived == [[nursed], [adult], [adult.with_settings({"grad_gain": ramp(0.25, 0.5)})]]
    assert lived[2][0].params.motor_gain == adult.params.motor_gain != nursed.params.motor_gain


def test_a_run_that_is_named_twice_counts_once(finished, champion, lived, tiny, tmp_path):
    other = champion(tiny.with_settings({"sigma": 0.3}), np.zeros(71, np.float32))
    (tmp_path / "link").symlink_to(finished.path)
    spellings = [finished.path, finished.path / ".", finished.path.parent, tmp_path / "link", other.path]
    with pytest.warns(RunWarning, match=r"named twice, and counted once: .*; .*; .*link, which is .*run$"):
        evaluate_runs(spellings, 2, 0)
    assert lived == [[tiny, tiny.with_settings({"sigma": 0.3})]]


def test_copies_of_a_run_do_not_count_in_means(champion, tiny):
    """And those of another rung are reported; all lives are of one genome that does nothing."""
    genome = np.zeros(71, np.float32)
    paths = [champion(tiny.with_settings({"generations": n}), genome, f"run{n}").path for n in (5, 9)]
    with pytest.warns(RunWarning, match="in means over runs the first counts alone"):
        result = evaluate_runs(paths, 2, 0)
    assert len(result["runs"]) == 2
    assert result["aggregate"]["n"] == 1
    assert result["aggregate"]["metrics"]["fitness"]["ci95"] == [None, None]


def test_runs_of_several_rungs_are_reported(champion, lived, tiny):
    other = Experiment.build("L0.0", tiny.brain.settings.__dict__ | {"width": 8})
    paths = [champion(each, np.zeros(71, np.float32), each.rung).path for each in (tiny, other)]
    with pytest.warns(RunWarning, match=r"several rungs \(L1.0, L0.0\): means over runs mix them"):
        evaluate_runs(paths, 2, 0)


def test_copies_of_a_run_are_reported(champion, lived, tiny):
    genome = np.zeros(71, np.float32)
    paths = [champion(tiny.with_settings({"generations": n}), genome, f"run{n}").path for n in (5, 9)]
    with pytest.warns(RunWarning, match=r"run5 and .*run9 are of the same experiment and seed"):
        evaluate_runs(paths, 2, 0)


class TestChampionsKeepTheirBrain:
    def test_each_of_several_runs_lives_in_its_own(self, finished, champion, tiny):
        genome = load_champion(finished, tiny)
        excitable = tiny.with_settings({"theta": 0.2, "tau_m": 2.0})
        together = evaluate_runs([finished.path, champion(excitable, genome).path], LIVES, 3)["runs"]
        alone = [HeldOutLives(each, LIVES, 3).evaluate_genomes(genome[None])[0] for each in (tiny, excitable)]
        assert [entry["metrics"] for entry in together] == alone
        assert alone[0] != alone[1]

    def test_also_in_the_world_of_another(self, finished, tiny):
        genome, excitable = load_champion(finished, tiny)[None], tiny.with_settings({"theta": 0.2, "tau_m": 2.0})
        poor = excitable.with_settings({"energy_gain": 0.1})
        visiting = HeldOutLives(poor, LIVES, 3).evaluate_genomes(genome, evolved=tiny)
        assert visiting == HeldOutLives(tiny.with_settings({"energy_gain": 0.1}), LIVES, 3).evaluate_genomes(genome)
        assert visiting != HeldOutLives(poor, LIVES, 3).evaluate_genomes(genome)

    def test_a_world_with_other_senses_is_rejected(self, tiny):
        with pytest.raises(ValueError, match="the world of evaluation has other senses than that of evolution"):
            problem_in_world(tiny, Experiment.build("L2.0"))


class TestUnfinishedRuns:
    """What a killed run leaves: checkpoints, and a champion only where it was complete before."""

    @pytest.fixture
    def killed(self, finished, tmp_path):
        shutil.copytree(finished.path, tmp_path / "killed")
        (tmp_path / "killed" / "best_genome.npz").unlink()
        return RunDirectory(tmp_path / "killed")

    def asked_for(self, run, generations):
        trial = run.read_trial().with_generations(generations)
        (run.path / "config.json").write_text(json.dumps(trial.to_dict()))

    def test_the_champion_is_that_of_the_last_checkpoint(self, killed, tiny, lived):
        self.asked_for(killed, 9)
        arrays, meta, _ = killed.load_checkpoint()
        with pytest.warns(RunWarning, match="killed is unfinished; its champion is that of generation 6 of 9"):
            genome = load_champion(killed, tiny)
        assert meta["generation"] == 6
        np.testing.assert_array_equal(genome, arrays[".champion"])

    def test_an_older_champion_gives_way_to_a_newer_checkpoint(self, killed, tiny):
        self.asked_for(killed, 9)
        killed.save_champion(np.zeros(71, np.float32), {"generations": 4})
        with pytest.warns(RunWarning, match="generation 6 of 9"):
            assert np.any(load_champion(killed, tiny))
        killed.save_champion(np.zeros(71, np.float32), {"generations": 6})
        with pytest.warns(RunWarning, match="generation 6 of 9"):
            assert not np.any(load_champion(killed, tiny))

    def test_a_damaged_checkpoint_is_passed_over(self, killed, tiny):
        newest = max((killed.path / "checkpoints").iterdir())
        newest.write_bytes(b"")
        with pytest.warns(RunWarning) as warned:
            load_champion(killed, tiny)
        assert [str(each.message) for each in warned] == [
            f"{newest}: damaged (its checksum does not match); the one before it is used",
            f"{killed} is unfinished; its champion is that of generation 5 of 6",
        ]

    def test_without_a_checkpoint_or_a_validation_there_is_none(self, killed, tiny):
        arrays, meta, _ = killed.load_checkpoint()
        killed.save_checkpoint(7, {**arrays, ".champion_generation": np.asarray(-1)}, {**meta, "generation": 7})
        with pytest.raises(RunError, match="no champion yet: nothing was validated in its first 7 generations"):
            load_champion(killed, tiny)
        shutil.rmtree(killed.path / "checkpoints")
        with pytest.raises(RunError, match=r"has no best_genome\.npz and no checkpoint yet"):
            load_champion(killed, tiny)
