"""L1.0, what you ate is gone: a sweep over a knob as one batched program. How does the world's richness matter?

python examples/l1_0_depletion.py
"""

import jax
import jax.numpy as jnp

from koki2_envs import make, returns

NUM_LIVES = 256

env, params = make("L1.0")
delays = jnp.asarray([0, 4, 16, 64])
keys = jax.random.split(jax.random.key(0), NUM_LIVES)

for policy in ("greedy", "oracle"):

    def mean_fitness(delay, policy=policy):
        return returns(env, params.replace(respawn_delay=delay), policy, keys).mean()

    for delay, fitness in zip(delays, jax.vmap(mean_fitness)(delays), strict=True):
        print(f"{policy:7} respawn_delay {int(delay):3}: fitness {float(fitness):6.1f}")
