"""Statistics: means and intervals over lives and over runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np

from koki2_train.rollout.metrics import METRICS, LifeSummary


class Mean(TypedDict):
    """The mean of a metric over lives, with its standard error; a single life has none."""

    mean: float
    se: float | None


Metrics = dict[str, Mean]
"""Every metric of a genome or policy, by name."""


def mean_and_se(values: Any) -> Mean:
    """Mean and standard error of the mean over n lives, s/√n with s² = Σ(x − mean)²/(n − 1)."""
    array = np.asarray(values, np.float64)
    with np.errstate(invalid="ignore", over="ignore"):  # values that are not finite have no mean, and say so
        error = float(array.std(ddof=1) / np.sqrt(array.size)) if array.size > 1 else None
        return {"mean": float(array.mean()), "se": error}


def summarize_lives(lives: LifeSummary) -> Metrics:
    """Mean and standard error of every metric, those of world and brain last; leaves of ``lives`` are (L,)."""
    common = {name: getattr(lives, name) for name in METRICS}
    return {name: mean_and_se(values) for name, values in (common | lives.world_metrics | lives.brain_metrics).items()}


def interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float] | tuple[None, None]:
    """Student's t interval for the mean over independent runs; (None, None) for fewer than two.

    With the handful of seeds that is usual here a bootstrap interval is far too narrow; this one has its nominal
    coverage where run means are roughly normal.
    """
    from scipy import stats

    array = np.asarray(values, np.float64)
    if array.size < 2:
        return None, None
    half = stats.t.ppf(0.5 + confidence / 2, array.size - 1) * array.std(ddof=1) / np.sqrt(array.size)
    return float(array.mean() - half), float(array.mean() + half)


def over_runs(per_run: Sequence[Metrics]) -> dict[str, Any]:
    """Mean over runs of every metric's mean over lives, with a 95 % interval over runs.

    Runs of several rungs have metrics of their own; those that all have are reported.
    """
    metrics = {}
    for name in (name for name in per_run[0] if all(name in metrics_of_run for metrics_of_run in per_run)):
        means = [metrics_of_run[name]["mean"] for metrics_of_run in per_run]
        metrics[name] = {"mean": float(np.mean(means)), "ci95": list(interval(means))}
    return {"metrics": metrics, "n": len(per_run)}


def normalized(fitness: float, random: float, oracle: float) -> float | None:
    """Fitness on a scale on which the random policy has 0 and the oracle 1; None where the two are equal."""
    return (fitness - random) / (oracle - random) if oracle != random else None


def mean_of_all(scores: Sequence[float | None]) -> float | None:
    """The mean of scores that all are known; None where one is not."""
    known = [score for score in scores if score is not None]
    return float(np.mean(known)) if len(known) == len(scores) else None
