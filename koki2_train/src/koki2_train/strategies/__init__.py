"""Search behind ask and tell. The only room that imports evosax."""

from koki2_train.strategies.base import Strategy
from koki2_train.strategies.distribution_based import OpenES

__all__ = ["OpenES", "Strategy"]
