"""L2.2, do not memorise the map: a champion on the layouts that it grew up with, and on one that it never saw.

python examples/l2_2_shifting_layouts.py [generations]
"""

import sys

from koki2_train.runtime.jax_setup import set_up

set_up()

import jax

from koki2_envs import RUNGS
from koki2_train.evaluation.evaluate import HeldOut
from koki2_train.evolution.evolve import evolve, unravel
from koki2_train.experiment.experiment import Experiment

generations = int(sys.argv[1]) if len(sys.argv) > 1 else 200
experiment = Experiment.build("L2.2", {"generations": generations})
program = experiment.program()
state, _ = evolve(program, experiment.params, jax.random.key(0), generations)
champion = unravel(program, state.champion[None])

for side, knobs in (("seen", {}), ("never seen", RUNGS["L2.2"].held_out)):
    lives = HeldOut(experiment.with_settings(knobs), episodes=128, seed=1)
    grown, greedy = (m["fitness"]["mean"] for m in (lives.genomes(champion)[0], lives.policy("greedy")))
    print(f"layouts {side}: champion {grown:.1f}, greedy {greedy:.1f}")
