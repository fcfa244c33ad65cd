"""A run belongs to one process, in the folder in which it was begun."""

import errno
import shutil

import numpy as np
import pytest

from koki2_train.experiment.experiment import Experiment
from koki2_train.runs.directory import RunDirectory, RunError


@pytest.fixture(scope="module")
def experiment():
    return Experiment.build("L0.0")


@pytest.fixture
def run(tmp_path, experiment):
    run = RunDirectory(tmp_path / "run")
    run.create(experiment, 5)
    return run


def test_a_run_belongs_to_one_process_at_a_time(run):
    with run.locked(), pytest.raises(RunError, match="in use by another process"), RunDirectory(run.path).locked():
        pass
    with run.locked():
        pass


def test_a_lock_that_the_file_system_does_not_know_is_no_other_process(run, monkeypatch):
    def unknown(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", unknown)
    with pytest.raises(OSError, match="No locks available"), run.locked():
        pass


def write_anything(run):
    """All that writes into a run, by name."""
    return {
        "generations": lambda: run.append_generations([{"generation": 0}]),
        "rewound": lambda: run.rewind(0),
        "checkpoint": lambda: run.save_checkpoint(1, {"x": np.zeros(3)}, {"generation": 1}),
        "champion": lambda: run.save_champion({"w": np.zeros(3)}, {}),
        "manifest": lambda: run.write_manifest(["evolve"], ["cpu"]),
    }


@pytest.mark.parametrize("what", ["generations", "rewound", "checkpoint", "champion", "manifest"])
def test_a_folder_that_was_removed_or_replaced_is_not_written_to(run, experiment, what):
    write = write_anything(run)[what]
    with run.locked():
        write()
        shutil.rmtree(run.path)
        with pytest.raises(OSError, match="/run was removed or replaced while the run went on"):
            write()
        assert not run.path.exists()
        another = RunDirectory(run.path)
        with another.locked():
            another.create(experiment, 6)
            before = contents(run.path)
            with pytest.raises(OSError, match="/run was removed or replaced while the run went on"):
                write()
            assert contents(run.path) == before


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
