"""What is to be seen of each family of worlds, one file a family."""

from koki2_envs.rendering.scenes import foraging, homeostasis, obstacles, threats

__all__ = ["foraging", "homeostasis", "obstacles", "threats"]
