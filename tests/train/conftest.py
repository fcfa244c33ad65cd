"""Fixtures of the trainer's tests: one tiny experiment, and what it leaves."""

import dataclasses
import json
from types import SimpleNamespace

import jax
import pytest

from koki2_envs import RUNGS
from koki2_train.experiment import Experiment, Trial, settings
from koki2_train.experiment.registration import REGISTRIES
from koki2_train.runs.chunks import RunOptions
from koki2_train.runs.directory import RunDirectory
from koki2_train.runs.runner import run_trial

TINY = {
    "generations": 6,
    "pop_size": 6,
    "episodes": 2,
    "steps": 12,
    "n_neurons": 6,
    "k_edges": 2,
    "width": 8,
    "energy_gain": 0.2,
    "init_scale": 0.5,
    "validate_every": 2,
    "validation_episodes": 4,
    "mvt": True,
    "mvt_episodes": 1,
    "mvt_steps": 8,
    "mvt_min_alive_steps": 8,
    "mvt_min_energy_gained": 0.3,
}
"""Settings of an experiment that compiles and runs in seconds, and in which things happen."""


@pytest.fixture(autouse=True)
def _registrations_go_with_the_test(monkeypatch):
    """What a test imports as ``module:NAME`` is known in that test alone."""
    for registry in REGISTRIES.values():
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    monkeypatch.setattr(settings, "_CUSTOM_RUNGS", {})


@pytest.fixture(scope="session")
def tiny_settings():
    return dict(TINY)


@pytest.fixture(scope="session")
def tiny_flags():
    pairs = ((f"--{name.replace('_', '-')}", value) for name, value in TINY.items())
    return [part for flag, value in pairs for part in ([flag] if value is True else [flag, str(value)])]


@pytest.fixture(scope="session")
def tiny():
    return Experiment.build("L1.0", TINY)


@pytest.fixture(scope="session")
def run_tiny():
    """Runs an experiment into a folder on one device, in chunks of one generation and then always two."""

    def run(experiment, path, seed=0, checkpoint_seconds=0.0, chunk_seconds=1e9, **options):
        how = RunOptions(1, log_every=2, chunk_seconds=chunk_seconds, checkpoint_seconds=checkpoint_seconds)
        result = run_trial(RunDirectory(path), Trial(experiment, seed), how, command=["test"], **options)
        return RunDirectory(path), result

    return run


@pytest.fixture(scope="session")
def finished(tiny, run_tiny, tmp_path_factory):
    """A finished run of the tiny experiment with seed 0. Read it, leave it as it is."""
    run, _ = run_tiny(tiny, tmp_path_factory.mktemp("finished") / "run")
    return run


@pytest.fixture(scope="session")
def outcome():
    """The outcome of a run, without what differs between machines: rows, champion, newest checkpoint."""

    def read(run):
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in run.read_generations()]
        champion = {name: array.tolist() for name, array in run.load_champion().items()}
        arrays, meta, damaged = run.load_checkpoint()
        assert not damaged
        state = {name: array.tobytes() for name, array in arrays.items()}
        return SimpleNamespace(rows=rows, champion=champion, state=state, generation=meta["generation"])

    return read


@pytest.fixture
def cli(monkeypatch, capfd):
    """Calls the command line in this process; JAX is initialised already, so that its set-up is left out."""
    from koki2_train.cli.main import main

    monkeypatch.setattr("koki2_train.runtime.jax_setup.set_up", lambda *_: None)
    monkeypatch.setattr("koki2_train.cli.progress.NOTICE_SECONDS", 1e6)  # what is printed must not depend on speed

    def call(*arguments):
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        data = json.loads(out) if "--json" in arguments and not code else None
        return SimpleNamespace(code=code, out=out, err=err, json=data)

    return call


@pytest.fixture
def held_out_variant(monkeypatch):
    """The knobs of a held-out variant that L1.0 has during the test."""
    variant = {"bad_source_deplete_p": 0.5, "respawn_delay": 9}
    monkeypatch.setitem(RUNGS, "L1.0", dataclasses.replace(RUNGS["L1.0"], held_out=variant))
    return variant


@pytest.fixture
def key():
    return jax.random.key(42)
