"""Direct genomes: what evolves is the weights themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from koki2_train.brains.spiking import SpikingParams
from koki2_train.brains.synapses import DenseSynapses, Synapses


class DirectGenome(NamedTuple):
    """Weights of a spiking network, synapse by synapse.

    Attributes:
        w_in: (N, num_observations) float32, in units of one over the size of the entry (see :class:`DirectEncoding`).
        w_rec: (N, k) float32, in the order of the topology's inputs.
        w_motor: (N, num_actions) float32.
        b_motor: (num_actions,) float32.
    """

    w_in: jax.Array
    w_rec: jax.Array
    w_motor: jax.Array
    b_motor: jax.Array


@dataclass(frozen=True)
class DirectEncoding:
    """Genome and development of directly encoded spiking networks.

    The search takes steps of one size in every direction. So that such a step means as much for a faint sense as for a
    loud one, input weights are written in units of one over the typical size of what they multiply.

    Attributes:
        num_neurons: N.
        k_edges: k, recurrent inputs per neuron.
        observation_sizes: the typical size of each entry of the observation; all 1 writes plain weights.
        num_actions: number of actions.
        topology_seed: draws which neurons each neuron listens to.
        init_scale: standard deviation of all weights at the start.
        synapses: how the phenotype holds its input and recurrent weights.
    """

    num_neurons: int
    k_edges: int
    observation_sizes: tuple[float, ...]
    num_actions: int
    topology_seed: int = 0
    init_scale: float = 0.1
    synapses: type[Synapses] = DenseSynapses

    def init(self, key: jax.Array) -> DirectGenome:
        """A genome of independent normal weights with standard deviation ``init_scale``."""
        n, scale = self.num_neurons, self.init_scale
        shapes = ((n, len(self.observation_sizes)), (n, self.k_edges), (n, self.num_actions), (self.num_actions,))
        keys = jax.random.split(key, len(shapes))
        weights = DirectGenome(*(scale * jax.random.normal(k, s) for k, s in zip(keys, shapes, strict=True)))
        return weights._replace(w_in=weights.w_in * jnp.asarray(self.observation_sizes, jnp.float32))

    def develop(self, genome: DirectGenome) -> SpikingParams:
        """Wires every weight into the network. Deterministic."""
        w_in = genome.w_in / jnp.asarray(self.observation_sizes, jnp.float32)
        synapses = self.synapses.wired(w_in, genome.w_rec, self.topology_seed)
        return SpikingParams(synapses, genome.w_motor, genome.b_motor)
