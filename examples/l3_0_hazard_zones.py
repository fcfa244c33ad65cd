"""L3.0, a place that hurts: what does healing change for those who walk through zones, and for one who walks around?

python examples/l3_0_hazard_zones.py [lives]
"""

import sys
from functools import partial

import jax

from koki2_envs import make
from koki2_train.brains import ReferenceBrain
from koki2_train.rollout.lifetime import lifetime

num_lives = int(sys.argv[1]) if len(sys.argv) > 1 else 512
env, params = make("L3.0")
keys = jax.random.split(jax.random.key(0), num_lives)

for policy in ("greedy", "oracle"):
    live = partial(lifetime, env, brain=ReferenceBrain(policy), params=(), num_steps=params.max_steps_in_episode)
    lives = jax.jit(jax.vmap(lambda knobs, key, live=live: live(env_params=knobs, key=key), in_axes=(None, 0)))
    for healing in (0.0, 0.005, 0.02):
        summary = jax.tree.map(lambda x: float(x.mean()), lives(params.replace(integrity_healing=healing), keys))
        print(
            f"{policy:7} integrity_healing {healing:5}: lost in zones {summary.own['lost_in_zones']:.2f}, "
            f"steps alive {summary.steps_alive:5.1f}, fitness {summary.fitness:5.1f}"
        )
