"""Gated recurrent brain: a network of gated recurrent units, the control for memory without spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from koki2_train.brains.base import Brain, Interface, Outcome
from koki2_train.brains.blueprint import Arrays, Blueprint, Parameter
from koki2_train.brains.senses import Senses
from koki2_train.experiment.brain_settings import GRUSettings
from koki2_train.experiment.settings_base import Settings

_UPDATE_BIAS = -1.0  # a unit of a new network keeps 73 % of its state from step to step


class GRUWeights(NamedTuple):
    """The weights of a :class:`GRUBrain`.

    Attributes:
        gates: (senses + N, 4·N) float32, what each sense and each unit's state add to the update gates, the reset
            gates, the senses' part of the candidates, and the state's part of them; zero where they add nothing.
        bias: (3·N,) float32, of the update gates, the reset gates and the candidates.
        motor: (N, num_actions) float32.
        motor_bias: (num_actions,) float32.
    """

    gates: jax.Array
    bias: jax.Array
    motor: jax.Array
    motor_bias: jax.Array


class GRUCarry(NamedTuple):
    """What changes within a life.

    Attributes:
        state: (N,) float32, from −1 to 1.
        own: what the brain senses itself, (n,) float32; empty where it senses nothing but the world.
    """

    state: jax.Array
    own: jax.Array


class GRUBrain(Brain):
    """N gated recurrent units (Cho et al. 2014), stepped once per world step.

    z = σ(W_z·x + U_z·h + b_z);  r = σ(W_r·x + U_r·h + b_r);  c = tanh(W_c·x + b_c + r·(U_c·h));  h ← h + z·(c − h);
    action = argmax(h·W_motor + b).

    The update gate z is the share of the state that is replaced: closed, at 0, it keeps the state (1 − z in the paper).
    The reset gate is applied after the product U_c·h, as cuDNN does, and not to h before it: all gates then need a
    single product. Nothing is learned within a life.
    """

    settings_class: ClassVar[type[Settings]] = GRUSettings
    settings: GRUSettings

    def __init__(self, settings: GRUSettings, interface: Interface):
        super().__init__(settings, interface)
        self.senses = Senses.of(settings, interface)

    def blueprint(self) -> Blueprint:
        """Input and recurrent weights and biases of update gates, reset gates and candidates, and the readout."""
        n, actions, senses = self.settings.n_units, self.interface.num_actions, self.senses
        scales = senses.scales if self.settings.scale_senses else ()
        return Blueprint.of(
            w_in=Parameter((3 * n, senses.size), "input", scales),
            w_rec=Parameter((3 * n, n), "recurrent"),
            b_update=Parameter((n,), "bias", start=_UPDATE_BIAS),
            b_reset=Parameter((n,), "bias"),
            b_candidate=Parameter((n,), "bias"),
            w_motor=Parameter((n, actions), "motor"),
            b_motor=Parameter((actions,), "bias"),
        )

    def develop(self, arrays: Arrays, knobs: Mapping[str, Any]) -> GRUWeights:
        """Puts input and recurrent weights into one matrix, so that a step needs one product for both."""
        n, w_in, w_rec = self.settings.n_units, arrays["w_in"].T, arrays["w_rec"].T
        of_senses = jnp.pad(w_in, ((0, 0), (0, n)))
        of_state = jnp.concatenate([w_rec[:, : 2 * n], jnp.zeros((n, n), jnp.float32), w_rec[:, 2 * n :]], axis=1)
        bias = jnp.concatenate([arrays["b_update"], arrays["b_reset"], arrays["b_candidate"]])
        return GRUWeights(jnp.concatenate([of_senses, of_state]), bias, arrays["w_motor"], arrays["b_motor"])

    def init(self, weights: GRUWeights) -> GRUCarry:
        """All units at 0."""
        return GRUCarry(jnp.zeros(self.settings.n_units, jnp.float32), self.senses.at_birth())

    def act(
        self, weights: GRUWeights, carry: GRUCarry, observation: jax.Array, key: jax.Array
    ) -> tuple[jax.Array, GRUCarry]:
        """One step of the network."""
        n, state = self.settings.n_units, carry.state
        sensed = self.senses.sensed(observation, carry.own)
        drive, bias = jnp.concatenate([sensed, state]) @ weights.gates, weights.bias
        # Of slices, not sliced: a CPU takes 1.6 times as long for a step with one sigmoid of both gates.
        update = jax.nn.sigmoid(drive[:n] + bias[:n])
        reset = jax.nn.sigmoid(drive[n : 2 * n] + bias[n : 2 * n])
        candidate = jnp.tanh(drive[2 * n : 3 * n] + bias[2 * n :] + reset * drive[3 * n :])
        state = state + update * (candidate - state)
        action = jnp.argmax(state @ weights.motor + weights.motor_bias).astype(jnp.int32)
        return action, GRUCarry(state, carry.own)

    def learn(self, weights: GRUWeights, carry: GRUCarry, outcome: Outcome) -> GRUCarry:
        """The carry after the world answered: what the brain senses of it."""
        return carry._replace(own=self.senses.after(outcome))
