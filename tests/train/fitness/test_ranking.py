"""Ranks: by viability, then progress, then fitness, and what is not finite last."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koki2_train.fitness.ranking import dense_rank, rank_genomes
from koki2_train.fitness.viability import Verdict, all_viable

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


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_search_is_told_the_rank_of_verdict_and_fitness(bad):
    fitness = np.asarray([3.0, bad, 1.0, 2.0], np.float32)
    assert rank_genomes(all_viable(4), fitness).tolist() == [3, 0, 1, 2]
    outcast = Verdict(
        *(np.asarray(column) for column in ([False, True, True, True], [0.5, 1.0, 1.0, 1.0], [1, -1, -1, -1]))
    )
    assert rank_genomes(outcast, fitness).tolist() == [0, 1, 2, 3]
