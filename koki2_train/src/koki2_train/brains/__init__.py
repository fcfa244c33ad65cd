"""Brains: what acts and learns within a life. Evolved networks, and reference policies behind the same interface."""

from koki2_train.brains.base import Brain, Interface, Outcome, Percept
from koki2_train.brains.blueprint import Arrays, Blueprint, Parameter
from koki2_train.brains.gru import GRUBrain, GRUCarry, GRUWeights
from koki2_train.brains.reference import ReferenceBrain
from koki2_train.brains.spiking import SpikingBrain, SpikingCarry, SpikingWeights
from koki2_train.brains.synapses import DenseSynapses, SparseSynapses, Synapses
from koki2_train.brains.topology import sparse_inputs

__all__ = [
    "Arrays",
    "Blueprint",
    "Brain",
    "DenseSynapses",
    "GRUBrain",
    "GRUCarry",
    "GRUWeights",
    "Interface",
    "Outcome",
    "Parameter",
    "Percept",
    "ReferenceBrain",
    "SparseSynapses",
    "SpikingBrain",
    "SpikingCarry",
    "SpikingWeights",
    "Synapses",
    "sparse_inputs",
]
