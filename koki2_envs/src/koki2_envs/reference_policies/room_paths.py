"""Shortest paths through rooms (:mod:`koki2_envs.mechanics.rooms`), from door to door.

Within a room a shortest path takes as many steps as the distances in x and y add up to, also from door to door: a room
has at most one door at each side.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

UNREACHABLE = 1e6
"""Distance of an unreachable cell."""


class DoorDistances(NamedTuple):
    """Distances between the doors of a world of rooms.

    Attributes:
        rooms: (M + 1, 4) int32, without the doors.
        doors: (M, 2) int32, their cells.
        between: (M, M) float32, steps from door to door.
    """

    rooms: jax.Array
    doors: jax.Array
    between: jax.Array


def door_distances(rooms: jax.Array) -> DoorDistances:
    """Distances between the doors of a world (2M + 1, 4) int32 of M walls."""
    num_walls = rooms.shape[0] // 2
    rooms, doors = rooms[: num_walls + 1], rooms[num_walls + 1 :]
    between = _within_a_room(rooms, doors[:, :2], doors[:, :2])
    for k in range(num_walls):
        between = jnp.minimum(between, between[:, k, None] + between[None, k, :])
    return DoorDistances(rooms, doors[:, :2], between)


def distances(doors: DoorDistances, starts: jax.Array, goals: jax.Array) -> jax.Array:
    """Steps from each of the free cells ``starts`` (n, 2) int32 to each of ``goals`` (m, 2); (n, m) float32."""
    straight = _within_a_room(doors.rooms, starts, goals)
    to_doors = _nearest(_within_a_room(doors.rooms, starts, doors.doors), doors.between)
    return jnp.minimum(straight, _nearest(to_doors, _within_a_room(doors.rooms, doors.doors, goals)))


def _nearest(there: jax.Array, onward: jax.Array) -> jax.Array:
    """Steps through the best of some places between: (n, k) and (k, m) to (n, m)."""
    return jnp.min(there[:, :, None] + onward[None, :, :], axis=1)


def _within_a_room(rooms: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
    """Steps between cells (n, 2) and (m, 2) in the same room or its doors, else :data:`UNREACHABLE`; (n, m) float32."""
    shared = jnp.any(_belongs(rooms, a)[:, None] & _belongs(rooms, b)[None, :], axis=2)
    steps = jnp.sum(jnp.abs(a[:, None] - b[None, :]), axis=2, dtype=jnp.int32)
    return jnp.where(shared, steps.astype(jnp.float32), UNREACHABLE)


def _belongs(rooms: jax.Array, cells: jax.Array) -> jax.Array:
    """Whether free cells (n, 2) lie in each room or in a door of it: at most a step away; (n, R) bool."""
    low, high = rooms[None, :, :2], rooms[None, :, 2:]
    away = jnp.maximum(low - cells[:, None], 0) + jnp.maximum(cells[:, None] - high, 0)
    return (jnp.sum(away, axis=2, dtype=jnp.int32) <= 1) & (rooms[:, 0] <= rooms[:, 2])[None]
