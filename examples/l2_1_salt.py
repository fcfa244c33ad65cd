"""L2.1, what helps one need harms another: a smell that tells salt from water is worth a life.

python examples/l2_1_salt.py [lives]
"""

import sys

from koki2_train.runtime.jax_setup import set_up

set_up()

from koki2_train.evaluation import HeldOutLives
from koki2_train.experiment import Experiment

episodes = int(sys.argv[1]) if len(sys.argv) > 1 else 256

for smell in (0.0, 0.5, 1.0):
    lives = HeldOutLives(Experiment.build("L2.1", {"hazard_smell": smell}), episodes, seed=1)
    metrics = lives.evaluate_policy("greedy")
    salty, steps = (metrics[name]["mean"] for name in ("salty_arrivals", "steps_alive"))
    print(f"hazard_smell {smell}: greedy drinks salt {salty:.1f} times and lives {steps:.1f} steps")
