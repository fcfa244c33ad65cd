"""The ``koki2-train`` command. Thin: it reads flags, calls the packages, prints."""

from __future__ import annotations

import signal
from typing import NoReturn


def run() -> NoReturn:
    """The installed command."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C during imports just ends the process
    from koki2_train.cli.process import run_process

    run_process()


__all__ = ["run"]
