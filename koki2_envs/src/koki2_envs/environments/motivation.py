"""Motivation: food and water whose drive weights switch during a life, rung L4.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import spaces

from koki2_envs.environments.homeostasis import Homeostasis, HomeostasisState
from koki2_envs.environments.state import ForagingState
from koki2_envs.knobs import check_range, is_always, value_at
from koki2_envs.mechanics.phases import drawn_phase
from koki2_envs.mechanics.rng import Feature, Rng
from koki2_envs.mechanics.sources import Contacts
from koki2_envs.params import MotivationParams


@struct.dataclass
class MotivationState(HomeostasisState):
    """State of a life in which the drive's weights switch.

    Attributes:
        switch_phi: () float32 in [0, 1], the phase from which the later weights hold.
    """

    switch_phi: jax.Array


StateT = TypeVar("StateT", bound=MotivationState)
ParamsT = TypeVar("ParamsT", bound=MotivationParams)


class Motivation(Homeostasis[StateT, ParamsT]):
    """Food and water whose weights in the drive switch once during a life; the switch is not observed.

    **Observation** (7,) float32: that of :class:`Homeostasis`. Neither the weights nor the time is sensed.

    **Born** with ``switch_phi``, uniform between ``switch_phi_low`` and ``switch_phi_high``; where these are equal it
    is that phase and nothing is drawn.

    **Drive**: steps at phases φ < ``switch_phi`` weigh energy and hydration by ``energy_drive_weight`` and
    ``hydration_drive_weight``, steps from there on by ``energy_drive_weight_after`` and
    ``hydration_drive_weight_after``; integrity keeps its weight. A step's drive reduction takes the drive before and
    after it by the weights of that one step, so that the switch itself neither pays nor costs.

    **Reward**, besides that of :class:`Homeostasis`: − ``drive_cost``·the drive with which the step begins, by its own
    weights. Over a life reductions add up to what the drive was at birth and at the switch less what it was at the
    switch and at the end, whatever happened between; costs add up to how well the body was kept all the time.

    **Info** of a step, besides that of :class:`Homeostasis`: ``drive`` float32, with which the step begins.
    """

    own_metrics: ClassVar[tuple[str, ...]] = ("drive",)
    own_draws: ClassVar[tuple[Feature, ...]] = (Feature.SWITCH,)
    state_class: ClassVar[type[ForagingState]] = MotivationState
    params_class: ClassVar[type[MotivationParams]] = MotivationParams

    def check_knobs(self, params: ParamsT) -> None:
        """Rejects incompatible knobs (see :meth:`World.check_knobs`)."""
        super().check_knobs(params)
        check_range(params, "switch_phi_low", "switch_phi_high")

    def birth(self, key: jax.Array, params: ParamsT) -> dict[str, jax.Array]:
        """All state variables of a newborn, by name."""
        rng = Rng(key, self.stream("Motivation", Feature.SWITCH))
        switch_phi = drawn_phase(rng, params.switch_phi_low, params.switch_phi_high)
        return {**super().birth(key, params), "switch_phi": switch_phi}

    def drive_weights(self, state: StateT, params: ParamsT, phi: jax.Array) -> dict[str, Any]:
        """The weight of every body variable in the drive, by name."""
        weights = super().drive_weights(state, params, phi)
        switched = phi >= state.switch_phi
        for name in ("energy", "hydration"):
            later = jnp.asarray(value_at(getattr(params, f"{name}_drive_weight_after"), phi), jnp.float32)
            weights[name] = jnp.where(switched, later, weights[name])
        return weights

    def effects(self, state: StateT, contacts: Contacts, params: ParamsT, phi: jax.Array) -> dict[str, jax.Array]:
        """What food and water do, and the drive before the step (see :meth:`Grid.effects`)."""
        drive = self.drive(state, self.levels(state), params, phi)
        return {**super().effects(state, contacts, params, phi), "drive": drive}

    def extra_reward(self, effects: Mapping[str, jax.Array], params: ParamsT, phi: jax.Array) -> jax.Array:
        """What else is rewarded, less the cost of the drive; () float32."""
        reward = super().extra_reward(effects, params, phi)
        if is_always(params.drive_cost, 0.0):
            return reward
        return reward - value_at(params.drive_cost, phi) * effects["drive"]

    def extra_state(self, params: ParamsT) -> dict[str, Any]:
        """The space of every state variable that the family adds, by name."""
        return {**super().extra_state(params), "switch_phi": spaces.Box(0.0, 1.0, (), jnp.float32)}
