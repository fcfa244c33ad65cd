"""L1.1, the sense comes and goes: childhood with a clear sense, adulthood without. Does nursing pay for adults?

python examples/l1_1_intermittent_sense.py [generations]
"""

import sys

from koki2_train.runtime.jax_setup import set_up

set_up()

import jax.numpy as jnp

from koki2_envs import ramp
from koki2_train.evaluation import HeldOutLives
from koki2_train.evolution import evolve
from koki2_train.experiment import Experiment, Trial

generations = int(sys.argv[1]) if len(sys.argv) > 1 else 100
adult = Experiment.build("L1.1", {"generations": generations})
nursed = adult.with_settings({"grad_dropout_p": ramp(0.0, 0.5, 0.0, 0.5)})

lives = HeldOutLives(adult, episodes=512, seed=1)
for name, experiment in {"raised as adults": adult, "raised with a clear sense": nursed}.items():
    champions = jnp.stack([evolve(Trial(experiment, seed))[0].champion for seed in range(2)])
    scores = [metrics["fitness"]["mean"] for metrics in lives.evaluate_genomes(champions)]
    print(f"{name:26} fitness of adults by seed: {[round(score, 1) for score in scores]}")
references = [lives.evaluate_policy(name)["fitness"]["mean"] for name in ("greedy", "oracle")]
print(f"{'greedy, oracle':26} {[round(score, 1) for score in references]}")
