"""One run on several processes: process 0 leads, and tells the others what to compute along."""

from __future__ import annotations

import enum
import io
import json
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from koki2_train import processes
from koki2_train.checkpoint import pack_arrays

if TYPE_CHECKING:
    from koki2_train.experiment import Experiment

_WORDS = "words"


class Order(enum.IntEnum):
    """What is to be done next, and what its argument means."""

    BEGIN = 0
    """A run begins; the number of bytes of the message that describes it."""
    ADVANCE = 1
    """The next chunk; the generation it ends before."""
    CROWN = 2
    """The final mean competes for champion; nothing."""
    END = 3
    """All is done; the exit code."""


class DriftError(processes.LostError):
    """Processes that did the same work came to different bits; the message says which."""


def work_together(meeting: processes.Meeting, num_devices: int | None, lead: Callable[[Leader], int]) -> int:
    """Joins the other processes, and leads them or follows.

    Args:
        meeting: where they meet.
        num_devices: how many devices of every process take part; all where None.
        lead: what process 0 does. Whether it returns or raises, the others are told to leave, with the exit code it
            returned or its exception has (1 where it has none).

    Returns:
        The exit code, on all of them.

    Raises:
        MeetingError: they could not join.
        LostError: one of them died, or came to different bits.
    """
    processes.join(meeting, num_devices)
    import jax

    from koki2_train.following import follow  # wakes JAX, which must have joined before

    try:
        code = follow(num_devices) if jax.process_index() else _lead(lead)
    except jax.errors.JaxRuntimeError as error:
        raise processes.LostError(f"another process has died, or a device: {str(error)[:200]}") from None
    processes.part()
    return code


def _lead(lead: Callable[[Leader], int]) -> int:
    import jax

    leader = Leader(has_followers=jax.process_count() > 1)
    try:
        code = lead(leader)
    except (jax.errors.JaxRuntimeError, processes.LostError):
        raise  # nobody listens
    except Exception as error:
        leader.end(getattr(error, "exit_code", 1))
        processes.part()
        raise
    leader.end(code)
    return code


class Leader:
    """Process 0's word to the others before each of its steps. It alone reads, writes, shows, and decides.

    Attributes:
        stop_asked: whether another process was asked to stop (a signal may reach any of them).
    """

    def __init__(self, has_followers: bool = False):
        self.has_followers = has_followers
        self.stop_asked = False

    def begin(self, experiment: Experiment, seed: int, chunk: int, leaves: list[np.ndarray]) -> None:
        """A run begins, at a state with these leaves, in compiled chunks of so many generations."""
        if not self.has_followers:
            return
        message = pack({"experiment": experiment.to_dict(), "seed": seed, "chunk": chunk}, leaves)
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

    def crown(self) -> None:
        """The final mean competes for champion."""
        if self.has_followers:
            self._say(Order.CROWN)

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
                f"process {process} came to other numbers than process 0: are their processors of one kind?"
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
