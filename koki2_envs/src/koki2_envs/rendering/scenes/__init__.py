"""Scenes of each family of worlds, one file a family."""

from koki2_envs.rendering.scenes import foraging, homeostasis, lottery, motivation, obstacles, seasons, threats

__all__ = ["foraging", "homeostasis", "lottery", "motivation", "obstacles", "seasons", "threats"]
