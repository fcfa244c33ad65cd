"""Equal budgets: cells of different programs, each with the generations that a common budget pays for, run in turn."""

from __future__ import annotations

import dataclasses
import itertools
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from koki2_train.experiment import Experiment
from koki2_train.runs.chunks import RunOptions
from koki2_train.runs.directory import RunWarning
from koki2_train.runs.runner import Observer, run_trial
from koki2_train.studies.cells import Cell

AnyCell = TypeVar("AnyCell", bound=Cell)

_CLOSE_TO_BUDGET = 0.95


def at_budget(cell: str, experiment: Experiment, budget: int) -> Experiment:
    """The experiment with the largest number of generations that ``budget`` world steps pay for.

    A budget that no number of generations comes close to gives a :class:`RunWarning`.

    Raises:
        ValueError: the first generation is beyond the budget; the message names the cell.
    """
    generations = budget // experiment.env_steps_per_generation
    while generations > 1 and experiment.env_steps_of_run(generations) > budget:
        generations -= 1
    taken = experiment.env_steps_of_run(max(1, generations))
    if taken > budget:
        raise ValueError(f"{cell}: a run of one generation takes {taken} world steps, more than the budget of {budget}")
    if taken < _CLOSE_TO_BUDGET * budget:
        message = f"{cell}: its {generations} generations take {taken} world steps of a budget of {budget}"
        warnings.warn(f"{message}; more generations in all cells would bring them closer", RunWarning, stacklevel=3)
    evolution = dataclasses.replace(experiment.evolution, generations=generations)
    return dataclasses.replace(experiment, evolution=evolution)


def run_cells(
    cells: Sequence[AnyCell],
    seeds: Sequence[int],
    out: Path,
    options: RunOptions,
    *,
    resume: bool,
    observe: Callable[[AnyCell, int], Observer],
) -> bool:
    """Evolves every cell with every seed into ``out/<cell>/seed<k>``.

    Returns:
        Whether all came to their end; False after an interrupt.

    Raises:
        RunError: a directory cannot be used so; nothing was changed.
    """
    planned = [(cell, cell.run(out, seed)) for cell, seed in itertools.product(cells, seeds)]
    for _, run in planned:
        run.check()
    for cell, run in planned:
        observer = observe(cell, run.trial.seed)
        result = run_trial(run.directory, run.trial, options, resume=resume, observer=observer)
        if result.interrupted or (result.stop_asked and run is not planned[-1][1]):
            return False
    return True
