"""JAX's modes: 64-bit numbers, strict promotion, NaN and leak checks change no life and break no world."""

from pathlib import Path

import golden_lives
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_envs import RUNGS, make, ramp, value_at
from koki2_envs.reference_policies import REFERENCE_POLICIES

MODES = {
    "JAX_ENABLE_X64": "1",
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    "JAX_DEBUG_NANS": "1",
    "JAX_CHECK_TRACER_LEAKS": "1",
}
FAMILIES = list({row.world: name for name, row in RUNGS.items()}.values())
"""The last rung of each family, which has the most features."""
LIVE = """
import os, sys
os.environ |= {modes}
sys.path.insert(0, {folder!r})
import jax, numpy as np
from golden_lives import golden_lives
jax.config.update("jax_compilation_cache_dir", {cache!r})
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
assert jax.numpy.arange(2).dtype == "int64"
np.savez({out!r}, **{{f"{{rung}}/{{name}}": x for rung in {rungs} for name, x in golden_lives(rung).items()}})
"""


@pytest.mark.slow
def test_lives_of_every_family_are_the_same_in_all_modes_at_once(python, tmp_path):
    out, folder = tmp_path / "lives.npz", str(Path(golden_lives.__file__).parent)
    cache = jax.config.jax_compilation_cache_dir
    code = LIVE.format(modes=MODES, folder=folder, cache=cache, out=str(out), rungs=FAMILIES)
    process = python("-c", code)
    assert process.wait(600) == 0, process.stderr.read()[-3000:]
    with np.load(out) as found:
        for rung in FAMILIES:
            for name, expected in golden_lives.golden_lives(rung).items():
                lived = found[f"{rung}/{name}"]
                assert lived.dtype == expected.dtype
                np.testing.assert_array_equal(lived, expected, err_msg=f"{rung} {name}")


def wide(jaxpr):
    """The 64-bit floats and random bits that a program computes with."""
    for equation in jaxpr.eqns:
        for result in equation.outvars:
            if str(result.aval.dtype) in ("float64", "uint64"):
                yield f"{equation.primitive} {result.aval}"
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple | list) else [value]:
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns"):
                    yield from wide(inner)


@pytest.mark.parametrize("policy", ["random", "greedy", "oracle"])
@pytest.mark.parametrize("rung", ["L1.2", "L3.2", "L4.2", "L5.1"])
def test_policies_and_swept_knobs_stay_in_32_bits_and_mix_nothing(rung, policy):
    env, params = make(rung)
    schedules = {"grad_gain": ramp(0.2, 1.0, 0.1, 0.6), "energy_gain": ramp(0.1, 0.2)}
    params = params.replace(**schedules)
    with _x64(), jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        key = jax.random.key(0)
        swept = jax.tree.map(jnp.asarray, params)
        assert {str(leaf.dtype) for leaf in jax.tree.leaves(swept)} >= {"float64", "int64"}

        def live(key, params):
            observation, state = env.reset_env(key, params)
            action = REFERENCE_POLICIES[policy](env, params, state, observation, key)
            return action, env.step_env(key, state, action, params)

        traced, shapes = jax.make_jaxpr(live, return_shape=True)(key, swept)
    assert sorted(set(wide(traced.jaxpr))) == []
    assert not {str(leaf.dtype) for leaf in jax.tree.leaves(shapes)} & {"float64", "int64", "uint64"}


def test_values_of_schedules_are_float32():
    with _x64():
        assert value_at(ramp(0.0, 1.0), 0.3).dtype == jnp.float32
        assert value_at(jax.tree.map(jnp.asarray, ramp(0.0, 1.0)), jnp.asarray(0.3)).dtype == jnp.float32


def test_knobs_come_in_as_32_bits():
    with _x64():
        _, params = make("L0.2")
        swept = params.replace(
            energy_gain=jnp.linspace(0.1, 0.2, 3), num_bad_sources=jnp.arange(3), grad_gain=np.ones(3)
        )
        assert swept.energy_gain.dtype == swept.grad_gain.dtype == jnp.float32
        assert swept.num_bad_sources.dtype == jnp.int32


def _x64():
    return jax.enable_x64(True) if hasattr(jax, "enable_x64") else jax.experimental.enable_x64()
