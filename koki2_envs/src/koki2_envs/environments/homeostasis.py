"""Homeostasis: food and water, rungs L2.0 to L2.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import spaces

from koki2_envs.environments.composition import SourceGroup
from koki2_envs.environments.foraging import Foraging
from koki2_envs.environments.grid import Box
from koki2_envs.environments.state import ForagingState
from koki2_envs.knobs import is_always, known_number, value_at
from koki2_envs.mechanics import body, layouts
from koki2_envs.mechanics.rng import Feature, Rng
from koki2_envs.mechanics.sources import Contacts, count
from koki2_envs.params import HomeostasisParams


@struct.dataclass
class HomeostasisState(ForagingState):
    """State of a life with food and water; the sources are the food and, after it, the water.

    Attributes:
        layout: () int32, the life's law: 0 uniform, 1 clustered, 2 opposite.
        food_box: (4,) int32, x, y, width and height of the part of the world in which food lies.
        water_box: (4,) int32, that in which water lies.
        hydration: () float32 in [0, 1].
    """

    layout: jax.Array
    food_box: jax.Array
    water_box: jax.Array
    hydration: jax.Array


StateT = TypeVar("StateT", bound=HomeostasisState)
ParamsT = TypeVar("ParamsT", bound=HomeostasisParams)


class Homeostasis(Foraging[StateT, ParamsT]):
    """Foraging with two needs: food for energy, water for hydration.

    **Observation** (7,) float32: the four of :class:`Foraging`, whose gradient leads to the nearest food; ``water_x``,
    ``water_y``: the gradient to the nearest water, by the same sensor (silent in the same steps); ``hydration`` in
    [0, 1]. ``obs_noise`` is added to all seven.

    **Sources**: ``num_sources`` food and ``num_water`` water. Of the food ``num_bad_sources`` are bad, of the water
    ``num_salty`` are salty; they smell like the others. All deplete and come back by the same rules, salty water as
    bad sources do.

    **Layout**, drawn for each life among three laws with weights ``layout_uniform``, ``layout_clustered``,
    ``layout_opposite``: food and water lie anywhere; each within ``layout_spread`` cells of a centre of its own; at
    opposite sides of the world, no farther than ``layout_spread`` from the border. Sources that come back do so by
    the same law. With ``layout_shifts`` centres and sides are drawn for each life, else they are always the same.

    **Body**, besides that of :class:`Foraging`: hydration ← clip(hydration − ``hydration_decay`` +
    ``water_gain``·arrivals at water, 0, 1), born with ``hydration_init``; 0 ends the life. An arrival at salty water
    also costs ``salt_integrity_loss`` integrity.

    **Reward**, besides that of :class:`Foraging`: ``hydration_reward``·hydration gained. The drive has hydration as a
    third variable.

    **Info** of a step, besides that of :class:`Foraging`: ``water_gained`` and ``salty_arrivals`` float32.
    ``bad_arrivals`` counts bad food and salty water, ``reached_source`` is contact with good food.
    """

    own_structure: ClassVar[Mapping[str, int]] = {"num_water": 1}
    own_senses: ClassVar[Mapping[str, float]] = {"water_x": 1 / 3, "water_y": 1 / 3, "hydration": 1.0}
    own_levels: ClassVar[tuple[str, ...]] = ("hydration",)
    own_metrics: ClassVar[tuple[str, ...]] = ("water_gained", "salty_arrivals")
    own_terrain: ClassVar[tuple[str, ...]] = ("layout", "food_box", "water_box")
    own_groups: ClassVar[tuple[SourceGroup, ...]] = (
        SourceGroup("water", "num_water", Feature.SECOND_SCATTER, bad="num_salty"),
    )
    own_draws: ClassVar[tuple[Feature, ...]] = (Feature.TERRAIN,)
    state_class: ClassVar[type[ForagingState]] = HomeostasisState
    params_class: ClassVar[type[HomeostasisParams]] = HomeostasisParams
    num_water: int

    def check_knobs(self, params: ParamsT) -> None:
        """Rejects incompatible knobs (see :meth:`World.check_knobs`)."""
        super().check_knobs(params)
        names = [f"layout_{name}" for name in layouts.LAW_NAMES]
        if all(known_number(getattr(params, name)) == 0 for name in names):
            raise ValueError(f"one of {', '.join(names)} must be above 0, got 0 for all")

    @property
    def is_water(self) -> jax.Array:
        """Which sources are water; (K,) bool."""
        return self.is_of("water")

    def terrain(self, key: jax.Array, params: ParamsT) -> dict[str, jax.Array]:
        """The terrain and the life's layout."""
        if is_always(params.layout_clustered, 0.0) and is_always(params.layout_opposite, 0.0):
            layout = layouts.everywhere(self.size(params))
        else:
            weights = tuple(getattr(params, f"layout_{name}") for name in layouts.LAW_NAMES)
            rng = Rng(key, self.stream("Homeostasis", Feature.TERRAIN))
            layout = layouts.draw(rng.key(), weights, params.layout_spread, params.layout_shifts, self.size(params))
        return {**super().terrain(key, params), **dict(zip(Homeostasis.own_terrain, layout, strict=True))}

    def boxes(self, around: Mapping[str, jax.Array], params: ParamsT, group: str | None = None) -> Box:
        """The layout's box of food or of water, or each source's own (see :meth:`Grid.boxes`)."""
        food, water = around["food_box"], around["water_box"]
        if group is not None:
            return water if group == "water" else food
        is_water = self.is_water
        return tuple(jnp.where(is_water, water[i], food[i]) for i in range(4))

    def birth(self, key: jax.Array, params: ParamsT) -> dict[str, jax.Array]:
        """All state variables of a newborn, by name."""
        return {
            **super().birth(key, params),
            "hydration": jnp.asarray(value_at(params.hydration_init, 0.0), jnp.float32),
        }

    def edible(self, state: StateT) -> jax.Array:
        """Which sources are good food; (K,) bool."""
        return ~self.is_water & super().edible(state)

    def spoiled(self, state: StateT) -> jax.Array:
        """Which sources are bad food; (K,) bool."""
        return ~self.is_water & super().spoiled(state)

    def effects(self, state: StateT, contacts: Contacts, params: ParamsT, phi: jax.Array) -> dict[str, jax.Array]:
        """What food and water do (see :meth:`Grid.effects`)."""
        effects = super().effects(state, contacts, params, phi)
        is_water = self.is_water
        water, salty = (count(contacts.arrived & kind) for kind in (is_water, is_water & state.source_is_bad))
        return {
            **effects,
            "integrity_lost": effects["integrity_lost"] + value_at(params.salt_integrity_loss, phi) * salty,
            "bad_arrivals": effects["bad_arrivals"] + salty,
            "water_gained": value_at(params.water_gain, phi) * water,
            "salty_arrivals": salty,
        }

    def metabolise(
        self, state: StateT, effects: Mapping[str, jax.Array], params: ParamsT, phi: jax.Array
    ) -> dict[str, jax.Array]:
        """The body variables after a step, by name; each is vital."""
        hydration = state.hydration - value_at(params.hydration_decay, phi) + effects["water_gained"]
        return {**super().metabolise(state, effects, params, phi), "hydration": body.clip_level(hydration)}

    def extra_reward(self, effects: Mapping[str, jax.Array], params: ParamsT, phi: jax.Array) -> jax.Array:
        """What drinking is worth, besides what else is rewarded; () float32."""
        drinking = value_at(params.hydration_reward, phi) * effects["water_gained"]
        other = super().extra_reward(effects, params, phi)
        return drinking if other is None else other + drinking

    def extra_senses(self, key: jax.Array, state: StateT, params: ParamsT, phi: jax.Array) -> tuple[jax.Array, ...]:
        """The gradient to water, and hydration."""
        water = self.smell(key, state, self.part(state.sources, "water"), params, phi)
        return *super().extra_senses(key, state, params, phi), water[0], water[1], state.hydration

    def extra_bounds(self, params: ParamsT) -> tuple[tuple[Any, Any], ...]:
        """The least and largest value of each extra sense, without noise."""
        gradient = self.gradient_bound(params)
        return *super().extra_bounds(params), (-gradient, gradient), (-gradient, gradient), (0.0, 1.0)

    def extra_state(self, params: ParamsT) -> dict[str, Any]:
        """The space of every state variable that water adds, by name."""
        largest_box = jnp.tile(self.size(params), 2)
        return {
            **super().extra_state(params),
            "layout": spaces.Box(0, len(layouts.LAW_NAMES) - 1, (), jnp.int32),
            "food_box": spaces.Box(0, largest_box, (4,), jnp.int32),
            "water_box": spaces.Box(0, largest_box, (4,), jnp.int32),
            "hydration": spaces.Box(0.0, 1.0, (), jnp.float32),
        }
