"""Places of runs: which folders are runs, and which lie within one."""

from __future__ import annotations

import contextlib
from pathlib import Path

from koki2_train.storage.json_file import NOT_AS_WRITTEN, read_json

TELLING_FILES = ("generations.jsonl", "best_genome.npz")
"""Files that only a run leaves."""


def run_around(path: Path) -> Path | None:
    """The run within whose folder a path lies, if any."""
    return next((folder for folder in path.resolve().parents if is_run(folder)), None)


def is_run(folder: Path) -> bool:
    """Whether a folder is a run's, damaged or not. A config.json alone may be another program's."""
    if not (folder / "config.json").is_file():
        return False
    if any((folder / name).is_file() for name in TELLING_FILES):
        return True
    with contextlib.suppress(OSError, *NOT_AS_WRITTEN):
        return "experiment" in read_json(folder / "config.json")
    return False
