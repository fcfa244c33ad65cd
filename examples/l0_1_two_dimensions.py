"""L0.1, in two dimensions: a whole evolution in memory, by one pure function.

python examples/l0_1_two_dimensions.py [generations]
"""

import sys

from koki2_train.runtime.jax_setup import set_up

set_up()

import numpy as np

from koki2_train.evaluation import HeldOutLives
from koki2_train.evolution import evolve
from koki2_train.experiment import Experiment, Trial

generations = int(sys.argv[1]) if len(sys.argv) > 1 else 100
experiment = Experiment.build("L0.1", {"generations": generations, "pop_size": 128, "episodes": 8})
state, log = evolve(Trial(experiment, seed=0))
print("mean fitness by generation:", np.asarray(log.fitness_mean)[:: max(1, generations // 5)].round(1))

lives = HeldOutLives(experiment, episodes=256, seed=1)
[champion] = lives.evaluate_genomes(state.champion[None])
for name, metrics in {
    "champion": champion,
    **{name: lives.evaluate_policy(name) for name in ("greedy", "oracle")},
}.items():
    print(f"{name:9} fitness {metrics['fitness']['mean']:6.1f}  normalized {lives.normalized(metrics):.2f}")
