"""A custom strategy: a (μ, λ) search that averages the best, with a step size that shrinks.

python examples/own_strategy.py [generations]

The command line takes it by its name:

koki2-train evolve L0.2 --strategy own_strategy:BestOfMany --best-share 0.25
"""

import sys
from dataclasses import dataclass
from typing import NamedTuple

from koki2_train.runtime.jax_setup import set_up

if __name__ == "__main__":
    set_up()

import jax
import jax.numpy as jnp

from koki2_train.evaluation import HeldOutLives
from koki2_train.evolution import evolve
from koki2_train.experiment import Experiment, Settings, Trial, setting
from koki2_train.strategies import Strategy


@dataclass(frozen=True)
class BestOfManySettings(Settings):
    """Settings of the strategy."""

    best_share: float = setting(0.25, "share of genomes that are averaged", low=0.01, high=1.0, group="strategy")
    step: float = setting(0.3, "standard deviation at the start", low=1e-6, group="strategy")
    step_decay: float = setting(0.99, "factor on it per generation", low=0.1, high=1.0, group="strategy")


class State(NamedTuple):
    """Where the search is."""

    mean: jax.Array
    step: jax.Array


class BestOfMany(Strategy):
    """Averages the genomes of highest score."""

    settings_class = BestOfManySettings

    def init(self, key, genome):
        """Starts at a genome."""
        return State(genome, jnp.float32(self.settings.step))

    def ask(self, key, state):
        """Genomes around the mean."""
        return state.mean + state.step * jax.random.normal(key, (self.pop_size, self.num_dims))

    def tell(self, key, population, score, valid, state):
        """Moves the mean to that of the best genomes that have a fitness."""
        count = max(1, int(self.settings.best_share * self.pop_size))
        _, best = jax.lax.top_k(jnp.where(valid, score, -jnp.inf), count)
        weights = valid[best].astype(jnp.float32)[:, None]
        mean = (weights * population[best]).sum(0) / jnp.maximum(weights.sum(), 1.0)
        return State(jnp.where(valid.any(), mean, state.mean), state.step * self.settings.step_decay)

    def candidates(self, state):
        """The mean competes for champion."""
        return state.mean[None]

    def step_size(self, state):
        """Logged as sigma."""
        return state.step


if __name__ == "__main__":
    generations = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    for strategy in ("open_es", "own_strategy:BestOfMany"):
        experiment = Experiment.build("L0.2", {"strategy": strategy, "generations": generations})
        state, _ = evolve(Trial(experiment, seed=0))
        [metrics] = HeldOutLives(experiment, episodes=256, seed=1).evaluate_genomes(state.champion[None])
        print(f"{strategy:23} champion {metrics['fitness']['mean']:.1f}")
