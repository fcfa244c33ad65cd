"""Checkpoints: arrays in npz followed by their SHA-256, written atomically and verified before they are read."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from koki2_envs.files import write_atomically

_FORMAT = 2
_META = "__meta__"
_DIGEST = hashlib.sha256().digest_size
_SUFFIX = ".ckpt"


class CheckpointError(Exception):
    """A checkpoint that cannot be used; the message names the file and says why."""


class DamagedCheckpointError(CheckpointError):
    """A checkpoint that is not as it was written. The one before it may be whole."""


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays by name as the bytes of an npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an npz file by name. Nothing is ever unpickled.

    Raises:
        CheckpointError: it cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # zipfile and numpy raise many kinds
        raise CheckpointError(f"{path} cannot be read: {error}") from error


def save(path: Path, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
    """Writes arrays and a JSON-able ``meta`` to ``path``, checksummed and atomically."""
    text = json.dumps({"format": _FORMAT, **meta}, sort_keys=True).encode()
    body = pack_arrays({**arrays, _META: np.frombuffer(text, np.uint8)})
    write_atomically(path, body + hashlib.sha256(body).digest())


def load(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Reads what :func:`save` wrote. The checksum is verified first, and nothing is ever unpickled.

    Raises:
        DamagedCheckpointError: the file cannot be read, or is not as it was written.
        CheckpointError: it is whole, and no checkpoint of this format.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DamagedCheckpointError(f"{path}: {error.strerror}") from error
    body, digest = data[:-_DIGEST], data[-_DIGEST:]
    if len(data) <= _DIGEST or hashlib.sha256(body).digest() != digest:
        raise DamagedCheckpointError(f"{path}: damaged (its checksum does not match)")
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        meta = json.loads(arrays.pop(_META).tobytes())
        found = meta["format"]
    except Exception as error:  # zipfile and numpy raise many kinds
        raise CheckpointError(f"{path}: cannot be read as a checkpoint: {error}") from error
    if found != _FORMAT:
        raise CheckpointError(f"{path}: format {found}, this version reads {_FORMAT}")
    return arrays, meta


def save_numbered(
    folder: Path, number: int, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any], keep: int
) -> None:
    """Writes checkpoint ``number`` into ``folder`` and deletes all but the last ``keep``."""
    folder.mkdir(exist_ok=True)
    save(folder / f"{number:08d}{_SUFFIX}", arrays, meta)
    for old in newest_first(folder)[keep:]:
        old.unlink()


def drop_after(folder: Path, number: int) -> None:
    """Deletes the checkpoints with a larger number, the newest first."""
    for path in newest_first(folder):
        if int(path.stem) > number:
            path.unlink()


def newest_first(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the one with the largest number first."""
    found = [path for path in folder.glob(f"*{_SUFFIX}") if path.stem.isdecimal()]
    return sorted(found, key=lambda path: int(path.stem), reverse=True)
