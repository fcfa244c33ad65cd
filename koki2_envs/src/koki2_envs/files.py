"""Files written atomically and durably."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

_READABLE_BY_ALL = 0o644


def write_atomically(path: str | os.PathLike[str], data: bytes) -> Path:
    """Replaces a file so that a reader, or a crash at any moment, sees either the old content or the new.

    Args:
        path: where to; its folder must exist. An existing file is replaced.
        data: the whole content.

    Returns:
        ``path``.

    Raises:
        OSError: it cannot be written; the message names the path, and no partial file remains.
    """
    target = Path(path)
    temporary: str | None = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_READABLE_BY_ALL)  # mkstemp keeps its file private
        Path(temporary).replace(target)
        _sync_folder(target.parent)
    except BaseException as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(error.errno, f"cannot write {target}: {error.strerror or error}") from error
        raise
    return target


def _sync_folder(folder: Path) -> None:
    """Makes a rename in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
