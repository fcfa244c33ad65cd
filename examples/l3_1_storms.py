"""L3.1, act on the warning: how much warning does a champion need that grew up with ten steps of it?

python examples/l3_1_storms.py [generations]
"""

import sys

from koki2_train.platform_setup import set_up

set_up()

import jax

from koki2_train.assessment import HeldOut
from koki2_train.experiment import Experiment
from koki2_train.training import evolve, unravel

generations = int(sys.argv[1]) if len(sys.argv) > 1 else 400
experiment = Experiment.build("L3.1", {"generations": generations, "pop_size": 128, "episodes": 8})
program = experiment.program()
state, _ = evolve(program, experiment.params, jax.random.key(0), generations)
champion = unravel(program, state.champion[None])

for delay in (4, 10):
    lives = HeldOut(Experiment.build("L3.1", {"cue_delay": delay}), episodes=256, seed=1)
    raised, oracle = (metrics["fitness"]["mean"] for metrics in (lives.genomes(champion)[0], lives.policy("oracle")))
    print(f"warned {delay:2} steps ahead: fitness of the champion {raised:.1f}, of the oracle {oracle:.1f}")
