"""Zones: discs of cells."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from koki2_envs.mechanics.rows import pairs


def away_from(cells: jax.Array, place: jax.Array, radius: jax.Array | float, size: jax.Array) -> jax.Array:
    """Cells, those near a place moved to where they are not.

    A cell that is not farther than ``radius`` from the place goes half the world's width and height on, around the
    border; one that is too near even there goes to (0, 0). So uniform cells stay uniform, except that
    the cells opposite the place also receive the share of those near it.

    Args:
        cells: (n, 2) int32.
        place: (2,) int32.
        radius: cells, Euclidean.
        size: (2,) int32, width and height.

    Returns:
        (n, 2) int32; all farther than ``radius`` from the place, if (0, 0) is.
    """
    x, y = cells[:, 0], cells[:, 1]
    near = _near(x, y, place, radius)
    x = jnp.where(near, (x + size[0] // 2) % size[0], x)
    y = jnp.where(near, (y + size[1] // 2) % size[1], y)
    near = _near(x, y, place, radius)
    return pairs(jnp.where(near, 0, x), jnp.where(near, 0, y))


def inside(pos: jax.Array, centres: jax.Array, radius: jax.Array | float) -> jax.Array:
    """Whether a cell (2,) int32 is not farther than ``radius`` (cells, Euclidean) from one of (Z, 2) centres; ()."""
    return jnp.any(_near(centres[:, 0], centres[:, 1], pos, radius))


def _near(x: jax.Array, y: jax.Array, place: jax.Array, radius: jax.Array | float) -> jax.Array:
    dx, dy = x - place[0], y - place[1]
    return (dx * dx + dy * dy).astype(jnp.float32) <= jnp.square(jnp.asarray(radius, jnp.float32))
