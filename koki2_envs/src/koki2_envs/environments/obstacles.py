"""Obstacles: walls with doors, rung L1.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import spaces

from koki2_envs.environments.foraging import Foraging
from koki2_envs.environments.grid import Box
from koki2_envs.environments.state import ForagingState
from koki2_envs.knobs import known_number
from koki2_envs.mechanics import rooms
from koki2_envs.mechanics.rng import Feature, Rng
from koki2_envs.params import ObstaclesParams

_MOST_CELLS = 2**16 - 1


@struct.dataclass
class ObstaclesState(ForagingState):
    """State of a life among walls.

    Attributes:
        rooms: (2M + 1, 4) int32, the rectangles (x0, y0, x1, y1) of free cells, corners inside: M + 1 rooms, then the
            doors of the M walls; empty ones, with x1 < x0, where a room was too small to be divided.
    """

    rooms: jax.Array


StateT = TypeVar("StateT", bound=ObstaclesState)
ParamsT = TypeVar("ParamsT", bound=ObstaclesParams)


class Obstacles(Foraging[StateT, ParamsT]):
    """Foraging in rooms: walls stand in the way, and the gradient points through them.

    **Observation** (8,) float32: the four of :class:`Foraging`; ``wall_up``, ``wall_down``, ``wall_left``,
    ``wall_right``, 1 where the cell next to the agent is wall or lies beyond the border, else 0. ``obs_noise`` is added
    to all eight; distortions of the gradient do not affect the walls.

    **Born** in a world that ``num_walls`` walls divide into rooms, drawn for each life, each wall with one door
    (:func:`koki2_envs.mechanics.rooms.build`). The birth cell is free, and every free cell can be reached from it.

    **One step** as in :class:`Foraging`, with two differences: a move into a wall stays where it is, and sources lie
    and come back uniformly in the free cells, doors among them.

    Actions, ends, reward, info and knobs are those of :class:`Foraging`.
    """

    own_structure: ClassVar[Mapping[str, int]] = {"num_walls": 3}
    own_senses: ClassVar[Mapping[str, float]] = {"wall_up": 1.0, "wall_down": 1.0, "wall_left": 1.0, "wall_right": 1.0}
    own_terrain: ClassVar[tuple[str, ...]] = ("rooms",)
    own_draws: ClassVar[tuple[Feature, ...]] = (Feature.TERRAIN,)
    state_class: ClassVar[type[ForagingState]] = ObstaclesState
    params_class: ClassVar[type[ObstaclesParams]] = ObstaclesParams
    num_walls: int

    def check_knobs(self, params: ParamsT) -> None:
        """Rejects incompatible knobs (see :meth:`World.check_knobs`)."""
        super().check_knobs(params)
        width, height = known_number(params.width), known_number(params.height)
        if width is not None and height is not None and width * height > _MOST_CELLS:
            raise ValueError(
                f"width · height must be at most {_MOST_CELLS} in a world with walls, got {width * height}"
            )

    def terrain(self, key: jax.Array, params: ParamsT) -> dict[str, jax.Array]:
        """The terrain and the rooms."""
        size, rng = self.size(params), Rng(key, self.stream("Obstacles", Feature.TERRAIN))
        built = rooms.build(rng.bits(2 * self.num_walls), size, size // 2)
        return {**super().terrain(key, params), "rooms": built}

    def cells(
        self, bits: jax.Array, around: Mapping[str, jax.Array], params: ParamsT, box: Box | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """Uniform free cells (see :meth:`Grid.cells`)."""
        return rooms.free_cells(bits, around["rooms"], box)

    def moved(self, state: StateT, action: jax.Array, params: ParamsT) -> jax.Array:
        """The cell that an action leads to; (2,) int32."""
        there = super().moved(state, action, params)
        return jnp.where(rooms.is_free(state.rooms, there[0], there[1]), there, state.pos)

    def extra_senses(self, key: jax.Array, state: StateT, params: ParamsT, phi: jax.Array) -> tuple[jax.Array, ...]:
        """Whether there is a wall above, below, at the left and at the right."""
        x, y = state.pos[0], state.pos[1]
        around = ((x, y - 1), (x, y + 1), (x - 1, y), (x + 1, y))
        walls = (1.0 - rooms.is_free(state.rooms, *cell).astype(jnp.float32) for cell in around)
        return *super().extra_senses(key, state, params, phi), *walls

    def extra_bounds(self, params: ParamsT) -> tuple[tuple[Any, Any], ...]:
        """The least and largest value of each extra sense, without noise."""
        return *super().extra_bounds(params), *(((0.0, 1.0),) * 4)

    def extra_state(self, params: ParamsT) -> dict[str, Any]:
        """The space of the rooms."""
        last = jnp.maximum(params.width, params.height) - 1
        built = spaces.Box(-1, last, (2 * self.num_walls + 1, 4), jnp.int32)
        return {**super().extra_state(params), "rooms": built}
