"""Grid worlds with sources: how a step goes and what is sensed. Families of worlds fill in what they add.

Every hook composes: a family's method returns what ``super()`` returns together with what the family adds, so that
families can be combined by deriving from several of them.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from functools import reduce
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp

from koki2_envs.environments.base import World
from koki2_envs.environments.composition import Composed, SourceGroup
from koki2_envs.environments.state import ForagingState
from koki2_envs.knobs import is_always, value_at
from koki2_envs.mechanics import body, layouts, movement, sensing
from koki2_envs.mechanics.rng import Feature, Rng
from koki2_envs.mechanics.rows import row
from koki2_envs.mechanics.sources import (
    Contacts,
    Sources,
    contacts_of_step,
    deplete_and_respawn,
    source_fields,
    uniform_cells,
)
from koki2_envs.params import ForagingParams

StateT = TypeVar("StateT", bound=ForagingState)
ParamsT = TypeVar("ParamsT", bound=ForagingParams)

Box = tuple[jax.Array, ...] | jax.Array
"""A part of the world: x and y of its upper left cell, width and height, each () or (n,) int32."""


class Grid(Composed, World[StateT, ParamsT]):
    """Base of the worlds on a grid with sources. A family overrides what it adds to or changes, and nothing else.

    Attributes:
        state_class: the class of its states.
    """

    action_names: ClassVar[tuple[str, ...]] = movement.ACTION_NAMES
    state_class: ClassVar[type[ForagingState]]

    def size(self, params: ParamsT) -> jax.Array:
        """Width and height in cells; (2,) int32."""
        return jnp.stack([jnp.asarray(params.width, jnp.int32), jnp.asarray(params.height, jnp.int32)])

    def reset_env(self, key: jax.Array, params: ParamsT) -> tuple[jax.Array, StateT]:
        """A newborn in the middle of the grid, among sources in cells that the family's rules draw."""
        params = params.in_32_bits()
        state: Any = self.state_class(**self.birth(key, params))
        return self.observe(key, state, None, params), state

    def step_env(
        self, key: jax.Array, state: StateT, action: jax.Array, params: ParamsT
    ) -> tuple[jax.Array, StateT, jax.Array, jax.Array, dict[str, jax.Array]]:
        """One transition, without auto-reset and time limit (see the class)."""
        params = params.in_32_bits()
        phi = self.phase(state.time, params)
        action = movement.carried_out(Rng(key, Feature.MOTOR), action, params.motor_gain, phi)
        pos = self.moved(state, action, params)
        contacts = contacts_of_step(state.sources, state.pos, pos)
        effects = self.effects(state, contacts, params, phi)
        levels = self.metabolise(state, effects, params, phi)
        drive_reduction = self.drive(state, self.levels(state), params, phi) - self.drive(state, levels, params, phi)
        reached = effects["reached_source"]
        after = state.replace(
            time=state.time + 1,
            succeeded=state.succeeded | reached,
            pos=pos,
            **source_fields(self.sources_after(key, state, contacts, params, phi)),
            **levels,
            **self.weather(key, state, params, phi),
            **self.history(state, effects, params, phi),
        )
        terminated = reduce(operator.or_, (level <= 0.0 for level in levels.values()))
        if not is_always(params.terminate_on_reach, False):
            terminated = terminated | (jnp.asarray(params.terminate_on_reach) & reached)
        reward = self.reward(params, effects["energy_gained"], reached & ~state.succeeded, drive_reduction, phi)
        extra = self.extra_reward(effects, params, phi)
        reward = reward if extra is None else reward + extra
        info = {**effects, "drive_reduction": drive_reduction}
        info |= self.extra_info(state, info, reward, params, phi)
        return self.observe(key, after, action, params), after, reward, terminated, info

    def sources_after(
        self, key: jax.Array, state: StateT, contacts: Contacts, params: ParamsT, phi: jax.Array
    ) -> Sources:
        """The sources after a step: those arrived at deplete, others come back."""
        around = self.terrain_of(state)
        return deplete_and_respawn(
            key,
            state.sources,
            contacts.arrived,
            enabled=params.deplete_sources,
            good_delay=params.respawn_delay,
            bad_delay=params.bad_source_respawn_delay,
            bad_deplete_p=params.bad_source_deplete_p,
            cells=lambda bits: self.cells(bits, around, params, self.boxes(around, params)),
            phi=phi,
        )

    def observe(self, key: jax.Array, state: StateT, action: jax.Array | None, params: ParamsT) -> jax.Array:
        """What the agent senses in ``state``; float32. Its phase is that of the transition that led here."""
        phi = self.phase(jnp.maximum(state.time - 1, 0), params)
        observation = row(*self.senses(key, state, params, phi))
        return sensing.add_noise(Rng(key, Feature.NOISE), observation, params.obs_noise, phi)

    def senses(self, key: jax.Array, state: StateT, params: ParamsT, phi: jax.Array) -> tuple[jax.Array, ...]:
        """The entries of the observation, each () float32, without noise."""
        gradient = self.smell(key, state, self.part(state.sources, "food"), params, phi)
        extra = self.extra_senses(key, state, params, phi)
        return gradient[0], gradient[1], state.energy, state.integrity, *extra

    def smell(self, key: jax.Array, state: StateT, sources: Sources, params: ParamsT, phi: jax.Array) -> jax.Array:
        """The gradient to the nearest of some sources, as the sensor gives it; (2,) float32."""
        candidates = sources.active
        if not is_always(params.good_only_gradient, False):
            candidates = candidates & ~(jnp.asarray(params.good_only_gradient) & sources.is_bad)
        if not is_always(params.smell_law, sensing.DISPLACEMENT):
            # One that comes back under the agent would otherwise hide all others until the agent leaves.
            here = jnp.all(sources.pos == state.pos[None], axis=1)
            candidates = candidates & ~((params.smell_law == sensing.NEARNESS) & here)
        offset, chosen = sensing.nearest(state.pos, sources.pos, candidates)
        gradient = sensing.gradient_to(offset, self.size(params), params.smell_law)
        if not is_always(params.hazard_smell, 0.0):
            nearest_is_bad = jnp.any(chosen & sources.is_bad)
            gradient = gradient * jnp.where(nearest_is_bad, 1.0 - 2.0 * value_at(params.hazard_smell, phi), 1.0)
        gradient = sensing.fade(gradient, offset, params.sense_radius, phi)
        return self.sensed(key, gradient, params, phi)

    def sensed(self, key: jax.Array, gradient: jax.Array, params: ParamsT, phi: jax.Array) -> jax.Array:
        """What the sensor makes of a gradient (2,): coarse, amplified, now and then silent (all gradients at once)."""
        gradient = sensing.quantise(gradient, params.grad_bins, phi)
        gradient = sensing.amplify(gradient, params.grad_gain, phi)
        return sensing.drop_out(Rng(key, Feature.DROPOUT), gradient, params.grad_dropout_p, phi)

    def drive(self, state: StateT, levels: Mapping[str, jax.Array], params: ParamsT, phi: jax.Array) -> jax.Array:
        """The drive D of a body with such levels, under the weights that hold in ``state``; () float32."""
        names = self.level_names
        setpoints = tuple(value_at(getattr(params, f"{name}_setpoint"), phi) for name in names)
        weights = self.drive_weights(state, params, phi)
        return body.drive(tuple(levels[name] for name in names), setpoints, tuple(weights[name] for name in names))

    def terrain_of(self, state: StateT) -> dict[str, jax.Array]:
        """The :meth:`terrain` of a life."""
        return {name: getattr(state, name) for name in self.terrain_names}

    def levels(self, state: StateT) -> dict[str, jax.Array]:
        """The body variables by name."""
        return {name: getattr(state, name) for name in self.level_names}

    # Groups of sources.

    def count(self, group: SourceGroup) -> int:
        """How many sources a group has."""
        return self.structure[group.argument]

    def group_slice(self, group: str) -> slice:
        """Where the sources of a group lie among all of them."""
        names = [each.name for each in self.source_groups]
        ends = [sum(self.count(each) for each in self.source_groups[:n]) for n in range(len(names) + 1)]
        index = names.index(group)
        return slice(ends[index], ends[index + 1])

    @property
    def num_places(self) -> int:
        """K, how many sources there are of all groups together."""
        return sum(self.count(group) for group in self.source_groups)

    def is_of(self, group: str) -> jax.Array:
        """Which sources belong to a group; (K,) bool."""
        where, index = self.group_slice(group), jnp.arange(self.num_places, dtype=jnp.int32)
        return index >= where.start if where.stop == self.num_places else (index >= where.start) & (index < where.stop)

    def part(self, sources: Sources, group: str) -> Sources:
        """The sources of one group."""
        return sources if len(self.source_groups) == 1 else sources.part(self.group_slice(group))

    # What a family must say.

    def birth(self, key: jax.Array, params: ParamsT) -> dict[str, jax.Array]:
        """All state variables of a newborn, by name."""
        raise NotImplementedError

    def effects(self, state: StateT, contacts: Contacts, params: ParamsT, phi: jax.Array) -> dict[str, jax.Array]:
        """What a step does to the body, before the body's limits; these are also the step's info.

        Args:
            state: before the step.
            contacts: the agent's cell after the step, and the sources there.
            params: knobs.
            phi: phase of the step.
        """
        raise NotImplementedError

    def metabolise(
        self, state: StateT, effects: Mapping[str, jax.Array], params: ParamsT, phi: jax.Array
    ) -> dict[str, jax.Array]:
        """The body variables after a step, by name; each is vital."""
        raise NotImplementedError

    # What a family may add to.

    def terrain(self, key: jax.Array, params: ParamsT) -> dict[str, jax.Array]:
        """State variables that are drawn at birth and on which the sources' places depend."""
        return {}

    def boxes(self, around: Mapping[str, jax.Array], params: ParamsT, group: str | None = None) -> Box | None:
        """The part of the world in which sources lie: of one group, or one for each source; None for anywhere."""
        return None

    def cells(
        self, bits: jax.Array, around: Mapping[str, jax.Array], params: ParamsT, box: Box | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """Cells for n things that come into the world.

        Args:
            bits: (n,) uint32, uniform.
            around: the :meth:`terrain`.
            params: knobs.
            box: the part of the world in which they lie; None for anywhere.

        Returns:
            Cells (n, 2) int32, and the randomness that is left, (n,) uint32.
        """
        return uniform_cells(bits, self.size(params)) if box is None else layouts.cells_in(bits, box)

    def moved(self, state: StateT, action: jax.Array, params: ParamsT) -> jax.Array:
        """The cell that an action leads to; (2,) int32."""
        return movement.move(state.pos, action, self.size(params))

    def weather(self, key: jax.Array, state: StateT, params: ParamsT, phi: jax.Array) -> dict[str, jax.Array]:
        """The next values of state variables that change by themselves."""
        return {}

    def history(
        self, state: StateT, effects: Mapping[str, jax.Array], params: ParamsT, phi: jax.Array
    ) -> dict[str, jax.Array]:
        """The next values of state variables that keep what happened to the agent."""
        return {}

    def extra_info(
        self, state: StateT, info: Mapping[str, jax.Array], reward: jax.Array, params: ParamsT, phi: jax.Array
    ) -> dict[str, jax.Array]:
        """Entries of the step's info that follow from the others and the reward."""
        return {}

    def drive_weights(self, state: StateT, params: ParamsT, phi: jax.Array) -> dict[str, Any]:
        """The weight of every body variable in the drive, by name."""
        return {name: value_at(getattr(params, f"{name}_drive_weight"), phi) for name in self.level_names}

    def extra_reward(self, effects: Mapping[str, jax.Array], params: ParamsT, phi: jax.Array) -> jax.Array | None:
        """What a step's :meth:`effects` are worth besides what every world rewards; () float32, None for nothing."""
        if is_always(params.harm_cost, 0.0):
            return None
        return -value_at(params.harm_cost, phi) * effects["integrity_lost"]

    def extra_senses(self, key: jax.Array, state: StateT, params: ParamsT, phi: jax.Array) -> tuple[jax.Array, ...]:
        """Entries of the observation after the first four, each () float32."""
        return ()

    def extra_bounds(self, params: ParamsT) -> tuple[tuple[Any, Any], ...]:
        """The least and largest value of each of the :meth:`extra_senses`, without noise."""
        return ()

    def extra_state(self, params: ParamsT) -> dict[str, Any]:
        """The space of every state variable that the family adds, by name."""
        return {}
