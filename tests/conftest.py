"""What all tests share: compiled programs, and a way to compile faster."""

import os
import signal
import tempfile
from pathlib import Path

import jax
import pytest

WORLDS = Path(__file__).parent / "envs"


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
        if all(WORLDS in (place := Path(argument).resolve(), *place.parents) for argument in config.args):
            compile_faster()
        folder = os.environ.get("KOKI2_TESTS_CACHE")
        if not folder:
            passing = tempfile.TemporaryDirectory(prefix="koki2-tests-")
            config.add_cleanup(passing.cleanup)
            folder = passing.name
        os.environ["XDG_CACHE_HOME"] = folder  # Where the trainer keeps its own.
    jax.config.update("jax_compilation_cache_dir", str(Path(os.environ["XDG_CACHE_HOME"], "koki2")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def compile_faster():
    """Lets JAX 0.10 compile with XLA's older fusions, in 0.7 of the time; later ones have them no more.

    Where only worlds are tested: with those fusions a search that is computed beside others rounds otherwise than
    alone.
    """
    if (0, 10) <= jax.__version_info__ < (0, 11):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_use_fusion_emitters=false".strip()


@pytest.fixture(scope="module")
def quick_compilation():
    """Compiles faster, to code that runs slower and rounds otherwise: for tests that compare with a tolerance."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
