"""A run belongs to one process, in the folder in which it was begun."""

import errno
import os
import shutil

import numpy as np
import pytest

from koki2_envs.files import FileSystemWarning
from koki2_train.experiment import Experiment, Trial
from koki2_train.runs.directory import RunDirectory, RunError
from koki2_train.storage import folder_lock


@pytest.fixture(scope="module")
def trial():
    return Trial(Experiment.build("L0.0"), 5)


@pytest.fixture
def run(tmp_path, trial):
    run = RunDirectory(tmp_path / "run")
    begin(run, trial)
    return run


def begin(run, trial):
    run.begin_invocation(trial, ["evolve"], ["cpu"])


def resumed(run, trial):
    return RunDirectory(run.path).open(trial, resume=True)


def test_a_run_belongs_to_one_process_at_a_time(run, trial):
    with resumed(run, trial), pytest.raises(RunError, match="in use by another process"), resumed(run, trial):
        pass
    with resumed(run, trial):
        pass


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL])
def test_a_file_system_without_locks_is_used_with_a_warning(run, trial, monkeypatch, code):
    monkeypatch.setattr("fcntl.flock", raising(OSError(code, os.strerror(code))))
    warned = pytest.warns(FileSystemWarning, match=r"/run: this file system has no file locks .*no other process")
    with warned, resumed(run, trial) as held:
        held.end_invocation(generations=1)


def test_a_platform_without_locks_is_used_with_a_warning(run, trial, monkeypatch):
    monkeypatch.setattr(folder_lock, "fcntl", None)
    with pytest.warns(FileSystemWarning, match="no file locks on this platform"), resumed(run, trial):
        pass


def test_a_lock_that_fails_is_an_error(run, trial, monkeypatch):
    monkeypatch.setattr("fcntl.flock", raising(OSError(errno.EIO, "Input/output error")))
    with pytest.raises(OSError, match="Input/output error"), resumed(run, trial):
        pass


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


def write_anything(run, trial):
    """All that writes into a run, by name."""
    return {
        "generations": lambda: run.append_generations([{"generation": 0}]),
        "rewound": lambda: run.rewind(0),
        "checkpoint": lambda: run.save_checkpoint(1, {"x": np.zeros(3)}, {"generation": 1}),
        "champion": lambda: run.save_champion(np.zeros(3, np.float32), {}),
        "begun": lambda: begin(run, trial),
        "ended": lambda: run.end_invocation(generations=1),
    }


@pytest.mark.parametrize("what", ["generations", "rewound", "checkpoint", "champion", "begun", "ended"])
def test_a_folder_that_was_removed_or_replaced_is_not_written_to(run, trial, what):
    with resumed(run, trial) as run:
        write = write_anything(run, trial)[what]
        write()
        shutil.rmtree(run.path)
        with pytest.raises(OSError, match="/run was removed or replaced during the run"):
            write()
        assert not run.path.exists()
        another = RunDirectory(run.path)
        other_trial = Trial(trial.experiment, 6)
        with another.open(other_trial):
            begin(another, other_trial)
            before = contents(run.path)
            with pytest.raises(OSError, match="/run was removed or replaced during the run"):
                write()
            assert contents(run.path) == before


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
