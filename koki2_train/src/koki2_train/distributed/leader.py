"""Process 0: sends its commands to the other processes of a run."""

from __future__ import annotations

import enum
import io
import json
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from koki2_train.distributed import processes
from koki2_train.storage.checkpoint import pack_arrays

if TYPE_CHECKING:
    from koki2_train.experiment import Trial

_WORDS = "words"


class Order(enum.IntEnum):
    """A command, and what its argument means."""

    BEGIN = 0
    """A run begins; the number of bytes of the message that describes it."""
    ADVANCE = 1
    """The next chunk; the generation it ends before."""
    FINISH = 2
    """The final candidates compete for champion; nothing."""
    END = 3
    """All is done; the exit code."""


class DriftError(processes.LostError):
    """Processes that did the same work computed different bits; the message says which."""


class Leader:
    """Sends process 0's commands to the others. Only process 0 does I/O and makes decisions.

    Attributes:
        stop_asked: whether another process was asked to stop (a signal may reach any of them).
    """

    def __init__(self, has_followers: bool = False):
        self.has_followers = has_followers
        self.stop_asked = False

    def begin(self, trial: Trial, chunk: int, leaves: list[np.ndarray]) -> None:
        """A run begins, at a state with these leaves, in compiled chunks of this many generations."""
        if not self.has_followers:
            return
        message = pack({"trial": trial.to_dict(), "chunk": chunk}, leaves)
        self._say(Order.BEGIN, len(message))
        processes.broadcast(message, len(message))

    def advance(self, last: int, leaves: list[Any]) -> int:
        """The next chunk begins.

        Args:
            last: generation it should end before.
            leaves: of the state it begins with.

        Returns:
            Generation it ends before: ``last``, or 0 (it does nothing) where another process was asked to stop.

        Raises:
            DriftError: another process has another state.
        """
        if not self.has_followers:
            return last
        return last_of(self._say(Order.ADVANCE, last, fingerprint(leaves)))

    def finish(self) -> None:
        """The final candidates compete for champion."""
        if self.has_followers:
            self._say(Order.FINISH)

    def end(self, code: int) -> None:
        """All is done; the others leave with this exit code."""
        if self.has_followers:
            self._say(Order.END, code)

    def _say(self, order: Order, argument: int = 0, mark: int = 0) -> np.ndarray:
        heard = processes.exchange((order, argument, 0, mark))
        self.stop_asked |= bool(heard[:, 2].any())
        return heard


def last_of(heard: np.ndarray) -> int:
    """Generation before which an ordered chunk ends, from what all processes said: 0 where one was asked to stop.

    Raises:
        DriftError: they do not begin it with the same state.
    """
    for process, mark in enumerate(heard[:, 3]):
        if mark != heard[0, 3]:
            raise DriftError(
                f"process {process} computed other numbers than process 0: are their processors of the same kind?"
            )
    return 0 if heard[:, 2].any() else int(heard[0, 1])


def fingerprint(leaves: list[Any]) -> int:
    """31 bits that tell states apart."""
    mark = 0
    for leaf in leaves:
        mark = zlib.crc32(np.asarray(leaf).tobytes(), mark)
    return mark & 0x7FFFFFFF


def pack(words: dict[str, Any], leaves: list[np.ndarray]) -> bytes:
    """The message that goes with :attr:`Order.BEGIN`: JSON-able words, and the leaves of a state to the bit."""
    text = np.frombuffer(json.dumps(words).encode(), np.uint8)
    return pack_arrays({_WORDS: text, **{f"{i:06d}": np.asarray(leaf) for i, leaf in enumerate(leaves)}})


def unpack(message: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Words and leaves from :func:`pack`'s bytes."""
    with np.load(io.BytesIO(message), allow_pickle=False) as file:
        arrays = {name: file[name] for name in sorted(file.files)}
    return json.loads(arrays.pop(_WORDS).tobytes()), list(arrays.values())
