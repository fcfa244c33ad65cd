"""A ``koki2-train`` that kills itself at a chosen moment of writing its files, as ``kill -9`` would.

    python tools/mortal.py "checkpoint: half written" 2 evolve L0.2 --out runs/x

dies by SIGKILL in the middle of writing its second checkpoint: no handler runs, nothing is tidied up. What the program
calls to write files is wrapped here, in this process; the program knows nothing of it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_FILES = {
    ".ckpt.": "checkpoint",
    ".best_genome.npz.": "champion",
    ".config.json.": "config",
    ".manifest.json.": "manifest",
    ".generations.jsonl.": "rewound log",
}
_STEPS = {
    **dict.fromkeys(_FILES.values(), ("created", "half written", "written", "synced", "replaced", "settled")),
    "log": ("opened", "half written", "written", "synced"),
    "old checkpoint": ("to be deleted",),
}
MOMENTS = tuple(f"{file}: {step}" for file, steps in _STEPS.items() for step in steps)
"""All moments. ``log`` is the appending of lines to generations.jsonl, ``rewound log`` its replacement at a resume."""


class Mortal:
    """Follows the writing of one file after the other, and dies when its moment has come the nth time.

    A champion is written but once, at the end. There the nth chunk of generations is interrupted, so that the end comes
    early, and the first such moment is the last.
    """

    def __init__(self, moment: str, times: int):
        if moment not in MOMENTS:
            raise ValueError(f"no such moment: {moment!r}; there are {MOMENTS}")
        self.moment, self.left = moment, times
        self.interrupts = moment.startswith("champion")
        self.file, self.is_synced = "", False

    def begin(self, file: str, step: str) -> None:
        """A file is about to be written."""
        self.file, self.is_synced = file, False
        self.reached(step)

    def reached(self, step: str) -> None:
        """So far it has come; dies here if this is the moment."""
        now = f"{self.file}: {step}"
        if now == self.moment:
            self.left -= not self.interrupts
            if self.left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
        elif self.interrupts and now == "log: synced":
            self.left -= 1
            if self.left == 0:
                signal.raise_signal(signal.SIGINT)

    def watch(self) -> None:
        """Wraps what files are written with."""
        fsync, open_path, unlink = os.fsync, Path.open, Path.unlink

        def watched_fsync(descriptor: int) -> None:
            self.reached("replaced" if self.is_synced else "written")  # the second time it is the folder
            fsync(descriptor)
            self.reached("settled" if self.is_synced else "synced")
            self.is_synced = True

        def watched_open(path: Path, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
            file = open_path(path, mode, *arguments, **keywords)
            written = next((name for part, name in _FILES.items() if mode == "xb" and part in path.name), None)
            if written is not None:
                self.begin(written, "created")
            elif path.name == "generations.jsonl" and mode == "a":
                self.begin("log", "opened")
            else:
                return file
            return InHalves(file, self.reached)

        def watched_unlink(path: Path, *arguments: Any, **keywords: Any) -> None:
            if path.suffix == ".ckpt":
                self.begin("old checkpoint", "to be deleted")
            unlink(path, *arguments, **keywords)

        vars(os).update(fsync=watched_fsync)
        for name, function in (("open", watched_open), ("unlink", watched_unlink)):
            setattr(Path, name, function)


class InHalves:
    """A file that takes everything in two halves; the first does not end where a line does."""

    def __init__(self, file: Any, reached: Callable[[str], None]):
        self.file, self.reached = file, reached

    def __enter__(self) -> InHalves:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.__exit__(*error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, data: Any) -> None:
        """Writes one half, and then the other."""
        half = len(data) // 2
        half -= data[half - 1 : half] in ("\n", b"\n")  # as of two lines that are equally long
        self.file.write(data[:half])
        self.file.flush()
        self.reached("half written")
        self.file.write(data[half:])


if __name__ == "__main__":
    _, moment, times, *command = sys.argv
    Mortal(moment, int(times)).watch()
    sys.argv = ["koki2-train", *command]
    from koki2_train.cli import run

    run()
