"""Standard streams that never end the work: what cannot be written is dropped, what cannot be encoded is replaced."""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
from typing import Any, TextIO

_SUBSTITUTES = {"±": "+-", "–": "-", "…": "...", "×": "x", "→": "->", "≤": "<=", "≥": ">=", "θ": "theta", "τ": "tau"}
_ERRORS = "koki2_substitute"


class LossyFile(io.FileIO):
    """A file descriptor to which writing never fails.

    Attributes:
        error: the first error of writing; None while everything was written.
    """

    error: OSError | None = None

    def write(self, data: Any) -> int:
        """Writes as much as can be written, and takes the rest as written."""
        rest = memoryview(data).cast("B")
        whole = len(rest)
        try:
            while rest:
                done = super().write(rest)
                if done is None:  # it does not block, and its reader is slow
                    select.select([], [self], [])
                rest = rest[done or 0 :]
        except OSError as error:
            self.error = self.error or error
        return whole


def make_lossy() -> None:
    """Makes the standard streams of this process lossy; closed ones are opened onto nothing.

    A closed descriptor would be given to the next file that is opened. What native code prints on stdout goes to
    stderr, so that stdout has nothing but results.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free
    sys.stdout, sys.stderr = _lossy(sys.stdout, os.dup(1)), _lossy(sys.stderr, 2)
    os.dup2(2, 1)


def lost_output() -> OSError | None:
    """Why something of stdout was lost; None where nothing was."""
    sys.stdout.flush()
    raw = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
    return getattr(raw, "error", None)


def substitute_unencodable() -> None:
    """Lets the standard streams write what their encoding lacks as something like it."""
    codecs.register_error(_ERRORS, _substitute)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)


def _lossy(stream: TextIO | None, descriptor: int) -> TextIO:
    encoding = stream.encoding if stream is not None else "utf-8"
    raw = LossyFile(descriptor, "w", closefd=False)
    at_once = descriptor == 2 or raw.isatty()
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding, errors="backslashreplace", line_buffering=at_once, newline=None
    )


def _substitute(error: UnicodeError) -> tuple[str, int]:
    """A handler of :func:`codecs.register_error`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_SUBSTITUTES.get(c) or c.encode("ascii", "backslashreplace").decode() for c in text), error.end
