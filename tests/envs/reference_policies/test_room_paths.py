"""Shortest paths through rooms, against flood fill and by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from maps import NUM_WALLS, SIDES, SMALL, map_of, steps_from, worlds

from koki2_envs.reference_policies import room_paths


@given(SIDES, SIDES, NUM_WALLS, st.integers(0, 2**31 - 1))
@settings(max_examples=8)
def test_paths_are_as_long_as_a_flood_fill_finds(width, height, num_walls, seed):
    built, cells = worlds(num_walls, seed, jnp.asarray([width, height]))
    for rectangles, (start, _) in zip(np.asarray(built)[:4], np.asarray(cells)[:4], strict=True):
        free = map_of(rectangles, (width, height))
        # All cells of the map, so that one shape is compiled for every world of this size.
        everywhere = np.argwhere(np.ones_like(free))
        found = np.asarray(lengths(jnp.asarray(rectangles), jnp.asarray(start), jnp.asarray(everywhere)))
        np.testing.assert_array_equal(found.reshape(free.shape)[free], steps_from(tuple(start), free)[free])


@jax.jit
def lengths(rectangles, start, goals):
    return room_paths.distances(room_paths.door_distances(rectangles), start[None], goals)[0]


@pytest.mark.parametrize(
    ("start", "goal", "steps"),
    [
        ((0, 0), (1, 4), 5),  # in one room
        ((0, 0), (3, 4), 7),  # through the door at (2, 3)
        ((0, 0), (3, 0), 15),  # round both walls: 5 to the first door, 6 to the second, 4 back
        ((2, 3), (6, 1), 6),  # from door to door
        ((6, 1), (6, 1), 0),
    ],
)
def test_paths_by_hand(start, goal, steps):
    assert float(lengths(SMALL, jnp.asarray(start), jnp.asarray([goal]))[0]) == steps
