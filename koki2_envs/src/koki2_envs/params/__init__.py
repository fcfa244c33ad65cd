"""Params: the knobs and structure arguments of every family of worlds. Importable without JAX."""

from koki2_envs.params.base import WorldParams
from koki2_envs.params.foraging import ForagingParams
from koki2_envs.params.homeostasis import HomeostasisParams
from koki2_envs.params.lottery import LotteryParams
from koki2_envs.params.motivation import MotivationParams
from koki2_envs.params.obstacles import ObstaclesParams
from koki2_envs.params.seasons import SeasonsParams
from koki2_envs.params.structure import STRUCTURE, Structure
from koki2_envs.params.threats import ThreatsParams

__all__ = [
    "STRUCTURE",
    "ForagingParams",
    "HomeostasisParams",
    "LotteryParams",
    "MotivationParams",
    "ObstaclesParams",
    "SeasonsParams",
    "Structure",
    "ThreatsParams",
    "WorldParams",
]
