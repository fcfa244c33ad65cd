"""SIGINT and SIGTERM as a flag that runs check between chunks."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any


class StopRequest:
    """Turns the first SIGINT or SIGTERM into a flag, so that a run ends between chunks; a second ends it at once.

    A first signal never raises: an exception could be raised inside a callback that must not raise (the garbage
    collector's, for example), where Python prints a traceback and ignores it.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
