"""L2.2, do not memorise the map: a champion on the layouts that it was trained on, and on one that it never saw.

python examples/l2_2_shifting_layouts.py [generations]
"""

import sys

from koki2_train.runtime.jax_setup import set_up

set_up()

from koki2_envs import RUNGS
from koki2_train.evaluation import HeldOutLives
from koki2_train.evolution import evolve
from koki2_train.experiment import Experiment, Trial

generations = int(sys.argv[1]) if len(sys.argv) > 1 else 200
experiment = Experiment.build("L2.2", {"generations": generations})
state, _ = evolve(Trial(experiment, seed=0))

for layouts, knobs in (("seen", {}), ("never seen", RUNGS["L2.2"].held_out)):
    lives = HeldOutLives(experiment.with_settings(knobs), episodes=128, seed=1)
    [metrics] = lives.evaluate_genomes(state.champion[None])
    champion, greedy = (m["fitness"]["mean"] for m in (metrics, lives.evaluate_policy("greedy")))
    print(f"layouts {layouts}: champion {champion:.1f}, greedy {greedy:.1f}")
