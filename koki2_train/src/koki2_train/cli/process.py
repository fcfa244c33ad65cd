"""Process of the command line: its streams, its signals, its exit.

What a library could not do: standard streams are replaced, and a thread sees signals that Python cannot handle while
its main thread compiles.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from typing import Any, NoReturn

from koki2_train.cli import streams
from koki2_train.cli.main import EXIT_FAILED, EXIT_INTERRUPTED, main
from koki2_train.cli.output import tell
from koki2_train.runtime.signals import STOPPING, StopRequest

EXIT_BROKEN_PIPE = 128 + 13  # as if SIGPIPE had ended it
_SHOW_CURSOR = b"\x1b[?25h"
_GRACE = 0.5  # seconds in which the main thread may end the process by itself


def run_process() -> NoReturn:
    """Runs the command line in this process, and ends it."""
    os.environ["MPLBACKEND"] = "agg"  # pictures are files; what is set may need a window, or not exist
    os.environ["MATPLOTLIBRC"] = os.devnull  # the user's file, which pictures do not depend on, may be unreadable
    streams.make_lossy()
    sys.unraisablehook = _ignore_interrupts
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _watch_signals()
    code = _with_output_error(main())
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left that an interrupt could disturb
    if code in (EXIT_INTERRUPTED, EXIT_FAILED):
        # XLA may still be compiling in threads of its own, and an orderly exit would abort the process over them; or it
        # would wait for another process that has died. All that is to be kept is on disk by now.
        os._exit(code)
    sys.exit(code)


def _with_output_error(code: int) -> int:
    """The exit code, also saying whether what was printed has arrived."""
    sys.stderr.flush()
    lost = streams.lost_output()
    if lost is None or code == EXIT_INTERRUPTED:
        return code
    if isinstance(lost, BrokenPipeError):
        return EXIT_BROKEN_PIPE
    tell(f"koki2-train: standard output: {lost.strerror}")
    return code or EXIT_FAILED


def _watch_signals() -> None:
    """Starts a thread that sees SIGINT and what else is handled, even while the main thread is in compiled code."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reading,), daemon=True).start()


def _watch(reading: int) -> None:
    warned: StopRequest | None = None
    while True:
        (number,) = os.read(reading, 1)
        if number not in STOPPING:
            continue
        current = StopRequest.current
        if current is not None and current is not warned:
            warned = current
            tell("stopping after what is being compiled or computed; press Ctrl-C again to stop now")
            continue
        time.sleep(_GRACE)
        with contextlib.suppress(OSError):
            os.set_blocking(2, False)  # a reader that waits must not keep the process
            if os.isatty(2):
                os.write(2, _SHOW_CURSOR)  # which a bar hides
            os.write(2, b"koki2-train: interrupted\n")
        os._exit(EXIT_INTERRUPTED)


def _ignore_interrupts(unraisable: Any) -> None:
    """An interrupt inside a callback that cannot raise: the watching thread ends the process."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
