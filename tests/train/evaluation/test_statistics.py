"""Means, errors and intervals against hand and SciPy."""

import math

import numpy as np
import pytest
from scipy import stats

from koki2_train.evaluation.statistics import interval, mean_and_se, normalized, over_runs


def test_mean_and_standard_error():
    assert mean_and_se([1.0, 2.0, 3.0, 6.0]) == {"mean": 3.0, "se": pytest.approx(math.sqrt(14 / 3) / 2)}
    assert mean_and_se([4.0]) == {"mean": 4.0, "se": None}, "one life says nothing of its error"
    assert mean_and_se([4.0, 4.0]) == {"mean": 4.0, "se": 0.0}
    large = np.full(100_000, 16777217.0, np.float32)
    assert mean_and_se(large)["mean"] == float(large[0]), "summed in double precision"


@pytest.mark.filterwarnings("error")
def test_values_that_are_not_finite_have_no_mean_and_give_no_warning():
    assert not math.isfinite(mean_and_se([np.inf, 1.0])["mean"])
    assert math.isnan(mean_and_se([np.nan, 1.0])["se"])


def test_the_interval_is_students():
    values = [3.0, 5.0, 4.0, 8.0, 5.5]
    low, high = interval(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (low, high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    wide = interval(values, 0.99)
    assert wide[0] < low < high < wide[1]


@pytest.mark.parametrize("values", [[], [3.0]])
def test_one_run_has_no_interval(values):
    assert interval(values) == (None, None)


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = [low <= 1.0 <= high for low, high in (interval(rng.normal(1.0, 2.0, 5)) for _ in range(1000))]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.025)


def test_runs_are_averaged_metric_by_metric():
    runs = [{"fitness": {"mean": m, "se": 9.0}, "success": {"mean": s, "se": 9.0}} for m, s in ((1.0, 0.0), (3.0, 1.0))]
    result = over_runs(runs)
    assert result["n"] == 2
    assert result["metrics"]["fitness"]["mean"] == 2.0
    assert result["metrics"]["success"]["mean"] == 0.5
    assert result["metrics"]["fitness"]["ci95"] == list(interval([1.0, 3.0]))
    other_rung = {"fitness": {"mean": 5.0, "se": 9.0}, "meals": {"mean": 1.0, "se": 9.0}}
    assert over_runs([*runs, other_rung])["metrics"].keys() == {"fitness"}, "what all of them have"
    assert over_runs(runs[:1])["metrics"]["fitness"]["ci95"] == [None, None]


def test_scores_are_normalized_between_random_and_oracle():
    assert normalized(10.0, random=10.0, oracle=30.0) == 0.0
    assert normalized(30.0, random=10.0, oracle=30.0) == 1.0
    assert normalized(5.0, random=10.0, oracle=30.0) == -0.25
    assert normalized(5.0, random=10.0, oracle=10.0) is None
