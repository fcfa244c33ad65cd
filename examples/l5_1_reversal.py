"""L5.1, unlearn within a life: how long does it take to recover from the reversal of all valences?

python examples/l5_1_reversal.py [lives]
"""

import sys

import jax

from koki2_envs import RUNGS, make, rollout

num_lives = int(sys.argv[1]) if len(sys.argv) > 1 else 512
env, trained_on = make("L5.1")
variants = {
    "reversal at 0.4 to 0.6": trained_on,
    "never trained on": trained_on.replace(**RUNGS["L5.1"].held_out),
    "reversal at 0.7 to 0.8": trained_on.replace(reversal_phi_low=0.7, reversal_phi_high=0.8),
}
lives = jax.random.split(jax.random.key(0), num_lives)

for title, params in variants.items():
    for policy in ("greedy", "win_stay", "memory", "oracle"):

        def live(key, params=params, policy=policy):
            life = rollout(env, params, policy, key)
            return life.fitness, (life.alive * life.info["recovery_steps"]).sum()

        fitness, steps = (float(x.mean()) for x in jax.vmap(live)(lives))
        print(f"{title:22}: {policy:8} fitness {fitness:6.2f}, {steps:5.1f} steps to recover")
