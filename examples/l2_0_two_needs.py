"""L2.0, two needs, two places: what keeps a life from following its nose, and how much a reserve of water is worth.

python examples/l2_0_two_needs.py [lives]
"""

import sys

from koki2_train.runtime.jax_setup import set_up

set_up()

from koki2_train.evaluation import HeldOutLives
from koki2_train.experiment import Experiment

episodes = int(sys.argv[1]) if len(sys.argv) > 1 else 256

for reserve in (1.0, 0.5, 0.25):
    lives = HeldOutLives(Experiment.build("L2.0", {"hydration_init": reserve}), episodes, seed=1)
    for name in ("greedy", "oracle"):
        metrics = lives.evaluate_policy(name)
        means = {key: round(metrics[key]["mean"], 1) for key in ("steps_alive", "energy_gained", "water_gained")}
        print(f"born with hydration {reserve:4}: {name} {means}")
