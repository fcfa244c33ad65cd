"""Folder lock: an exclusive lock on a folder that also detects its replacement."""

from __future__ import annotations

import contextlib
import errno
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from koki2_envs.files import FileSystemWarning, is_unsupported

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
"""The file in the folder that carries the lock. It stays; the lock is held by the process that has it open."""


class FolderLock:
    """A folder while it is held.

    The folder may be removed under its holder, and another one made in its place: :meth:`check` tells.
    """

    def __init__(self, folder: Path, identity: os.stat_result):
        self._folder, self._identity = folder, identity

    def check(self) -> None:
        """Checks that the folder is still the one that was locked.

        Raises:
            OSError: it is gone, or another one is in its place.
        """
        try:
            same = os.path.samestat(self._identity, self._folder.stat())
        except FileNotFoundError:
            same = False
        if not same:
            raise OSError(errno.ESTALE, f"{self._folder} was removed or replaced during the run")


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[FolderLock]:
    """Locks a folder for this process; made where there is none. A process that dies releases it.

    Raises:
        BlockingIOError: another process holds it.
        OSError: it cannot be made or written to.

    Warns:
        FileSystemWarning: there are no locks here. The folder is held all the same, and nothing keeps others out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w", encoding="utf-8") as file, _kept_open(folder):
        _lock(file, folder)
        yield FolderLock(folder, folder.stat())


def _lock(file: IO[str], folder: Path) -> None:
    if fcntl is None:
        _warn_unlocked(folder, "there are no file locks on this platform")
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        if not is_unsupported(error):
            raise
        _warn_unlocked(folder, f"this file system has no file locks ({error.strerror})")


@contextlib.contextmanager
def _kept_open(folder: Path) -> Iterator[None]:
    """A folder held open: as long as it is, no other folder can get the same number."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        yield
        return
    try:
        yield
    finally:
        os.close(descriptor)


def _warn_unlocked(folder: Path, why: str) -> None:
    warnings.warn(f"{folder}: {why}: let no other process work on it", FileSystemWarning, stacklevel=1)
