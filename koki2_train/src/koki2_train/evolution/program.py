"""Programs and searches: what is compiled of a run, and the inputs of the compiled code."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Self

import jax

from koki2_train.experiment import STRATEGIES, Experiment, Trial
from koki2_train.experiment.sections import EvolutionSettings, ValidationSettings, ViabilitySettings
from koki2_train.random_streams import root_key
from koki2_train.rollout.knobs import Knobs
from koki2_train.rollout.problem import Problem
from koki2_train.runtime.devices import replicate
from koki2_train.strategies.base import Strategy


@dataclass(frozen=True)
class Program:
    """Everything static about a run; equal programs share compiled code, whatever their seeds and knob values.

    Attributes:
        problem: world, brain, genome and devices.
        strategy: the search.
        evolution: its budget; how many generations there are is no part of the compiled code.
        viability: the viability test.
        validation: how the champion is chosen.
    """

    problem: Problem
    strategy: Strategy
    evolution: EvolutionSettings
    viability: ViabilitySettings
    validation: ValidationSettings

    @classmethod
    def of(cls, experiment: Experiment, num_devices: int | None = None) -> Self:
        """The program that carries out an experiment.

        Args:
            experiment: what is run.
            num_devices: over how many devices genomes are spread; all where None.

        Raises:
            ValueError, TypeError: invalid params, or not that many devices.
        """
        problem = Problem.of(experiment, num_devices)
        make_strategy = STRATEGIES.implementation(experiment.strategy.name)
        strategy = make_strategy(experiment.strategy.settings, experiment.evolution.pop_size, problem.genome.size)
        # Programs that differ only in how many generations there are must be equal.
        evolution = dataclasses.replace(experiment.evolution, generations=1)
        return cls(problem, strategy, evolution, experiment.mvt, experiment.validation)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Search:
    """One search: a program with its inputs. A pytree whose program is static.

    Attributes:
        program: what is compiled.
        knobs: of world and brain; other values do not recompile.
        root: the run's root key.
    """

    program: Program = field(metadata={"static": True})
    knobs: Knobs
    root: jax.Array

    @classmethod
    def of(cls, trial: Trial, num_devices: int | None = None) -> Self:
        """The search that carries out a trial.

        Args:
            trial: what is run.
            num_devices: over how many devices genomes are spread; all where None.

        Raises:
            ValueError, TypeError: invalid params, or not that many devices.
        """
        program = Program.of(trial.experiment, num_devices)
        root = replicate(program.problem.mesh, root_key(trial.seed))
        return cls(program, Knobs.of(trial.experiment), root)
