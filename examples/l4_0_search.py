"""L4.0, search and remember: what a patrol is worth, compared with standing still until something is smelled.

python examples/l4_0_search.py [lives]
"""

import sys

import jax
import jax.numpy as jnp

from koki2_envs import REFERENCE_POLICIES, make, returns
from koki2_envs.reference_policies import greedy

num_lives = int(sys.argv[1]) if len(sys.argv) > 1 else 512
env, params = make("L4.0")


def rounds(env, params, state, observation, key):
    """Climbs what it smells, else walks clockwise in a square; it could infer its position from its own steps."""
    inset = jnp.minimum(params.sense_radius, params.width // 4)
    (x, y), (right, bottom) = state.pos, env.size(params) - 1 - inset
    on_its_way = [(y <= inset) & (x < right), (x >= right) & (y < bottom), (y >= bottom) & (x > inset)]
    patrol = jnp.select(on_its_way, [4, 2, 3], 1)  # right along the top, down, left, and up
    smells = jnp.any(observation[:2] != 0)
    return jnp.where(smells, greedy(env, params, state, observation, key), patrol)


lives = jax.random.split(jax.random.key(0), num_lives)
for name, policy in {"rounds": rounds, **REFERENCE_POLICIES}.items():
    scores = {radius: returns(env, params.replace(sense_radius=radius), policy, lives) for radius in (3, 6, 12)}
    print(f"{name:8}", *(f"  sense_radius {radius:2}: {fitness.mean():5.1f}" for radius, fitness in scores.items()))
