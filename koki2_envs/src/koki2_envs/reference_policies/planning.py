"""Planning: least-cost paths on the cells around an agent.

Fields are (n, n) float32, [y, x], n = 2·``REACH`` + 1, with the agent in the middle; width and height of the world need
not be known when this is compiled.
"""

from __future__ import annotations

from functools import reduce

import jax
import jax.numpy as jnp

REACH = 10
"""How far, in x and in y, the cells lie that are planned on; goals beyond are approached in a straight line."""

NEVER = 1e6
"""The cost of an impossible path."""

# How many steps a way may have: to the corners of the field, which are 20 away, and a detour of 4.
_ITERATIONS = 24
_STEPS = ((0, -1), (0, 1), (-1, 0), (1, 0))  # up, down, left, right


def around(pos: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The x (1, n) and the y (n, 1) of the cells of a field around ``pos`` (2,); int32."""
    along = jnp.arange(-REACH, REACH + 1, dtype=jnp.int32)
    return pos[0] + along[None, :], pos[1] + along[:, None]


def field_of(pos: jax.Array, cells: jax.Array, values: jax.Array) -> jax.Array:
    """A field with the sum of the ``values`` (n,) of what lies in its ``cells`` (n, 2), seen from ``pos`` (2,)."""
    x, y = around(pos)
    return sum(
        (jnp.where((x == cell[0]) & (y == cell[1]), value, 0.0) for cell, value in zip(cells, values, strict=True)),
        start=jnp.zeros((2 * REACH + 1, 2 * REACH + 1), jnp.float32),
    )


def outside(pos: jax.Array, size: jax.Array) -> jax.Array:
    """Which cells of a field around ``pos`` lie outside a world of ``size`` (2,); bool."""
    x, y = around(pos)
    return (x < 0) | (y < 0) | (x >= size[0]) | (y >= size[1])


def costs_of_moves(offsets: jax.Array, wanted: jax.Array, entering: jax.Array) -> jax.Array:
    """What the best way to a goal costs that begins with each move: up, down, left, right; (4,) float32.

    Args:
        offsets: (n, 2) int32, displacements to goals.
        wanted: (n,) bool, which of them count.
        entering: a field, what it costs to enter each cell.
    """
    cost = _cost_to_go(offsets, wanted, entering)
    return jnp.stack([_shifted(entering + cost, dx, dy)[REACH, REACH] for dx, dy in _STEPS])


def _cost_to_go(offsets: jax.Array, wanted: jax.Array, entering: jax.Array) -> jax.Array:
    """The least cost of the way from each cell of the field to a wanted goal."""
    near = jnp.clip(offsets, -REACH, REACH)
    beyond = jnp.sum(jnp.abs(offsets - near), axis=1, dtype=jnp.int32)
    along = jnp.arange(-REACH, REACH + 1, dtype=jnp.int32)
    at_goals = [
        jnp.where((along[:, None] == cell[1]) & (along[None, :] == cell[0]) & w, rest.astype(jnp.float32), NEVER)
        for cell, rest, w in zip(near, beyond, wanted, strict=True)
    ]

    def relax(_: int, cost: jax.Array) -> jax.Array:
        onward = entering + cost
        return reduce(jnp.minimum, [_shifted(onward, dx, dy) for dx, dy in _STEPS], cost)

    return jax.lax.fori_loop(0, _ITERATIONS, relax, reduce(jnp.minimum, at_goals))


def _shifted(field: jax.Array, dx: int, dy: int) -> jax.Array:
    """The value of a field in the cell (dx, dy) away from each cell; beyond the field a lot."""
    n = field.shape[0]
    padded = jnp.pad(field, 1, constant_values=2 * NEVER)
    return padded[1 + dy : 1 + dy + n, 1 + dx : 1 + dx + n]
