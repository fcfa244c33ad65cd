"""Rooms: walls divide a world, and each wall has one door.

A world of rooms is a few rectangles, of which every free cell lies in exactly one: no map is needed to walk in it. A
rectangle is (x0, y0, x1, y1) int32, both corners inside; one with x1 < x0 is empty.
"""

from __future__ import annotations

from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from koki2_envs.mechanics.rows import pairs
from koki2_envs.mechanics.sources import divided

_EMPTY = (0, 0, -1, -1)


class Wall(NamedTuple):
    """A wall across a room, or none where the room is too small for one.

    Attributes:
        there: () bool.
        upright: () bool, whether it is a column of cells; else it is a row.
        place: () int32, the column or row that it takes.
        first: () int32, the first row or column that it crosses.
        last: () int32, the last one.
    """

    there: jax.Array
    upright: jax.Array
    place: jax.Array
    first: jax.Array
    last: jax.Array


def build(bits: jax.Array, size: jax.Array, birth: jax.Array) -> jax.Array:
    """Divides a world into rooms.

    Wall k divides room k, of which room 0 is the world, into rooms 2k + 1 and 2k + 2. It crosses the room's longer side
    (either, where they are equal) at a uniform place within, but never in the column or row of the birth cell; a room
    with no such place stays whole, as room 2k + 1. When all walls stand, each gets a door, uniform among the places
    with a room on both sides. There always is one: no wall ends at the first or last place of another.

    Args:
        bits: (2M,) uint32, uniform, for M walls.
        size: (2,) int32, the world's width and height.
        birth: (2,) int32, the cell in which life begins.

    Returns:
        (2M + 1, 4) int32: the M + 1 rooms that are left, then the M doors, each a rectangle of one cell; those that
        do not exist are empty.
    """
    num_walls = bits.size // 2
    rooms = [jnp.stack([jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32), size[0] - 1, size[1] - 1])]
    walls = []
    for k in range(num_walls):
        walls.append(_wall(bits[k], rooms[k], birth))
        rooms.extend(_halves(rooms[k], walls[k]))
    left = jnp.stack(rooms[num_walls:])
    doors = [_door(bits[num_walls + k], wall, left) for k, wall in enumerate(walls)]
    return jnp.concatenate([left, jnp.stack(doors)])


def is_free(rooms: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    """Whether a cell lies in one of the rectangles (R, 4), so is neither wall nor outside; () bool."""
    return reduce(
        jnp.logical_or,
        [(x >= room[0]) & (y >= room[1]) & (x <= room[2]) & (y <= room[3]) for room in rooms],
    )


def free_cells(
    bits: jax.Array, rooms: jax.Array, box: tuple[jax.Array, ...] | jax.Array | None = None
) -> tuple[jax.Array, jax.Array]:
    """Uniform free cells: each the cell of a uniform rank among all, counted rectangle by rectangle.

    Args:
        bits: (n,) uint32.
        rooms: (R, 4) int32, fewer than 2¹⁶ cells together.
        box: x, y, width and height, each () or (n,) int32, of the part of the world in which the cells lie, which must
            have free cells; None for all of it.

    Returns:
        Cells (n, 2) int32, and the randomness that is left, (n,) uint32, which is independent of the cell.
    """
    parts: list[Any] = list(rooms) if box is None else [_overlap(room, box) for room in rooms]
    widths = [part[2] - part[0] + 1 for part in parts]
    areas = [width * (part[3] - part[1] + 1) for width, part in zip(widths, parts, strict=True)]
    drawn, rest = divided(bits, sum(areas[1:], start=areas[0]).astype(jnp.uint32))
    rank = drawn.astype(jnp.int32)
    x0, y0, width = (jnp.zeros_like(rank) for _ in range(3))
    counted = jnp.zeros((), jnp.int32)
    ahead = jnp.zeros_like(rank)
    for part, its_width, area in zip(parts, widths, areas, strict=True):
        here = (rank >= counted) & (rank < counted + area)
        x0, y0 = jnp.where(here, part[0], x0), jnp.where(here, part[1], y0)
        width, ahead = jnp.where(here, its_width, width), jnp.where(here, counted, ahead)
        counted = counted + area
    within, width = rank - ahead, jnp.maximum(width, 1)
    return pairs(x0 + within % width, y0 + within // width), rest


def _overlap(room: jax.Array, box: tuple[jax.Array, ...] | jax.Array) -> tuple[jax.Array, ...]:
    """The rectangle of a room (4,) within a box, empty with x1 = x0 − 1 and y1 = y0 − 1 where they do not overlap."""
    x0, y0 = jnp.maximum(room[0], box[0]), jnp.maximum(room[1], box[1])
    x1, y1 = jnp.minimum(room[2], box[0] + box[2] - 1), jnp.minimum(room[3], box[1] + box[3] - 1)
    return x0, y0, jnp.maximum(x1, x0 - 1), jnp.maximum(y1, y0 - 1)


def _wall(bits: jax.Array, room: jax.Array, birth: jax.Array) -> Wall:
    """Draws the wall across a room (4,)."""
    x0, y0, x1, y1 = room
    coin, bits = divided(bits, jnp.uint32(2))
    upright = (x1 - x0 > y1 - y0) | ((x1 - x0 == y1 - y0) & (coin == 1))
    low, high = jnp.where(upright, x0, y0) + 1, jnp.where(upright, x1, y1) - 1
    kept = jnp.where(upright, birth[0], birth[1])
    keeps = (low <= kept) & (kept <= high)
    count = jnp.maximum(high - low + 1 - keeps.astype(jnp.int32), 0)
    drawn, _ = divided(bits, count.astype(jnp.uint32))
    place = low + drawn.astype(jnp.int32)
    place = place + (keeps & (place >= kept)).astype(jnp.int32)
    return Wall(count > 0, upright, place, jnp.where(upright, y0, x0), jnp.where(upright, y1, x1))


def _halves(room: jax.Array, wall: Wall) -> tuple[jax.Array, jax.Array]:
    """The rooms on either side of a wall; the whole room and an empty one where there is none."""
    x0, y0, x1, y1 = room
    before, beyond = wall.place - 1, wall.place + 1
    first = jnp.stack([x0, y0, jnp.where(wall.upright, before, x1), jnp.where(wall.upright, y1, before)])
    second = jnp.stack([jnp.where(wall.upright, beyond, x0), jnp.where(wall.upright, y0, beyond), x1, y1])
    return jnp.where(wall.there, first, room), jnp.where(wall.there, second, jnp.asarray(_EMPTY, jnp.int32))


def _door(bits: jax.Array, wall: Wall, rooms: jax.Array) -> jax.Array:
    """Draws a wall's door among the places where two of the rooms (R, 4) face each other across it; (4,) int32."""
    across, along = jnp.where(wall.upright, 0, 1), jnp.where(wall.upright, 1, 0)
    faces = (rooms[:, across + 2] == wall.place - 1)[:, None] & (rooms[:, across] == wall.place + 1)[None, :]
    begin, end = rooms[:, along], rooms[:, along + 2]
    first = jnp.maximum(jnp.maximum(begin[:, None], begin[None, :]), wall.first).ravel()
    last = jnp.minimum(jnp.minimum(end[:, None], end[None, :]), wall.last).ravel()
    count = jnp.where(faces.ravel(), jnp.maximum(last - first + 1, 0), 0)
    counted = jnp.cumsum(count)
    drawn, _ = divided(bits, counted[-1].astype(jnp.uint32))
    within = drawn.astype(jnp.int32) - (counted - count)
    place = jnp.sum(jnp.where((within >= 0) & (within < count), first + within, 0), dtype=jnp.int32)
    x, y = jnp.where(wall.upright, wall.place, place), jnp.where(wall.upright, place, wall.place)
    return jnp.where(wall.there, jnp.stack([x, y, x, y]), jnp.asarray(_EMPTY, jnp.int32)).astype(jnp.int32)
