"""What all tests share: compiled programs, and a way to compile faster."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import jax
import pytest

HERE = Path(__file__).parent
NO_BITS = (HERE / "envs", HERE / "examples")
"""Folders of tests that compare no bits of searches."""
OLDER_FUSIONS = "--xla_cpu_use_fusion_emitters=false"


def pytest_configure(config):
    """Compiled programs are kept on disk while the tests run, for all their processes; afterwards nothing is left.

    Where KOKI2_TESTS_CACHE names a folder they are kept there and stay, for the next call.
    A program is kept under all that it was compiled from and with, so no test meets code that others compiled
    otherwise. What counts how often something compiles counts traces, which are made anew in every process.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Who starts the tests in the background has them ignore interrupts, and some of them are about interrupts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        if all(_is_in(NO_BITS, Path(argument).resolve()) for argument in config.args):
            compile_faster(os.environ)
        folder = os.environ.get("KOKI2_TESTS_CACHE")
        if not folder:
            passing = tempfile.TemporaryDirectory(prefix="koki2-tests-")
            config.add_cleanup(passing.cleanup)
            folder = passing.name
        os.environ["XDG_CACHE_HOME"] = folder  # Where the trainer keeps its own.
    jax.config.update("jax_compilation_cache_dir", str(Path(os.environ["XDG_CACHE_HOME"], "koki2")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def _is_in(folders, place):
    return any(folder in (place, *place.parents) for folder in folders)


def compile_faster(environment):
    """Lets JAX 0.10 compile with XLA's older fusions, in 0.7 of the time; later ones have them no more.

    Sets it in the ``environment`` of a process that has not begun to compile.

    Where no bits of searches are compared: with those fusions a search that is computed beside others rounds otherwise
    than alone.
    """
    if (0, 10) <= jax.__version_info__ < (0, 11):
        flags = environment.get("XLA_FLAGS", "")
        if OLDER_FUSIONS not in flags:
            environment["XLA_FLAGS"] = f"{flags} {OLDER_FUSIONS}".strip()


@pytest.fixture(scope="module")
def quick_compilation():
    """Compiles faster, to code that runs slower and rounds otherwise: for tests that compare with a tolerance."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="session")
def python():
    """Starts another Python on the CPU, which may compile to worse code, and faster."""

    def start(*arguments, quick=False, **keywords):
        environment = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONUNBUFFERED": "1"}
        environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = str(int(quick))
        if quick:
            compile_faster(environment)
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [sys.executable, *(str(argument) for argument in arguments)]
        return subprocess.Popen(command, env=environment, **{**streams, **keywords})

    return start
