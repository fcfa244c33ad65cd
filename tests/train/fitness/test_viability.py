"""The minimal viability test: verdicts on lives made by hand, ranks, and the shaping of fitness."""

import itertools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from evosax.core.fitness_shaping import centered_rank_fitness_shaping_fn
from hypothesis import given, settings
from hypothesis import strategies as st

from koki2_train.experiment.sections import ViabilitySettings
from koki2_train.fitness.viability import (
    CRITERIA,
    FAILURES,
    Verdict,
    dense_rank,
    all_viable,
    failure_counts,
    judge,
    viability_shaping,
)
from koki2_train.rollout.lifetime import LifeSummary

CONFIG = ViabilitySettings(
    mvt=True, mvt_steps=20, mvt_min_alive_steps=10, mvt_min_action_entropy=0.5, mvt_min_energy_gained=0.2
)
GOOD = {"steps_alive": 10.0, "action_entropy": 0.5, "energy_gained": 0.25, "finite": True}


def short_lives(*genomes):
    """Summaries (G, M) from one list of lives a genome; each life gives what differs from a good one."""
    table = {name: [[(GOOD | life)[name] for life in lives] for lives in genomes] for name in CRITERIA}
    return LifeSummary(**dict.fromkeys(LifeSummary._fields) | {name: np.asarray(rows) for name, rows in table.items()})


jitted_judge = jax.jit(judge, static_argnames="config")


def verdict_of(*lives, config=CONFIG):
    verdict = jitted_judge(short_lives(list(lives)), config=config)
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
    verdict = jitted_judge(short_lives(*([{name: value}] for value in np.linspace(0.0, threshold, 12))), config=CONFIG)
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


def test_a_threshold_of_zero_is_met_by_everyone_who_is_finite():
    config = ViabilitySettings(mvt=True, mvt_steps=20, mvt_min_alive_steps=0)
    assert verdict_of({"steps_alive": 1.0, "action_entropy": 0.0, "energy_gained": 0.0}, config=config)[0]
    assert not verdict_of({"finite": False}, config=config)[0]


def test_failures_are_counted_by_reason():
    lives = short_lives([{}], [{"finite": False}], [{"steps_alive": 1.0}], [{"steps_alive": 2.0}])
    verdict = jitted_judge(lives, config=CONFIG)
    assert failure_counts(verdict).tolist() == [1, 2, 0, 0]
    assert failure_counts(all_viable(3)).tolist() == [0, 0, 0, 0]
    assert verdict.viable.tolist() == [True, False, False, False]
    assert [part.dtype for part in verdict] == [part.dtype for part in all_viable(4)]


jitted_rank = jax.jit(dense_rank)


def ranks(viable, progress, fitness):
    return jitted_rank(np.asarray(viable, bool), np.asarray(progress, np.float32), np.asarray(fitness, np.float32))


def test_ranks_go_by_viability_then_progress_then_fitness():
    viable = [True, False, True, False, False, False]
    progress = [1.0, 0.9, 1.0, 0.2, 0.9, 0.2]
    fitness = [-5.0, 1e6, 3.0, 2.0, 7.0, 9.0]
    assert ranks(viable, progress, fitness).tolist() == [4, 3, 5, 0, 2, 1]


def test_equals_share_a_rank_without_gaps():
    assert ranks([True] * 5, [1.0] * 5, [2.0, 1.0, 2.0, 1.0, 3.0]).tolist() == [1, 0, 1, 0, 2]
    assert ranks([False] * 3, [0.5] * 3, [1.0] * 3).tolist() == [0, 0, 0]
    assert ranks([True], [1.0], [np.nan]).tolist() == [0]


def test_fitness_that_is_not_finite_is_the_lowest_and_all_of_it_equal():
    fitness = [np.nan, -3e38, np.inf, 3e38, -np.inf, 0.0]
    assert ranks([True] * 6, [1.0] * 6, fitness).tolist() == [0, 1, 0, 3, 0, 2]
    with_outcasts = ranks([True, False, True], [1.0, 0.99, 1.0], [np.nan, 3e38, -3e38])
    assert with_outcasts.tolist() == [1, 0, 2]


def test_numbers_next_to_each_other_are_told_apart():
    huge = np.float32(1e30)
    close = [np.nextafter(huge, np.float32(np.inf)), huge, -huge, np.float32(1e-30), np.float32(0.0)]
    assert ranks([True] * 5, [1.0] * 5, close).tolist() == [4, 3, 0, 2, 1]
    assert ranks([True, True], [1.0, 1.0], [0.0, -0.0]).tolist() == [0, 0]


anything = st.floats(width=32, allow_nan=True, allow_infinity=True)
genomes = st.lists(
    st.tuples(st.booleans(), st.floats(0, 1, width=32, exclude_max=True), anything), min_size=8, max_size=8
)


@settings(max_examples=200, deadline=None)
@given(genomes)
def test_every_genome_that_fails_ranks_below_every_one_that_passes(rows):
    viable = np.asarray([row[0] for row in rows])
    progress = np.asarray([1.0 if ok else p for ok, p, _ in rows], np.float32)
    fitness = np.asarray([row[2] for row in rows], np.float32)
    rank = np.asarray(jitted_rank(viable, progress, fitness))
    assert np.isfinite(rank).all()
    assert set(rank) == set(range(len(set(rank)))), "dense"
    if viable.any() and not viable.all():
        assert rank[~viable].max() < rank[viable].min()
    known = np.where(np.isfinite(fitness), fitness, -np.inf)
    tiny = np.finfo(np.float32).tiny
    clear = [np.where(np.abs(column) < tiny, 0.0, column) for column in (progress, known)]
    triples = list(zip(viable.tolist(), *(column.tolist() for column in clear), strict=True))
    for i, one in enumerate(triples):
        for j, other in enumerate(triples):
            if one < other:
                assert rank[i] <= rank[j]
            if rank[i] < rank[j]:
                assert one <= other


shape = jax.jit(
    lambda fitness, verdict: viability_shaping(centered_rank_fitness_shaping_fn)(
        jnp.zeros((8, 2)), fitness, None, SimpleNamespace(verdict=verdict)
    )
)
own = jax.jit(lambda fitness: centered_rank_fitness_shaping_fn(None, fitness, None, None))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-(2.0**99), 2.0**99, width=32, allow_subnormal=False), min_size=8, max_size=8))
def test_without_the_test_the_shaping_is_evosax_own(costs):
    fitness = np.asarray(costs, np.float32)
    np.testing.assert_array_equal(shape(fitness, all_viable(8)), own(fitness))


def test_weights_grow_with_cost_and_put_outcasts_last():
    """evosax minimises: the largest weight goes to the worst."""
    cost = jnp.asarray([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, -1e9], jnp.float32)
    viable = jnp.asarray([True] * 7 + [False])
    weights = shape(cost, Verdict(viable, jnp.where(viable, 1.0, 0.5), jnp.zeros(8, jnp.int32)))
    np.testing.assert_allclose(weights, np.arange(8) / 7 - 0.5, rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_genomes_without_finite_fitness_have_no_weight(bad):
    cost = jnp.asarray([bad, 1.0, 2.0, bad, 3.0, 4.0, 5.0, 6.0], jnp.float32)
    weights = np.asarray(shape(cost, all_viable(8)))
    assert weights[[0, 3]].tolist() == [0.0, 0.0]
    assert np.isfinite(weights).all()
    assert (np.diff(weights[[1, 2, 4, 5, 6, 7]]) > 0).all()
    assert np.asarray(shape(jnp.full(8, bad), all_viable(8))).tolist() == [0.0] * 8
