"""Two foods, each with its season: rung L4.1."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import spaces

from koki2_envs.environments.foraging import Foraging
from koki2_envs.environments.state import ForagingState
from koki2_envs.knobs import check_range, value_at
from koki2_envs.mechanics.phases import drawn_phase
from koki2_envs.mechanics.rng import Feature, Rng
from koki2_envs.mechanics.sources import Contacts, Sources, scatter, together
from koki2_envs.params import SeasonsParams


@struct.dataclass
class SeasonsState(ForagingState):
    """State of a life with a season's turn; the sources are the first food and, behind it, the second.

    Attributes:
        season_phi: () float32 in [0, 1], the phase from which on the second food feeds.
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
    is that very phase and nothing is drawn.

    **Sources**: ``num_sources`` of the first food, ``num_bad_sources`` of them bad as in :class:`Foraging`, and
    ``num_second`` of the second. All deplete and come back by the same rules.

    **Season**: in steps at phases φ < ``season_phi`` the first food feeds (``energy_gain`` per arrival), in steps from
    there on the second. An arrival at the food that is out of season gives nothing, and costs
    ``unripe_integrity_loss`` integrity.

    **Info** of a step, besides that of :class:`Foraging`: ``unripe_arrivals`` and ``second_meals`` (arrivals at second
    food that fed), float32. ``bad_arrivals`` counts bad sources and food out of season, ``reached_source`` is contact
    with food that feeds.
    """

    observation_names: ClassVar[tuple[str, ...]] = (*Foraging.observation_names, "second_x", "second_y")
    observation_scales: ClassVar[tuple[float, ...]] = (*Foraging.observation_scales, 1 / 3, 1 / 3)
    metric_names: ClassVar[tuple[str, ...]] = ("unripe_arrivals", "second_meals")
    state_class: ClassVar[type[ForagingState]] = SeasonsState
    params_class: ClassVar[type[SeasonsParams]] = SeasonsParams

    def __init__(
        self, rung: str = "L4.1", default_params: ParamsT | None = None, *, num_sources: int = 1, num_second: int = 1
    ):
        """Makes a world.

        Args:
            rung: the rung's name.
            default_params: its knobs.
            num_sources: how many sources of the first food there are; at least 1.
            num_second: how many of the second; at least 1.

        Raises:
            TypeError, ValueError: a number is not whole or below 1, or the params contradict it or each other.
        """
        super().__init__(rung, default_params, num_sources=num_sources, num_second=num_second)
        self.num_second = self.structure["num_second"]

    def check_knobs(self, params: ParamsT) -> None:
        """Refuses knobs that cannot be together (see :meth:`World.check_knobs`)."""
        super().check_knobs(params)
        check_range(params, "season_phi_low", "season_phi_high")

    @property
    def num_places(self) -> int:
        """How many sources there are of both foods together."""
        return self.num_sources + self.num_second

    @property
    def is_second(self) -> jax.Array:
        """Which of the sources are of the second food; (K,) bool."""
        return jnp.arange(self.num_places) >= self.num_sources

    def initial_sources(self, key: jax.Array, around: Mapping[str, jax.Array], params: ParamsT) -> Sources:
        """The first food and, behind it, the second."""
        cells = partial(self.cells, around=around, params=params)
        first = scatter(Rng(key, Feature.SCATTER), self.num_sources, params.num_bad_sources, cells)
        return together(first, scatter(Rng(key, Feature.SECOND_SCATTER), self.num_second, 0, cells))

    def birth(self, key: jax.Array, params: ParamsT) -> dict[str, jax.Array]:
        """All state variables of a newborn, by name."""
        season_phi = drawn_phase(Rng(key, Feature.SWITCH), params.season_phi_low, params.season_phi_high)
        return {**super().birth(key, params), "season_phi": season_phi}

    def foods(self, sources: Sources) -> Sources:
        """The first food among the sources."""
        return sources.part(slice(None, self.num_sources))

    def feeds(self, state: StateT, phi: jax.Array) -> jax.Array:
        """Which sources feed in a step at phase ``phi``; (K,) bool."""
        return (self.is_second == (phi >= state.season_phi)) & ~state.source_is_bad

    def effects(self, state: StateT, contacts: Contacts, params: ParamsT, phi: jax.Array) -> dict[str, jax.Array]:
        """What the foods do in and out of season (see :meth:`Grid.effects`)."""
        feeds = self.feeds(state, phi)
        meals, second_meals, bad, unripe = (
            jnp.sum(contacts.arrived & kind).astype(jnp.float32)
            for kind in (feeds, feeds & self.is_second, state.source_is_bad, ~feeds & ~state.source_is_bad)
        )
        return {
            "energy_gained": value_at(params.energy_gain, phi) * meals,
            "integrity_lost": value_at(params.bad_source_integrity_loss, phi) * bad
            + value_at(params.unripe_integrity_loss, phi) * unripe,
            "bad_arrivals": bad + unripe,
            "reached_source": jnp.any(contacts.touching & feeds),
            "unripe_arrivals": unripe,
            "second_meals": second_meals,
        }

    def extra_senses(self, key: jax.Array, state: StateT, params: ParamsT, phi: jax.Array) -> tuple[jax.Array, ...]:
        """The gradient to the second food."""
        second = self.smell(key, state, state.sources.part(slice(self.num_sources, None)), params, phi)
        return second[0], second[1]

    def extra_bounds(self, params: ParamsT) -> tuple[tuple[Any, Any], ...]:
        """The least and largest value of each further sense, without noise."""
        gradient = self.gradient_bound(params)
        return (-gradient, gradient), (-gradient, gradient)

    def extra_state(self, params: ParamsT) -> dict[str, Any]:
        """The space of every state variable that seasons add, by name."""
        return {"season_phi": spaces.Box(0.0, 1.0, (), jnp.float32)}
