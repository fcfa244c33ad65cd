"""Food and water: rungs L2.0 to L2.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import spaces

from koki2_envs.environments.foraging import Foraging
from koki2_envs.environments.state import ForagingState
from koki2_envs.knobs import is_always, known_number, value_at
from koki2_envs.mechanics import body, layouts
from koki2_envs.mechanics.rng import Feature, Rng
from koki2_envs.mechanics.sources import Contacts, Sources, scatter, together
from koki2_envs.params import HomeostasisParams


@struct.dataclass
class HomeostasisState(ForagingState):
    """State of a life with food and water; the sources are the food and, behind it, the water.

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
    ``num_salty`` are salty; they smell as the others do. All deplete and come back by the same rules, salty water as
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

    observation_names: ClassVar[tuple[str, ...]] = (*Foraging.observation_names, "water_x", "water_y", "hydration")
    observation_scales: ClassVar[tuple[float, ...]] = (*Foraging.observation_scales, 1 / 3, 1 / 3, 1.0)
    metric_names: ClassVar[tuple[str, ...]] = ("water_gained", "salty_arrivals")
    state_class: ClassVar[type[ForagingState]] = HomeostasisState
    params_class: ClassVar[type[HomeostasisParams]] = HomeostasisParams
    level_names: ClassVar[tuple[str, ...]] = ("energy", "integrity", "hydration")
    terrain_names: ClassVar[tuple[str, ...]] = ("layout", "food_box", "water_box")

    def __init__(
        self, rung: str = "L2.0", default_params: ParamsT | None = None, *, num_sources: int = 1, num_water: int = 1
    ):
        """Makes a world.

        Args:
            rung: the rung's name.
            default_params: its knobs.
            num_sources: how much food there is; at least 1.
            num_water: how many waters; at least 1.

        Raises:
            TypeError, ValueError: a number is not whole or below 1, or the params contradict it or each other.
        """
        super().__init__(rung, default_params, num_sources=num_sources, num_water=num_water)
        self.num_water = self.structure["num_water"]

    def check_knobs(self, params: ParamsT) -> None:
        """Refuses knobs that cannot be together (see :meth:`World.check_knobs`)."""
        super().check_knobs(params)
        names = [f"layout_{name}" for name in layouts.LAW_NAMES]
        if all(known_number(getattr(params, name)) == 0 for name in names):
            raise ValueError(f"one of {', '.join(names)} must be above 0, got 0 for all")

    @property
    def num_places(self) -> int:
        """How many sources there are of both kinds together."""
        return self.num_sources + self.num_water

    def terrain(self, key: jax.Array, params: ParamsT) -> dict[str, jax.Array]:
        """The life's layout."""
        if is_always(params.layout_clustered, 0.0) and is_always(params.layout_opposite, 0.0):
            layout = layouts.everywhere(self.size(params))
        else:
            weights = tuple(getattr(params, f"layout_{name}") for name in layouts.LAW_NAMES)
            rng = Rng(key, Feature.TERRAIN)
            layout = layouts.draw(rng.key(), weights, params.layout_spread, params.layout_shifts, self.size(params))
        return dict(zip(self.terrain_names, layout, strict=True))

    def cells(self, bits: jax.Array, around: Mapping[str, jax.Array], params: ParamsT) -> tuple[jax.Array, jax.Array]:
        """Cells for all food and water (see :meth:`Grid.cells`), each in its box."""
        is_water = jnp.arange(self.num_places) >= self.num_sources
        food, water = around["food_box"], around["water_box"]
        return layouts.cells_in(bits, tuple(jnp.where(is_water, water[i], food[i]) for i in range(4)))

    def initial_sources(self, key: jax.Array, around: Mapping[str, jax.Array], params: ParamsT) -> Sources:
        """Food and, behind it, water."""
        food = scatter(
            Rng(key, Feature.SCATTER),
            self.num_sources,
            params.num_bad_sources,
            lambda bits: layouts.cells_in(bits, around["food_box"]),
        )
        water = scatter(
            Rng(key, Feature.SECOND_SCATTER),
            self.num_water,
            params.num_salty,
            lambda bits: layouts.cells_in(bits, around["water_box"]),
        )
        return together(food, water)

    def birth(self, key: jax.Array, params: ParamsT) -> dict[str, jax.Array]:
        """All state variables of a newborn, by name."""
        return {
            **super().birth(key, params),
            "hydration": jnp.asarray(value_at(params.hydration_init, 0.0), jnp.float32),
        }

    def foods(self, sources: Sources) -> Sources:
        """The food among the sources."""
        return sources.part(slice(None, self.num_sources))

    def waters(self, sources: Sources) -> Sources:
        """The water among the sources."""
        return sources.part(slice(self.num_sources, None))

    def effects(self, state: StateT, contacts: Contacts, params: ParamsT, phi: jax.Array) -> dict[str, jax.Array]:
        """What food and water do (see :meth:`Grid.effects`)."""
        is_water, is_bad = jnp.arange(self.num_places) >= self.num_sources, state.source_is_bad
        good_food, bad_food, water, salty = (
            jnp.sum(contacts.arrived & kind).astype(jnp.float32)
            for kind in (~is_water & ~is_bad, ~is_water & is_bad, is_water, is_water & is_bad)
        )
        return {
            "energy_gained": value_at(params.energy_gain, phi) * good_food,
            "integrity_lost": value_at(params.bad_source_integrity_loss, phi) * bad_food
            + value_at(params.salt_integrity_loss, phi) * salty,
            "bad_arrivals": bad_food + salty,
            "reached_source": jnp.any(contacts.touching & ~is_water & ~is_bad),
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
        """What drinking is worth; () float32."""
        return value_at(params.hydration_reward, phi) * effects["water_gained"]

    def extra_senses(self, key: jax.Array, state: StateT, params: ParamsT, phi: jax.Array) -> tuple[jax.Array, ...]:
        """The gradient to water, and hydration."""
        water = self.smell(key, state, self.waters(state.sources), params, phi)
        return water[0], water[1], state.hydration

    def extra_bounds(self, params: ParamsT) -> tuple[tuple[Any, Any], ...]:
        """The least and largest value of each further sense, without noise."""
        gradient = self.gradient_bound(params)
        return (-gradient, gradient), (-gradient, gradient), (0.0, 1.0)

    def extra_state(self, params: ParamsT) -> dict[str, Any]:
        """The space of every state variable that water adds, by name."""
        size = self.size(params)
        largest_box = jnp.tile(size, 2)
        return {
            "layout": spaces.Box(0, len(layouts.LAW_NAMES) - 1, (), jnp.int32),
            "food_box": spaces.Box(0, largest_box, (4,), jnp.int32),
            "water_box": spaces.Box(0, largest_box, (4,), jnp.int32),
            "hydration": spaces.Box(0.0, 1.0, (), jnp.float32),
        }
