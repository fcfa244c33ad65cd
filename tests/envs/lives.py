"""How tests live the lives of reference policies."""

from functools import partial

import jax
import jax.numpy as jnp

from koki2_envs import REFERENCE_POLICIES


def live(env, params, policy, key, num_steps=None):
    """One life, step by step, on and on behind its end: what a ``LifeRecord`` takes, in its order. Vmaps over ``key``.

    Other params compile nothing anew while the same knobs are idle.

    Returns:
        States (num_steps + 1, …), and of each step observation, action, reward, whether it was lived, and info.
    """
    num_steps = params.max_steps_in_episode if num_steps is None else num_steps
    return _live(env, params, params.idle_knobs(), policy, key, num_steps)


@partial(jax.jit, static_argnames=("env", "idle", "policy", "num_steps"))
def _live(env, params, idle, policy, key, num_steps):
    params = params.with_constants(idle)

    def step(moment, t):
        observation, state, alive = moment
        now = jax.random.fold_in(key, t + 1)
        action = REFERENCE_POLICIES[policy](env, params, state, observation, jax.random.fold_in(now, 1))
        seen, after, reward, terminated, info = env.step_env(now, state, action, params)
        return (seen, after, alive & ~terminated), (state, observation, action, reward, alive, info)

    first, born = env.reset_env(key, params)
    (_, end, _), (states, *rest) = jax.lax.scan(step, (first, born, jnp.ones((), bool)), jnp.arange(num_steps))
    return jax.tree.map(lambda rows, last: jnp.concatenate([rows, last[None]]), states, end), *rest


def returns(env, params, policy, num_lives, seed=0):
    """The undiscounted returns of so many lives; (num_lives,) float32."""
    keys = jax.random.split(jax.random.key(seed), num_lives)
    return _returns(env, params, params.idle_knobs(), policy, keys, params.max_steps_in_episode)


@partial(jax.jit, static_argnames=("env", "idle", "policy", "num_steps"))
def _returns(env, params, idle, policy, keys, num_steps):
    _, _, _, rewards, alive, _ = jax.vmap(lambda key: _live(env, params, idle, policy, key, num_steps))(keys)
    return (rewards * alive).sum(axis=1)
