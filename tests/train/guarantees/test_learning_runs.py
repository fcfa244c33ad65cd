"""Runs of brains that learn: the same bits on several devices and beside others in one program."""

import pytest

from koki2_train.experiment import Experiment, Trial
from koki2_train.runs.chunks import RunOptions
from koki2_train.runs.directory import RunDirectory
from koki2_train.runs.lockstep import run_in_lockstep
from koki2_train.runs.planned import PlannedRun

LEARNING = {
    "plast_enabled": True, "plast_input": True, "plast_motor": True, "plast_eta": 0.4, "plast_drift": 0.02,
    "plast_gate": "action", "plast_evolve": "rates_and_drift", "modulator_centred": True, "mod_drive_scale": 5.0,
    "generations": 4, "mvt": False,
}  # fmt: skip
HOW = RunOptions(1, log_every=2, chunk_seconds=1e9, checkpoint_seconds=0.0)


@pytest.fixture(scope="module")
def learner(tiny_settings):
    return Experiment.build("L1.0", {**tiny_settings, **LEARNING})


@pytest.fixture(scope="module")
def alone(learner, run_tiny, tmp_path_factory):
    """The run of seed 3 on one device. Read it, leave it as it is."""
    run, _ = run_tiny(learner, tmp_path_factory.mktemp("learning") / "run", seed=3)
    return run


@pytest.mark.slow
def test_two_devices(python, learner, alone, outcome, tiny_settings, tmp_path):
    given = [part for item in (tiny_settings | LEARNING).items() for part in ("--set", "{}={}".format(*item))]
    out = tmp_path / "run"
    command = ["evolve", "L1.0", "--out", out, "--seed", 3, "--devices", 2, "--log-every", 2, "--json", *given]
    printed = python("-m", "koki2_train", *command).communicate(timeout=300)
    run = RunDirectory(out)
    assert run.read_trial() == alone.read_trial(), printed
    assert outcome(run) == outcome(alone)


@pytest.mark.slow
def test_beside_runs_that_learn_otherwise(learner, alone, outcome, tmp_path):
    """No rate and no drift, a rate that is a schedule: what is idle or a number here is neither for all."""
    others = ({"plast_eta": 0.0, "plast_drift": 0.0}, {"nursing": {"plasticity": 1.0}}, {})
    runs = [
        PlannedRun(Trial(learner.with_settings(other), 3), tmp_path / str(index)) for index, other in enumerate(others)
    ]
    assert run_in_lockstep(runs, tmp_path, HOW, command=["test"])
    outcomes = [outcome(run.directory) for run in runs]
    assert outcomes[2] == outcome(alone)
    assert outcomes[0].rows != outcomes[1].rows != outcomes[2].rows
