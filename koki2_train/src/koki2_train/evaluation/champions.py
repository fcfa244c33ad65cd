"""Champions: the best genomes of runs, read from their directories."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from koki2_train.experiment import Experiment
from koki2_train.rollout.problem import Problem
from koki2_train.runs.directory import RunDirectory, RunError, RunWarning
from koki2_train.runs.records import champion_so_far


def load_champion(run: RunDirectory, experiment: Experiment) -> jax.Array:
    """The champion of a run as a genome (D,) float32 of ``experiment``.

    An unfinished run has the champion of its newest checkpoint, and gives a :class:`RunWarning`.

    Raises:
        RunError: there is none yet, or it is not a genome of the experiment.
    """
    champion, asked = champion_so_far(run), run.read_trial().generations
    genome, wanted = champion.genome, (Problem.of(experiment).genome.size,)
    if genome.shape != wanted:
        raise RunError(f"{champion.source}: genome has shape {genome.shape}, the experiment's has {wanted}")
    if genome.dtype != np.float32:
        raise RunError(f"{champion.source}: genome has dtype {genome.dtype}, not float32")
    if champion.is_provisional or champion.generations < asked:
        message = f"{run} is unfinished; its champion is that of generation {champion.generations} of {asked}"
        warnings.warn(message, RunWarning, stacklevel=2)
    return jnp.asarray(genome)


def stack_champions(runs: Sequence[RunDirectory], experiment: Experiment) -> jax.Array:
    """The champions of G runs, (G, D) float32; see :func:`load_champion`."""
    return jnp.stack([load_champion(run, experiment) for run in runs])
