"""Rounding that does not depend on how many threads a CPU has."""

import jax
import jax.numpy as jnp
import pytest

from koki2_train.runtime.devices import device_jit


def _parts(jit):
    """How often XLA divided a loop among threads in a large product and sum."""
    large = jnp.ones((4, 100_000), jnp.float32)
    compiled = jit(lambda x: jnp.sin(x) * jnp.cos(x) + 1.0).lower(large).compile()
    return compiled.as_text().count('"outer_dimension_partitions":["')


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="only XLA for CPUs divides loops among threads")
def test_no_loop_of_a_program_is_divided_among_threads():
    assert _parts(jax.jit) > 0, "XLA no longer divides this loop: the test shows nothing"
    assert _parts(device_jit) == 0
