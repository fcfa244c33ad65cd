"""Spiking brain: a recurrent network of leaky integrate-and-fire neurons, with fixed or plastic synapses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from koki2_train.brains.base import Brain, Interface, Outcome
from koki2_train.brains.blueprint import Arrays, Blueprint, Parameter
from koki2_train.brains.learning_metrics import count_learning, metrics_of_learning
from koki2_train.brains.plastic import PlasticCarry, Plasticity, PlasticWeights
from koki2_train.brains.senses import Senses
from koki2_train.brains.synapses import DenseSynapses, SparseSynapses, Synapses
from koki2_train.experiment.brain_settings import SpikingSettings
from koki2_train.experiment.settings_base import Settings


class SpikingWeights(NamedTuple):
    """The weights of a :class:`SpikingBrain`.

    Attributes:
        synapses: input and recurrent weights, densely or sparsely held, without those that learn.
        motor: (N, num_actions) float32, at birth.
        motor_bias: (num_actions,) float32.
        plastic: the synapses that learn; None where none do.
    """

    synapses: Synapses
    motor: jax.Array
    motor_bias: jax.Array
    plastic: PlasticWeights | None = None


class SpikingCarry(NamedTuple):
    """What changes within a life.

    Attributes:
        potential: (N,) float32, membrane potential after reset.
        spikes: (N,) float32, 0 or 1, of the last step.
        own: what the brain senses itself, (n,) float32; empty where it senses nothing but the world.
        plastic: what learning changed; None in a brain that does not learn.
    """

    potential: jax.Array
    spikes: jax.Array
    own: jax.Array | None = None
    plastic: PlasticCarry | None = None


class SpikingBrain(Brain):
    """N leaky integrate-and-fire neurons, stepped once per world step.

    v ← v·exp(−1/τ) + W_in·o + Σ_j w_ij s'_j;  s_i = [v_i > θ];  v ← v − θ·s;  action = argmax(s·W_motor + b).

    With ``plast_enabled`` some of its synapses learn within a life; see :class:`koki2_train.brains.plastic.Plasticity`.

    Raises:
        ValueError: ``plast_senses`` names a sense that the world does not have.
    """

    settings_class: ClassVar[type[Settings]] = SpikingSettings
    settings: SpikingSettings

    def __init__(self, settings: SpikingSettings, interface: Interface):
        super().__init__(settings, interface)
        self.senses = Senses.of(settings, interface)
        learns = settings.plast_enabled
        self.plasticity = Plasticity(settings, self.senses, interface.num_actions) if learns else None

    def blueprint(self) -> Blueprint:
        """Input, recurrent and motor weights, the motor bias, and what learning needs."""
        settings, interface, senses = self.settings, self.interface, self.senses
        n, k, scales = settings.n_neurons, settings.k_edges, senses.scales
        return Blueprint.of(
            w_in=Parameter((n, senses.size), "input", scales if settings.scale_senses else ()),
            w_rec=Parameter((n, k), "recurrent"),
            w_motor=Parameter((n, interface.num_actions), "motor"),
            b_motor=Parameter((interface.num_actions,), "bias"),
            **(self.plasticity.parameters() if self.plasticity else {}),
        )

    def develop(self, arrays: Arrays, knobs: Mapping[str, Any]) -> SpikingWeights:
        """Wires every weight into the network, stored densely or sparsely."""
        synapses: type[Synapses] = SparseSynapses if self.settings.is_sparse else DenseSynapses
        plastic = self.plasticity.develop(arrays, knobs) if self.plasticity else None
        fixed = self.plasticity.fixed(arrays) if self.plasticity else arrays
        wired = synapses.wired(fixed["w_in"], fixed["w_rec"], self.settings.topology_seed)
        return SpikingWeights(wired, arrays["w_motor"], arrays["b_motor"], plastic)

    def init(self, weights: SpikingWeights) -> SpikingCarry:
        """At rest, silent."""
        rest = jnp.zeros(self.settings.n_neurons, jnp.float32)
        own = self.senses.at_birth()
        learned = self.plasticity.init(weights.plastic) if self.plasticity and weights.plastic else None
        return SpikingCarry(rest, rest, own if own.size else None, learned)

    def act(
        self, weights: SpikingWeights, carry: SpikingCarry, observation: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, SpikingCarry]:
        """One step of the network."""
        theta, plasticity, learned = self.settings.theta, self.plasticity, carry.plastic
        sensed = observation if carry.own is None else self.senses.sensed(observation, carry.own)
        if plasticity and learned:
            transmitted = plasticity.transmitted(learned, sensed)
            drive = weights.synapses.currents(plasticity.fixed_part(transmitted), carry.spikes)
            drive += plasticity.currents(learned, transmitted, carry.spikes)
        else:
            drive = weights.synapses.currents(sensed, carry.spikes)
        potential = carry.potential * math.exp(-1.0 / self.settings.tau_m) + drive
        spikes = (potential > theta).astype(jnp.float32)
        spikes = plasticity.kept(spikes) if plasticity else spikes
        motor = learned.weights.get("motor") if learned else None
        support = _readout(spikes, weights.motor) if motor is None else motor @ spikes
        action = jnp.argmax(support + weights.motor_bias).astype(jnp.int32)
        if plasticity and learned and weights.plastic:
            learned = plasticity.acted(weights.plastic, learned, sensed, carry.spikes, spikes, action)
        return action, SpikingCarry(potential - theta * spikes, spikes, carry.own, learned)

    def learn(self, weights: SpikingWeights, carry: SpikingCarry, outcome: Outcome) -> SpikingCarry:
        """The carry after the world answered: what the brain senses of it, and what it learns from it."""
        if carry.own is not None:
            carry = carry._replace(own=self.senses.after(outcome))
        if self.plasticity and carry.plastic and weights.plastic:
            learned = self.plasticity.learn(weights.plastic, carry.plastic, carry.spikes, outcome)
            carry = carry._replace(plastic=learned)
        return carry

    def at_rest(self, weights: SpikingWeights, carry: SpikingCarry) -> SpikingCarry:
        """At rest, silent, without traces; what was learned stays."""
        learned = self.plasticity.without_traces(carry.plastic) if self.plasticity and carry.plastic else None
        return self.init(weights)._replace(plastic=learned)

    def measure(
        self, weights: SpikingWeights, before: SpikingCarry, after: SpikingCarry, outcome: Outcome
    ) -> dict[str, jax.Array]:
        """What is counted of a step: the share of neurons that fire, and what learning does."""
        counted = {"firing_rate": jnp.mean(after.spikes)}
        if self.plasticity and before.plastic and after.plastic:
            change = self.plasticity.change(before.plastic, after.plastic)
            counted |= count_learning(change, after.plastic.modulator, outcome)
        return counted

    def metrics(self, sums: Mapping[str, jax.Array], steps: jax.Array) -> dict[str, jax.Array]:
        """``firing_rate``, spikes per neuron and step, and the metrics of learning."""
        of_learning = metrics_of_learning(sums, steps) if self.plasticity else {}
        return {"firing_rate": sums["firing_rate"] / steps, **of_learning}

    def recordings(self, weights: SpikingWeights, carry: SpikingCarry) -> Mapping[str, jax.Array]:
        """The spikes and, in a brain that learns, the modulator and how far its weights are from those of birth."""
        recorded = {"spikes": carry.spikes}
        if self.plasticity and carry.plastic and weights.plastic:
            recorded["modulator"] = carry.plastic.modulator
            recorded["distance_from_birth"] = self.plasticity.distance(weights.plastic, carry.plastic)
        return recorded


def _readout(spikes: jax.Array, motor: jax.Array) -> jax.Array:
    """The product of spikes (N,) and motor weights (N, num_actions).

    It is computed with columns of zeros up to a multiple of eight: a CPU takes longer for five columns than for eight,
    and the compiler adds them before the life begins.
    """
    num_actions = motor.shape[1]
    return (spikes @ jnp.pad(motor, ((0, 0), (0, -num_actions % 8))))[:num_actions]
