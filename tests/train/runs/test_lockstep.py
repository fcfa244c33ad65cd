"""Runs in lockstep: each is the run that it would be alone, whatever is interrupted, lost or missing."""

import dataclasses
import json
import os
import shutil
import signal

import pytest

from koki2_train.experiment import Experiment, Trial
from koki2_train.runs.chunks import RunOptions
from koki2_train.runs.directory import RunError, RunWarning
from koki2_train.runs.lockstep import run_in_lockstep
from koki2_train.runs.planned import PlannedRun
from koki2_train.storage.folder_lock import hold

HOW = RunOptions(1, log_every=2, chunk_seconds=1e9, checkpoint_seconds=0.0)


@pytest.fixture(scope="module")
def planned(tiny_settings):
    """Four runs in a folder: two seeds each of a world and of the same world with nursing."""
    adult = Experiment.build("L0.2", {**tiny_settings, "mvt": False, "generations": 4})
    nursed = adult.with_settings({"nursing": {"sensory_gating": 1.0}})

    def plan(folder):
        worlds = {"adult": adult, "nursed": nursed}
        return [
            PlannedRun(Trial(experiment, seed), folder / name / f"seed{seed}")
            for name, experiment in worlds.items()
            for seed in (0, 3)
        ]

    return plan


@pytest.fixture(scope="module")
def finished_runs(planned, tmp_path_factory):
    """All four, finished. Read them, leave them as they are."""
    folder = tmp_path_factory.mktemp("lockstep")
    assert run_in_lockstep(planned(folder), folder, HOW, command=["test"])
    return folder


def test_each_is_the_run_that_it_would_be_alone(planned, finished_runs, run_tiny, outcome, tmp_path):
    run = planned(finished_runs)[-1]  # nursed, which is not alike to what is compiled for all
    alone, _ = run_tiny(run.trial.experiment, tmp_path / "alone", seed=run.trial.seed)
    assert outcome(run.directory) == outcome(alone)
    assert run.directory.read_trial() == alone.read_trial() == run.trial


def test_interrupted_and_resumed_to_the_same_bits(planned, finished_runs, outcome, tmp_path):
    runs, seen = planned(tmp_path), []

    def interrupt(rows):
        seen.append(rows)
        if len(seen) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    assert not run_in_lockstep(runs, tmp_path, HOW, command=["test"], observe=interrupt)
    standing = {run.directory.load_checkpoint()[1]["generation"] for run in runs}
    assert standing == {len(seen[0][0])} != {4}
    assert run_in_lockstep(runs, tmp_path, HOW, command=["test"])
    for ours, theirs in zip(runs, planned(finished_runs), strict=True):
        assert outcome(ours.directory) == outcome(theirs.directory)
        ends = json.loads((ours.path / "manifest.json").read_text())["invocations"]
        assert [end["interrupted"] for end in ends] == [True, False]


@pytest.mark.parametrize("lost", ["newest", "all"])
def test_runs_that_stand_apart_continue_from_where_all_have_been(
    planned, finished_runs, outcome, tmp_path, recwarn, lost
):
    shutil.copytree(finished_runs, tmp_path, dirs_exist_ok=True)
    runs = planned(tmp_path)
    for run in runs:
        run.directory.begin_invocation(run.trial, ["test"], ["cpu"])  # as if killed before its end was noted
    kept = sorted((runs[1].path / "checkpoints").iterdir())
    for path in kept[-1:] if lost == "newest" else kept:
        path.unlink()

    def killed(rows):
        raise KeyboardInterrupt

    dying = dataclasses.replace(HOW, checkpoint_seconds=1e9)
    generation = 0 if lost == "all" else int(kept[-2].stem)
    said = rf"{runs[1].path} stands at generation {generation}"
    with pytest.raises(KeyboardInterrupt), pytest.warns(RunWarning, match=said):
        run_in_lockstep(runs, tmp_path, dying, command=["test"], observe=killed)
    assert {run.directory.reached for run in runs} == {generation}, "nothing is ahead of the lines that are there"

    assert run_in_lockstep(runs, tmp_path, HOW, command=["test"])
    assert not [warning for warning in recwarn if warning.category is RunWarning]
    for ours, theirs in zip(runs, planned(finished_runs), strict=True):
        assert outcome(ours.directory) == outcome(theirs.directory)


def test_only_missing_runs_are_computed(planned, finished_runs, outcome, tmp_path):
    shutil.copytree(finished_runs, tmp_path, dirs_exist_ok=True)
    runs, seen = planned(tmp_path), []
    shutil.rmtree(runs[2].path)
    (runs[3].path / "best_genome.npz").unlink()
    before = {path: path.stat().st_mtime_ns for run in runs[:2] for path in run.path.rglob("*")}
    assert run_in_lockstep(runs[:3], tmp_path, HOW, command=["test"], observe=seen.append)
    assert [len(rows) for rows in seen] == [1] * len(seen)
    assert run_in_lockstep(runs, tmp_path, HOW, command=["test"], observe=seen.append)
    assert sum(len(rows[0]) for rows in seen) == 4, "a champion is found without going anywhere"
    assert before == {path: path.stat().st_mtime_ns for run in runs[:2] for path in run.path.rglob("*")}
    for ours, theirs in zip(runs, planned(finished_runs), strict=True):
        assert outcome(ours.directory) == outcome(theirs.directory)


def test_none_has_more_generations_than_the_others(planned, finished_runs):
    runs = planned(finished_runs)
    fewer = [PlannedRun(run.trial.with_generations(3), run.path) for run in runs]
    with pytest.raises(RunError, match="seed0 has 4 generations already; it cannot go back to 3"):
        run_in_lockstep(fewer, finished_runs, HOW, command=["test"])


def test_another_experiment_in_its_place_is_rejected(planned, finished_runs):
    runs = planned(finished_runs)
    other = PlannedRun(Trial(runs[0].trial.experiment.with_settings({"energy_gain": 0.3}), 0), runs[0].path)
    with pytest.raises(RunError, match=r"energy_gain 0\.2, not 0\.3"):
        run_in_lockstep([other, *runs[1:]], finished_runs, HOW, command=["test"])


def test_a_folder_in_use_is_rejected(planned, tmp_path):
    with hold(tmp_path), pytest.raises(RunError, match="is in use by another process"):
        run_in_lockstep(planned(tmp_path), tmp_path, HOW, command=["test"])
    assert {path.name for path in tmp_path.iterdir()} == {".lock"}
