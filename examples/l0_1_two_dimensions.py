"""L0.1, in two dimensions: a whole evolution in memory, by one pure function.

python examples/l0_1_two_dimensions.py [generations]
"""

import sys

from koki2_train.runtime.jax_setup import set_up

set_up()

import jax
import numpy as np

from koki2_train.evaluation.evaluate import HeldOut
from koki2_train.evolution.evolve import evolve, unravel
from koki2_train.experiment.experiment import Experiment

generations = int(sys.argv[1]) if len(sys.argv) > 1 else 100
experiment = Experiment.build("L0.1", {"generations": generations, "pop_size": 128, "episodes": 8})
program = experiment.program()
state, log = evolve(program, experiment.params, jax.random.key(0), generations)
print("mean fitness by generation:", np.asarray(log.fitness_mean)[:: max(1, generations // 5)].round(1))

lives = HeldOut(experiment, episodes=256, seed=1)
champion = lives.genomes(unravel(program, state.champion[None]))[0]
for name, metrics in {"champion": champion, "greedy": lives.policy("greedy"), "oracle": lives.policy("oracle")}.items():
    print(f"{name:9} fitness {metrics['fitness']['mean']:6.1f}  normalised {lives.normalised(metrics):.2f}")
