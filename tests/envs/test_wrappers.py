import copy

import gymnax
import jax
import numpy as np
import pytest

from koki2_envs import FiveValueStep, make


@pytest.fixture(scope="module")
def adapted():
    return FiveValueStep(make("L0.0")[0])


def test_step_returns_five_values_and_done_means_either_end(adapted):
    params = adapted.default_params.replace(max_steps_in_episode=2, energy_decay=0.0)
    _, state = adapted.reset(jax.random.key(0), params)
    seen = []
    for t in range(2):
        observation, state, reward, done, info = adapted.step(jax.random.key(t), state, 0, params)
        seen.append((bool(done), bool(info["terminated"]), bool(info["truncated"])))
        assert observation.shape == (4,)
        assert reward.shape == ()
    assert seen == [(False, False, False), (True, False, True)]
    _, _, _, done, info = adapted.step(jax.random.key(0), state, 0, params.replace(energy_decay=1.0))
    assert (bool(done), bool(info["terminated"]), bool(info["truncated"])) == (True, True, False)


def test_step_is_the_environments_own(adapted):
    key, params = jax.random.key(3), adapted.default_params
    _, state = adapted.reset(key)
    five, six = adapted.step(key, state, 4, params), adapted.env.step(key, state, 4, params)
    assert all(jax.tree.leaves(jax.tree.map(np.array_equal, five[:3], six[:3])))
    assert all(jax.tree.leaves(jax.tree.map(np.array_equal, five[4], six[5])))


def test_everything_else_is_delegated(adapted):
    assert adapted.num_actions == 5
    assert adapted.name == "L0.0-koki2"
    assert adapted.observation_names == ("grad_x", "grad_y", "energy", "integrity")
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = adapted.no_such_thing


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copies_are_equal_and_work(adapted, duplicate):
    twin = duplicate(adapted)
    assert twin == adapted
    assert hash(twin) == hash(adapted)
    np.testing.assert_array_equal(twin.reset(jax.random.key(1))[0], adapted.reset(jax.random.key(1))[0])


def test_other_environments_are_not_equal(adapted):
    assert adapted != FiveValueStep(make("L0.2")[0])
    assert adapted != adapted.env


def test_it_serves_environments_of_gymnax():
    env, params = gymnax.make("CartPole-v1")
    twin = copy.deepcopy(FiveValueStep(env))
    _, state = twin.reset(jax.random.key(0), params)
    assert len(twin.step(jax.random.key(0), state, 0, params)) == 5


def test_anything_but_an_environment_is_rejected(adapted):
    with pytest.raises(TypeError, match="must have step and reset, got 3"):
        FiveValueStep(3)
    with pytest.raises(TypeError, match="five values already"):
        FiveValueStep(adapted)
