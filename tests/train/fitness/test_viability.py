"""The minimal viability test: verdicts on lives made by hand."""

import itertools

import jax
import numpy as np
import pytest

from koki2_train.experiment.sections import ViabilitySettings
from koki2_train.fitness.viability import CRITERIA, FAILURES, all_viable, failure_counts, judge
from koki2_train.rollout.metrics import LifeSummary

SETTINGS = ViabilitySettings(
    mvt=True, mvt_steps=20, mvt_min_alive_steps=10, mvt_min_action_entropy=0.5, mvt_min_energy_gained=0.2
)
GOOD = {"steps_alive": 10.0, "action_entropy": 0.5, "energy_gained": 0.25, "finite": True}


def short_lives(*genomes):
    """Summaries (G, M) from one list of lives a genome; each life gives what differs from a good one."""
    table = {name: [[(GOOD | life)[name] for life in lives] for lives in genomes] for name in CRITERIA}
    return LifeSummary(**dict.fromkeys(LifeSummary._fields) | {name: np.asarray(rows) for name, rows in table.items()})


jitted_judge = jax.jit(judge, static_argnames="settings")


def verdict_of(*lives, settings=SETTINGS):
    verdict = jitted_judge(short_lives(list(lives)), settings=settings)
    return bool(verdict.viable[0]), float(verdict.progress[0]), int(verdict.failure[0])


def test_thresholds_that_are_just_met_are_met():
    assert verdict_of({}) == (True, 1.0, -1)


@pytest.mark.parametrize(
    ("life", "failure"),
    [
        ({"finite": False}, "non_finite"),
        ({"steps_alive": 9.0}, "died_early"),
        ({"action_entropy": 0.49}, "low_action_entropy"),
        ({"energy_gained": 0.19}, "low_energy_gained"),
        ({"steps_alive": 0.0, "action_entropy": 0.0, "energy_gained": 0.0}, "died_early"),
        ({"finite": False, "steps_alive": 1.0}, "non_finite"),
        ({"action_entropy": 0.1, "energy_gained": 0.0}, "low_action_entropy"),
    ],
)
def test_a_failure_is_named_by_its_first_unmet_criterion(life, failure):
    viable, progress, index = verdict_of(life)
    assert not viable
    assert FAILURES[index] == failure
    assert 0.0 <= progress < 1.0


def test_one_life_that_meets_everything_is_enough():
    assert verdict_of({"steps_alive": 1.0}, {"finite": False}, {}) == (True, 1.0, -1)


def test_one_life_must_meet_everything():
    """Criteria that are met by different lives do not add up."""
    viable, _, _ = verdict_of({"steps_alive": 1.0}, {"action_entropy": 0.0}, {"energy_gained": 0.0})
    assert not viable


def test_the_best_of_the_short_lives_tells_how_far_a_genome_got():
    worse, better = {"steps_alive": 2.0, "energy_gained": 0.0}, {"energy_gained": 0.1}
    assert verdict_of(worse, better) == verdict_of(better, worse) == verdict_of(better)
    assert verdict_of(better)[1] > verdict_of(worse)[1]
    assert FAILURES[verdict_of(worse, better)[2]] == "low_energy_gained"


@pytest.mark.parametrize(("name", "threshold"), [("steps_alive", 10), ("action_entropy", 0.5), ("energy_gained", 0.2)])
def test_progress_grows_with_every_measure(name, threshold):
    verdict = jitted_judge(
        short_lives(*([{name: value}] for value in np.linspace(0.0, threshold, 12))), settings=SETTINGS
    )
    progress = verdict.progress.tolist()
    assert all(a < b for a, b in itertools.pairwise(progress))
    assert progress[-1] == 1.0
    assert max(progress[:-1]) < 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_never_pass_and_never_spread(bad):
    life = {"finite": False, "energy_gained": bad, "action_entropy": bad}
    viable, progress, failure = verdict_of(life)
    assert (viable, progress, FAILURES[failure]) == (False, 0.0, "non_finite")
    assert verdict_of(life, {}) == (True, 1.0, -1)


def test_a_threshold_of_zero_is_met_by_every_finite_life():
    settings = ViabilitySettings(mvt=True, mvt_steps=20, mvt_min_alive_steps=0)
    assert verdict_of({"steps_alive": 1.0, "action_entropy": 0.0, "energy_gained": 0.0}, settings=settings)[0]
    assert not verdict_of({"finite": False}, settings=settings)[0]


def test_failures_are_counted_by_reason():
    lives = short_lives([{}], [{"finite": False}], [{"steps_alive": 1.0}], [{"steps_alive": 2.0}])
    verdict = jitted_judge(lives, settings=SETTINGS)
    assert failure_counts(verdict).tolist() == [1, 2, 0, 0]
    assert failure_counts(all_viable(3)).tolist() == [0, 0, 0, 0]
    assert verdict.viable.tolist() == [True, False, False, False]
    assert [part.dtype for part in verdict] == [part.dtype for part in all_viable(4)]
