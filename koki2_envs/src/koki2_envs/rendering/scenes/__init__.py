"""What is to be seen of each family of worlds, one file a family."""

from koki2_envs.rendering.scenes import foraging, homeostasis, moods, obstacles, seasons, threats

__all__ = ["foraging", "homeostasis", "moods", "obstacles", "seasons", "threats"]
