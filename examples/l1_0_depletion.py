"""L1.0, what you ate is gone: a sweep over a knob as one batched program. How does the world's richness matter?

python examples/l1_0_depletion.py
"""

from functools import partial

import jax
import jax.numpy as jnp

from koki2_envs import make
from koki2_train.brains import ReferenceBrain
from koki2_train.rollout.lifetime import lifetime

NUM_LIVES = 256

env, params = make("L1.0")
delays = jnp.asarray([0, 4, 16, 64])
sweep = jax.vmap(lambda delay: params.replace(respawn_delay=delay))(delays)
axes = jax.tree.map(lambda x: 0 if jnp.ndim(x) else None, sweep)
keys = jax.random.split(jax.random.key(0), NUM_LIVES)

for policy in ("greedy", "oracle"):
    live = partial(lifetime, env, num_steps=params.max_steps_in_episode)
    one_life = lambda knobs, key, policy=policy, live=live: live(  # noqa: E731
        env_params=knobs, brain=ReferenceBrain(policy), params=(), key=key
    )
    lives = jax.jit(jax.vmap(jax.vmap(one_life, in_axes=(None, 0)), in_axes=(axes, None)))(sweep, keys)
    for delay, summary in zip(delays, lives.fitness.mean(axis=1), strict=True):
        print(f"{policy:7} respawn_delay {int(delay):3}: fitness {float(summary):6.1f}")
