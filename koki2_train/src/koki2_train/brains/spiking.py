"""Spiking brain: a recurrent network of leaky integrate-and-fire neurons with fixed weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from koki2_train.brains.base import Brain
from koki2_train.brains.blueprint import Arrays, Blueprint, Parameter
from koki2_train.brains.synapses import DenseSynapses, SparseSynapses, Synapses
from koki2_train.experiment.sections import SpikingSettings
from koki2_train.experiment.settings_base import Settings


class SpikingWeights(NamedTuple):
    """The weights of a :class:`SpikingBrain`.

    Attributes:
        synapses: input and recurrent weights, densely or sparsely held.
        motor: (N, num_actions) float32.
        motor_bias: (num_actions,) float32.
    """

    synapses: Synapses
    motor: jax.Array
    motor_bias: jax.Array


class SpikingCarry(NamedTuple):
    """What changes within a life.

    Attributes:
        potential: (N,) float32, membrane potential after reset.
        spikes: (N,) float32, 0 or 1, of the last step.
    """

    potential: jax.Array
    spikes: jax.Array


class SpikingBrain(Brain):
    """N leaky integrate-and-fire neurons, stepped once per world step.

    v ← v·exp(−1/τ) + W_in·o + Σ_j w_ij s'_j;  s_i = [v_i > θ];  v ← v − θ·s;  action = argmax(s·W_motor + b).
    """

    settings_class: ClassVar[type[Settings]] = SpikingSettings
    settings: SpikingSettings

    def blueprint(self) -> Blueprint:
        """Input, recurrent and motor weights, and the motor bias."""
        settings, interface = self.settings, self.interface
        n, k, scales = settings.n_neurons, settings.k_edges, interface.observation_scales
        return Blueprint.of(
            w_in=Parameter((n, interface.num_observations), "input", scales if settings.scale_senses else ()),
            w_rec=Parameter((n, k), "recurrent"),
            w_motor=Parameter((n, interface.num_actions), "motor"),
            b_motor=Parameter((interface.num_actions,), "bias"),
        )

    def develop(self, arrays: Arrays) -> SpikingWeights:
        """Wires every weight into the network, stored densely or sparsely."""
        synapses: type[Synapses] = SparseSynapses if self.settings.is_sparse else DenseSynapses
        wired = synapses.wired(arrays["w_in"], arrays["w_rec"], self.settings.topology_seed)
        return SpikingWeights(wired, arrays["w_motor"], arrays["b_motor"])

    def init(self, weights: SpikingWeights) -> SpikingCarry:
        """At rest, silent."""
        rest = jnp.zeros(self.settings.n_neurons, jnp.float32)
        return SpikingCarry(rest, rest)

    def act(
        self, weights: SpikingWeights, carry: SpikingCarry, observation: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, SpikingCarry]:
        """One step of the network."""
        theta = self.settings.theta
        drive = weights.synapses.currents(observation, carry.spikes)
        potential = carry.potential * math.exp(-1.0 / self.settings.tau_m) + drive
        spikes = (potential > theta).astype(jnp.float32)
        action = jnp.argmax(_readout(spikes, weights.motor) + weights.motor_bias).astype(jnp.int32)
        return action, SpikingCarry(potential - theta * spikes, spikes)

    def recordings(self, carry: SpikingCarry) -> Mapping[str, jax.Array]:
        """The spikes."""
        return {"spikes": carry.spikes}


def _readout(spikes: jax.Array, motor: jax.Array) -> jax.Array:
    """The product of spikes (N,) and motor weights (N, num_actions).

    It is computed with columns of zeros up to a multiple of eight: a CPU takes longer for five columns than for eight,
    and the compiler adds them before the life begins.
    """
    num_actions = motor.shape[1]
    return (spikes @ jnp.pad(motor, ((0, 0), (0, -num_actions % 8))))[:num_actions]
