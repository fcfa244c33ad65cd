"""Strategies: search behind ask and tell. The only folder that imports evosax."""

from koki2_train.strategies.base import Strategy
from koki2_train.strategies.distribution_based import OpenES

__all__ = ["OpenES", "Strategy"]
