"""L4.2, follow the body: what is it worth to know when it changes what counts?

python examples/l4_2_motivation.py [lives]
"""

import sys

import jax

from koki2_envs import REFERENCE_POLICIES, make

num_lives = int(sys.argv[1]) if len(sys.argv) > 1 else 512
env, params = make("L4.2")


def unaware(env, params, state, observation, key):
    """The oracle, but for that it takes both needs to count alike, all the time."""
    alike = dict.fromkeys(("energy_drive_weight_after", "hydration_drive_weight"), 1.0)
    return REFERENCE_POLICIES["oracle"](env, params.replace(**alike), state, observation, key)


def fitness(policy, key):
    def step(moment, key):
        observation, state, alive = moment
        action = policy(env, params, state, observation, key)
        observation, state, reward, terminated, info = env.step_env(key, state, action, params)
        return (observation, state, alive & ~terminated), (reward * alive, info["drive"] * alive)

    keys = jax.random.split(key, params.max_steps_in_episode)
    return [rows.sum() for rows in jax.lax.scan(step, (*env.reset_env(key, params), True), keys)[1]]


lives = jax.random.split(jax.random.key(0), num_lives)
for name, policy in {"unaware": unaware, **REFERENCE_POLICIES}.items():
    returns, drive = jax.jit(jax.vmap(lambda key, policy=policy: fitness(policy, key)))(lives)
    print(f"{name:8}: fitness {returns.mean():6.1f}, drive summed over life {drive.mean():5.1f}")
