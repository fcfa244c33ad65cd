"""L4.1, notice and switch: what does it cost to notice the season's turn through the body alone?

python examples/l4_1_seasons.py [lives]
"""

import sys

import jax
import jax.numpy as jnp

from koki2_envs import REFERENCE_POLICIES, RUNGS, make, rollout

num_lives = int(sys.argv[1]) if len(sys.argv) > 1 else 512
env, trained_on = make("L4.1")
never_seen = trained_on.replace(**RUNGS["L4.1"].held_out)


def notices(env, params, state, observation, key):
    """Follows the first food until its integrity says that something is wrong, then the second for good."""
    grad_x, grad_y, _, integrity, second_x, second_y = observation
    first = integrity > 0.55  # now and then it steps on what is out of season; that often only after the turn
    x, y = jnp.where(first, grad_x, second_x), jnp.where(first, grad_y, second_y)
    along_x, along_y = jnp.where(x > 0, 4, 3), jnp.where(y > 0, 2, 1)
    return jnp.where(jnp.abs(x) >= jnp.abs(y), along_x, along_y)


lives = jax.random.split(jax.random.key(0), num_lives)
for name, policy in {"notices": notices, **REFERENCE_POLICIES}.items():
    steps = [
        jax.vmap(lambda key, policy=policy, params=params: rollout(env, params, policy, key).num_lived)(lives).mean()
        for params in (trained_on, never_seen)
    ]
    print(f"{name:8}: steps alive {steps[0]:6.1f}, where the season turns early {steps[1]:6.1f}")
