"""A custom genome: weights as products of two thin matrices, so that a genome is shorter than its brain.

python examples/own_genome.py [generations]

The command line takes it by its name, with any brain:

koki2-train evolve L0.2 --genome own_genome:LowRank --matrix-rank 2
"""

import sys
from dataclasses import dataclass

from koki2_train.runtime.jax_setup import set_up

if __name__ == "__main__":
    set_up()

import jax
import jax.numpy as jnp

from koki2_train.evaluation import HeldOutLives
from koki2_train.evolution import evolve
from koki2_train.experiment import Experiment, Settings, Trial, setting
from koki2_train.genomes import Genome
from koki2_train.rollout.problem import Problem


@dataclass(frozen=True)
class LowRankSettings(Settings):
    """Settings of the genome."""

    matrix_rank: int = setting(2, "rank of every matrix of weights", low=1, group="genome")


class LowRank(Genome):
    """Every matrix (n, m) of the blueprint is a product (n, r)·(r, m); vectors are held as they are."""

    settings_class = LowRankSettings

    def _shapes(self):
        rank = self.settings.matrix_rank
        for name, parameter in self.blueprint.parameters:
            factors = [(parameter.shape[0], rank), (rank, parameter.shape[1])] if len(parameter.shape) == 2 else []
            yield name, factors or [parameter.shape]

    @property
    def size(self):
        """D, how many numbers a genome has."""
        return sum(jnp.zeros(shape).size for _, shapes in self._shapes() for shape in shapes)

    def init(self, key):
        """Independent normal numbers."""
        return 0.3 * jax.random.normal(key, (self.size,))

    def compile(self, genome):
        """The blueprint's arrays, by name."""
        arrays, first = {}, 0
        for name, shapes in self._shapes():
            factors = []
            for shape in shapes:
                size = jnp.zeros(shape).size
                factors.append(genome[first : first + size].reshape(shape))
                first += size
            arrays[name] = factors[0] @ factors[1] if len(factors) == 2 else factors[0]
        return arrays


if __name__ == "__main__":
    generations = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    for settings in ({"genome": "direct"}, {"genome": "own_genome:LowRank", "matrix_rank": 2}):
        experiment = Experiment.build("L0.2", {**settings, "generations": generations})
        state, _ = evolve(Trial(experiment, seed=0))
        [metrics] = HeldOutLives(experiment, episodes=256, seed=1).evaluate_genomes(state.champion[None])
        size = Problem.of(experiment).genome.size
        print(f"{settings['genome']:18} {size:4} numbers: champion {metrics['fitness']['mean']:.1f}")
