"""Worlds of rooms, drawn and as maps, and how far apart cells are by flood fill."""

from collections import deque
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st

from koki2_envs.mechanics import rooms

WORLDS = 24
SIDES = st.integers(5, 20)
NUM_WALLS = st.sampled_from((1, 3, 7))  # each is compiled
# A world of 7 by 5: a wall in column 2 with a door in row 3, and right of it one in row 1 with a door in column 6.
SMALL = jnp.asarray([[0, 0, 1, 4], [3, 0, 6, 0], [3, 2, 6, 4], [2, 3, 2, 3], [6, 1, 6, 1]], jnp.int32)
SMALL_MAP = """
..#....
..####.
..#....
.......
..#....
"""


@partial(jax.jit, static_argnums=0)
def worlds(num_walls, seed, size):
    """Many worlds (n, 2M + 1, 4), and two free cells in each, (n, 2, 2)."""

    def world(key):
        build_key, cell_key = jax.random.split(key)
        built = rooms.build(jax.random.bits(build_key, (2 * num_walls,), jnp.uint32), size, size // 2)
        return built, rooms.free_cells(jax.random.bits(cell_key, (2,), jnp.uint32), built)[0]

    return jax.vmap(world)(jax.random.split(jax.random.key(seed), WORLDS))


def map_of(rectangles, size):
    """Whether cell [x, y] is free."""
    free = np.zeros(size, bool)
    for x0, y0, x1, y1 in np.asarray(rectangles):
        free[x0 : x1 + 1, y0 : y1 + 1] = True
    return free


def steps_from(start, free):
    """Steps from a cell to every cell by flood fill; -1 where it does not get."""
    steps = np.full(free.shape, -1)
    steps[start] = 0
    queue = deque([start])
    while queue:
        x, y = queue.popleft()
        for cell in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            inside = 0 <= cell[0] < free.shape[0] and 0 <= cell[1] < free.shape[1]
            if inside and free[cell] and steps[cell] < 0:
                steps[cell] = steps[x, y] + 1
                queue.append(cell)
    return steps
