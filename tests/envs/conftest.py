import jax
import pytest


@pytest.fixture(scope="module")
def quick_compilation():
    """Compiles faster, to code that runs slower: for tests that step little."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
