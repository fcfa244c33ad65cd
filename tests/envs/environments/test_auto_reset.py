import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_envs.environments.auto_reset import on_demand


def birth(key, scale):
    return {"draws": scale * jax.random.uniform(key, (3,)), "key": jax.random.bits(key)}


def wanted(needed, keys, scale):
    made = jax.vmap(birth, (0, None))(keys, scale)
    return jax.tree.map(lambda x: jnp.where(needed.reshape(-1, *[1] * (x.ndim - 1)), x, 0), made)


def assert_trees_equal(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("batch", [1, 7, 16, 100, 1500])
def test_those_in_need_get_what_they_would_get_alone(batch, share):
    keys = jax.random.split(jax.random.key(batch), batch)
    needed = jax.random.uniform(jax.random.key(1), (batch,)) < share
    served = jax.jit(jax.vmap(lambda n, k: on_demand(n, birth, k, 2.0)))(needed, keys)
    assert_trees_equal(served, wanted(needed, keys, 2.0))


@pytest.mark.parametrize("needed", [True, False])
def test_one_alone(needed):
    served = on_demand(jnp.asarray(needed), birth, jax.random.key(0), jnp.float32(2.0))
    assert_trees_equal(
        served, jax.tree.map(lambda x: x[0], wanted(jnp.asarray([needed]), jax.random.key(0)[None], 2.0))
    )


def test_batches_of_batches_and_arguments_that_are_shared():
    keys = jax.random.split(jax.random.key(0), (5, 40))
    needed = jax.random.uniform(jax.random.key(1), (5, 40)) < 0.2
    scales = jnp.arange(5.0)
    inner = jax.vmap(lambda n, k, s: on_demand(n, birth, k, s), (0, 0, None))
    served = jax.jit(jax.vmap(inner))(needed, keys, scales)
    for i in range(5):
        assert_trees_equal(jax.tree.map(lambda x, i=i: x[i], served), wanted(needed[i], keys[i], scales[i]))


def test_a_need_that_all_share():
    keys = jax.random.split(jax.random.key(0), 20)
    for needed in (jnp.asarray(True), jnp.asarray(False)):
        served = jax.vmap(lambda n, k: on_demand(n, birth, k, 1.0), (None, 0))(needed, keys)
        assert_trees_equal(served, wanted(jnp.broadcast_to(needed, (20,)), keys, 1.0))


@pytest.mark.parametrize(("in_need", "rounds"), [(0, 0), (1, 1), (16, 1), (17, 2), (320, 20)])
def test_nobody_else_is_served(in_need, rounds):
    """On a CPU; 320 members are served 16 at a time."""
    served = []

    def counted(x):
        jax.debug.callback(lambda _: served.append(1), x)
        return x + 1.0

    needed = np.random.default_rng(0).permutation(np.arange(320) < in_need)
    result = jax.jit(jax.vmap(lambda n, x: on_demand(n, counted, x)))(jnp.asarray(needed), jnp.ones(320))
    jax.effects_barrier()
    assert len(served) == 16 * rounds
    np.testing.assert_array_equal(result, np.where(needed, 2.0, 0.0))


def test_gradients_pass_by():
    def loss(x, state):
        served = jax.vmap(lambda n, s: on_demand(n, jnp.sin, s * x))(jnp.asarray([True, False]), state)
        return jnp.sum(x * state + served)

    state = jnp.asarray([1.0, 2.0])
    assert float(jax.grad(loss)(3.0, state)) == pytest.approx(3.0)
