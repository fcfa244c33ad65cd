"""Other people's code runs on the worlds of every family, as it is."""

import gymnax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rejax
from evosax.problems import GymnaxProblem
from flax import linen as nn
from gymnax.experimental.rollout import RolloutWrapper
from gymnax.wrappers import GymnaxToGymWrapper, GymnaxToVectorGymWrapper

from koki2_envs import RUNGS, FiveValueStep, make

FAMILIES = list({row.world: name for name, row in RUNGS.items()}.values())
"""The last rung of each family: what other people's code sees of a world does not depend on its knobs."""

every_family = pytest.mark.parametrize("rung", FAMILIES)
# These compile for long; the first and the last family stand for all.
two_families = pytest.mark.parametrize("rung", [FAMILIES[0], pytest.param(FAMILIES[-1], marks=pytest.mark.slow)])
# Short lives, of which every step is worth 1 and nothing is worth less.
SHORT = {"max_steps_in_episode": 8, "survival_reward": 1.0, "drive_reward": 0.0, "harm_cost": 0.0}


class Policy(nn.Module):
    """A linear policy, as evosax wants it: from an observation and a key to an action."""

    @nn.compact
    def __call__(self, observation, key):
        return jax.random.categorical(key, nn.Dense(5)(observation))


@two_families
def test_evosax_problem(rung):
    problem = GymnaxProblem(f"{rung}-koki2", Policy(), num_rollouts=2, env_params=SHORT)
    assert problem.num_actions == 5
    state = problem.init(jax.random.key(0))
    solutions = jax.vmap(problem.sample)(jax.random.split(jax.random.key(1), 3))
    fitness, state, _ = problem.eval(jax.random.key(2), solutions, state)
    assert fitness.shape == (3,)
    # No agent dies in eight steps, and each is worth 1, or a little less where the body costs.
    assert (np.asarray(fitness) > 7.5).all()
    assert int(state.counter) == 1


@two_families
def test_gymnax_rollout(rung):
    rollout = RolloutWrapper(env_name=f"{rung}-koki2", env_params=SHORT)
    *_, done, total = rollout.batch_rollout(jax.random.split(jax.random.key(0), 2), None)
    assert done.shape == (2, 8)
    assert (np.asarray(done) == (np.arange(8) == 7)).all()
    assert (np.asarray(total) > 7.5).all()


@every_family
def test_gymnasium(rung):
    env, params = gymnax.make(f"{rung}-koki2")
    gym = GymnaxToGymWrapper(env, params.replace(**{**SHORT, "max_steps_in_episode": 3}), seed=0)
    observation, _ = gym.reset(seed=1)
    assert gym.observation_space.contains(np.asarray(observation))
    ends = []
    for _ in range(3):
        observation, reward, terminated, truncated, info = gym.step(gym.action_space.sample())
        assert gym.observation_space.contains(np.asarray(observation))
        assert float(reward) > 0.9
        ends.append((bool(terminated), bool(truncated)))
    assert ends == [(False, False), (False, False), (False, True)]
    assert gym.observation_space.contains(np.asarray(info["final_observation"]))


@two_families
def test_gymnasium_vectors(rung):
    env, params = gymnax.make(f"{rung}-koki2")
    gym = GymnaxToVectorGymWrapper(env, 2, params.replace(**{**SHORT, "max_steps_in_episode": 3}), seed=0)
    observation, _ = gym.reset(seed=1)
    shape = env.observation_space(params).shape
    assert observation.shape == (2, *shape)
    for t in range(3):
        observation, reward, terminated, truncated, _ = gym.step(jnp.asarray([0, 4]))
        assert observation.shape == (2, *shape)
        assert reward.shape == (2,)
        assert not np.asarray(terminated).any()
        assert np.asarray(truncated).tolist() == [t == 2] * 2
    # The adapter replaces methods of its own copy only.
    assert env.reset(jax.random.key(0), params)[0].shape == shape


@two_families
def test_rejax_ppo(rung):
    env, params = make(rung)
    ppo = rejax.PPO.create(
        env=FiveValueStep(env), env_params=params.replace(**SHORT), total_timesteps=32, eval_freq=32,
        num_envs=4, num_steps=8, num_minibatches=2, num_epochs=1, skip_initial_evaluation=True,
        agent_kwargs={"hidden_layer_sizes": (4,)},
    )  # fmt: skip
    trained, (lengths, returns) = jax.jit(ppo.train)(jax.random.key(0))
    assert int(trained.global_step) == 32
    assert (np.asarray(lengths) == 8).all()
    assert (np.asarray(returns) > 7.5).all()
    moved = jax.tree.map(lambda a, b: bool((a != b).any()), trained.actor_ts.params, _untrained(ppo))
    assert any(jax.tree.leaves(moved))


def _untrained(ppo):
    return ppo.init_state(jax.random.key(0)).actor_ts.params
