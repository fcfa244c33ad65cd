"""The knobs of every family of worlds, declared once and importable without JAX."""

from koki2_envs.params.foraging import ForagingParams
from koki2_envs.params.world import WorldParams

__all__ = ["ForagingParams", "WorldParams"]
