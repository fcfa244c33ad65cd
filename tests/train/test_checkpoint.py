"""Files that are either whole or not there."""

import errno
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from koki2_envs.files import write_atomically
from koki2_train import checkpoint
from koki2_train.checkpoint import CheckpointError

ARRAYS = {
    ".search.mean": np.random.default_rng(0).normal(size=50).astype(np.float32),
    ".count": np.asarray(3, np.int32),
    ".odd": np.asarray([np.nan, np.inf, -np.inf, -0.0, 1e-45], np.float32),
    ".empty": np.zeros((0, 4), np.float32),
    ".flags": np.asarray([True, False]),
}
META = {"generation": 12, "seconds": 3.25, "name": "δ"}


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "one.ckpt"
    checkpoint.save(path, ARRAYS, META)
    return path


def test_what_is_saved_is_loaded_bit_by_bit(saved):
    arrays, meta = checkpoint.load(saved)
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
        assert arrays[name].tobytes() == array.tobytes()
    assert META.items() <= meta.items()


def test_a_checkpoint_is_no_pickle(saved, tmp_path):
    body = checkpoint.pack_arrays({"object": np.asarray([{}], object)})
    (tmp_path / "p.ckpt").write_bytes(body + hashlib.sha256(body).digest())
    with pytest.raises(ValueError, match="allow_pickle"):
        checkpoint.load(tmp_path / "p.ckpt")


@pytest.mark.parametrize("keep", [0, 1, 31, 32, 33, 500, -1])
def test_a_truncated_file_is_refused_by_name(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"one\.ckpt: damaged"):
        checkpoint.load(saved)


def test_any_flipped_bit_is_noticed(saved):
    data = saved.read_bytes()
    for position in np.random.default_rng(1).choice(len(data), 40, replace=False):
        damaged = bytearray(data)
        damaged[position] ^= 1 << int(position % 8)
        saved.write_bytes(bytes(damaged))
        with pytest.raises(CheckpointError, match="checksum"):
            checkpoint.load(saved)
    saved.write_bytes(data)
    checkpoint.load(saved)


def test_another_format_is_refused_by_number(saved, monkeypatch):
    monkeypatch.setattr(checkpoint, "_FORMAT", 99)
    with pytest.raises(CheckpointError, match="format 1, this version reads 99"):
        checkpoint.load(saved)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CheckpointError, match="No such file"):
        checkpoint.load(tmp_path / "none.ckpt")


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace", "pathlib.Path.chmod"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(saved, monkeypatch, step):
    before = saved.read_bytes()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(step, full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(saved, b"new")
    monkeypatch.undo()
    assert saved.read_bytes() == before
    assert [entry.name for entry in saved.parent.iterdir()] == ["one.ckpt"]


def test_an_interrupt_while_writing_leaves_nothing_behind(saved, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_atomically(saved.parent / "new", b"new")
    assert [entry.name for entry in saved.parent.iterdir()] == ["one.ckpt"]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "none" / "file", b"x")


def test_the_file_and_its_folder_reach_the_disk(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync
    monkeypatch.setattr("os.fsync", lambda fd: (synced.append(str(Path(f"/proc/self/fd/{fd}").readlink())), fsync(fd)))
    write_atomically(tmp_path / "file", b"x")
    assert len(synced) == 2
    assert synced[0].startswith(str(tmp_path / ".file."))
    assert synced[1] == str(tmp_path)


def test_the_last_few_are_kept_newest_first(tmp_path):
    folder = tmp_path / "checkpoints"
    for number in (1, 2, 9, 10, 100, 123456789):
        checkpoint.save_numbered(folder, number, ARRAYS, {"generation": number}, keep=3)
    (folder / ".00000200.ckpt.left").write_bytes(b"of a crash")
    found = [checkpoint.load(path)[1]["generation"] for path in checkpoint.newest_first(folder)]
    assert found == [123456789, 100, 10]
