"""Worlds, one file for each family."""

# isort: off
from koki2_envs.matplotlib_import import import_matplotlib as import_matplotlib  # before Gymnax does

# isort: on
from koki2_envs.environments.base import World
from koki2_envs.environments.composition import SourceGroup
from koki2_envs.environments.foraging import Foraging
from koki2_envs.environments.grid import Grid
from koki2_envs.environments.homeostasis import Homeostasis, HomeostasisState
from koki2_envs.environments.lottery import Lottery, LotteryState
from koki2_envs.environments.motivation import Motivation, MotivationState
from koki2_envs.environments.obstacles import Obstacles, ObstaclesState
from koki2_envs.environments.seasons import Seasons, SeasonsState
from koki2_envs.environments.state import ForagingState, WorldState
from koki2_envs.environments.threats import Threats, ThreatsState

__all__ = [
    "Foraging",
    "ForagingState",
    "Grid",
    "Homeostasis",
    "HomeostasisState",
    "Lottery",
    "LotteryState",
    "Motivation",
    "MotivationState",
    "Obstacles",
    "ObstaclesState",
    "Seasons",
    "SeasonsState",
    "SourceGroup",
    "Threats",
    "ThreatsState",
    "World",
    "WorldState",
]
