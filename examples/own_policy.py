"""A custom reference policy: greedy, but absent-minded, which gets it further than greedy alone.

python examples/own_policy.py [lives]
"""

import sys

import jax
import jax.numpy as jnp

import koki2_envs
from koki2_envs.reference_policies import greedy, random


def absent_minded(env, params, state, observation, key):
    """Now and then forgets what it is doing; a policy is a pure function that returns a () int32."""
    forget_key, random_key = jax.random.split(key)
    forgets = jax.random.bernoulli(forget_key, 0.3)
    wanders = random(env, params, state, observation, random_key)
    return jnp.where(forgets, wanders, greedy(env, params, state, observation, key))


if __name__ == "__main__":
    lives = int(sys.argv[1]) if len(sys.argv) > 1 else 256
    env, params = koki2_envs.make("L0.1")
    keys = jax.random.split(jax.random.key(0), lives)
    for policy in ("random", "greedy", absent_minded, "oracle"):
        name = policy if isinstance(policy, str) else policy.__name__
        print(f"{name:13} {koki2_envs.returns(env, params, policy, keys).mean():.1f}")
    record = koki2_envs.rollout(env, params, absent_minded, keys[0])
    print("one life:", int(record.alive.sum()), "steps, actions", record.actions[:10])
