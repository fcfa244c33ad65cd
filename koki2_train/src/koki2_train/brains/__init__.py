"""What acts: evolved spiking networks, and reference policies in the same coat."""

from koki2_train.brains.base import Brain, Learning, Outcome, Percept
from koki2_train.brains.reference import ReferenceBrain
from koki2_train.brains.spiking import SpikingBrain, SpikingCarry, SpikingParams
from koki2_train.brains.synapses import DenseSynapses, SparseSynapses, Synapses
from koki2_train.brains.topology import sparse_inputs

__all__ = [
    "Brain",
    "DenseSynapses",
    "Learning",
    "Outcome",
    "Percept",
    "ReferenceBrain",
    "SparseSynapses",
    "SpikingBrain",
    "SpikingCarry",
    "SpikingParams",
    "Synapses",
    "sparse_inputs",
]
