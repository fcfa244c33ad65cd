"""Files written atomically and durably."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import warnings
from pathlib import Path

# What a file system answers to a request that it does not know: network shares and FUSE lack some, each its own way.
_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.ENOLCK})


class FileSystemWarning(UserWarning):
    """A file system lacks something that keeps files safe, and is used without it; the message says what."""


def is_unsupported(error: OSError) -> bool:
    """Whether an error says that the file system does not offer a request, rather than that the request failed."""
    return error.errno in _UNSUPPORTED


def write_atomically(path: str | os.PathLike[str], data: bytes) -> Path:
    """Replaces a file so that a reader, or a crash at any moment, sees either the old content or the new.

    Args:
        path: where to; its folder must exist. An existing file is replaced.
        data: the whole content.

    Returns:
        ``path``.

    Raises:
        OSError: it cannot be written; the message names the path, and no partial file remains.

    Warns:
        FileSystemWarning: the file system cannot make it durable. It is written all the same.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            sync(file.fileno(), target)
        temporary.replace(target)
        _sync_folder(target.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(error.errno, f"cannot write {target}: {error.strerror or error}") from error
        raise
    return target


def sync(descriptor: int, path: Path) -> None:
    """Forces what was written to an open file, or renamed in an open folder, onto the disk.

    Args:
        descriptor: of the file or folder; a file's buffers above it must be flushed.
        path: of which the warning speaks.

    Raises:
        OSError: it cannot be written.

    Warns:
        FileSystemWarning: the file system has no such request.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not is_unsupported(error):
            raise
        _warn_not_durable(path, error)


def _sync_folder(folder: Path) -> None:
    """Makes a rename in a folder durable."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders; elsewhere a folder may be writable and not readable
        return
    try:
        sync(descriptor, folder)
    finally:
        os.close(descriptor)


def _warn_not_durable(path: Path, error: OSError) -> None:
    folder = path if path.is_dir() else path.parent
    lacks = f"this file system cannot force files onto its disk ({error.strerror}); a power cut may lose the last ones"
    warnings.warn(f"{folder}: {lacks}", FileSystemWarning, stacklevel=1)  # from here: said once for each folder
