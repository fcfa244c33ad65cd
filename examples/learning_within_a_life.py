"""Learning within a life on L5.0: evolve a brain whose gains of smells learn, then cut its learning.

python examples/learning_within_a_life.py [generations] [lives]
"""

import sys

from koki2_train.runtime.jax_setup import set_up

if __name__ == "__main__":
    set_up()

from koki2_train.evaluation import HeldOutLives
from koki2_train.evaluation.controls import CONTROLS
from koki2_train.evolution import evolve
from koki2_train.experiment import Experiment, Trial
from koki2_train.experiment.sources import read_preset

if __name__ == "__main__":
    generations = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    num_lives = int(sys.argv[2]) if len(sys.argv) > 2 else 512
    experiment = Experiment.build("L5.0", read_preset("plastic_gain"), generations=generations)
    champion = evolve(Trial(experiment, seed=0))[0].champion[None]
    lives = HeldOutLives(experiment, num_lives, seed=1)
    print(f"reflexes at their best (greedy) {lives.evaluate_policy('greedy')['fitness']['mean']:.1f}, ", end="")
    print(f"memory {lives.evaluate_policy('memory')['fitness']['mean']:.1f}")
    for control in (None, *CONTROLS):
        [metrics] = lives.evaluate_genomes(champion, control=control)
        fitness, first, last = (metrics[name]["mean"] for name in ("fitness", "reward_third_1", "reward_third_3"))
        print(
            f"{control or 'champion':12} fitness {fitness:5.1f}, reward per step {first:.3f} at first, {last:.3f} later"
        )
