"""Synapses: input and recurrent weights of one network, stored densely or sparsely."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, Self

import jax
import jax.numpy as jnp

from koki2_train.brains.topology import sparse_inputs


class Synapses(Protocol):
    """The input and recurrent weights of one genome, a pytree that knows how to multiply with them.

    All kinds are the same network and differ only in rounding, memory and speed.
    """

    @classmethod
    def wired(cls, w_in: jax.Array, w_rec: jax.Array, topology_seed: int) -> Self:
        """Puts every weight where the topology wants it. Deterministic.

        Args:
            w_in: (N, num_observations) float32.
            w_rec: (N, k) float32, in the order of :func:`~koki2_train.brains.topology.sparse_inputs`.
            topology_seed: draws which neurons each neuron listens to.
        """
        ...

    def currents(self, observation: jax.Array, spikes: jax.Array) -> jax.Array:
        """What one step adds to each neuron's potential.

        Args:
            observation: (num_observations,) float32.
            spikes: (N,) float32, 0 or 1.

        Returns:
            (N,) float32.
        """
        ...


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class DenseSynapses:
    """Input and recurrent weights in one matrix, so that a step needs one product for both.

    Fastest for small networks: the matrix is shared by a genome's lives. Memory and time grow as N².

    Attributes:
        weights: (num_observations + N, N) float32; row i is what observation entry i, or spike i − num_observations,
            adds to each neuron. Zero where there is no synapse.
    """

    weights: jax.Array

    @classmethod
    def wired(cls, w_in: jax.Array, w_rec: jax.Array, topology_seed: int) -> Self:
        """See :meth:`Synapses.wired`."""
        n, k = w_rec.shape
        inputs = sparse_inputs(n, k, topology_seed)
        recurrent = jnp.zeros((n, n), jnp.float32).at[inputs, jnp.arange(n)[:, None]].set(w_rec)
        return cls(jnp.concatenate([w_in.T, recurrent]))

    def currents(self, observation: jax.Array, spikes: jax.Array) -> jax.Array:
        """See :meth:`Synapses.currents`."""
        return jnp.concatenate([observation, spikes]) @ self.weights


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class SparseSynapses:
    """Only the weights of existing synapses; their presynaptic neurons are a constant of the compiled code.

    Memory and time grow as N·k. Synapses are added one after the other, all neurons at a time: a reduction would leave
    their order to the compiler, which was seen to choose another one for a genome that is alone on its device. On a CPU
    no other way to write the product was clearly faster over 32 lives a genome (see docs/performance.md).

    Attributes:
        w_in: (num_observations, N) float32.
        w_rec: (k, N) float32; column i holds neuron i's synapses in the order of its inputs.
        topology_seed: draws which neurons each neuron listens to; static.
    """

    w_in: jax.Array
    w_rec: jax.Array
    topology_seed: int = field(metadata={"static": True})

    @classmethod
    def wired(cls, w_in: jax.Array, w_rec: jax.Array, topology_seed: int) -> Self:
        """See :meth:`Synapses.wired`."""
        return cls(w_in.T, w_rec.T, topology_seed)

    def currents(self, observation: jax.Array, spikes: jax.Array) -> jax.Array:
        """See :meth:`Synapses.currents`."""
        k, n = self.w_rec.shape
        inputs = jnp.asarray(sparse_inputs(n, k, self.topology_seed).T)
        fired = spikes > 0

        def add(synapse: jax.Array, total: jax.Array) -> jax.Array:
            # A spike is 0 or 1: choosing weights takes the place of multiplying them.
            return total + jnp.where(fired[inputs[synapse]], self.w_rec[synapse], 0.0)

        return jax.lax.fori_loop(0, k, add, observation @ self.w_in)
