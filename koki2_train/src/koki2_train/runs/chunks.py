"""The host loop: chunks of generations in, files and progress out, interruptible at any time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class RunOptions:
    """How runs are carried out; nothing here changes their bits.

    Attributes:
        num_devices: over how many devices genomes are spread; all where None.
        log_every: most generations per chunk, the steps in which the host sees the run.
        chunk_seconds: a chunk holds fewer generations where it would take longer than this (but at least one), so that
            a run can be watched and stopped.
        checkpoint_seconds: time between checkpoints.
    """

    num_devices: int | None = None
    log_every: int = 10
    chunk_seconds: float = 1.0
    checkpoint_seconds: float = 30.0

    def pace(self, generations: int, seconds: float) -> int:
        """How many generations the next chunk takes, after one of ``generations`` took ``seconds``."""
        affordable = int(generations * self.chunk_seconds / max(seconds, 1e-9))
        return max(1, min(affordable, self.log_every))


class Session(Protocol):
    """What the host loop feeds: one run, or several in lockstep.

    Attributes:
        done: generations done.
        saved: generation of the newest checkpoint; None before there is one.
    """

    done: int
    saved: int | None

    def advance(self, last: int) -> None:
        """Computes generations up to ``last`` (none where that is 0, which only compiles), and logs them."""

    def save(self) -> None:
        """Writes a checkpoint."""


def run_chunks(session: Session, target: int, options: RunOptions, stop_asked: Callable[[], bool]) -> None:
    """Advances a session chunk by chunk until it is done or asked to stop, and leaves a checkpoint of where it is.

    Args:
        session: what is run.
        target: generations to do.
        options: how.
        stop_asked: whether to stop before the next chunk.
    """
    session.advance(0)
    pace, saved_at = 1, time.monotonic()
    while session.done < target and not stop_asked():
        began, before = time.monotonic(), session.done
        session.advance(min(before + pace, target))
        pace = options.pace(session.done - before, time.monotonic() - began)
        if time.monotonic() - saved_at >= options.checkpoint_seconds:
            session.save()
            saved_at = time.monotonic()
    if session.done != session.saved:
        session.save()
