"""Oracle policy among walls. Greedy is that of the foraging worlds: it climbs the gradient, and the wall stops it."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from koki2_envs.environments.obstacles import Obstacles, ObstaclesState
from koki2_envs.mechanics.sources import touching
from koki2_envs.params import ObstaclesParams
from koki2_envs.reference_policies.base import cheapest, oracle
from koki2_envs.reference_policies.room_paths import UNREACHABLE, DoorDistances, distances, door_distances

# How much the oracle minds the way from a source to the next one, against the way to the source itself.
_FORESIGHT = 0.5


@oracle.register
def _(
    env: Obstacles, params: ObstaclesParams, state: ObstaclesState, observation: jax.Array, key: jax.Array
) -> jax.Array:
    """Walks the shortest path, through the doors, to a good source that is near, and near to the next one.

    It steps off and back on a source that stays, and waits at its birth cell while there is none. It touches a
    bad source only in the good one's own cell, and plans one step ahead around others, so that one in a doorway
    blocks it.
    """
    doors, birth = door_distances(state.rooms), env.size(params) // 2
    wanted = state.source_active & ~state.source_is_bad
    far = distances(doors, jnp.concatenate([state.pos[None], state.source_pos]), state.source_pos)
    others = jnp.where(wanted[None] & ~jnp.eye(wanted.size, dtype=bool), far[1:], UNREACHABLE)
    onward = jnp.min(others, axis=1)
    cost = jnp.where(far[0] > 0, far[0], 2.0) + _FORESIGHT * jnp.where(onward < UNREACHABLE, onward, 0.0)
    target = cheapest(jnp.where(wanted, cost, UNREACHABLE))
    return _best_move(env, params, state, doors, jnp.where(jnp.any(wanted), state.source_pos[target], birth))


def _best_move(
    env: Obstacles, params: ObstaclesParams, state: ObstaclesState, doors: DoorDistances, goal: jax.Array
) -> jax.Array:
    """The move that gets closest to the goal without touching anything bad except there; at the goal, a step aside."""
    actions = jnp.arange(env.num_actions, dtype=jnp.int32)
    cells = jax.vmap(lambda action: env.moved(state, action, params))(actions)
    bad = state.source_is_bad & ~touching(state.sources, state.pos)
    harm = jax.vmap(lambda cell: jnp.any(touching(state.sources, cell) & bad))(cells) & jnp.any(
        cells != goal[None], axis=1
    )
    idle = jnp.all(cells == state.pos[None], axis=1)
    # Among equally short paths it takes the one that leaves the longer side the shorter.
    side = 0.1 * jnp.max(jnp.abs(goal[None] - cells), axis=1).astype(jnp.float32)
    way = distances(doors, cells, goal[None])[:, 0] + side
    return cheapest(way + jnp.where(idle, jnp.float32(3.0), 0.0) + jnp.where(harm, jnp.float32(10.0), 0.0))
