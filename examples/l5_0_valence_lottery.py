"""L5.0, learn within a life: what is a memory worth, and how does it depend on how many smells feed?

python examples/l5_0_valence_lottery.py [lives]
"""

import sys

import jax

from koki2_envs import make, rollout

num_lives = int(sys.argv[1]) if len(sys.argv) > 1 else 512
env, params = make("L5.0")
lives = jax.random.split(jax.random.key(0), num_lives)

for num_feeding in (1, 2, 3):
    world = params.replace(num_feeding=num_feeding)
    for policy in ("greedy", "win_stay", "memory", "oracle"):

        def bites(key, world=world, policy=policy):
            life = rollout(env, world, policy, key)
            lived = {name: (life.alive * life.info[name]).sum() for name in ("good_arrivals", "bad_arrivals")}
            return life.fitness, lived["good_arrivals"], lived["bad_arrivals"]

        fitness, good, bad = (float(x.mean()) for x in jax.vmap(bites)(lives))
        title = f"{num_feeding} of 4 smells feed: {policy:8}"
        print(f"{title} fitness {fitness:6.2f}, {good:5.1f} good and {bad:5.1f} bad bites")
