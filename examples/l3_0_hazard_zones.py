"""L3.0, a place that hurts: what does healing change for a policy that walks through zones, and one that avoids them?

python examples/l3_0_hazard_zones.py [lives]
"""

import sys

import jax

from koki2_envs import make, rollout

num_lives = int(sys.argv[1]) if len(sys.argv) > 1 else 512
env, params = make("L3.0")
keys = jax.random.split(jax.random.key(0), num_lives)

for policy in ("greedy", "oracle"):
    for healing in (0.0, 0.005, 0.02):
        knobs = params.replace(integrity_healing=healing)
        lives = jax.vmap(lambda key, policy=policy, knobs=knobs: rollout(env, knobs, policy, key))(keys)
        lost = (lives.info["lost_in_zones"] * lives.alive).sum(axis=1)
        print(
            f"{policy:7} integrity_healing {healing:5}: lost in zones {lost.mean():.2f}, "
            f"steps alive {lives.num_lived.mean():5.1f}, fitness {lives.fitness.mean():5.1f}"
        )
