"""Whole lives of the reference policies agree with those of the earlier code."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference_data import BASELINES, make_variant

from koki2_envs import REFERENCE_POLICIES, Schedule

LIVES = 512
POLICIES = ("greedy", "random", "stay")
# Sums over a life of float32 numbers.
ROUNDING = 1e-3


@functools.partial(jax.jit, static_argnames=("env", "num_steps"))
def live(env, params, policy, keys, num_steps):
    """Metrics of one life for each key; ``policy`` is an index into POLICIES, so that all share compiled code."""
    branches = [functools.partial(REFERENCE_POLICIES[name], env, params) for name in POLICIES]

    def one(key):
        def step(carry, t):
            observation, state, alive, lowest = carry
            act_key, world_key = jax.random.split(jax.random.fold_in(key, t + 1))
            action = jax.lax.switch(policy, branches, state, observation, act_key)
            observation, state, reward, terminated, info = env.step_env(world_key, state, action, params)
            lowest = jnp.where(alive, jnp.minimum(lowest, state.integrity), lowest)
            row = {
                "fitness": reward,
                "success": info["reached_source"],
                "steps_alive": 1.0,
                "energy_gained": info["energy_gained"],
                "bad_arrivals": info["bad_arrivals"],
                "integrity_lost": info["integrity_lost"],
                "actions": action == jnp.arange(env.num_actions),
            }
            row = jax.tree.map(lambda x: jnp.where(alive, x, 0).astype(jnp.float32), row)
            return (observation, state, alive & ~terminated, lowest), row

        observation, state = env.reset_env(jax.random.fold_in(key, 0), params)
        start = (observation, state, jnp.ones((), bool), jnp.ones(()))
        (_, _, _, lowest), rows = jax.lax.scan(step, start, jnp.arange(num_steps))
        metrics = {name: row.sum(axis=0) for name, row in rows.items()}
        share = metrics.pop("actions") / metrics["steps_alive"]
        entropy = -jax.scipy.special.xlogy(share, share).sum()
        success = jnp.minimum(metrics.pop("success"), 1.0)
        return metrics | {"success": success, "integrity_min": lowest, "action_entropy": entropy}

    return jax.vmap(one)(keys)


def alike(params):
    """The same knobs, those that some variant schedules as schedules, so that all variants share compiled code."""
    knobs = {name: getattr(params, name) for name in ("grad_gain", "grad_bins")}
    return params.replace(**{n: v if isinstance(v, Schedule) else Schedule(v, v) for n, v in knobs.items()})


@pytest.mark.parametrize("variant", BASELINES)
def test_lives_agree(variant):
    env, params = make_variant(variant)
    # Reference means carry 8,192 lives' error; ours is as much larger as the lives are fewer.
    error_ratio = np.sqrt(1 + BASELINES[variant]["lives"] / LIVES)
    keys = jax.random.split(jax.random.key(5), LIVES)
    for index, policy in enumerate(POLICIES):
        metrics = live(env, alike(params), index, keys, num_steps=params.max_steps_in_episode)
        for name, expected in BASELINES[variant]["baselines"][policy].items():
            got = float(np.asarray(metrics[name]).mean())
            margin = 4 * error_ratio * expected["se"] + ROUNDING * max(1.0, abs(expected["mean"]))
            assert abs(got - expected["mean"]) <= margin, f"{policy} {name}: {got}, reference {expected}"
