"""SIGINT, SIGTERM and SIGHUP as a flag that runs check between chunks."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, ClassVar

STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""The signals that ask a run to stop; SIGHUP is that of a terminal that hangs up."""


class StopRequest:
    """Turns the first signal of :data:`STOPPING` into a flag, so that a run ends between chunks; a second ends it now.

    A first signal never raises: an exception could be raised inside a callback that must not raise (the garbage
    collector's, for example), where Python prints a traceback and ignores it.

    Signals belong to the main thread; in another one nothing asks a run to stop. SIGTERM and SIGHUP stay ignored where
    they are, as under nohup; SIGINT does not, since a shell ignores it for everything that it runs in the background.

    Attributes:
        asked: whether a signal came.
        current: the request that signals reach now; None outside of one.
    """

    current: ClassVar[StopRequest | None] = None

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}
        self._outer: StopRequest | None = None

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._outer, StopRequest.current = StopRequest.current, self
            for number in STOPPING:
                if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before:
            StopRequest.current = self._outer
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
