"""L1.1, the sense comes and goes: childhood with a clear sense, adulthood without. Does nursing pay for adults?

python examples/l1_1_intermittent_sense.py [generations]
"""

import sys

from koki2_train.runtime.jax_setup import set_up

set_up()

import jax

from koki2_envs import ramp
from koki2_train.evaluation.evaluate import HeldOut
from koki2_train.evolution.evolve import evolve, unravel
from koki2_train.experiment.experiment import Experiment

generations = int(sys.argv[1]) if len(sys.argv) > 1 else 100
adult = Experiment.build("L1.1")
nursed = Experiment.build("L1.1", {"grad_dropout_p": ramp(0.0, 0.5, 0.0, 0.5)})

lives = HeldOut(adult, episodes=512, seed=1)
for name, experiment in {"raised as adults": adult, "raised with a clear sense": nursed}.items():
    program = experiment.program()
    roots = [jax.random.key(seed) for seed in range(2)]
    champions = [evolve(program, experiment.params, root, generations)[0].champion for root in roots]
    scores = [lives.genomes(unravel(program, c[None]))[0]["fitness"]["mean"] for c in champions]
    print(f"{name:26} fitness of adults by seed: {[round(score, 1) for score in scores]}")
print(f"{'greedy, oracle':26} {[round(lives.policy(p)['fitness']['mean'], 1) for p in ('greedy', 'oracle')]}")
