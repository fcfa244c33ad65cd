"""Threats: zones and storms that hurt, rungs L3.0 to L3.2."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import spaces

from koki2_envs.environments.foraging import Foraging
from koki2_envs.environments.state import ForagingState
from koki2_envs.knobs import check_range, known_number, value_at, when_active
from koki2_envs.mechanics import storms, zones
from koki2_envs.mechanics.rng import Feature, Rng
from koki2_envs.mechanics.sources import Contacts, Sources
from koki2_envs.mechanics.storms import Climate, Clock
from koki2_envs.params import ThreatsParams


@struct.dataclass
class ThreatsState(ForagingState):
    """State of a life among threats.

    Attributes:
        zone_pos: (Z, 2) int32, the zones' centres.
        shelter_pos: (S, 2) int32, the shelters' cells.
        storm_phase: () int32, 0 calm, 1 warning, 2 storm.
        storm_t: () int32, steps until the phase is over.
        storm_warning: () int32, how many steps this round's warning lasts.
        storm_announced: () bool, whether the cue is on in this round's warning.
        storm_real: () bool, whether a storm follows it.
        validity: () float32, this life's probability that a storm is announced.
        decoy_on: () bool.
    """

    zone_pos: jax.Array
    shelter_pos: jax.Array
    storm_phase: jax.Array
    storm_t: jax.Array
    storm_warning: jax.Array
    storm_announced: jax.Array
    storm_real: jax.Array
    validity: jax.Array
    decoy_on: jax.Array

    @property
    def clock(self) -> Clock:
        """The clock of the storms."""
        return Clock(self.storm_phase, self.storm_t, self.storm_warning, self.storm_announced, self.storm_real)


StateT = TypeVar("StateT", bound=ThreatsState)
ParamsT = TypeVar("ParamsT", bound=ThreatsParams)


class Threats(Foraging[StateT, ParamsT]):
    """Foraging among zones that hurt and under storms that a cue announces.

    **Observation** (9,) float32: the four of :class:`Foraging`; ``pain``, 1 where the step that led here ended inside a
    zone, or out in a storm, whatever that costs, else 0; ``cue``, 1 while the cue is on; ``shelter_x``, ``shelter_y``:
    displacement to the nearest shelter, by the same sensor as that to the sources, 0 in a world without storms;
    ``decoy``, 1 while the decoy is on. ``obs_noise`` is added to all nine.

    **Born** with ``num_zones`` centres, uniform but never within ``zone_radius`` of the birth cell
    (:func:`koki2_envs.mechanics.zones.away_from`), ``num_shelters`` uniform shelters, the clock at the start of a calm,
    the decoy off, and a validity uniform between ``cue_validity_low`` and ``cue_validity_high``.

    **One step** as in :class:`Foraging`, and with the body: a step that ends inside a zone costs
    ``zone_integrity_loss``, however many zones there are; one that ends in a storm outside of the shelters
    ``storm_integrity_loss``. Then the storms' clock
    (:mod:`koki2_envs.mechanics.storms`) and the decoy advance.

    **Info** of a step, besides that of :class:`Foraging`: ``lost_in_zones``, ``lost_in_storms`` float32, which are part
    of ``integrity_lost``.

    Actions, ends and reward are those of :class:`Foraging`, the knobs its own and those of :class:`ThreatsParams`.
    """

    own_structure: ClassVar[Mapping[str, int]] = {"num_zones": 1, "num_shelters": 1}
    own_senses: ClassVar[Mapping[str, float]] = {
        "pain": 1.0, "cue": 1.0, "shelter_x": 1 / 3, "shelter_y": 1 / 3, "decoy": 1.0,
    }  # fmt: skip
    own_metrics: ClassVar[tuple[str, ...]] = ("lost_in_zones", "lost_in_storms")
    own_draws: ClassVar[tuple[Feature, ...]] = (Feature.TERRAIN, Feature.SECOND_SCATTER)
    state_class: ClassVar[type[ForagingState]] = ThreatsState
    params_class: ClassVar[type[ThreatsParams]] = ThreatsParams
    num_zones: int
    num_shelters: int

    def check_knobs(self, params: ParamsT) -> None:
        """Rejects incompatible knobs (see :meth:`World.check_knobs`)."""
        super().check_knobs(params)
        check_range(params, "storm_calm_min", "storm_calm_max")
        check_range(params, "cue_validity_low", "cue_validity_high")
        delay, jitter, radius, width, height = (
            known_number(getattr(params, name))
            for name in ("cue_delay", "cue_jitter", "zone_radius", "width", "height")
        )
        if delay is not None and jitter is not None and jitter >= delay:
            raise ValueError(f"cue_jitter must be below cue_delay = {delay}, got {jitter}")
        if radius is None or width is None or height is None or known_number(params.zone_integrity_loss) == 0:
            return
        if (farthest := math.hypot(width // 2, height // 2)) <= radius:
            raise ValueError(
                f"zone_radius must be below {farthest:g}, how far the farthest cell is from birth, got {radius:g}"
            )

    def birth(self, key: jax.Array, params: ParamsT) -> dict[str, jax.Array]:
        """All state variables of a newborn, by name."""
        born = super().birth(key, params)
        size, around = self.size(params), {name: born[name] for name in self.terrain_names}
        low, high = params.cue_validity_low, params.cue_validity_high

        def centres() -> jax.Array:
            rng = Rng(key, self.stream("Threats", Feature.TERRAIN))
            places, _ = self.cells(rng.bits(self.num_zones), around, params)
            return zones.away_from(places, born["pos"], params.zone_radius, size)

        def storm() -> tuple[jax.Array, jax.Array, Clock]:
            rng = Rng(key, self.stream("Threats", Feature.SECOND_SCATTER))
            places, _ = self.cells(rng.bits(self.num_shelters), around, params)
            validity = low + (high - low) * jax.random.uniform(Rng(key, Feature.CUE).key(), (), jnp.float32)
            climate = self.climate(validity, params)
            return places, validity, storms.new_round(Rng(key, Feature.STORM), climate)

        def calm() -> tuple[jax.Array, jax.Array, Clock]:
            return jnp.zeros((self.num_shelters, 2), jnp.int32), jnp.zeros((), jnp.float32), storms.no_storms()

        zone_pos = when_active(
            params.zone_integrity_loss, 0.0, centres, lambda: jnp.zeros((self.num_zones, 2), jnp.int32)
        )
        shelter_pos, validity, clock = when_active(params.storm_integrity_loss, 0.0, storm, calm)
        threats = {"zone_pos": zone_pos, "shelter_pos": shelter_pos, "validity": validity}
        return {**born, **threats, **_clock_fields(clock), "decoy_on": jnp.zeros((), bool)}

    def climate(self, validity: jax.Array, params: ParamsT) -> Climate:
        """The climate of a life with this validity."""
        return Climate(
            params.storm_calm_min,
            params.storm_calm_max,
            params.cue_delay,
            params.cue_jitter,
            params.storm_steps,
            validity,
            params.false_alarm_p,
        )

    def in_zone(self, pos: jax.Array, state: StateT, params: ParamsT) -> jax.Array:
        """Whether a zone hurts in a cell (2,) int32; () bool."""
        return when_active(
            params.zone_integrity_loss,
            0.0,
            lambda: zones.inside(pos, state.zone_pos, params.zone_radius),
            lambda: jnp.zeros((), bool),
        )

    def out_in_storm(self, pos: jax.Array, phase: jax.Array, state: StateT, params: ParamsT) -> jax.Array:
        """Whether the storm hurts in a cell (2,) int32 while the clock's phase is ``phase``; () bool."""
        return when_active(
            params.storm_integrity_loss,
            0.0,
            lambda: (phase == storms.STORM) & ~zones.inside(pos, state.shelter_pos, 0.0),
            lambda: jnp.zeros((), bool),
        )

    def effects(self, state: StateT, contacts: Contacts, params: ParamsT, phi: jax.Array) -> dict[str, jax.Array]:
        """As in foraging, and what zones and storms cost (see :meth:`Grid.effects`)."""
        effects = super().effects(state, contacts, params, phi)
        out = self.out_in_storm(contacts.pos, storms.next_phase(state.clock), state, params)
        in_zones = value_at(params.zone_integrity_loss, phi) * self.in_zone(contacts.pos, state, params).astype(
            jnp.float32
        )
        in_storms = value_at(params.storm_integrity_loss, phi) * out.astype(jnp.float32)
        lost = effects["integrity_lost"] + in_zones + in_storms
        return {**effects, "integrity_lost": lost, "lost_in_zones": in_zones, "lost_in_storms": in_storms}

    def weather(self, key: jax.Array, state: StateT, params: ParamsT, phi: jax.Array) -> dict[str, jax.Array]:
        """The storms' clock and the decoy after a step."""
        climate = self.climate(state.validity, params)
        clock = when_active(
            params.storm_integrity_loss,
            0.0,
            lambda: storms.tick(Rng(key, Feature.STORM), state.clock, climate),
            lambda: state.clock,
        )
        decoy_on = when_active(
            params.decoy_p,
            0.0,
            lambda: state.decoy_on ^ Rng(key, Feature.DECOY).bernoulli(value_at(params.decoy_p, phi)),
            lambda: state.decoy_on,
        )
        return {**super().weather(key, state, params, phi), **_clock_fields(clock), "decoy_on": decoy_on}

    def extra_senses(self, key: jax.Array, state: StateT, params: ParamsT, phi: jax.Array) -> tuple[jax.Array, ...]:
        """Pain, cue, the gradient to the nearest shelter, and the decoy."""
        pain = self.in_zone(state.pos, state, params) | self.out_in_storm(state.pos, state.storm_phase, state, params)
        shelter = when_active(
            params.storm_integrity_loss,
            0.0,
            lambda: self.smell(key, state, _as_sources(state.shelter_pos), params, phi),
            lambda: jnp.zeros(2, jnp.float32),
        )
        flags = (pain, storms.cue(state.clock), state.decoy_on)
        pain, cue, decoy = (sense.astype(jnp.float32) for sense in flags)
        return *super().extra_senses(key, state, params, phi), pain, cue, shelter[0], shelter[1], decoy

    def extra_bounds(self, params: ParamsT) -> tuple[tuple[Any, Any], ...]:
        """The least and largest value of each extra sense, without noise."""
        gradient = self.gradient_bound(params)
        own = ((0.0, 1.0), (0.0, 1.0), (-gradient, gradient), (-gradient, gradient), (0.0, 1.0))
        return *super().extra_bounds(params), *own

    def extra_state(self, params: ParamsT) -> dict[str, Any]:
        """The space of every state variable that the threats add, by name."""
        last = self.size(params) - 1
        warning = params.cue_delay + params.cue_jitter
        longest = jnp.maximum(jnp.maximum(params.storm_calm_max, params.storm_steps), warning)
        return {
            **super().extra_state(params),
            "zone_pos": spaces.Box(0, last, (self.num_zones, 2), jnp.int32),
            "shelter_pos": spaces.Box(0, last, (self.num_shelters, 2), jnp.int32),
            "storm_phase": spaces.Box(storms.CALM, storms.STORM, (), jnp.int32),
            "storm_t": spaces.Box(0, longest, (), jnp.int32),
            "storm_warning": spaces.Box(0, warning, (), jnp.int32),
            "storm_announced": spaces.Box(0, 1, (), jnp.bool_),
            "storm_real": spaces.Box(0, 1, (), jnp.bool_),
            "validity": spaces.Box(0.0, 1.0, (), jnp.float32),
            "decoy_on": spaces.Box(0, 1, (), jnp.bool_),
        }


def _clock_fields(clock: Clock) -> dict[str, jax.Array]:
    """The storms' clock as state variables, by name."""
    return {f"storm_{name}": value for name, value in clock._asdict().items()}


def _as_sources(shelters: jax.Array) -> Sources:
    """Shelters (S, 2) as what can be smelled."""
    n = shelters.shape[0]
    return Sources(shelters, jnp.zeros(n, bool), jnp.ones(n, bool), jnp.zeros(n, jnp.int32))
