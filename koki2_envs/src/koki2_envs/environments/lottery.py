"""The valence lottery: which smells feed and which harm is drawn for each life, rungs L5.0 and L5.1."""

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
from koki2_envs.knobs import check_range, is_always, known_number
from koki2_envs.mechanics.lottery import draw_winners, set_weights
from koki2_envs.mechanics.phases import drawn_phase
from koki2_envs.mechanics.rng import Feature, Rng
from koki2_envs.mechanics.sources import Contacts, Sources
from koki2_envs.params import LotteryParams
from koki2_envs.params.lottery import FEEDING_SETS

RECOVERED = 5
"""How many good bites in a row, after the reversal, count as recovery from it."""

THIRDS = (1, 2, 3)


@struct.dataclass
class LotteryState(ForagingState):
    """State of a life in the lottery; the sources lie smell by smell, ``source_is_bad`` is their present valence.

    Attributes:
        reversal_phi: () float32 in [0, 1], the phase after which all valences are reversed.
        good_in_a_row: () int32, good bites since the last bad one or the reversal; from ``RECOVERED`` on, after the
            reversal, it stays.
    """

    reversal_phi: jax.Array
    good_in_a_row: jax.Array


StateT = TypeVar("StateT", bound=LotteryState)
ParamsT = TypeVar("ParamsT", bound=LotteryParams)


class Lottery(Foraging[StateT, ParamsT]):
    """Foraging among smells of which it is drawn for each life which feed and which harm.

    **Observation** (2·num_smells + 1,) float32: for each smell the gradient to the nearest active source that has it,
    by the sensor of :class:`Foraging` (all silent in the same steps): ``smell_1_x``, ``smell_1_y``, ``smell_2_x``, ...;
    then ``energy``. ``obs_noise`` is added to all. Neither valences nor integrity are sensed.

    **Born** with exactly ``num_feeding`` smells that feed, uniform over all sets or over those that ``feeding_sets``
    names, and with ``reversal_phi``, uniform between ``reversal_phi_low`` and ``reversal_phi_high``.

    **Sources**: ``sources_per_smell`` of each smell. Those of a smell that feeds are good sources as in
    :class:`Foraging`, all others are bad ones.

    **Reversal**: in steps at phases φ > ``reversal_phi`` what fed harms, and what harmed feeds. With
    ``reversal_phi_low`` = 1 there is none, and no phase is drawn.

    **Info** of a step, besides that of :class:`Foraging`: ``good_arrivals``; for the thirds i = 1, 2, 3 of
    ``max_steps_in_episode``, 0 outside of the third: ``good_third_i``, ``bad_third_i``, arrivals, and
    ``reward_third_i``, the reward over the number of the third's steps; ``recovery_steps``, 1 in steps after the
    reversal until five good bites in a row; all float32.
    """

    own_structure: ClassVar[Mapping[str, int]] = {"num_smells": 2, "sources_per_smell": 1}
    own_metrics: ClassVar[tuple[str, ...]] = (
        "good_arrivals",
        *(f"{name}_third_{third}" for name in ("good", "bad", "reward") for third in THIRDS),
        "recovery_steps",
    )
    own_draws: ClassVar[tuple[Feature, ...]] = (Feature.VALENCE, Feature.SWITCH)
    own_omissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "own_structure": ("num_sources",), "own_senses": ("grad_x", "grad_y", "integrity"),
    }  # fmt: skip
    state_class: ClassVar[type[ForagingState]] = LotteryState
    params_class: ClassVar[type[LotteryParams]] = LotteryParams
    num_smells: int
    sources_per_smell: int

    def __init__(self, rung: str | None = None, default_params: ParamsT | None = None, **structure: int):
        """Makes a world (see :class:`Foraging`)."""
        super().__init__(rung, default_params, **structure)
        smells = [f"smell_{smell + 1}_{axis}" for smell in range(self.num_smells) for axis in "xy"]
        self.observation_names = (*smells, *type(self).observation_names)  # type: ignore[misc] # it has a length
        self.observation_scales = (*(1 / 3 for _ in smells), *type(self).observation_scales)  # type: ignore[misc]

    def check_knobs(self, params: ParamsT) -> None:
        """Rejects incompatible knobs (see :meth:`World.check_knobs`)."""
        super().check_knobs(params)
        check_range(params, "reversal_phi_low", "reversal_phi_high")
        if bad := known_number(params.num_bad_sources):
            raise ValueError(f"num_bad_sources must be 0, since it is drawn which smells harm, got {bad}")

    def check_params(self, params: ParamsT) -> None:
        """Rejects incompatible params (see :meth:`World.check_params`)."""
        super().check_params(params)
        feeding, sets = known_number(params.num_feeding), known_number(params.feeding_sets)
        if feeding is None or sets is None:
            return
        if 2 * feeding != self.num_smells and known_number(params.reversal_phi_low) not in (None, 1.0):
            raise ValueError(
                f"reversal_phi_low must be 1 (no reversal) where other than half of the smells feed, since a reversal "
                f"would change their number: num_feeding = {feeding} of num_smells = {self.num_smells}"
            )
        with jax.ensure_compile_time_eval():
            possible = any(int(weight) for weight in set_weights(self.num_smells, int(feeding), int(sets)))
        if not possible:
            raise ValueError(
                f"feeding_sets cannot be {FEEDING_SETS[int(sets)]} where num_feeding = {feeding} of "
                f"num_smells = {self.num_smells} feed: there is no such set"
            )

    def count(self, group: SourceGroup) -> int:
        """How many sources a group has."""
        return self.num_smells * self.sources_per_smell if group.name == "food" else super().count(group)

    def smell_slice(self, smell: int) -> slice:
        """Where the sources of a smell lie among all of them."""
        begin = self.group_slice("food").start + smell * self.sources_per_smell
        return slice(begin, begin + self.sources_per_smell)

    def birth(self, key: jax.Array, params: ParamsT) -> dict[str, jax.Array]:
        """All state variables of a newborn, by name."""
        rng = Rng(key, self.stream("Lottery", Feature.SWITCH))
        reversal_phi = drawn_phase(rng, params.reversal_phi_low, params.reversal_phi_high)
        history = {"reversal_phi": reversal_phi, "good_in_a_row": jnp.zeros((), jnp.int32)}
        return {**super().birth(key, params), **history}

    def initial_sources(self, key: jax.Array, around: Mapping[str, jax.Array], params: ParamsT) -> Sources:
        """The sources of a newborn's world, group after group."""
        sources = super().initial_sources(key, around, params)
        rng = Rng(key, self.stream("Lottery", Feature.VALENCE))
        feeding = draw_winners(rng, self.num_smells, params.num_feeding, params.feeding_sets)
        harms = jnp.repeat(~feeding, self.sources_per_smell)
        return sources._replace(is_bad=sources.is_bad.at[self.group_slice("food")].set(harms))

    def sources_after(
        self, key: jax.Array, state: StateT, contacts: Contacts, params: ParamsT, phi: jax.Array
    ) -> Sources:
        """The sources after a step, with the valences of the next one."""
        sources = super().sources_after(key, state, contacts, params, phi)
        if is_always(params.reversal_phi_low, 1.0):
            return sources
        turns = self.is_reversed(state, self.next_phase(state, params)) & ~self.is_reversed(state, phi)
        return sources._replace(is_bad=sources.is_bad ^ (self.is_of("food") & turns))

    def next_phase(self, state: StateT, params: ParamsT) -> jax.Array:
        """The phase of the step after the next, at most 1; () float32."""
        return jnp.minimum(self.phase(state.time + 1, params), 1.0)

    def is_reversed(self, state: StateT, phi: jax.Array) -> jax.Array:
        """Whether the valences of birth are reversed in a step at phase ``phi``; () bool."""
        return phi > state.reversal_phi

    def effects(self, state: StateT, contacts: Contacts, params: ParamsT, phi: jax.Array) -> dict[str, jax.Array]:
        """As in foraging; good bites are counted too (see :meth:`Grid.effects`)."""
        good = jnp.sum(contacts.arrived & self.feeds(state, phi), dtype=jnp.int32).astype(jnp.float32)
        return {**super().effects(state, contacts, params, phi), "good_arrivals": good}

    def history(
        self, state: StateT, effects: Mapping[str, jax.Array], params: ParamsT, phi: jax.Array
    ) -> dict[str, jax.Array]:
        """How many good bites there were in a row; counted anew from the reversal on."""
        kept = super().history(state, effects, params, phi)
        if is_always(params.reversal_phi_low, 1.0):
            return kept
        now, before = self.is_reversed(state, phi), state.good_in_a_row
        turned = self.is_reversed(state, self.next_phase(state, params)) & ~now
        row = jnp.where(effects["bad_arrivals"] > 0, 0, before + effects["good_arrivals"].astype(jnp.int32))
        row = jnp.where(now & (before >= RECOVERED), before, row)
        return {**kept, "good_in_a_row": jnp.where(turned, 0, row)}

    def extra_info(
        self, state: StateT, info: Mapping[str, jax.Array], reward: jax.Array, params: ParamsT, phi: jax.Array
    ) -> dict[str, jax.Array]:
        """Bites and reward by thirds of life, and the steps before recovery from the reversal."""
        steps = jnp.asarray(params.max_steps_in_episode, jnp.int32)
        entries: dict[str, jax.Array] = {}
        for third in THIRDS:
            begin, end = (-(-steps * n // 3) for n in (third - 1, third))
            inside = ((state.time >= begin) & (state.time < end)).astype(jnp.float32)
            entries[f"good_third_{third}"] = inside * info["good_arrivals"]
            entries[f"bad_third_{third}"] = inside * info["bad_arrivals"]
            entries[f"reward_third_{third}"] = inside * reward / jnp.maximum(end - begin, 1).astype(jnp.float32)
        waits = self.is_reversed(state, phi) & (state.good_in_a_row < RECOVERED)
        entries["recovery_steps"] = waits.astype(jnp.float32)
        return {**super().extra_info(state, info, reward, params, phi), **entries}

    def senses(self, key: jax.Array, state: StateT, params: ParamsT, phi: jax.Array) -> tuple[jax.Array, ...]:
        """The entries of the observation, each () float32, without noise."""
        smells = [
            self.smell(key, state, state.sources.part(self.smell_slice(smell)), params, phi)
            for smell in range(self.num_smells)
        ]
        gradients = [gradient[axis] for gradient in smells for axis in (0, 1)]
        return *gradients, state.energy, *self.extra_senses(key, state, params, phi)

    def bounds(self, params: ParamsT) -> tuple[tuple[Any, Any], ...]:
        """The least and largest value of each of the :meth:`senses`, without noise."""
        gradient = self.gradient_bound(params)
        return *(((-gradient, gradient),) * (2 * self.num_smells)), (0.0, 1.0), *self.extra_bounds(params)

    def extra_state(self, params: ParamsT) -> dict[str, Any]:
        """The space of every state variable that the lottery adds, by name."""
        return {
            **super().extra_state(params),
            "reversal_phi": spaces.Box(0.0, 1.0, (), jnp.float32),
            "good_in_a_row": spaces.Box(0, jnp.iinfo(jnp.int32).max, (), jnp.int32),
        }
