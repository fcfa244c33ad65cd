"""Records of a run: rows of ``generations.jsonl``, checkpoints, the champion."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from koki2_train.evolution.state import GenerationLog, RunState
from koki2_train.experiment import Experiment, Trial
from koki2_train.fitness.viability import FAILURES
from koki2_train.runs.directory import RunDirectory, RunError, RunWarning


def rows_of(log: GenerationLog, experiment: Experiment, seconds: float) -> list[dict[str, Any]]:
    """The rows of ``generations.jsonl`` for the generations of a log that ran.

    Args:
        log: with a leading axis of generations.
        experiment: the run's.
        seconds: time spent on the run so far.
    """
    columns = {name: np.asarray(getattr(log, name)) for name in log._fields}
    rows = []
    for i in np.flatnonzero(columns["ran"]):
        row = {name: plain(columns[name][i]) for name in log._fields if name not in ("ran", "failures")}
        row["failures"] = dict(zip(FAILURES, (int(n) for n in columns["failures"][i]), strict=True))
        row["env_steps"] = experiment.env_steps(row["generation"] + 1)
        row["seconds"] = round(seconds, 3)
        rows.append(row)
    return rows


def save_state(run: RunDirectory, state: RunState, trial: Trial, seconds: float) -> None:
    """Writes a checkpoint."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(state)
    arrays = {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}
    generation = int(state.generation)
    run.save_checkpoint(generation, arrays, {"generation": generation, "seconds": seconds, "trial": trial.to_dict()})


def load_state(
    run: RunDirectory, like: RunState, trial: Trial, up_to: int | None = None
) -> tuple[RunState, float] | None:
    """The newest state that can be read, and the time spent until then; None where there is no checkpoint yet.

    A damaged checkpoint that is passed over gives a :class:`RunWarning`.

    Args:
        run: where it is.
        like: a state of the same shapes.
        trial: of the run; a checkpoint of another one is rejected.
        up_to: the last generation that will do.

    Raises:
        RunError: checkpoints are damaged or of another run, or rows of generations before it are missing.
    """
    found = run.load_checkpoint(up_to)
    if found is None:
        return None
    arrays, meta, damaged = found
    run.check_checkpoint(meta, trial)
    leaves, structure = jax.tree_util.tree_flatten_with_path(like)
    expected = {jax.tree_util.keystr(path): (leaf.shape, leaf.dtype) for path, leaf in leaves}
    if expected != {name: (array.shape, array.dtype) for name, array in arrays.items()}:
        raise RunError(f"{run}: its checkpoint is of another kind of search")
    state: RunState = jax.tree_util.tree_unflatten(structure, [jnp.asarray(arrays[name]) for name in expected])
    run.first_generations(int(state.generation))
    for message in damaged:
        warnings.warn(f"{message}; continuing from the one before it", RunWarning, stacklevel=2)
    return state, float(meta["seconds"])


def save_champion(run: RunDirectory, final: RunState) -> float | None:
    """Writes ``best_genome.npz`` and gives the champion's validation fitness; None where it is not finite."""
    score = plain(final.champion_score)
    facts = {
        "validation_fitness": math.nan if score is None else score,
        "champion_generation": int(final.champion_generation),
        "generations": int(final.generation),
    }
    run.save_champion(np.asarray(final.champion), facts)
    return score


@dataclass(frozen=True)
class Champion:
    """The champion that a run has by now.

    Attributes:
        genome: (D,) float32.
        generations: how many generations the run had done when it was chosen.
        source: the file that it is from.
        is_provisional: whether it is from a checkpoint: the final candidates have not competed with it.
    """

    genome: np.ndarray
    generations: int
    source: Path
    is_provisional: bool


def champion_so_far(run: RunDirectory) -> Champion:
    """The champion in ``best_genome.npz`` or, where the run went on after it was written, in the newest checkpoint.

    Raises:
        RunError: there is none yet, or its file is damaged or of another run.
    """
    trial, kept = run.read_trial(), None
    if run.has_champion:
        arrays = run.load_champion()
        at = int(arrays.get("generations", trial.generations))
        kept = Champion(arrays["genome"], at, run.path / "best_genome.npz", is_provisional=False)
        if at >= run.reached:
            return kept
    found = run.load_checkpoint()
    if found is None:
        raise RunError(f"{run} has no best_genome.npz and no checkpoint yet: resume the run to finish it")
    arrays, meta, damaged = found
    run.check_checkpoint(meta, trial)
    for message in damaged:
        warnings.warn(f"{message}; the one before it is used", RunWarning, stacklevel=2)
    at = int(meta["generation"])
    if kept is not None and kept.generations >= at:
        return kept
    if not {_CHAMPION, _CHAMPION_GENERATION} <= arrays.keys() or arrays[_CHAMPION_GENERATION].shape:
        raise RunError(f"{run}: its checkpoint of generation {at} is of another kind of search")
    if int(arrays[_CHAMPION_GENERATION]) < 0:
        raise RunError(f"{run} has no champion yet: nothing was validated in its first {at} generations")
    return Champion(arrays[_CHAMPION], at, run.path / "checkpoints", is_provisional=True)


_CHAMPION, _CHAMPION_GENERATION = ".champion", ".champion_generation"
"""The names of these fields of :class:`RunState` in a checkpoint."""


def plain(value: Any) -> Any:
    """A scalar as JSON has it; numbers that are not finite become None."""
    number = np.asarray(value).item()
    return None if isinstance(number, float) and not math.isfinite(number) else number
