"""Damaged files: every file of a run or study, damaged in every way, gives every reader one error that names it."""

import contextlib
import copy
import json
import shutil
import warnings

import numpy as np
import pytest

from koki2_train.evaluation import load_champion
from koki2_train.evolution import Search, compiled_init
from koki2_train.runs.curve_rows import read_curve_rows
from koki2_train.runs.directory import RunDirectory, RunError
from koki2_train.runs.planned import PlannedRun
from koki2_train.runs.records import load_state
from koki2_train.storage import checkpoint

TEXTS = {
    "empty": b"",
    "blank": b"\n\n",
    "cut off": b'{"format": 2, "exper',
    "a list": b"[]",
    "an object": b"{}",
    "nothing": b"null",
    "a number": b"5",
    "a text": b'"text"',
    "infinite": b'{"format": 2, "seed": 1e400, "generation": 1e400, "invocations": [{"generations": 1e400}]}',
    "of other types": b'{"format": [], "experiment": 3, "generation": "x", "invocations": [3], "seed": {}}',
    "nested without end": b"[" * 100_000,
    "binary": bytes(range(256)) * 8,
    "not UTF-8": b'{"\xff\xfe": 1}',
    "an archive": b"PK\x03\x04 and no more",
}
FILES = ("config.json", "manifest.json", "generations.jsonl", "best_genome.npz", "checkpoints/00000006.ckpt")


@pytest.fixture
def run(finished, tmp_path):
    shutil.copytree(finished.path, tmp_path / "run")
    return RunDirectory(tmp_path / "run")


@pytest.fixture(scope="module")
def readers(tiny, finished):
    """All that reads what is in a run, by name."""
    trial = finished.read_trial()
    fresh = compiled_init(Search.of(trial, 1))

    def planned(run):
        PlannedRun(trial, run.path).check()
        return PlannedRun(trial, run.path).is_finished

    return {
        "trial": lambda run: run.read_trial(),
        "champion": lambda run: load_champion(run, tiny),
        "curve": read_curve_rows,
        "rows": lambda run: run.first_generations(6),
        "planned": planned,
        "state": lambda run: load_state(run, fresh, trial),
        "invocation": lambda run: run.end_invocation(generations=6),
    }


def outcomes(readers, run):
    """What each reader raises, or None; anything but a RunError fails the test."""
    found = {}
    for name, read in readers.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                read(run)
                found[name] = None
            except RunError as error:
                found[name] = str(error)
    return found


NEEDED_BY = {
    "config.json": {"trial", "champion", "curve", "planned"},
    "manifest.json": {"planned", "invocation"},
    "generations.jsonl": {"curve", "rows", "state"},
    "best_genome.npz": {"champion"},
    "checkpoints/00000006.ckpt": set(),  # the one before it is used
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", [*TEXTS, "half", "a folder", "flipped", "another file"])
def test_every_reader_names_the_file_that_it_needs(readers, run, name, damage):
    path = run.path / name
    whole = path.read_bytes()
    path.unlink()
    if damage == "a folder":
        path.mkdir()
    elif damage == "flipped":
        path.write_bytes(bytes(byte ^ 0x55 for byte in whole))
    elif damage == "half":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "another file":
        path.write_bytes((run.path / FILES[FILES.index(name) - 1]).read_bytes())
    else:
        path.write_bytes(TEXTS[damage])
    found = outcomes(readers, run)
    failed = {reader for reader, message in found.items() if message is not None}
    kept_apart = name == "generations.jsonl" and damage in ("half", "another file")  # its first lines may be whole
    gone = damage == "a folder"  # as if there were no such file
    if not kept_apart and not gone:
        assert failed == NEEDED_BY[name], found
    for reader in failed & NEEDED_BY[name]:
        assert path.name in found[reader] or str(run) in found[reader], found[reader]


def leaves(data, path=()):
    if isinstance(data, dict):
        for name, value in data.items():
            yield (*path, name)
            yield from leaves(value, (*path, name))


def test_every_wrong_value_of_a_config_is_rejected_or_meant(run):
    data = json.loads((run.path / "config.json").read_text())
    rejected = 0
    for path in leaves(data):
        for value in (None, "x", [], {}, -1e400, [[1]], True):
            other = copy.deepcopy(data)
            inside = other
            for name in path[:-1]:
                inside = inside[name]
            inside[path[-1]] = value
            (run.path / "config.json").write_text(json.dumps(other))
            with contextlib.suppress(RunError):
                run.read_trial()
                continue
            rejected += 1
    assert rejected > 300


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"format": 2}, "has no genome"),
        ({"format": 2, "genome": np.zeros(71, np.float32), "generations": [1, 2]}, "generations is not a number"),
        ({"format": 2, "genome": np.zeros(71, np.float32), "generations": "x"}, "generations is not a number"),
        ({"format": 2, "genome": np.zeros(70, np.float32)}, "genome has shape"),
        ({"format": 2, "genome": "x"}, "genome has shape"),
        ({"format": "x", "genome": np.zeros(71, np.float32)}, "another format"),
    ],
)
def test_a_whole_archive_of_something_else_is_no_champion(run, tiny, arrays, message):
    np.savez(run.path / "best_genome.npz", **arrays)
    with pytest.raises(RunError, match=rf"best_genome\.npz.* {message}"):
        load_champion(run, tiny)


def test_a_whole_checkpoint_of_something_else_is_rejected(run, readers):
    arrays, meta, _ = run.load_checkpoint()
    newest = run.path / "checkpoints" / "00000006.ckpt"
    (run.path / "best_genome.npz").unlink()
    for other in (
        {},
        {"trial": meta["trial"]},
        {"trial": 3},
        {**meta, "generation": "x"},
        {**meta, "generation": None},
    ):
        checkpoint.save(newest, arrays, other)
        found = outcomes(readers, run)
        assert {name for name in ("champion", "state") if found[name] is not None} == {"champion", "state"}, other
    checkpoint.save(newest, {"x": np.zeros(3)}, meta)
    found = outcomes(readers, run)
    assert "is of another kind of search" in found["champion"]
    assert "is of another kind of search" in found["state"]


@pytest.mark.parametrize("damage", [*TEXTS, "a folder"])
def test_the_plan_of_a_sweep(cli, tiny_flags, tmp_path, damage):
    out, few = tmp_path / "out", ("--no-mvt", "--generations", 2, "--seeds", "0:2", "--vary", "obs_noise=0,0.1")
    out.mkdir()
    if damage == "a folder":
        (out / "grid.json").mkdir()
    else:
        (out / "grid.json").write_bytes(TEXTS[damage])
    before = list(out.iterdir())
    result = cli("sweep", "L0.2", *tiny_flags, *few, "--out", out, "--resume")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1), result.err
    assert "grid.json" in result.err
    assert list(out.iterdir()) == before
