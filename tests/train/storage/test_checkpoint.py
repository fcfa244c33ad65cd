"""Files that are either whole or not there."""

import errno
import hashlib
import os
import pickle
import stat
from pathlib import Path

import numpy as np
import pytest

from koki2_envs.files import FileSystemWarning, write_atomically
from koki2_train.storage import checkpoint, generation_log
from koki2_train.storage.checkpoint import CheckpointError, DamagedCheckpointError

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


class Bomb:
    """Whoever unpickles it has run code that it chose: it touches a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_bomb_goes_off_where_it_is_unpickled(tmp_path):
    pickle.loads(pickle.dumps(Bomb(tmp_path / "gone off")))
    assert (tmp_path / "gone off").exists()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(lambda bomb: checkpoint.pack_arrays({".search.mean": np.asarray([bomb], object)}), id="an array"),
        pytest.param(lambda bomb: checkpoint.pack_arrays({"__meta__": np.asarray(bomb, object)}), id="the meta"),
        pytest.param(pickle.dumps, id="the file"),
    ],
)
def test_a_pickle_with_a_right_checksum_is_refused_by_name_and_not_executed(tmp_path, body):
    data = body(Bomb(tmp_path / "gone off"))
    (tmp_path / "p.ckpt").write_bytes(data + hashlib.sha256(data).digest())
    with pytest.raises(CheckpointError, match=r"p\.ckpt: cannot be read as a checkpoint: .*pickle"):
        checkpoint.load(tmp_path / "p.ckpt")
    assert not (tmp_path / "gone off").exists()


@pytest.mark.parametrize("body", [b"", b"PK", checkpoint.pack_arrays({}), checkpoint.pack_arrays({"__meta__": 1})])
def test_something_else_with_a_right_checksum_is_refused_by_name(tmp_path, body):
    (tmp_path / "p.ckpt").write_bytes(body + hashlib.sha256(body).digest())
    with pytest.raises(CheckpointError, match=r"p\.ckpt: "):
        checkpoint.load(tmp_path / "p.ckpt")


@pytest.mark.parametrize("keep", [0, 1, 31, 32, 33, 500, -33, -32, -1])
def test_a_truncated_file_is_refused_by_name(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(DamagedCheckpointError, match=r"one\.ckpt: damaged"):
        checkpoint.load(saved)


def places_of(data):
    """A few positions of every kind: the zip's own headers, arrays' headers and numbers, its directory, the digest."""
    numbers = data.index(ARRAYS[".search.mean"].tobytes())
    directory = data.index(b"PK\x01\x02")
    spread = np.random.default_rng(1).choice(len(data), 40, replace=False)
    headers = [0, 3, 20, 30, data.index(b"NUMPY"), data.index(b"shape")]
    end = [len(data) - n for n in (33, 32, 31, 16, 1)]
    return [*headers, numbers, numbers + 199, directory, directory + 40, *end, *spread.tolist()]


def test_any_flipped_bit_is_noticed(saved):
    data = saved.read_bytes()
    for position in places_of(data):
        for bit in (0, 7):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            saved.write_bytes(bytes(damaged))
            with pytest.raises(DamagedCheckpointError, match=r"one\.ckpt: damaged \(its checksum does not match\)"):
                checkpoint.load(saved)
    saved.write_bytes(data)
    checkpoint.load(saved)


def test_another_format_is_refused_by_number(saved, monkeypatch):
    monkeypatch.setattr(checkpoint, "_FORMAT", 99)
    with pytest.raises(CheckpointError, match="format 2, this version reads 99") as raised:
        checkpoint.load(saved)
    assert not isinstance(raised.value, DamagedCheckpointError)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DamagedCheckpointError, match=r"none\.ckpt: No such file"):
        checkpoint.load(tmp_path / "none.ckpt")


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
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


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_that_cannot_sync_is_used_with_a_warning(saved, monkeypatch, code):
    def unknown(_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("os.fsync", unknown)
    with pytest.warns(FileSystemWarning, match=f"{saved.parent}: .*{os.strerror(code)}"):
        write_atomically(saved, b"new")
    assert saved.read_bytes() == b"new"
    with pytest.warns(FileSystemWarning, match=str(saved.parent)):
        generation_log.append_rows(saved.parent / "log", [{"generation": 0}])
    assert generation_log.read_rows(saved.parent / "log") == [{"generation": 0}]


def test_a_folder_that_cannot_be_opened_is_written_to(saved, monkeypatch):
    def windows(path, *_):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr("os.open", windows)
    assert write_atomically(saved, b"new").read_bytes() == b"new"


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_files_are_as_readable_as_the_user_asks(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        path = write_atomically(tmp_path / "file", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def numbers_in(folder):
    return [checkpoint.load(path)[1]["generation"] for path in checkpoint.newest_first(folder)]


def save_numbered(folder, number):
    checkpoint.save_numbered(folder, number, ARRAYS, {"generation": number}, keep=3)


def test_the_last_few_are_kept_newest_first(tmp_path):
    folder = tmp_path / "checkpoints"
    for number in (1, 2, 9, 10, 99_999_999, 100_000_000):
        save_numbered(folder, number)
    (folder / ".00000200.ckpt.left").write_bytes(b"of a crash")
    (folder / "best.ckpt").write_bytes(b"somebody's")
    assert numbers_in(folder) == [100_000_000, 99_999_999, 10]


def test_those_after_a_number_are_dropped(tmp_path):
    folder = tmp_path / "checkpoints"
    for number in (7, 8, 9):
        save_numbered(folder, number)
    checkpoint.drop_after(folder, 9)
    assert numbers_in(folder) == [9, 8, 7]
    checkpoint.drop_after(folder, 7)
    assert numbers_in(folder) == [7]
    checkpoint.drop_after(tmp_path / "none", 7)
