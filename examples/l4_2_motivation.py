"""L4.2, follow the body: what is it worth to know which need matters now?

python examples/l4_2_motivation.py [lives]
"""

import sys

import jax

from koki2_envs import REFERENCE_POLICIES, make, rollout

num_lives = int(sys.argv[1]) if len(sys.argv) > 1 else 512
env, params = make("L4.2")


def unaware(env, params, state, observation, key):
    """The oracle, except that it treats both needs as equally important, all the time."""
    alike = dict.fromkeys(("energy_drive_weight_after", "hydration_drive_weight"), 1.0)
    return REFERENCE_POLICIES["oracle"](env, params.replace(**alike), state, observation, key)


keys = jax.random.split(jax.random.key(0), num_lives)
for name, policy in {"unaware": unaware, **REFERENCE_POLICIES}.items():
    lives = jax.vmap(lambda key, policy=policy: rollout(env, params, policy, key))(keys)
    drive = (lives.info["drive"] * lives.alive).sum(axis=1)
    print(f"{name:8}: fitness {lives.fitness.mean():6.1f}, drive summed over life {drive.mean():5.1f}")
