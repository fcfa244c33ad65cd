"""L3.1, act on the warning: one life as a record, without the trainer, and its picture. Who sits out the storms?

python examples/l3_1_storms.py [folder]
"""

import sys
from pathlib import Path

import jax

from koki2_envs import make, rollout
from koki2_envs.mechanics.storms import STORM
from koki2_envs.rendering import draw_life, save_figure

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/example_l3_1")
folder.mkdir(parents=True, exist_ok=True)
env, params = make("L3.1")

for name in ("greedy", "oracle"):
    life = rollout(env, params, name, jax.random.key(1))
    stormy = life.lived_states.storm_phase[1:] == STORM
    outside = life.info["lost_in_storms"][: life.num_lived] > 0
    print(f"{name:6} lived {life.num_lived} steps, {stormy.sum()} of them in storms, {outside.sum()} of those outside")
    print(save_figure(draw_life(env, params, life), folder / f"{name}.png"))
