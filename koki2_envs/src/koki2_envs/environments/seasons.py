"""Seasons: two foods, of which one feeds at a time, rung L4.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import spaces

from koki2_envs.environments.composition import SourceGroup
from koki2_envs.environments.foraging import Foraging
from koki2_envs.environments.state import ForagingState
from koki2_envs.knobs import check_range, value_at
from koki2_envs.mechanics.phases import drawn_phase
from koki2_envs.mechanics.rng import Feature, Rng
from koki2_envs.mechanics.sources import Contacts, count
from koki2_envs.params import SeasonsParams


@struct.dataclass
class SeasonsState(ForagingState):
    """State of a life with a season's turn; the sources are the first food and, after it, the second.

    Attributes:
        season_phi: () float32 in [0, 1], the phase from which the second food feeds.
    """

    season_phi: jax.Array


StateT = TypeVar("StateT", bound=SeasonsState)
ParamsT = TypeVar("ParamsT", bound=SeasonsParams)


class Seasons(Foraging[StateT, ParamsT]):
    """Foraging with two foods that smell apart; one feeds until the season turns, then the other does.

    **Observation** (6,) float32: the four of :class:`Foraging`, whose gradient leads to the nearest source of the first
    food; ``second_x``, ``second_y``: the gradient to the nearest of the second food, by the same sensor (silent in the
    same steps). ``obs_noise`` is added to all six. The season is not sensed.

    **Born** with ``season_phi``, uniform between ``season_phi_low`` and ``season_phi_high``; where these are equal it
    is that phase and nothing is drawn.

    **Sources**: ``num_sources`` of the first food, ``num_bad_sources`` of them bad as in :class:`Foraging`, and
    ``num_second`` of the second. All deplete and come back by the same rules.

    **Season**: in steps at phases φ < ``season_phi`` the first food feeds (``energy_gain`` per arrival), in steps from
    there on the second. An arrival at the food that is out of season gives nothing, and costs
    ``unripe_integrity_loss`` integrity.

    **Info** of a step, besides that of :class:`Foraging`: ``unripe_arrivals`` and ``second_meals`` (arrivals at second
    food that fed), float32. ``bad_arrivals`` counts bad sources and food out of season, ``reached_source`` is contact
    with food that feeds.
    """

    own_structure: ClassVar[Mapping[str, int]] = {"num_second": 1}
    own_senses: ClassVar[Mapping[str, float]] = {"second_x": 1 / 3, "second_y": 1 / 3}
    own_metrics: ClassVar[tuple[str, ...]] = ("unripe_arrivals", "second_meals")
    own_groups: ClassVar[tuple[SourceGroup, ...]] = (SourceGroup("second", "num_second", Feature.SECOND_SCATTER),)
    own_draws: ClassVar[tuple[Feature, ...]] = (Feature.SWITCH,)
    state_class: ClassVar[type[ForagingState]] = SeasonsState
    params_class: ClassVar[type[SeasonsParams]] = SeasonsParams
    num_second: int

    def check_knobs(self, params: ParamsT) -> None:
        """Rejects incompatible knobs (see :meth:`World.check_knobs`)."""
        super().check_knobs(params)
        check_range(params, "season_phi_low", "season_phi_high")

    @property
    def is_second(self) -> jax.Array:
        """Which of the sources are of the second food; (K,) bool."""
        return self.is_of("second")

    def birth(self, key: jax.Array, params: ParamsT) -> dict[str, jax.Array]:
        """All state variables of a newborn, by name."""
        rng = Rng(key, self.stream("Seasons", Feature.SWITCH))
        season_phi = drawn_phase(rng, params.season_phi_low, params.season_phi_high)
        return {**super().birth(key, params), "season_phi": season_phi}

    def feeds(self, state: StateT, phi: jax.Array) -> jax.Array:
        """Which sources feed in a step at phase ``phi``; (K,) bool."""
        return (self.is_second == (phi >= state.season_phi)) & super().feeds(state, phi)

    def effects(self, state: StateT, contacts: Contacts, params: ParamsT, phi: jax.Array) -> dict[str, jax.Array]:
        """What the foods do in and out of season (see :meth:`Grid.effects`)."""
        effects, feeds = super().effects(state, contacts, params, phi), self.feeds(state, phi)
        second_meals, unripe = (
            count(contacts.arrived & kind) for kind in (feeds & self.is_second, ~feeds & self.edible(state))
        )
        return {
            **effects,
            "integrity_lost": effects["integrity_lost"] + value_at(params.unripe_integrity_loss, phi) * unripe,
            "bad_arrivals": effects["bad_arrivals"] + unripe,
            "unripe_arrivals": unripe,
            "second_meals": second_meals,
        }

    def extra_senses(self, key: jax.Array, state: StateT, params: ParamsT, phi: jax.Array) -> tuple[jax.Array, ...]:
        """The gradient to the second food."""
        second = self.smell(key, state, self.part(state.sources, "second"), params, phi)
        return *super().extra_senses(key, state, params, phi), second[0], second[1]

    def extra_bounds(self, params: ParamsT) -> tuple[tuple[Any, Any], ...]:
        """The least and largest value of each extra sense, without noise."""
        gradient = self.gradient_bound(params)
        return *super().extra_bounds(params), (-gradient, gradient), (-gradient, gradient)

    def extra_state(self, params: ParamsT) -> dict[str, Any]:
        """The space of every state variable that seasons add, by name."""
        return {**super().extra_state(params), "season_phi": spaces.Box(0.0, 1.0, (), jnp.float32)}
