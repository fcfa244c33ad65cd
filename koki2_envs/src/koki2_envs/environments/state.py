"""State of one life."""

from __future__ import annotations

import jax
from flax import struct
from gymnax.environments import environment

from koki2_envs.mechanics.sources import Sources


@struct.dataclass
class WorldState(environment.EnvState):
    """State of one life.

    Attributes:
        time: () int32, steps lived.
        succeeded: () bool, whether a good source was ever reached.
    """

    time: jax.Array
    succeeded: jax.Array


@struct.dataclass
class ForagingState(WorldState):
    """State of a foraging life.

    Attributes:
        time: () int32, steps lived.
        succeeded: () bool, whether a good source was ever reached.
        pos: (2,) int32, the agent's cell (x, y).
        source_pos: (K, 2) int32, the sources' cells.
        source_is_bad: (K,) bool.
        source_active: (K,) bool.
        source_respawn_t: (K,) int32, steps until an inactive source is back.
        energy: () float32 in [0, 1].
        integrity: () float32 in [0, 1].
    """

    pos: jax.Array
    source_pos: jax.Array
    source_is_bad: jax.Array
    source_active: jax.Array
    source_respawn_t: jax.Array
    energy: jax.Array
    integrity: jax.Array

    @property
    def sources(self) -> Sources:
        """The sources as one tuple."""
        return Sources(self.source_pos, self.source_is_bad, self.source_active, self.source_respawn_t)
