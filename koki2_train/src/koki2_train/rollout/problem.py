"""Problems: a world, a brain, a genome and devices, built from an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import chex
import jax
from jax.sharding import Mesh

from koki2_train.brains.base import Brain, Interface
from koki2_train.experiment import BRAINS, GENOMES, Experiment
from koki2_train.genomes.base import Genome
from koki2_train.rollout.knobs import IdleKnobs
from koki2_train.runtime.devices import population_mesh


@dataclass(frozen=True)
class Problem:
    """Everything static that a rollout needs. Hashable, an argument of compiled code.

    Attributes:
        env: the world.
        brain: what acts and learns within a life.
        genome: how a flat genome develops into the brain's weights.
        idle: knobs that are off for the whole life, compiled away.
        num_steps: length of a life.
        mesh: the devices over which genomes are spread.
    """

    env: Any
    brain: Brain
    genome: Genome
    idle: IdleKnobs
    num_steps: int
    mesh: Mesh

    @classmethod
    def of(cls, experiment: Experiment, num_devices: int | None = None) -> Self:
        """The problem that an experiment poses.

        Args:
            experiment: what is run.
            num_devices: over how many devices genomes are spread; all where None.

        Raises:
            ValueError, TypeError: invalid params, or not that many devices.
        """
        env = experiment.make_world()
        params = experiment.params
        brain = BRAINS.implementation(experiment.brain.name)(experiment.brain.settings.compiled(), Interface.of(env))
        genome = GENOMES.implementation(experiment.genome.name)(experiment.genome.settings, brain.blueprint())
        return cls(
            env, brain, genome, IdleKnobs.of(experiment), params.max_steps_in_episode, population_mesh(num_devices)
        )

    def develop(self, genome: jax.Array, knobs: Mapping[str, Any]) -> Any:
        """The brain's weights from a genome (D,) and the brain's knobs; once per genome, not once per life."""
        chex.assert_shape(genome, (self.genome.size,), custom_message=f"a genome of {self.genome}")
        arrays = self.genome.compile(genome)
        self.genome.blueprint.check(arrays)
        return self.brain.develop(arrays, knobs)
