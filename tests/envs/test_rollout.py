"""Rollouts: the same lives as a plain loop over ``step_env``, alone and in batches, compiled once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import koki2_envs
from koki2_envs import REFERENCE_POLICIES, LifeRecord, make, returns, rollout

# Short and hungry, so that some lives end by themselves.
ENV, _ = make("L0.2")
PARAMS = make("L0.2")[1].replace(width=5, max_steps_in_episode=12, energy_decay=0.15, bad_source_integrity_loss=0.6)
KEYS = jax.random.split(jax.random.key(0), 8)


def by_hand(key):
    """A life of the random policy, as the docstring of ``rollout`` says that it is drawn; it ends where it ends."""
    observation, state = ENV.reset_env(jax.random.fold_in(key, 0), PARAMS)
    states, rows, terminated = [state], [], False
    while not terminated and state.time < PARAMS.max_steps_in_episode:
        now = jax.random.fold_in(jax.random.fold_in(key, 1), state.time)
        action = REFERENCE_POLICIES["random"](ENV, PARAMS, state, observation, jax.random.fold_in(now, 1))
        seen, state, reward, terminated, info = ENV.step_env(jax.random.fold_in(now, 0), state, action, PARAMS)
        rows.append((observation, action, reward, info))
        states.append(state)
        observation = seen
    return LifeRecord.stack(states, *zip(*rows, strict=True))


@pytest.mark.parametrize("index", [0, 1, 2])
def test_it_is_the_life_that_a_plain_loop_lives(index):
    expected, life = by_hand(KEYS[index]), rollout(ENV, PARAMS, "random", KEYS[index])
    lived = life.num_lived
    assert lived == expected.num_lived
    assert life.fitness == pytest.approx(expected.fitness, rel=1e-6)
    got = jax.tree.map(lambda leaf: leaf[:lived], (life.observations, life.actions, life.rewards, life.info))
    wanted = (expected.observations, expected.actions, expected.rewards, expected.info)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), got, wanted)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), life.lived_states, expected.lived_states)


def test_batches_are_the_lives_one_by_one_and_returns_are_their_fitness():
    batch = jax.vmap(lambda key: rollout(ENV, PARAMS, "random", key))(KEYS)
    alone = [rollout(ENV, PARAMS, "random", key) for key in KEYS]
    np.testing.assert_array_equal(batch.num_lived, [life.num_lived for life in alone])
    np.testing.assert_allclose(batch.fitness, [life.fitness for life in alone], rtol=1e-6)
    np.testing.assert_allclose(returns(ENV, PARAMS, "random", KEYS), batch.fitness, rtol=1e-6)
    assert 1 < batch.num_lived.min() < batch.num_lived.max()
    with pytest.raises(ValueError, match=r"lived_states needs one concrete life, got alive of shape \(8, 12\)"):
        _ = batch.lived_states


def test_knobs_can_be_swept_and_a_rollout_can_be_part_of_compiled_code():
    decays = jnp.asarray([0.05, 0.15, 0.5])

    def fitness(decay):
        return rollout(ENV, PARAMS.replace(energy_decay=decay), "stay", KEYS[0]).fitness

    expected = [fitness(float(decay)) for decay in decays]
    assert len(set(expected)) == 3
    np.testing.assert_allclose(jax.jit(jax.vmap(fitness))(decays), expected, rtol=1e-6)


def test_other_values_and_keys_compile_nothing_anew():
    traces = 0

    def counted(env, params, state, observation, key):
        nonlocal traces
        traces += 1
        return jnp.int32(4)

    rollout(ENV, PARAMS, counted, KEYS[0])
    once = traces
    rollout(ENV, PARAMS.replace(energy_gain=0.5), counted, KEYS[1])
    assert traces == once
    rollout(ENV, PARAMS, counted, KEYS[0], num_steps=3)
    assert traces > once


def test_a_record_ends_at_the_time_limit_and_fewer_steps_are_its_beginning():
    params = PARAMS.replace(energy_decay=0.0, num_bad_sources=0)
    long = rollout(ENV, params, "random", KEYS[3], num_steps=20)
    assert (long.num_steps, long.num_lived) == (20, 12)
    short = rollout(ENV, params, "random", KEYS[3], num_steps=7)
    assert short.num_lived == 7
    np.testing.assert_array_equal(short.actions, long.actions[:7])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"policy": "oracel"}, ValueError, "unknown policy 'oracel'; did you mean 'oracle'?; reference policies of L0"),
        ({"policy": 3}, TypeError, "policy must be the name of a reference policy, a function or"),
        ({"num_steps": 0}, ValueError, "num_steps must be a whole number of at least 1, got 0"),
        ({"params": make("L2.0")[1]}, TypeError, "L0.2 takes ForagingParams, got HomeostasisParams"),
        (
            {"params": jax.vmap(lambda n: PARAMS.replace(max_steps_in_episode=n))(jnp.arange(1, 3))},
            TypeError, "num_steps must be a number where max_steps_in_episode is batched or traced",
        ),
    ],
)  # fmt: skip
def test_errors_name_the_culprit(change, error, message):
    arguments = {"env": ENV, "params": PARAMS, "policy": "stay", "key": KEYS[0], **change}
    with pytest.raises(error) as caught:
        rollout(**arguments)
    assert message in str(caught.value)


class TestRecord:
    LIFE = rollout(ENV, PARAMS, "stay", KEYS[0])

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("alive", np.ones((2, 12), bool), r"alive must have shape \(T,\) with T at least 1, got \(2, 12\)"),
            ("alive", np.arange(12) > 3, "alive must not become True again after step 0"),
            ("rewards", np.zeros(11), r"rewards must have a leading axis of 12, got shape \(11,\)"),
            ("states", {"pos": np.zeros((12, 2))}, r"states\['pos'\] must have a leading axis of 13"),
        ],
    )
    def test_one_that_is_made_of_numbers_is_checked(self, field, value, message):
        with pytest.raises(ValueError, match=message):
            koki2_envs.LifeRecord(**{**vars(self.LIFE), field: value})

    def test_one_that_is_made_of_numbers_holds_numpy_arrays(self):
        copy = LifeRecord(**vars(self.LIFE))
        assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(copy))
        assert (copy.fitness, copy.num_lived) == (self.LIFE.fitness, self.LIFE.num_lived)
