"""Resuming: a run continues from its own newest whole checkpoint, to the same bits, or not at all."""

import hashlib
import json
import pickle

import numpy as np
import pytest

from koki2_train.experiment import Trial
from koki2_train.runs.directory import RunDirectory, RunError, RunWarning
from koki2_train.storage import checkpoint


@pytest.fixture(scope="module")
def undisturbed(finished, outcome):
    return outcome(finished)


@pytest.fixture
def run(finished, tmp_path):
    """A copy of the finished run."""
    for path, data in files(finished.path).items():
        copy = tmp_path / "run" / path.relative_to(finished.path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
    return RunDirectory(tmp_path / "run")


def files(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def newest(run):
    return checkpoint.newest_first(run.path / "checkpoints")[0]


def save_again(run, arrays=(), meta=()):
    """Replaces the newest checkpoint by one with other arrays or meta, and a right checksum."""
    old_arrays, old_meta = checkpoint.load(newest(run))
    checkpoint.save(newest(run), old_arrays | dict(arrays), old_meta | dict(meta))


def test_a_longer_run_continues_a_shorter_one(tiny, undisturbed, run_tiny, outcome, tmp_path):
    run, _ = run_tiny(tiny.with_settings({"generations": 3}), tmp_path)
    assert len(run.read_generations()) == 3
    run_tiny(tiny, tmp_path, resume=True)
    assert outcome(run) == undisturbed


def test_a_run_never_goes_back(tiny, run, undisturbed, run_tiny, outcome):
    _, result = run_tiny(tiny.with_settings({"generations": 4}), run.path, resume=True)
    assert (result.generations, result.interrupted) == (6, False)
    assert outcome(run) == undisturbed
    assert run.read_trial() == Trial(tiny, 0), "it has 6 generations, whatever was asked for"


def test_a_run_that_is_asked_for_less_than_its_checkpoint_has_keeps_that(
    tiny, undisturbed, run_tiny, outcome, tmp_path
):
    run, _ = run_tiny(tiny.with_settings({"generations": 5}), tmp_path)
    newest(run).unlink()
    run_tiny(tiny.with_settings({"generations": 2}), tmp_path, resume=True)
    assert [row["generation"] for row in run.read_generations()] == [0, 1, 2]
    assert run.read_trial().generations == 3
    run_tiny(tiny, tmp_path, resume=True)
    assert outcome(run) == undisturbed


def test_resuming_a_finished_run_changes_nothing(tiny, run, undisturbed, run_tiny, outcome):
    (run.path / "best_genome.npz").unlink()
    _, result = run_tiny(tiny, run.path, resume=True)
    assert result.generations == 6
    assert outcome(run) == undisturbed


def test_without_checkpoints_a_run_begins_again_and_says_so(tiny, run, undisturbed, run_tiny, outcome):
    for path in (run.path / "checkpoints").iterdir():
        path.unlink()
    with pytest.warns(RunWarning, match="run has no checkpoint; its 6 generations are run again"):
        run_tiny(tiny, run.path, resume=True)
    assert outcome(run) == undisturbed


DAMAGES = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "no digest": lambda data: data[:-32],
    "longer": lambda data: data + b"\0",
    "a bit of the header": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "a bit of an array": lambda data: data[:300] + bytes([data[300] ^ 128]) + data[301:],
    "a bit of the digest": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_and_named(tiny, run, undisturbed, run_tiny, outcome, damage):
    damaged = newest(run)
    damaged.write_bytes(damage(damaged.read_bytes()))
    with (run.path / "generations.jsonl").open("a") as file:
        file.write('{"generation": 6, "fit')
    with pytest.warns(RunWarning, match=r"00000006\.ckpt: damaged"):
        run_tiny(tiny, run.path, resume=True)
    assert outcome(run) == undisturbed


def test_the_third_checkpoint_is_enough(tiny, run, undisturbed, run_tiny, outcome):
    *damaged, whole = checkpoint.newest_first(run.path / "checkpoints")
    for path in damaged:
        path.write_bytes(b"")
    with pytest.warns(RunWarning) as caught:
        run_tiny(tiny, run.path, resume=True)
    said = " ".join(str(warning.message) for warning in caught)
    assert all(path.name in said for path in damaged)
    assert whole.name not in said
    assert outcome(run) == undisturbed


def all_damaged(run, tiny):
    for path in (run.path / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    return tiny, 0


def another_seed(run, tiny):
    return tiny, 1


def another_setting(run, tiny):
    return tiny.with_settings({"sigma": 0.2}), 0


def another_seeds_checkpoint(run, tiny):
    save_again(run, meta={"trial": Trial(tiny, 1).to_dict()})
    return tiny, 0


def another_settings_checkpoint(run, tiny):
    save_again(run, meta={"trial": Trial(tiny.with_settings({"energy_gain": 0.3}), 0).to_dict()})
    return tiny, 0


def another_format(run, tiny):
    body = checkpoint.pack_arrays({"__meta__": np.frombuffer(json.dumps({"format": 1}).encode(), np.uint8)})
    write_checksummed(newest(run), body)
    return tiny, 0


def another_search(run, tiny):
    arrays, meta = checkpoint.load(newest(run))
    arrays["more"] = arrays.pop(".champion")
    checkpoint.save(newest(run), arrays, meta)
    return tiny, 0


def another_shape(run, tiny):
    save_again(run, arrays={".champion": np.zeros(3, np.float32)})
    return tiny, 0


def another_type(run, tiny):
    arrays, _ = checkpoint.load(newest(run))
    save_again(run, arrays={".champion": arrays[".champion"].astype(np.float64)})
    return tiny, 0


def a_pickled_array(run, tiny):
    write_checksummed(newest(run), checkpoint.pack_arrays({".champion": np.asarray([{}], object)}))
    return tiny, 0


def a_pickle(run, tiny):
    write_checksummed(newest(run), pickle.dumps({".champion": 0}))
    return tiny, 0


def missing_generations(run, tiny):
    lines = (run.path / "generations.jsonl").read_text().splitlines(keepends=True)
    (run.path / "generations.jsonl").write_text("".join(lines[:2] + lines[3:]))
    return tiny, 0


def write_checksummed(path, body):
    path.write_bytes(body + hashlib.sha256(body).digest())


REJECTED = {
    all_damaged: r"no checkpoint can be used: .*00000006\.ckpt: damaged.*; remove .*checkpoints to begin again",
    another_seed: "was begun with seed 0, not 1",
    another_setting: "was begun with sigma 0.15, not 0.2",
    another_seeds_checkpoint: "its newest checkpoint is of a run with seed 1, not 0",
    another_settings_checkpoint: "its newest checkpoint is of a run with energy_gain 0.3, not 0.2",
    another_format: r"00000006\.ckpt: format 1, this version reads 2",
    another_search: "its checkpoint is of another kind of search",
    another_shape: "its checkpoint is of another kind of search",
    another_type: "its checkpoint is of another kind of search",
    a_pickled_array: r"00000006\.ckpt: cannot be read as a checkpoint: .*pickle",
    a_pickle: r"00000006\.ckpt: cannot be read as a checkpoint: .*pickle",
    missing_generations: r"generations\.jsonl lacks generations before 6",
}


@pytest.mark.parametrize(("change", "message"), REJECTED.items(), ids=[change.__name__ for change in REJECTED])
def test_what_cannot_be_continued_is_left_as_it_is(tiny, run, run_tiny, change, message):
    experiment, seed = change(run, tiny)
    (run.path / ".config.json.a1b2c3.part").write_text("left by a kill")
    (run.path / ".lock").touch()
    before = files(run.path)
    with pytest.raises(RunError, match=message):
        run_tiny(experiment.with_settings({"generations": 9}), run.path, seed, resume=True)
    assert files(run.path) == before


def test_a_run_is_not_begun_where_one_is(tiny, run, run_tiny):
    before = files(run.path)
    with pytest.raises(RunError, match="holds a run already; resume it"):
        run_tiny(tiny, run.path)
    assert files(run.path) == before


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_was_killed_before_it_had_begun_is_begun(tiny, undisturbed, run_tiny, outcome, tmp_path, resume):
    (tmp_path / ".lock").touch()
    (tmp_path / ".config.json.a1b2c3.part").write_text('{"exp')
    run, _ = run_tiny(tiny, tmp_path, resume=resume)
    assert outcome(run) == undisturbed
    assert not list(tmp_path.rglob("*.part"))


def test_of_two_that_begin_in_one_place_one_writes_nothing(tiny, run_tiny, tmp_path):
    with RunDirectory(tmp_path).open(Trial(tiny, 0)), pytest.raises(RunError, match="in use by another process"):
        run_tiny(tiny, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_what_a_kill_left_unfinished_is_removed_on_resuming(tiny, run, undisturbed, run_tiny, outcome):
    left = [".generations.jsonl.a1b2c3.part", "checkpoints/.00000008.ckpt.a1b2c3.part", ".best_genome.npz.a1b2c3.part"]
    for name in [*left, ".life.gif.a1b2c3.part"]:
        (run.path / name).write_bytes(b"half of")
    with run.open(Trial(tiny, 0), resume=True), pytest.raises(RunError, match="in use by another process"):
        run_tiny(tiny, run.path, resume=True)
    assert all((run.path / name).exists() for name in left), "not while another process may be writing them"
    run_tiny(tiny, run.path, resume=True)
    assert [path.name for path in run.path.rglob("*.part")] == [".life.gif.a1b2c3.part"], "which is not the run's"
    assert outcome(run) == undisturbed
