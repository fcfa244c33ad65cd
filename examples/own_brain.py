"""A custom brain: a linear readout of the senses with a fading memory, in three methods.

python examples/own_brain.py [generations]

The command line takes it by its name, with its settings as flags (from this folder, or with it on PYTHONPATH):

koki2-train evolve L0.2 --brain own_brain:LeakyReadout --memory 0.8
"""

import sys
from dataclasses import dataclass

from koki2_train.runtime.jax_setup import set_up

if __name__ == "__main__":
    set_up()

import jax.numpy as jnp

from koki2_train.brains import Blueprint, Brain, Parameter
from koki2_train.evaluation import HeldOutLives
from koki2_train.evolution import evolve
from koki2_train.experiment import Experiment, Settings, Trial, setting


@dataclass(frozen=True)
class LeakySettings(Settings):
    """Settings of the brain; each is a flag, a TOML key and a field of config.json."""

    memory: float = setting(0.5, "share of the last step's input that is kept", low=0.0, high=0.99)


class LeakyReadout(Brain):
    """Chooses the action of largest w·x, where x ← memory·x + observation."""

    settings_class = LeakySettings

    def blueprint(self):
        """One weight from each sense to each action."""
        shape = (self.interface.num_actions, self.interface.num_observations)
        return Blueprint.of(w=Parameter(shape, "motor", scale=self.interface.observation_scales))

    def init(self, weights):
        """Nothing sensed yet."""
        return jnp.zeros(self.interface.num_observations)

    def act(self, weights, carry, observation, key):
        """The action, and the new memory."""
        carry = self.settings.memory * carry + observation
        return jnp.argmax(weights["w"] @ carry), carry


if __name__ == "__main__":
    generations = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    experiment = Experiment.build("L0.2", {"brain": "own_brain:LeakyReadout", "generations": generations})
    state, _ = evolve(Trial(experiment, seed=0))
    lives = HeldOutLives(experiment, episodes=256, seed=1)
    [metrics] = lives.evaluate_genomes(state.champion[None])
    print(f"champion {metrics['fitness']['mean']:.1f}, normalized {lives.normalized(metrics):.2f}")
