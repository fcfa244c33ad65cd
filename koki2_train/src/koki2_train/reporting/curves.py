"""Curves: the lines of ``generations.jsonl`` as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Curves:
    """The lines of one ``generations.jsonl``; all arrays are (G,) float, NaN where a value is missing.

    Attributes:
        generation: number of the generation, from 0.
        best: highest fitness in the population, on its training episodes.
        mean: mean fitness of the population.
        median: median fitness of the population.
        champion: validation fitness of the run's champion so far.
        pass_rate: share of genomes that passed the viability test.
        non_finite: genomes whose fitness was not finite.
        env_steps: environment steps so far.
        seconds: wall time so far.
    """

    generation: np.ndarray
    best: np.ndarray
    mean: np.ndarray
    median: np.ndarray
    champion: np.ndarray
    pass_rate: np.ndarray
    non_finite: np.ndarray
    env_steps: np.ndarray
    seconds: np.ndarray

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Curves:
        """From rows in any order; of two rows of one generation the later one counts (a resumed run).

        Raises:
            ValueError: there are no rows, or one has no ``generation``.
        """
        if not rows:
            raise ValueError("a learning curve needs at least one generation")
        for number, row in enumerate(rows, start=1):
            if "generation" not in row:
                raise ValueError(f"row {number} of the generations has no 'generation'")
        latest = {int(row["generation"]): row for row in rows}
        rows = [latest[generation] for generation in sorted(latest)]
        return cls(
            generation=_column(rows, "generation"),
            best=_column(rows, "fitness_best"),
            mean=_column(rows, "fitness_mean"),
            median=_column(rows, "fitness_median"),
            champion=_carried_forward(_column(rows, "champion_score")),
            pass_rate=_column(rows, "pass_rate", default=1.0),
            non_finite=_column(rows, "non_finite", default=0.0),
            env_steps=_column(rows, "env_steps"),
            seconds=_column(rows, "seconds"),
        )


def _column(rows: Sequence[Row], name: str, default: float = np.nan) -> np.ndarray:
    """A column (G,) of the rows; missing, null and infinite values are NaN."""
    values = [row.get(name, default) for row in rows]
    column = np.asarray([np.nan if value is None else value for value in values], np.float64)
    return np.where(np.isfinite(column), column, np.nan)


def _carried_forward(values: np.ndarray) -> np.ndarray:
    """Each gap filled with the value before it; a champion stays champion where its score was not written again."""
    last = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(values.size), 0))
    return values[last]
