"""Single steps agree with those of the earlier code."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference_data import load_transitions, make_variant

from koki2_envs.environments import ForagingState

TRANSITIONS = load_transitions()
COIN = "L1.0_persistent_hazard"
TOLERANCE = 1e-6


def state_before(rows):
    state = {name.removeprefix("before_"): jnp.asarray(rows[name]) for name in rows if name.startswith("before_")}
    return ForagingState(time=state.pop("t"), succeeded=jnp.zeros(len(rows["action"]), bool), **state)


def step_all(variant, **knobs):
    """One step of every row: observation, state, whether the life is over, info; as NumPy arrays."""
    env, params = make_variant(variant)
    params = params.replace(**knobs)
    rows = TRANSITIONS[variant]

    @jax.jit
    @jax.vmap
    def step(key, state, action):
        observation, after, _, terminated, info = env.step_env(key, state, action, params)
        return observation, after, terminated | env.is_truncated(after, params), info

    keys = jax.random.split(jax.random.key(1), len(rows["action"]))
    return jax.tree.map(np.asarray, step(keys, state_before(rows), jnp.asarray(rows["action"])))


def came_back(rows):
    """Which sources respawned in the step; (rows, K). Where they are now is random."""
    return ~rows["before_source_active"] & rows["after_source_active"]


def assert_agrees(result, rows, depletion_known):
    """Compares everything in a step that is not random; ``depletion_known`` (rows, K) masks the coin's outcomes."""
    observation, after, done, info = result
    for name in ("pos", "source_is_bad", "energy", "integrity"):
        np.testing.assert_allclose(getattr(after, name), rows[f"after_{name}"], atol=TOLERANCE, rtol=0, err_msg=name)
    np.testing.assert_array_equal(after.time, rows["after_t"])
    np.testing.assert_array_equal(done, rows["done"])
    for name in ("reached_source", "energy_gained", "bad_arrivals", "integrity_lost"):
        np.testing.assert_allclose(info[name], rows[f"log_{name}"].astype(float), atol=TOLERANCE, rtol=0, err_msg=name)
    for name in ("source_active", "source_respawn_t"):
        got, wanted = getattr(after, name), rows[f"after_{name}"]
        np.testing.assert_array_equal(got[depletion_known], wanted[depletion_known], err_msg=name)
    placed = depletion_known & ~came_back(rows)
    np.testing.assert_array_equal(after.source_pos[placed], rows["after_source_pos"][placed])
    comparable = placed.all(axis=1)
    assert comparable.mean() > 0.8
    np.testing.assert_allclose(
        observation[comparable], rows["observation"][comparable], atol=TOLERANCE, rtol=0, err_msg="observation"
    )


@pytest.mark.parametrize("variant", [name for name in TRANSITIONS if name != COIN])
def test_steps_agree(variant):
    rows = TRANSITIONS[variant]
    result = step_all(variant)
    assert_agrees(result, rows, np.ones_like(rows["before_source_active"]))
    back = came_back(rows)
    _, params = make_variant(variant)
    respawned = result[1].source_pos[back]
    assert ((respawned >= 0) & (respawned < [params.width, params.height])).all()
    if params.deplete_sources:
        assert back.sum() > 5
        assert len(np.unique(respawned[:, 0])) > 3


def test_steps_agree_where_a_coin_decides_whether_a_bad_source_depletes():
    rows = TRANSITIONS[COIN]
    depleted = rows["before_source_active"] & ~rows["after_source_active"] & rows["before_source_is_bad"]
    stayed = _bad_arrivals(rows) & ~depleted
    assert depleted.sum() > 5
    assert stayed.sum() > 5
    assert_agrees(step_all(COIN, bad_source_deplete_p=1.0), rows, ~stayed)
    assert_agrees(step_all(COIN, bad_source_deplete_p=0.0), rows, ~depleted)


def test_the_coins_frequency_is_that_of_the_earlier_code():
    rows = TRANSITIONS[COIN]
    env, params = make_variant(COIN)
    p = params.bad_source_deplete_p
    arrivals = _bad_arrivals(rows)
    theirs = (arrivals & ~rows["after_source_active"]).sum() / arrivals.sum()
    assert abs(theirs - p) < 4 * np.sqrt(p * (1 - p) / arrivals.sum())

    row = int(np.flatnonzero(arrivals.any(axis=1))[0])
    state = jax.tree.map(lambda x: x[row], state_before(rows))
    lives = 1000
    keys = jax.random.split(jax.random.key(2), lives)
    after = jax.jit(jax.vmap(lambda key: env.step_env(key, state, int(rows["action"][row]), params)[1]))(keys)
    ours = 1 - np.asarray(after.source_active)[:, arrivals[row]].mean()
    assert abs(ours - p) < 4 * np.sqrt(p * (1 - p) / lives)


def _bad_arrivals(rows):
    here = (rows["before_source_pos"] == rows["after_pos"][:, None]).all(axis=2)
    before = (rows["before_source_pos"] == rows["before_pos"][:, None]).all(axis=2)
    return here & ~before & rows["before_source_active"] & rows["before_source_is_bad"]
