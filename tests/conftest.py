"""Fixtures of all tests: compiled programs that they share, and Python processes."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import jax
import pytest


def pytest_configure(config):
    """Compiled programs are kept on disk while the tests run, for all their processes; afterwards nothing is left.

    Where KOKI2_TESTS_CACHE names a folder they are kept there and stay, for the next call. What counts how often
    something compiles counts traces, which are made anew in every process.
    """
    # A shell that starts the tests in the background has them ignore interrupts, nohup hangups; some tests send both.
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
    if not hasattr(config, "workerinput"):
        folder = os.environ.get("KOKI2_TESTS_CACHE")
        if not folder:
            passing = tempfile.TemporaryDirectory(prefix="koki2-tests-")
            config.add_cleanup(passing.cleanup)
            folder = passing.name
        os.environ["XDG_CACHE_HOME"] = folder  # Where the trainer keeps its own.
    jax.config.update("jax_compilation_cache_dir", str(Path(os.environ["XDG_CACHE_HOME"], "koki2")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


@pytest.fixture(scope="session")
def python():
    """Starts another Python on the CPU."""

    def start(*arguments, **keywords):
        environment = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONUNBUFFERED": "1"}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [sys.executable, *(str(argument) for argument in arguments)]
        return subprocess.Popen(command, env=environment, **{**streams, **keywords})

    return start
