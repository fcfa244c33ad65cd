"""Paired statistics: two sets of runs compared seed by seed, with intervals, a permutation test and a verdict.

Pure functions of numpy arrays. The same numbers give the same results: resampling has a seed of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

LEAST_PAIRS = 6
"""With fewer pairs no two-sided test of signs can reach p = 0.05: two of 2^5 sign patterns are already 0.0625."""
_RESAMPLES = 9_999
"""Of a bootstrap, and of a permutation test of more pairs than give so many sign patterns (13)."""
_BLOCK = 2_000_000  # comparisons of runs at a time
_SEED = 0


def interquartile_mean(values: Any, axis: int = -1) -> Any:
    """The mean of what is left when the lowest and the highest quarter (rounded down to whole values) are left out."""
    from scipy import stats

    return stats.trim_mean(np.asarray(values, np.float64), 0.25, axis=axis)


def summarize(values: Sequence[float] | np.ndarray) -> dict[str, Any]:
    """Summary of one value per seed.

    Returns:
        ``{"mean", "ci95", "iqm", "iqm_ci95", "median"}``: the mean with Student's t interval, and the interquartile
        mean with a percentile bootstrap interval over seeds. A single value has no intervals (Nones).
    """
    from koki2_train.studies.cells import mean_with_interval

    array = np.asarray(values, np.float64)
    return {
        **mean_with_interval(array),
        "iqm": float(interquartile_mean(array)),
        "iqm_ci95": bootstrap_interval((array,), interquartile_mean),
        "median": float(np.median(array)),
    }


def compare_paired(
    a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray, smallest_effect: float | None = None
) -> dict[str, Any]:
    """Compares ``a`` with ``b``, one value per seed of each, in the same order of seeds.

    Args:
        a: the values whose advantage is asked for, (n,), n at least 2.
        b: what they are compared with, (n,).
        smallest_effect: the smallest difference that matters; None where nobody said.

    Returns:
        ``{"difference": {"mean", "ci95", "iqm", "iqm_ci95", "median"}, "probability_of_improvement": {"value",
        "ci95"}, "p", "smallest_p", "verdict"}``.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    difference = summarize(first - second)
    low, high = difference["ci95"]
    return {
        "difference": difference,
        "probability_of_improvement": {
            "value": float(probability_of_improvement(first, second)),
            "ci95": bootstrap_interval((first, second), probability_of_improvement),
        },
        **sign_flip_test(first - second),
        "verdict": verdict(low, high, smallest_effect),
    }


def probability_of_improvement(a: Any, b: Any, axis: int = -1) -> Any:
    """The probability that a run of A exceeds a run of B, whatever their seeds.

    The share of all n × m pairs of a run of A and a run of B in which A is larger, ties counting half (the statistic of
    Mann and Whitney over n·m). It takes no notice of pairs by seed, and nor does its interval: runs of A and runs of B
    are resampled independently. Resampled together, the pairs of one seed would count more often than among the runs.
    """
    first, second = np.moveaxis(np.asarray(a), axis, -1), np.moveaxis(np.asarray(b), axis, -1)
    larger = np.sign(first[..., :, None] - second[..., None, :])
    return 0.5 + 0.5 * larger.mean(axis=(-2, -1))


def bootstrap_interval(samples: tuple[np.ndarray, ...], statistic: Any) -> list[float] | list[None]:
    """The 95 % percentile bootstrap interval of a statistic, resampling the runs of each sample independently.

    Args:
        samples: arrays (n,), one value per run; a single one, or one that is not finite, has no interval.
        statistic: ``statistic(*samples, axis)``.
    """
    from scipy import stats

    size = samples[0].size
    if size < 2 or not all(np.isfinite(sample).all() for sample in samples):
        return [None, None]
    found = stats.bootstrap(
        samples, statistic, n_resamples=_RESAMPLES, batch=max(1, _BLOCK // size**2), vectorized=True,
        method="percentile", rng=np.random.default_rng(_SEED),
    )  # fmt: skip
    return [float(found.confidence_interval.low), float(found.confidence_interval.high)]


def sign_flip_test(differences: np.ndarray) -> dict[str, float]:
    """The two-sided permutation test of a mean difference of zero: under it, every difference may turn its sign.

    Exact where so many differences have at most 10,000 sign patterns (13), with as many random ones beyond.

    Returns:
        ``{"p", "smallest_p"}``: the p value, and the smallest that so many differences could have given. Differences
        that are not all finite give p = 1.
    """
    from scipy import stats

    array = np.asarray(differences, np.float64)
    patterns = 2**array.size
    smallest = 2 / patterns if patterns <= _RESAMPLES else 2 / (_RESAMPLES + 1)
    if not np.isfinite(array).all():
        return {"p": 1.0, "smallest_p": smallest}
    found = stats.permutation_test(
        (array,), np.mean, permutation_type="samples", n_resamples=_RESAMPLES, vectorized=True,
        rng=np.random.default_rng(_SEED), batch=max(1, _BLOCK // array.size),
    )  # fmt: skip
    return {"p": float(found.pvalue), "smallest_p": smallest}


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction of the p values of one family, in their order."""
    corrected = np.zeros(len(p_values))
    largest = 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected.tolist()


def verdict(low: float | None, high: float | None, smallest_effect: float | None = None) -> str:
    """The words for a difference whose 95 % interval is [low, high].

    Args:
        low: its lower end; None where there is no interval.
        high: its upper end.
        smallest_effect: the smallest difference that matters, above 0; None where nobody said.
    """
    if low is None or high is None:
        return "no difference shown"
    effect = math.inf if smallest_effect is None else smallest_effect
    matters = smallest_effect is not None
    within = matters and -effect < low and high < effect
    if low > 0 or high < 0:
        word = "larger" if low > 0 else "smaller"
        if min(abs(low), abs(high)) > effect:
            return f"{word} by at least the smallest effect"
        return f"{word} by less than the smallest effect" if within else word
    return "equivalent" if within else "no difference shown"
