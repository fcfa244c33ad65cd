"""JAX's modes: a run has the same bits in all of them, and a life its key."""

import jax
import numpy as np
import pytest

from koki2_train.random_streams import life_key, life_keys, root_key

MODES = {
    "JAX_ENABLE_X64": "1",
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    "JAX_DEBUG_NANS": "1",
    "JAX_DEBUG_INFS": "1",
    "JAX_CHECK_TRACER_LEAKS": "1",
    "JAX_DEFAULT_PRNG_IMPL": "rbg",
    "JAX_THREEFRY_PARTITIONABLE": "0",
    "JAX_RANDOM_SEED_OFFSET": "7",
    "JAX_DEFAULT_MATMUL_PRECISION": "bfloat16",
    "JAX_DISABLE_JIT": "1",
}
RUN = """
import os, pathlib, warnings
os.environ |= {modes}
import jax
jax.config.update("jax_compilation_cache_dir", {cache!r})
assert jax.numpy.arange(2).dtype == "int64"
from koki2_train.experiment import Experiment, Trial
from koki2_train.runs.chunks import RunOptions
from koki2_train.runs.directory import RunDirectory
from koki2_train.runs.runner import run_trial
warnings.simplefilter("error")
options = RunOptions(1, log_every=2, chunk_seconds=1e9, checkpoint_seconds=0.0)
trial = Trial(Experiment.build("L1.0", {settings}), 0)
run_trial(RunDirectory(pathlib.Path({out!r})), trial, options, command=["test"])
"""


@pytest.mark.slow
def test_a_run_is_the_same_in_all_modes_at_once(python, tmp_path, tiny_settings, finished, outcome):
    cache, out = jax.config.jax_compilation_cache_dir, tmp_path / "run"
    process = python("-c", RUN.format(modes=MODES, cache=cache, out=str(out), settings=tiny_settings))
    assert process.wait(600) == 0, process.stderr.read()[-3000:]
    assert outcome(type(finished)(out)) == outcome(finished)


@pytest.mark.parametrize("seed", [0, 7, 2**31, 2**32 - 1])
def test_a_root_key_is_that_of_the_seed_whatever_the_default_generator(seed):
    with jax.default_prng_impl("threefry2x32"):
        expected = jax.random.key_data(jax.random.key(seed))
    with jax.default_prng_impl("rbg"):
        found = root_key(seed)
    assert str(jax.random.key_impl(found)) in ("threefry2x32", "fry")
    np.testing.assert_array_equal(jax.random.key_data(found), expected)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_beyond_32_bits_is_rejected(seed):
    with pytest.raises(ValueError, match=f"seed must be 0 to 4294967295, got {seed}"):
        root_key(seed)


def test_one_life_s_key_needs_no_other():
    keys = life_keys(root_key(3), 5)
    np.testing.assert_array_equal(jax.random.key_data(life_key(root_key(3), 4)), jax.random.key_data(keys[4]))
    life_key(root_key(3), 2**31 - 2)
