"""Layouts: where in a world two kinds of things lie, by laws that are drawn for each life.

Every law gives each kind a box of cells in which its things lie, uniformly.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from koki2_envs.mechanics.rows import pairs
from koki2_envs.mechanics.sources import uniform_cells

UNIFORM, CLUSTERED, OPPOSITE = range(3)
LAW_NAMES = ("uniform", "clustered", "opposite")


class Layout(NamedTuple):
    """A life's layout.

    Attributes:
        law: () int32, uniform, clustered or opposite.
        first: (4,) int32, the box of the first kind: x and y of its upper left cell, width and height.
        second: (4,) int32, that of the second kind.
    """

    law: jax.Array
    first: jax.Array
    second: jax.Array


def everywhere(size: jax.Array) -> Layout:
    """Both kinds lie anywhere in a world of ``size`` (2,) int32."""
    box = jnp.stack([jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32), size[0], size[1]])
    return Layout(jnp.full((), UNIFORM, jnp.int32), box, box)


def draw(
    key: jax.Array, weights: tuple[jax.Array | float, ...], spread: jax.Array | int, shifts: jax.Array | bool,
    size: jax.Array,
) -> Layout:  # fmt: skip
    """Draws a law, and the places it needs.

    Args:
        key: random key.
        weights: of uniform, clustered and opposite; not all zero.
        spread: cells from a cluster's centre to its border, and the depth of a side, at most half of the world.
        shifts: whether centres and sides are drawn; else the centres are a quarter of the width from the left and from
            the right, and the first kind lies at the left side. In a world one cell high sides are left and right, in
            one that is one cell wide they are top and bottom.
        size: (2,) int32, the world's width and height.
    """
    lot_key, place_key, side_key = jax.random.split(key, 3)
    ends = jnp.cumsum(jnp.stack([jnp.asarray(w, jnp.float32) for w in weights]))
    passed = jax.random.uniform(lot_key, (), jnp.float32) * ends[-1] >= ends
    law = jnp.minimum(jnp.sum(passed, dtype=jnp.int32), OPPOSITE)
    drawn, _ = uniform_cells(jax.random.bits(place_key, (2,), jnp.uint32), size)
    fixed = jnp.stack([jnp.stack([size[0] // 4, size[1] // 2]), jnp.stack([size[0] - 1 - size[0] // 4, size[1] // 2])])
    centres = jnp.where(shifts, drawn, fixed)
    side = jnp.where(shifts, jax.random.randint(side_key, (), 0, 4, jnp.int32), 0)
    side = jnp.where(size[1] == 1, side % 2, jnp.where(size[0] == 1, 2 + side % 2, side))
    clusters = [_around(centre, spread, size) for centre in centres]
    sides = [_at_side(side, spread, size), _at_side(side ^ 1, spread, size)]
    anywhere = everywhere(size).first
    boxes = [jnp.stack([anywhere, a, b])[law] for a, b in zip(clusters, sides, strict=True)]
    return Layout(law, *boxes)


def cells_in(bits: jax.Array, box: tuple[jax.Array, ...] | jax.Array) -> tuple[jax.Array, jax.Array]:
    """Uniform cells in boxes.

    Args:
        bits: (n,) uint32.
        box: x, y, width and height, each () or (n,) int32.

    Returns:
        What :func:`koki2_envs.mechanics.sources.uniform_cells` returns.
    """
    cells, rest = uniform_cells(bits, (box[2], box[3]))
    x, y = (jnp.broadcast_to(corner, bits.shape) for corner in (box[0], box[1]))
    return cells + pairs(x, y), rest


def _around(centre: jax.Array, spread: jax.Array | int, size: jax.Array) -> jax.Array:
    low, high = jnp.maximum(centre - spread, 0), jnp.minimum(centre + spread, size - 1)
    return jnp.concatenate([low, high - low + 1])


def _at_side(side: jax.Array, spread: jax.Array | int, size: jax.Array) -> jax.Array:
    """The box at a side: 0 left, 1 right, 2 top, 3 bottom."""
    upright = side < 2
    depth = jnp.minimum(spread, jnp.maximum(size // 2, 1))
    width = jnp.where(upright, depth[0], size[0])
    height = jnp.where(upright, size[1], depth[1])
    x, y = jnp.where(side == 1, size[0] - width, 0), jnp.where(side == 3, size[1] - height, 0)
    return jnp.stack([x, y, width, height])
