"""Rooms, against maps: what is built, what can be reached, and where things lie."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from maps import NUM_WALLS, SIDES, SMALL, SMALL_MAP, WORLDS, map_of, steps_from, worlds

from koki2_envs.mechanics import rooms


@given(SIDES, SIDES, NUM_WALLS, st.integers(0, 2**31 - 1))
@settings(max_examples=12)
def test_every_free_cell_can_be_reached_and_nothing_lies_in_walls(width, height, num_walls, seed):
    built, cells = worlds(num_walls, seed, jnp.asarray([width, height]))
    for rectangles, pair in zip(np.asarray(built), np.asarray(cells), strict=True):
        free = map_of(rectangles, (width, height))
        reached = steps_from((width // 2, height // 2), free) >= 0
        assert reached[width // 2, height // 2]
        np.testing.assert_array_equal(reached, free)
        assert all(free[tuple(cell)] for cell in pair)


@given(SIDES, SIDES, NUM_WALLS, st.integers(0, 2**31 - 1))
@settings(max_examples=12)
def test_each_wall_has_exactly_one_gap(width, height, num_walls, seed):
    """Rectangles do not overlap, and closing one door cuts off what lies beyond."""
    built, _ = worlds(num_walls, seed, jnp.asarray([width, height]))
    for rectangles in np.asarray(built):
        exist = rectangles[:, 0] <= rectangles[:, 2]
        areas = np.prod(rectangles[:, 2:] - rectangles[:, :2] + 1, axis=1)
        free = map_of(rectangles, (width, height))
        assert areas[exist].sum() == free.sum()
        doors = rectangles[num_walls + 1 :][exist[num_walls + 1 :]]
        assert len(doors) == exist[: num_walls + 1].sum() - 1
        for x, y, *_ in doors:
            closed = free.copy()
            closed[x, y] = False
            start = tuple(np.argwhere(closed)[0])
            assert (steps_from(start, closed) >= 0).sum() < closed.sum()


def test_the_longer_side_is_crossed_and_the_birth_cell_is_never_in_line():
    for size, axis in (((12, 7), 0), ((7, 12), 1)):
        built, _ = worlds(1, 3, jnp.asarray(size))
        places = np.asarray(built)[:, 2, axis]
        assert set(places) <= set(range(1, 11)) - {6}
        assert len(set(places)) > 4
        assert (np.asarray(built)[:, 0, axis + 2] == places - 1).all()


def test_a_square_is_crossed_either_way():
    built, _ = worlds(1, 5, jnp.asarray([9, 9]))
    upright = np.asarray(built)[:, 0, 3] == 8
    assert 4 < upright.sum() < WORLDS - 4


def test_a_world_too_small_for_walls_stays_whole():
    # The only inner column is that of the birth cell.
    built, _ = worlds(2, 0, jnp.asarray([3, 3]))
    exist = np.asarray(built)[:, :, 0] <= np.asarray(built)[:, :, 2]
    assert (exist.sum(axis=1) == 1).all()
    assert (map_of(built[0], (3, 3))).all()


def test_free_cells_by_hand():
    """The cells of the small world in the order of their rectangles: 10, 4, 12, 1 and 1, 28 in all."""
    ranks = np.asarray([0, 1, 2, 9, 10, 13, 14, 18, 25, 26, 27])
    bits = jnp.asarray(np.ceil(ranks * 2**32 / 28).astype(np.uint32))
    cells, _ = rooms.free_cells(bits, SMALL)
    expected = [
        (0, 0), (1, 0), (0, 1), (1, 4), (3, 0), (6, 0), (3, 2), (3, 3), (6, 4), (2, 3), (6, 1),
    ]  # fmt: skip
    assert [tuple(cell) for cell in cells.tolist()] == expected


def test_free_cells_are_equally_likely():
    n = 28 * 400
    cells, rest = rooms.free_cells(jax.random.bits(jax.random.key(1), (n,), jnp.uint32), SMALL)
    counts = np.bincount(np.asarray(cells[:, 0] * 5 + cells[:, 1]), minlength=35).reshape(7, 5)
    free = map_of(SMALL, (7, 5))
    assert (counts[~free] == 0).all()
    # Chi-square with 27 degrees of freedom exceeds 55.5 with probability 0.001.
    assert (np.square(counts[free] - 400) / 400).sum() < 55.5
    assert abs(float(np.mean(np.asarray(rest) / 2**32)) - 0.5) < 4 * np.sqrt(1 / 12 / n)


def test_is_free_agrees_with_the_map():
    drawn = np.asarray([[c == "." for c in line] for line in SMALL_MAP.split()]).T
    np.testing.assert_array_equal(map_of(SMALL, (7, 5)), drawn)
    x, y = np.meshgrid(np.arange(-1, 8), np.arange(-1, 6), indexing="ij")
    np.testing.assert_array_equal(rooms.is_free(SMALL, x, y), np.pad(drawn, 1))
