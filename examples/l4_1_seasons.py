"""L4.1, notice and switch: what does it cost to learn of the season's turn from the body alone?

python examples/l4_1_seasons.py [lives]
"""

import sys

import jax
import jax.numpy as jnp

from koki2_envs import REFERENCE_POLICIES, RUNGS, make

num_lives = int(sys.argv[1]) if len(sys.argv) > 1 else 512
env, trained_on = make("L4.1")
never_seen = trained_on.replace(**RUNGS["L4.1"].held_out)


def notices(env, params, state, observation, key):
    """Follows the first food until its integrity says that something is wrong, then the second for good."""
    grad_x, grad_y, _, integrity, second_x, second_y = observation
    first = integrity > 0.55  # now and then it steps on what is out of season; so often only when the season turned
    x, y = jnp.where(first, grad_x, second_x), jnp.where(first, grad_y, second_y)
    along_x, along_y = jnp.where(x > 0, 4, 3), jnp.where(y > 0, 2, 1)
    return jnp.where(jnp.abs(x) >= jnp.abs(y), along_x, along_y)


def steps_alive(params, policy, key):
    def step(moment, t):
        observation, state, alive = moment
        now = jax.random.fold_in(key, t)
        action = policy(env, params, state, observation, now)
        observation, state, _, terminated, _ = env.step_env(now, state, action, params)
        return (observation, state, alive & ~terminated), alive

    return jax.lax.scan(step, (*env.reset_env(key, params), True), jnp.arange(params.max_steps_in_episode))[1].sum()


lives = jax.random.split(jax.random.key(0), num_lives)
for name, policy in {"notices": notices, **REFERENCE_POLICIES}.items():
    sides = [jax.jit(jax.vmap(lambda k, p=p, f=policy: steps_alive(p, f, k)))(lives) for p in (trained_on, never_seen)]
    print(f"{name:8}: steps alive {sides[0].mean():6.1f}, where the season turns early {sides[1].mean():6.1f}")
