"""L1.2, the straight way is blocked: how much do more walls cost a policy that knows them, and one that only smells?

python examples/l1_2_walls.py [most walls]
"""

import sys

from koki2_train.platform_setup import set_up

set_up()

import jax
import numpy as np

from koki2_envs import make
from koki2_train.assessment import HeldOut
from koki2_train.experiment import Experiment

most = int(sys.argv[1]) if len(sys.argv) > 1 else 7

env, params = make("L1.2")
width, height = params.width, params.height
_, state = env.reset(jax.random.key(2), params)
walls = np.full((height, width), "#")
for x0, y0, x1, y1 in np.asarray(state.rooms):
    walls[y0 : y1 + 1, x0 : x1 + 1] = "."
for x, y in np.asarray(state.source_pos):
    walls[y, x] = "o"
walls[tuple(state.pos[::-1])] = "@"
print("\n".join("".join(row) for row in walls))

for num_walls in range(1, most + 1, 2):
    lives = HeldOut(Experiment.build("L1.2", {"num_walls": num_walls}), episodes=128, seed=1)
    scores = {name: lives.policy(name)["fitness"]["mean"] for name in ("random", "greedy", "oracle")}
    print(f"{num_walls} walls: " + "  ".join(f"{name} {score:5.1f}" for name, score in scores.items()))
