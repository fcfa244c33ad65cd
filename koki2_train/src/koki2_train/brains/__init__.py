"""What acts: evolved spiking networks, and reference policies in the same coat."""

from koki2_train.brains.base import Brain, Learning, Outcome, Percept
from koki2_train.brains.reference import ReferenceBrain
from koki2_train.brains.spiking import SpikingBrain, SpikingCarry, SpikingParams
from koki2_train.brains.topology import sparse_inputs

__all__ = [
    "Brain",
    "Learning",
    "Outcome",
    "Percept",
    "ReferenceBrain",
    "SpikingBrain",
    "SpikingCarry",
    "SpikingParams",
    "sparse_inputs",
]
