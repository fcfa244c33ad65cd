"""World: the base class of all worlds, a Gymnax environment with phase, params and a reward whose return is fitness."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

import jax
import jax.numpy as jnp
from gymnax.environments import environment, spaces

from koki2_envs.environments.auto_reset import on_demand
from koki2_envs.environments.state import WorldState
from koki2_envs.knobs import is_always, value_at
from koki2_envs.mechanics.rng import Feature, Rng
from koki2_envs.params import STRUCTURE, Structure, WorldParams

StateT = TypeVar("StateT", bound=WorldState)
ParamsT = TypeVar("ParamsT", bound=WorldParams)


class World(environment.Environment, Generic[StateT, ParamsT]):
    """Base of all worlds: the Gymnax 1.0 interface over a pure ``step_env`` and ``reset_env``.

    Worlds with the same class, structure and default params are equal and share compiled code.

    Attributes:
        rung: the rung of the ladder that the world stands on.
        observation_names: a name for each entry of the observation.
        observation_scales: the typical size of each entry in a life, for agents that scale their inputs.
        action_names: a name for each action.
        metric_names: entries of the info that are summed over a life and reported besides those that every world has.
        structure_specs: declarations of constructor arguments by name; worlds with arguments of their own add to them.
    """

    observation_names: ClassVar[tuple[str, ...]]
    observation_scales: ClassVar[tuple[float, ...]]
    action_names: ClassVar[tuple[str, ...]]
    metric_names: ClassVar[tuple[str, ...]] = ()
    structure_specs: ClassVar[Mapping[str, Structure]] = STRUCTURE

    def __init__(self, rung: str, default_params: ParamsT, **structure: int):
        self.rung = rung
        self.structure = {name: self.structure_specs[name].check(name, value) for name, value in structure.items()}
        self._default_params = default_params
        self.check_knobs(default_params)

    @property
    def default_params(self) -> ParamsT:
        """The rung's params."""
        return self._default_params

    @property
    def name(self) -> str:
        """The id under which Gymnax makes this world."""
        return f"{self.rung}-koki2"

    @property
    def num_actions(self) -> int:
        """Number of actions."""
        return len(self.action_names)

    def check_params(self, params: ParamsT) -> None:
        """Rejects params that are incompatible with each other or with this world's structure.

        ``reset`` and ``step`` call it. Default params are checked against the structure only then, so that a world with
        fewer things than its rung's knobs count can be made before those knobs are set.

        Raises:
            TypeError: params of another world.
            ValueError: values incompatible with each other or the structure, by name.
        """
        expected = type(self._default_params)
        if type(params) is not expected:
            raise TypeError(f"{self.rung} takes {expected.__name__}, got {type(params).__name__}")
        for name, value in self.structure.items():
            self.structure_specs[name].check_holds(name, value, params)
        self.check_knobs(params)

    def check_knobs(self, params: ParamsT) -> None:
        """Rejects incompatible knobs; families add the checks of their own.

        Raises:
            ValueError: by name.
        """

    def reset(self, key: jax.Array, params: ParamsT | None = None) -> tuple[jax.Array, StateT]:
        """Begins a life.

        Args:
            key: random key.
            params: knobs; default params where None.

        Returns:
            The first observation, and the state.

        Raises:
            TypeError, ValueError: invalid params (see :meth:`check_params`).
        """
        params = self.default_params if params is None else params
        self.check_params(params)
        result: tuple[jax.Array, StateT] = super().reset(key, params)
        return result

    def step(
        self, key: jax.Array, state: StateT, action: jax.Array, params: ParamsT | None = None
    ) -> tuple[jax.Array, StateT, jax.Array, jax.Array, jax.Array, dict[str, Any]]:
        """One transition with time limit and auto-reset.

        It does what Gymnax's own does, except that Gymnax draws a birth for every world in every step; here only lives
        that end pay for one (see :func:`koki2_envs.environments.auto_reset.on_demand`).

        Args:
            key: random key.
            state: of the world.
            action: () int32; out-of-range actions act as 0.
            params: knobs; default params where None.

        Returns:
            Observation and state (of the newborn where the life ended), reward, terminated, truncated, and info, which
            holds ``terminated``, ``truncated`` and the ``final_observation`` besides the info of the step.

        Raises:
            TypeError, ValueError: invalid params (see :meth:`check_params`).
        """
        params = self.default_params if params is None else params
        self.check_params(params)
        # Inside code that is being compiled, knobs that are plain numbers stay constants, and idle ones are free.
        traced = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((key, state, action)))
        run = World._step if traced else _compiled_step
        return run(self, key, state, action, params)

    def _step(
        self, key: jax.Array, state: StateT, action: jax.Array, params: ParamsT
    ) -> tuple[jax.Array, StateT, jax.Array, jax.Array, jax.Array, dict[str, Any]]:
        params = params.in_32_bits()
        observation, after, reward, terminated, info = self.step_env(key, state, action, params)
        truncated = self.is_truncated(after, params)
        done = terminated | truncated
        born = on_demand(done, lambda key, params: self.reset_env(Rng(key, Feature.BIRTH).key(), params), key, params)
        next_observation, next_state = jax.tree.map(partial(jnp.where, done), born, (observation, after))
        info = {**info, "terminated": terminated, "truncated": truncated, "final_observation": observation}
        return next_observation, next_state, reward, terminated, truncated, info

    def action_space(self, params: ParamsT | None = None) -> spaces.Discrete:
        """The action space."""
        return spaces.Discrete(self.num_actions)

    def phase(self, transition: jax.Array, params: ParamsT) -> jax.Array:
        """Developmental phase φ of the transition from time ``transition`` on: t/(T − 1), 0 where T = 1."""
        last = jnp.maximum(jnp.asarray(params.max_steps_in_episode, jnp.int32) - 1, 1)
        return jnp.asarray(transition, jnp.float32) / last.astype(jnp.float32)

    def size(self, params: ParamsT) -> jax.Array:
        """Width and height in cells; (2,) int32."""
        raise NotImplementedError

    def reward(
        self,
        params: ParamsT,
        energy_gained: jax.Array,
        first_success: jax.Array,
        drive_reduction: jax.Array,
        phi: jax.Array,
    ) -> jax.Array:
        """Reward of one step at phase ``phi``, () float32; its undiscounted sum over a life is the life's fitness."""
        reward = (
            value_at(params.survival_reward, phi)
            + value_at(params.energy_reward, phi) * energy_gained
            + value_at(params.success_bonus, phi) * first_success.astype(jnp.float32)
        )
        if not is_always(params.drive_reward, 0.0):
            reward = reward + value_at(params.drive_reward, phi) * drive_reduction
        return jnp.asarray(reward, jnp.float32)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        structure = ", ".join(f"{k}={v}" for k, v in self.structure.items())
        return f"{type(self).__name__}({self.rung!r}{', ' + structure if structure else ''})"

    def _identity(self) -> tuple[Any, ...]:
        return (self.rung, tuple(sorted(self.structure.items())), self._default_params)


_compiled_step = jax.jit(World._step, static_argnums=0)
