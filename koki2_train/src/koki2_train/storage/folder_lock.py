"""Folder lock: an exclusive lock on a folder that also detects its replacement."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

LOCK = ".lock"
"""The file in the folder that carries the lock. It stays; the lock is held by the process that has it open."""


class FolderLock:
    """A folder while it is held.

    The folder may be removed under its holder, and another one made in its place: :meth:`check` tells.
    """

    def __init__(self, folder: Path, descriptor: int):
        self._folder, self._descriptor = folder, descriptor

    def check(self) -> None:
        """Checks that the folder is still the one that was locked.

        Raises:
            OSError: it is gone, or another one is in its place.
        """
        try:
            same = os.path.samestat(os.fstat(self._descriptor), self._folder.stat())
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
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        descriptor = os.open(folder, os.O_RDONLY)  # as long as it is open no other folder can get the same number
        try:
            yield FolderLock(folder, descriptor)
        finally:
            os.close(descriptor)
