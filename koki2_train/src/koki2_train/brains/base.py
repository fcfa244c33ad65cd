"""The Brain interface, and what brains are given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import jax
import jax.numpy as jnp

from koki2_train.brains.blueprint import Arrays, Blueprint
from koki2_train.experiment.implementation import Implementation


@dataclass(frozen=True)
class Interface:
    """What a world gives to a brain and takes from it; static.

    Attributes:
        observation_names: a name for each entry of the observation.
        observation_scales: the typical size of each entry.
        action_names: a name for each action.
    """

    observation_names: tuple[str, ...]
    observation_scales: tuple[float, ...]
    action_names: tuple[str, ...]

    @classmethod
    def of(cls, env: Any) -> Self:
        """That of a world."""
        return cls(tuple(env.observation_names), tuple(env.observation_scales), tuple(env.action_names))

    @property
    def num_observations(self) -> int:
        """Length of the observation."""
        return len(self.observation_names)

    @property
    def num_actions(self) -> int:
        """Number of actions."""
        return len(self.action_names)


class Outcome(NamedTuple):
    """What the body felt of one step; the brain may learn from it.

    Attributes:
        energy_gained: () float32, what was eaten.
        integrity_lost: () float32, what harm was done.
        drive_reduction: () float32, drive before the step minus drive after it.
        reward: () float32, the world's reward.
        phi: () float32, developmental phase of the step.
    """

    energy_gained: jax.Array
    integrity_lost: jax.Array
    drive_reduction: jax.Array
    reward: jax.Array
    phi: jax.Array


class Percept(NamedTuple):
    """What a brain that reads more than its senses is given (reference policies; never an evolved brain)."""

    env: Any
    env_params: Any
    state: Any
    observation: jax.Array


class Learning(NamedTuple):
    """What within-life learning did so far; zeros in a brain that does not learn.

    Attributes:
        weight_change: () float32, summed absolute change of all weights.
        weight_change_on_event: () float32, the part of it in steps where something was eaten or did harm.
        modulator: () float32, summed absolute value of the modulator.
    """

    weight_change: jax.Array
    weight_change_on_event: jax.Array
    modulator: jax.Array


class Brain(Implementation, ABC):
    """Maps observations to actions, and may change within a life.

    A subclass must define :meth:`blueprint`, :meth:`init` and :meth:`act`; everything else has a default. ``weights``
    is what develops from a genome, a pytree; ``carry`` is what changes within a life, a pytree. All methods are pure
    and work on one life; batches come from ``vmap``.

    Attributes:
        reads_state: whether :meth:`act` is given a :class:`Percept` in place of the observation.
        interface: what the world gives to it and takes from it.
    """

    reads_state: ClassVar[bool] = False

    def __init__(self, settings: Any, interface: Interface):
        super().__init__(settings, interface)
        self.interface = interface

    @abstractmethod
    def blueprint(self) -> Blueprint:
        """The arrays that a genome must give."""

    @abstractmethod
    def init(self, weights: Any) -> Any:
        """The carry at birth."""

    @abstractmethod
    def act(self, weights: Any, carry: Any, observation: jax.Array, key: jax.Array) -> tuple[jax.Array, Any]:
        """The action, () int32, and the new carry.

        Args:
            weights: what :meth:`develop` returned.
            carry: the carry.
            observation: (num_observations,) float32.
            key: random key of this step.
        """

    def develop(self, arrays: Arrays) -> Any:
        """The weights from the blueprint's arrays. Deterministic; runs once per genome, not once per life."""
        return arrays

    def learn(self, weights: Any, carry: Any, outcome: Outcome) -> Any:
        """The carry after the world answered; the same carry in a brain that does not learn."""
        return carry

    def learning(self, weights: Any, carry: Any) -> Learning:
        """What learning did in this life so far."""
        zero = jnp.zeros((), jnp.float32)
        return Learning(zero, zero, zero)

    def recordings(self, carry: Any) -> Mapping[str, jax.Array]:
        """What pictures show of the carry after a step, by name; ``spikes``, (N,) float32, is drawn as a raster."""
        return {}

    def is_finite(self, weights: Any, carry: Any) -> jax.Array:
        """Whether all numbers in this brain are finite; () bool. Called once, at the end of a life."""
        leaves = [leaf for leaf in jax.tree.leaves((weights, carry)) if jnp.issubdtype(leaf.dtype, jnp.floating)]
        return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves])) if leaves else jnp.ones((), bool)
