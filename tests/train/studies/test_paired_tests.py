"""Paired statistics by hand: differences, intervals, ranks, signs, corrections and the words for them."""

import itertools

import numpy as np
import pytest
from scipy import stats

from koki2_train.studies.paired_tests import (
    LEAST_PAIRS,
    bootstrap_interval,
    compare_paired,
    holm,
    interquartile_mean,
    probability_of_improvement,
    sign_flip_test,
    summarize,
    verdict,
)


def test_the_interquartile_mean_leaves_out_a_quarter_at_each_end():
    assert interquartile_mean([100.0, 2.0, 3.0, -50.0]) == 2.5
    assert interquartile_mean([0.0, 1.0, 2.0, 3.0, 4.0, 100.0]) == 2.5, "of six, one at each end"
    assert interquartile_mean([[1.0, 2.0], [5.0, 2.0]], axis=0).tolist() == [3.0, 2.0]


def test_a_summary_by_hand():
    found = summarize([1.0, 2.0, 3.0, 6.0])
    half = stats.t.ppf(0.975, 3) * np.sqrt(14 / 3) / 2
    assert (found["mean"], found["iqm"], found["median"]) == (3.0, 2.5, 2.5)
    assert found["ci95"] == pytest.approx([3.0 - half, 3.0 + half])
    assert 1.0 <= found["iqm_ci95"][0] < 2.5 < found["iqm_ci95"][1] <= 6.0
    assert found == summarize([1.0, 2.0, 3.0, 6.0]), "resampling has a seed of its own"
    assert summarize([7.0]) == {"mean": 7.0, "ci95": [None, None], "iqm": 7.0, "iqm_ci95": [None, None], "median": 7.0}


def test_the_probability_of_improvement_counts_all_pairs_of_runs():
    assert probability_of_improvement([3.0, 1.0], [2.0, 0.0]) == 0.75, "3 > 2, 3 > 0, 1 > 0, but 1 < 2"
    assert probability_of_improvement([1.0, 1.0], [1.0, 0.0]) == 0.75, "ties count half"
    assert probability_of_improvement([1.0, 2.0], [1.0, 2.0]) == 0.5
    several = probability_of_improvement([[3.0, 1.0], [0.0, 0.0]], [[2.0, 0.0], [1.0, 1.0]])
    assert several.tolist() == [0.75, 0.0]


def test_a_bootstrap_resamples_the_runs_of_each_sample_independently():
    a = np.asarray([1.0, 5.0, 9.0, 20.0])
    low, high = bootstrap_interval((a, a), lambda x, y, axis: (x - y).mean(axis=axis))
    assert low < -5.0 < 5.0 < high
    low, high = bootstrap_interval((a,), lambda x, axis: x.mean(axis=axis))
    assert 1.0 < low < a.mean() < high < 20.0


@pytest.mark.parametrize(("size", "smallest"), [(LEAST_PAIRS, 0.03125), (10, 2 / 1024), (13, 2 / 8192), (14, 2e-4)])
def test_the_smallest_p_is_that_of_differences_of_one_sign(size, smallest):
    found = sign_flip_test(np.arange(1.0, size + 1.0))
    assert found["smallest_p"] == pytest.approx(smallest)
    assert found["p"] == pytest.approx(found["smallest_p"], rel=0, abs=2e-4 if size > 13 else 1e-12)


def test_sign_flips_by_hand():
    differences = np.asarray([4.0, -1.0, 3.0, 2.0, -2.0, 5.0, 1.0])
    sums = [np.dot(signs, differences) for signs in itertools.product((1, -1), repeat=7)]
    expected = np.mean([abs(total) >= differences.sum() for total in sums])
    assert sign_flip_test(differences)["p"] == pytest.approx(expected)
    assert sign_flip_test(-differences)["p"] == pytest.approx(expected)
    assert sign_flip_test(np.zeros(6))["p"] == 1.0


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (2.1, 5.0, "larger by at least the smallest effect"),
        (2.0, 5.0, "larger"),
        (0.1, 5.0, "larger"),
        (0.1, 1.9, "larger by less than the smallest effect"),
        (0.0, 1.9, "equivalent"),
        (-1.9, 1.9, "equivalent"),
        (-2.0, 1.9, "no difference shown"),
        (-3.0, 0.0, "no difference shown"),
        (-1.0, -0.5, "smaller by less than the smallest effect"),
        (-3.0, -0.5, "smaller"),
        (-3.0, -2.5, "smaller by at least the smallest effect"),
        (None, None, "no difference shown"),
    ],
)
def test_the_verdict_follows_the_interval(low, high, words):
    assert verdict(low, high, 2.0) == words


def test_without_a_smallest_effect_there_is_only_a_direction():
    assert [verdict(*ends) for ends in ((0.1, 9.0), (-9.0, -0.1), (-0.1, 0.1))] == [
        "larger", "smaller", "no difference shown",
    ]  # fmt: skip


def test_a_comparison_is_paired_by_seed():
    b = np.asarray([0.0, 10.0, 20.0, 30.0, 40.0, 50.0])
    a = b + np.asarray([3.0, 4.0, 5.0, 3.0, 4.0, 5.0])
    found = compare_paired(a, b, 2.0)
    assert found["difference"]["mean"] == 4.0
    assert found["difference"]["ci95"] == pytest.approx(stats.t.interval(0.95, 5, 4.0, stats.sem(a - b)))
    assert found["p"] == found["smallest_p"] == 0.03125
    assert found["verdict"] == "larger by at least the smallest effect"
    improvement = found["probability_of_improvement"]
    assert improvement["value"] == pytest.approx(21 / 36), "seeds differ by more than arms"
    assert 0.2 < improvement["ci95"][0] < 0.5 < 21 / 36 < improvement["ci95"][1] < 1.0


def test_runs_that_do_not_differ_are_compared_too():
    same = np.full(6, 3.0)
    found = compare_paired(same, same, 1.0)
    assert found["difference"] == {"mean": 0.0, "ci95": [0.0, 0.0], "iqm": 0.0, "iqm_ci95": [0.0, 0.0], "median": 0.0}
    assert (found["p"], found["verdict"]) == (1.0, "equivalent")
    assert found["probability_of_improvement"] == {"value": 0.5, "ci95": [0.5, 0.5]}


@pytest.mark.filterwarnings("error")
def test_a_value_that_is_not_finite_shows_nothing():
    found = compare_paired([1.0, 2.0, np.nan, 4.0, 5.0, 6.0], np.zeros(6), 1.0)
    assert (found["p"], found["verdict"]) == (1.0, "no difference shown")
    assert found["difference"]["iqm_ci95"] == found["probability_of_improvement"]["ci95"] == [None, None]
