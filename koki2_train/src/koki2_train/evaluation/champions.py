"""Champions: the best genomes of runs, read from their directories."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from koki2_train.experiment import Experiment
from koki2_train.rollout.problem import Problem
from koki2_train.runs.directory import RunDirectory, RunError


def load_champion(run: RunDirectory, experiment: Experiment) -> jax.Array:
    """The champion of a run as a genome (D,) float32 of ``experiment``.

    Raises:
        RunError: there is none, or it is no genome of the experiment.
    """
    genome = run.load_champion()["genome"]
    wanted = (Problem.of(experiment).genome.size,)
    if genome.shape != wanted:
        raise RunError(f"{run}/best_genome.npz: genome has shape {genome.shape}, the experiment's has {wanted}")
    if genome.dtype != np.float32:
        raise RunError(f"{run}/best_genome.npz: genome has dtype {genome.dtype}, not float32")
    return jnp.asarray(genome)


def stack_champions(runs: Sequence[RunDirectory], experiment: Experiment) -> jax.Array:
    """The champions of G runs, (G, D) float32; see :func:`load_champion`."""
    return jnp.stack([load_champion(run, experiment) for run in runs])
