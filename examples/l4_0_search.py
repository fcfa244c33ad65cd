"""L4.0, search and remember: what walking rounds is worth, beside standing where nothing is smelled and knowing it all.

python examples/l4_0_search.py [lives]
"""

import sys

import jax
import jax.numpy as jnp

from koki2_envs import REFERENCE_POLICIES, make
from koki2_envs.reference_policies import greedy

num_lives = int(sys.argv[1]) if len(sys.argv) > 1 else 512
env, params = make("L4.0")


def rounds(env, params, state, observation, key):
    """Climbs what it smells, else walks clockwise in a square; where it is, it could tell from its own steps."""
    inset = jnp.minimum(params.sense_radius, params.width // 4)
    (x, y), (right, bottom) = state.pos, env.size(params) - 1 - inset
    on_its_way = [(y <= inset) & (x < right), (x >= right) & (y < bottom), (y >= bottom) & (x > inset)]
    patrol = jnp.select(on_its_way, [4, 2, 3], 1)  # right along the top, down, left, and up
    smells = jnp.any(observation[:2] != 0)
    return jnp.where(smells, greedy(env, params, state, observation, key), patrol)


def fitness(policy, radius, key):
    known = params.replace(sense_radius=radius)

    def step(moment, key):
        observation, state, alive = moment
        action = policy(env, known, state, observation, key)
        observation, state, reward, terminated, _ = env.step_env(key, state, action, known)
        return (observation, state, alive & ~terminated), reward * alive

    birth = (*env.reset_env(key, known), True)
    return jax.lax.scan(step, birth, jax.random.split(key, params.max_steps_in_episode))[1].sum()


lives = jax.random.split(jax.random.key(0), num_lives)
for name, policy in {"rounds": rounds, **REFERENCE_POLICIES}.items():
    run = jax.jit(jax.vmap(lambda radius, key, policy=policy: fitness(policy, radius, key), in_axes=(None, 0)))
    print(f"{name:8}", *(f"  sense_radius {radius:2}: {run(radius, lives).mean():5.1f}" for radius in (3, 6, 12)))
