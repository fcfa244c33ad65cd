"""Foraging on a grid, rungs L0.0 to L1.1 and L4.0."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from gymnax.environments import spaces

from koki2_envs.environments.composition import SourceGroup
from koki2_envs.environments.grid import Grid, ParamsT, StateT
from koki2_envs.environments.state import ForagingState
from koki2_envs.knobs import is_always, largest, value_at
from koki2_envs.mechanics import body
from koki2_envs.mechanics.rng import Feature, Rng
from koki2_envs.mechanics.sources import Contacts, Sources, count, scatter, source_fields, together
from koki2_envs.params import ForagingParams
from koki2_envs.suggestions import did_you_mean

# jax.random.normal in float32 cannot exceed this (the inverse error function of the largest float below 1).
_MAX_NORMAL = 5.5
# round(g·b)/b exceeds |g| ≤ 1 by at most a factor of two, at b just above one half.
_MAX_QUANTISED = 2.0


class Foraging(Grid[StateT, ParamsT]):
    """A grid with good and bad sources that smell alike.

    **Observation** (4,) float32: ``grad_x``, ``grad_y``: by ``smell_law`` the displacement to the nearest active source
    over max(width − 1, 1) and max(height − 1, 1), or the unit direction to the nearest that is not in the agent's own
    cell over its distance; both in [−1, 1] before the sensor distorts them, zero where there is none; ``energy`` and
    ``integrity`` in [0, 1]. In this order: a nearest bad source scales the gradient by 1 − 2·``hazard_smell``; beyond
    ``sense_radius`` > 0 it is zero; ``grad_bins`` quantises it; ``grad_gain`` multiplies it; ``grad_dropout_p``
    silences it; ``obs_noise`` is added to all four.

    **Actions** int32: 0 stay, 1 up (y − 1), 2 down (y + 1), 3 left (x − 1), 4 right (x + 1). The border stops a move.

    **One step**: move; contacts (an active source in the new cell; an *arrival* where it was not already touched in
    the cell left); body; depletion and respawn; observe.

    **Body**: energy ← clip(energy − ``energy_decay`` + ``energy_gain``·good arrivals, 0, 1), integrity ← clip(integrity
    + ``integrity_healing`` − ``bad_source_integrity_loss``·bad arrivals, 0, 1); born with ``energy_init`` and 1.

    **Ends**: terminated where energy or integrity is 0, or with ``terminate_on_reach`` where a good source is touched;
    truncated at ``max_steps_in_episode``.

    **Reward**: ``survival_reward`` + ``energy_reward``·energy gained + ``success_bonus`` at the first good source
    reached + ``drive_reward``·drive reduction − ``harm_cost``·integrity lost.

    **Info** of a step: ``energy_gained``, ``integrity_lost``, ``bad_arrivals``, ``drive_reduction`` float32,
    ``reached_source`` bool (contact with a good source, arrival or not).
    """

    own_structure: ClassVar[Mapping[str, int]] = {"num_sources": 1}
    own_senses: ClassVar[Mapping[str, float]] = {"grad_x": 1 / 3, "grad_y": 1 / 3, "energy": 1.0, "integrity": 1.0}
    own_levels: ClassVar[tuple[str, ...]] = ("energy", "integrity")
    own_groups: ClassVar[tuple[SourceGroup, ...]] = (
        SourceGroup("food", "num_sources", Feature.SCATTER, bad="num_bad_sources"),
    )
    state_class: ClassVar[type[ForagingState]] = ForagingState
    params_class: ClassVar[type[ForagingParams]] = ForagingParams
    num_sources: int

    def __init__(self, rung: str | None = None, default_params: ParamsT | None = None, **structure: int):
        """Makes a world.

        Args:
            rung: the rung's name; the class's name where None.
            default_params: its knobs; their defaults where None.
            structure: how many things there are, which sets array shapes: ``num_sources`` and what the families of
                the class add to it, 1 where not given otherwise by ``structure_defaults``. Each is an attribute.

        Raises:
            TypeError, ValueError: an unknown argument, one that is not a whole number or out of its range, or params
                incompatible with each other.
        """
        for name in structure:
            if name not in self.structure_defaults:
                hint = did_you_mean(name, self.structure_defaults)
                raise TypeError(f"{type(self).__name__} has no structure argument {name!r}{hint}")
        knobs: Any = default_params or self.params_class()  # type: ignore[call-arg] # knobs have defaults
        super().__init__(rung or type(self).__name__, knobs, **{**self.structure_defaults, **structure})
        for name, value in self.structure.items():
            setattr(self, name, value)

    def initial_sources(self, key: jax.Array, around: Mapping[str, jax.Array], params: ParamsT) -> Sources:
        """The sources of a newborn's world, group after group."""
        groups = []
        for group in self.source_groups:
            cells = partial(self.cells, around=around, params=params, box=self.boxes(around, params, group.name))
            rng = Rng(key, self.stream(group.name, group.feature))
            groups.append(scatter(rng, self.count(group), getattr(params, group.bad or "", 0), cells))
        return groups[0] if len(groups) == 1 else together(*groups)

    def birth(self, key: jax.Array, params: ParamsT) -> dict[str, jax.Array]:
        """All state variables of a newborn, by name."""
        terrain = self.terrain(key, params)
        return {
            "time": jnp.zeros((), jnp.int32),
            "succeeded": jnp.zeros((), bool),
            "pos": self.size(params) // 2,
            **terrain,
            **source_fields(self.initial_sources(key, terrain, params)),
            "energy": jnp.asarray(value_at(params.energy_init, 0.0), jnp.float32),
            "integrity": jnp.ones((), jnp.float32),
        }

    def edible(self, state: StateT) -> jax.Array:
        """Which sources are good food, be they in season or not; (K,) bool."""
        return ~state.source_is_bad

    def spoiled(self, state: StateT) -> jax.Array:
        """Which sources are bad food; (K,) bool."""
        return state.source_is_bad

    def feeds(self, state: StateT, phi: jax.Array) -> jax.Array:
        """Which sources feed in a step at phase ``phi``; (K,) bool."""
        return self.edible(state)

    def effects(self, state: StateT, contacts: Contacts, params: ParamsT, phi: jax.Array) -> dict[str, jax.Array]:
        """Energy from good food, loss of integrity from bad food (see :meth:`Grid.effects`)."""
        feeds = self.feeds(state, phi)
        meals = count(contacts.arrived & feeds)
        bad_arrivals = count(contacts.arrived & self.spoiled(state))
        return {
            "energy_gained": value_at(params.energy_gain, phi) * meals,
            "integrity_lost": value_at(params.bad_source_integrity_loss, phi) * bad_arrivals,
            "bad_arrivals": bad_arrivals,
            "reached_source": jnp.any(contacts.touching & feeds),
        }

    def metabolise(
        self, state: StateT, effects: Mapping[str, jax.Array], params: ParamsT, phi: jax.Array
    ) -> dict[str, jax.Array]:
        """The body variables after a step, by name; each is vital."""
        integrity = state.integrity
        if not is_always(params.integrity_healing, 0.0):
            integrity = integrity + value_at(params.integrity_healing, phi)
        return {
            "energy": body.clip_level(state.energy - value_at(params.energy_decay, phi) + effects["energy_gained"]),
            "integrity": body.clip_level(integrity - effects["integrity_lost"]),
        }

    def gradient_bound(self, params: ParamsT) -> jax.Array:
        """The largest component of a gradient that the sensor can give, without noise."""
        return jnp.asarray(largest(params.grad_gain), jnp.float32) * (
            1.0 if is_always(params.grad_bins, 0.0) else _MAX_QUANTISED
        )

    def bounds(self, params: ParamsT) -> tuple[tuple[Any, Any], ...]:
        """The least and largest value of each of the :meth:`senses`, without noise."""
        gradient = self.gradient_bound(params)
        return (-gradient, gradient), (-gradient, gradient), (0.0, 1.0), (0.0, 1.0), *self.extra_bounds(params)

    def observation_space(self, params: ParamsT) -> spaces.Box:
        """A finite box that holds every observation that these params can give."""
        params = params.in_32_bits()
        bounds, noise = self.bounds(params), _MAX_NORMAL * jnp.asarray(largest(params.obs_noise), jnp.float32)
        low, high = (jnp.stack([jnp.asarray(bound[end], jnp.float32) for bound in bounds]) for end in (0, 1))
        return spaces.Box(low - noise, high + noise, (len(bounds),), jnp.float32)

    def state_space(self, params: ParamsT) -> spaces.Dict:
        """Bounds of every state variable, by name."""
        k = self.num_places
        size = self.size(params)
        longest = jnp.maximum(largest(params.respawn_delay), largest(params.bad_source_respawn_delay))
        return spaces.Dict(
            {
                **self.extra_state(params),
                "time": spaces.Box(0, params.max_steps_in_episode, (), jnp.int32),
                "succeeded": spaces.Box(0, 1, (), jnp.bool_),
                "pos": spaces.Box(0, size - 1, (2,), jnp.int32),
                "source_pos": spaces.Box(0, size - 1, (k, 2), jnp.int32),
                "source_is_bad": spaces.Box(0, 1, (k,), jnp.bool_),
                "source_active": spaces.Box(0, 1, (k,), jnp.bool_),
                "source_respawn_t": spaces.Box(0, longest, (k,), jnp.int32),
                "energy": spaces.Box(0.0, 1.0, (), jnp.float32),
                "integrity": spaces.Box(0.0, 1.0, (), jnp.float32),
            }
        )
