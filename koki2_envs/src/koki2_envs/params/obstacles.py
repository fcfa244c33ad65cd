"""Knobs of the worlds with walls, L1.2."""

from __future__ import annotations

from koki2_envs.knobs import pytree_dataclass
from koki2_envs.params.foraging import ForagingParams


@pytree_dataclass
class ObstaclesParams(ForagingParams):
    """Knobs of :class:`koki2_envs.environments.obstacles.Obstacles`: those of foraging, in a world with walls."""
