"""The worlds, one file a family."""

from koki2_envs.environments.foraging import Foraging, ForagingState
from koki2_envs.environments.world import World, WorldState

__all__ = ["Foraging", "ForagingState", "World", "WorldState"]
