"""Rows of a learning curve: a run's log as it is drawn, with a warning for all that is missing in it."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

from koki2_train.runs.directory import RunDirectory, RunError, RunWarning
from koki2_train.storage.generation_log import Row, read_log

_DRAWN = {"fitness_best", "fitness_mean", "fitness_median", "champion_score", "pass_rate"}


def read_curve_rows(run: RunDirectory) -> list[dict[str, Any]]:
    """The lines of ``generations.jsonl`` that can be read.

    Lines that cannot be read, generations or columns that are missing, and a run that has not come to its end each give
    a :class:`RunWarning`.

    Raises:
        RunError: there is not one generation.
    """
    rows, unread = read_log(run.path / "generations.jsonl")
    if not rows:
        found = "cannot be read: line 1 is not a generation" if unread else "has no generations yet"
        raise RunError(f"{run}/generations.jsonl {found}")
    for problem in _problems(run, rows, unread):
        warnings.warn(f"{run}/generations.jsonl: {problem}", RunWarning, stacklevel=3)
    return rows


def _problems(run: RunDirectory, rows: list[Row], unread: int) -> Iterator[str]:
    numbers = [row["generation"] for row in rows]
    known, last = set(numbers), max(numbers)
    if unread:
        after = f", and the {unread - 1} after it are left out" if unread > 1 else ""
        yield f"line {len(rows) + 1} cannot be read{after}"
    if missing := last + 1 - len(known):
        first = next(number for number in itertools.count() if number not in known)
        yield f"{missing} generations before the last one are missing, the first of them {first}"
    if repeated := len(numbers) - len(known):
        yield f"{repeated} lines are of generations that are there more than once"
    if absent := sorted({name for row in rows for name in _DRAWN - row.keys()}):
        yield f"lines lack {', '.join(absent)}"
    if run.exists and (asked := run.read_trial().generations) > last + 1:
        why = "the run is unfinished" if run.reached < asked else "the lines of later generations are missing"
        yield f"it ends after {last + 1} of {asked} generations; {why}"
