"""Runs whose disk is full, or whose folder is taken from them: one clear error, and nothing that was there is lost."""

import errno
import itertools
import os
import pkgutil
import resource
import shutil
import subprocess
import sys

import pytest

from koki2_train.runs.directory import RunDirectory


@pytest.fixture(scope="module")
def undisturbed(finished, outcome):
    return outcome(finished)


pytestmark = pytest.mark.filterwarnings("ignore:.*has no checkpoint:koki2_train.runs.directory.RunWarning")


def no_space(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


class HalfFull:
    """A new file that takes but half of what is written."""

    def __init__(self, *arguments):
        self.file = REAL["pathlib.Path.open"](*arguments)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, data):
        self.file.write(data[: len(data) // 2])
        no_space()


FULL = {
    "created": ("pathlib.Path.open", no_space),
    "written": ("pathlib.Path.open", HalfFull),
    "synced": ("os.fsync", no_space),
    "replaced": ("pathlib.Path.replace", no_space),
}
"""What each step of writing a file calls, and what that comes to when the disk is full."""

REAL = {function: pkgutil.resolve_name(function) for function, _ in FULL.values()}


def full_after(works, step):
    """The function that a step calls, which works so many times and then no more; files that exist can be opened."""
    (function, full), calls = FULL[step], itertools.count()

    def call(*arguments, **keywords):
        is_other = function == "pathlib.Path.open" and "xb" not in arguments
        return (REAL[function] if is_other or next(calls) < works else full)(*arguments, **keywords)

    return call


@pytest.mark.parametrize("step", FULL)
def test_a_disk_that_is_full_from_any_moment_on_loses_nothing(
    tiny, undisturbed, run_tiny, outcome, tmp_path, monkeypatch, step
):
    for works in itertools.count():
        run = RunDirectory(tmp_path / str(works))
        monkeypatch.setattr(FULL[step][0], full_after(works, step))
        try:
            run_tiny(tiny, run.path)
        except OSError as error:
            assert str(run) in error.strerror  # noqa: PT017
            assert "No space left on device" in error.strerror  # noqa: PT017
        else:
            break
        finally:
            monkeypatch.undo()
        assert not list(run.path.rglob("*.part")), "no half-written file is left"
        run_tiny(tiny, run.path, resume=True)
        assert outcome(run) == undisturbed
    assert works >= 9


@pytest.mark.parametrize(
    ("limit", "checkpoint_seconds", "file"),
    [(1000, 0.0, "config.json"), (2300, 1e9, "generations.jsonl"), (5000, 0.0, "checkpoints/00000001.ckpt")],
)
def test_a_file_that_cannot_grow_any_more_loses_nothing(
    tiny, undisturbed, run_tiny, outcome, tmp_path, limit, checkpoint_seconds, file
):
    """The system itself writes up to a limit, and then fails."""
    run, before = RunDirectory(tmp_path / "run"), resource.getrlimit(resource.RLIMIT_FSIZE)

    def starve():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))

    # The log is shorter than the config, which is there after the first chunk.
    from_first_chunk = {"observer": after_chunk(1, starve)} if file == "generations.jsonl" else starve() or {}
    try:
        with pytest.raises(OSError, match=f"cannot write {run}/{file}: File too large"):
            run_tiny(tiny, run.path, checkpoint_seconds=checkpoint_seconds, **from_first_chunk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    if file == "generations.jsonl":
        assert (run.path / file).stat().st_size == limit, "it ends in half a line"
    run_tiny(tiny, run.path, resume=True)
    assert outcome(run) == undisturbed


def after_chunk(number, action):
    """An observer that does something once."""
    chunks = itertools.count(1)
    return lambda _: action() if next(chunks) == number else None


def test_a_folder_that_is_removed_under_a_run_ends_it(tiny, run_tiny, tmp_path):
    path = tmp_path / "run"
    with pytest.raises(OSError, match="/run was removed or replaced during the run"):
        run_tiny(tiny, path, observer=after_chunk(2, lambda: shutil.rmtree(path)))
    assert not path.exists(), "nor is it made again"


def test_a_folder_that_is_moved_under_a_run_continues_elsewhere(tiny, undisturbed, run_tiny, outcome, tmp_path):
    path, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    with pytest.raises(OSError, match="/run was removed or replaced during the run"):
        run_tiny(tiny, path, observer=after_chunk(2, lambda: path.rename(elsewhere)))
    run, _ = run_tiny(tiny, elsewhere, resume=True)
    assert outcome(run) == undisturbed


def test_a_run_that_takes_the_place_of_another_is_not_disturbed_by_it(tiny, run_tiny, outcome, tmp_path):
    path, alone = tmp_path / "run", run_tiny(tiny, tmp_path / "alone", seed=1)[0]

    def replace():
        shutil.rmtree(path)
        run_tiny(tiny, path, seed=1)

    with pytest.raises(OSError, match="/run was removed or replaced during the run"):
        run_tiny(tiny, path, observer=after_chunk(2, replace))
    assert outcome(RunDirectory(path)) == outcome(alone)


def test_a_file_in_place_of_the_checkpoints_is_named(tiny, undisturbed, run_tiny, outcome, tmp_path):
    run, _ = run_tiny(tiny.with_settings({"generations": 3}), tmp_path)
    folder = run.path / "checkpoints"
    folder.rename(tmp_path / "kept")
    folder.write_text("mine")
    with pytest.raises(OSError, match="checkpoints"):
        run_tiny(tiny, run.path, resume=True)
    assert folder.read_text() == "mine"
    folder.unlink()
    run_tiny(tiny, run.path, resume=True)
    assert outcome(run) == undisturbed


IN_ITS_OWN_MOUNTS = ["unshare", "--user", "--map-root-user", "--mount"]
ON_A_SMALL_DISK = """
evolve() { "$@"; echo "ended with $?"; }
mount -t tmpfs -o size=48k tmpfs "$0" || exit 9
evolve "$@"
mount -o remount,ro "$0"
evolve "$@" --resume
mount -o remount,rw,size=16m "$0"
evolve "$@" --resume
cp -r "$0"/run "$0"-kept
"""


@pytest.fixture
def small_disks():
    if not shutil.which("unshare") or subprocess.run([*IN_ITS_OWN_MOUNTS, "true"], capture_output=True).returncode:
        pytest.skip("file systems cannot be mounted here")


@pytest.mark.slow
@pytest.mark.usefixtures("small_disks")
def test_a_real_disk_that_is_full_and_then_read_only(tiny, tiny_flags, run_tiny, outcome, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    flags = [*tiny_flags, "--generations", "100", "--devices", "1", "--checkpoint-seconds", "0"]
    evolve = [sys.executable, "-m", "koki2_train", "evolve", "L1.0", "--out", disk / "run", *flags, "--json"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "JAX_PLATFORMS": "cpu"}
    script = [*IN_ITS_OWN_MOUNTS, "sh", "-c", ON_A_SMALL_DISK, disk, *evolve]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=300)
    ends = [line for line in done.stdout.splitlines() if line.startswith("ended with")]
    assert ends == ["ended with 1", "ended with 1", "ended with 0"], done.stderr
    full, read_only = done.stderr.splitlines()
    assert full.startswith(f"koki2-train: cannot write {disk}/run/")
    assert full.endswith("No space left on device")
    assert read_only == f"koki2-train: {disk}/run/.lock: Read-only file system"
    alone, _ = run_tiny(tiny.with_settings({"generations": 100}), tmp_path / "alone", checkpoint_seconds=1e9)
    assert outcome(RunDirectory(tmp_path / "disk-kept")) == outcome(alone)
