"""A recurrent network of leaky integrate-and-fire neurons with fixed weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from koki2_train.brains.base import Learning, Outcome
from koki2_train.brains.synapses import Synapses


class SpikingParams(NamedTuple):
    """The phenotype of a :class:`SpikingBrain`.

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


@dataclass(frozen=True)
class SpikingBrain:
    """N leaky integrate-and-fire neurons, stepped once per world step.

    v ← v·exp(−1/τ) + W_in·o + Σ_j w_ij s'_j;  s_i = [v_i > θ];  v ← v − θ·s;  action = argmax(s·W_motor + b).

    Attributes:
        num_neurons: N.
        tau_m: membrane time constant τ, in steps.
        theta: firing threshold θ.
    """

    num_neurons: int
    tau_m: float = 10.0
    theta: float = 1.0

    reads_state: ClassVar[bool] = False

    def init(self, params: SpikingParams) -> SpikingCarry:
        """At rest, silent."""
        rest = jnp.zeros(self.num_neurons, jnp.float32)
        return SpikingCarry(rest, rest)

    def act(
        self, params: SpikingParams, carry: SpikingCarry, observation: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, SpikingCarry]:
        """One step of the network."""
        drive = params.synapses.currents(observation, carry.spikes)
        potential = carry.potential * math.exp(-1.0 / self.tau_m) + drive
        spikes = (potential > self.theta).astype(jnp.float32)
        action = jnp.argmax(_readout(spikes, params.motor) + params.motor_bias).astype(jnp.int32)
        return action, SpikingCarry(potential - self.theta * spikes, spikes)

    def learn(self, params: SpikingParams, carry: SpikingCarry, outcome: Outcome) -> SpikingCarry:
        """Fixed weights: nothing changes."""
        return carry

    def learning(self, params: SpikingParams, carry: SpikingCarry) -> Learning:
        """Zeros: weights are fixed."""
        zero = jnp.zeros((), jnp.float32)
        return Learning(zero, zero, zero)

    def is_finite(self, params: SpikingParams, carry: SpikingCarry) -> jax.Array:
        """Whether weights and potentials are finite (a potential that once was not stays so)."""
        leaves = jax.tree.leaves((params, carry))
        return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))


def _readout(spikes: jax.Array, motor: jax.Array) -> jax.Array:
    """The product of spikes (N,) and motor weights (N, num_actions).

    It is computed with columns of zeros up to a multiple of eight: a CPU takes longer for five columns than for eight,
    and the compiler adds them before the life begins.
    """
    num_actions = motor.shape[1]
    return (spikes @ jnp.pad(motor, ((0, 0), (0, -num_actions % 8))))[:num_actions]
