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
        alive: () bool, whether the step was lived; nothing is learned after death.
        energy_gained: () float32, what was eaten.
        water_gained: () float32, what was drunk; 0 in a world without water.
        integrity_lost: () float32, what harm was done.
        drive_reduction: () float32, drive before the step minus drive after it.
        reward: () float32, the world's reward.
        phi: () float32, developmental phase of the step.
        modulator: () float32, imposed in place of the brain's own modulator of learning; None where it is not.
    """

    alive: jax.Array
    energy_gained: jax.Array
    water_gained: jax.Array
    integrity_lost: jax.Array
    drive_reduction: jax.Array
    reward: jax.Array
    phi: jax.Array
    modulator: jax.Array | None = None

    @property
    def is_event(self) -> jax.Array:
        """Whether something was eaten or drunk, or did harm; () bool."""
        return (self.energy_gained > 0) | (self.water_gained > 0) | (self.integrity_lost > 0)


class Percept(NamedTuple):
    """What a brain that reads more than its senses is given (reference policies; never an evolved brain)."""

    env: Any
    env_params: Any
    state: Any
    observation: jax.Array


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

    def develop(self, arrays: Arrays, knobs: Mapping[str, Any]) -> Any:
        """The weights from the blueprint's arrays. Deterministic; runs once per genome, not once per life.

        Args:
            arrays: the blueprint's arrays, by name.
            knobs: the brain's dynamic settings, by name; numbers, schedules, or abstract. What a life needs of them
                must be part of the weights.
        """
        return arrays

    def learn(self, weights: Any, carry: Any, outcome: Outcome) -> Any:
        """The carry after the world answered; the same carry in a brain that does not learn."""
        return carry

    def at_rest(self, weights: Any, carry: Any) -> Any:
        """The carry with all that is not learned as at birth; used by a control."""
        return self.init(weights)

    def measure(self, weights: Any, before: Any, after: Any, outcome: Outcome) -> Mapping[str, jax.Array]:
        """What is counted of a step for :meth:`metrics`, by name, each () float32.

        Args:
            weights: what :meth:`develop` returned.
            before: the carry before learning.
            after: the carry after it.
            outcome: what the body felt.
        """
        return {}

    def metrics(self, sums: Mapping[str, jax.Array], steps: jax.Array) -> Mapping[str, jax.Array]:
        """Metrics of a life, by name, each () float32; by default the means of what was counted.

        Args:
            sums: what :meth:`measure` gave, summed over the steps lived.
            steps: () float32, how many these were.
        """
        return {name: total / steps for name, total in sums.items()}

    def recordings(self, weights: Any, carry: Any) -> Mapping[str, jax.Array]:
        """What pictures show of the carry after a step, by name.

        ``spikes``, (N,) float32, is drawn as a raster; ``modulator``, () float32, is what learning was modulated with.
        """
        return {}

    def is_finite(self, weights: Any, carry: Any) -> jax.Array:
        """Whether all numbers in this brain are finite; () bool. Called once, at the end of a life."""
        leaves = [
            leaf for leaf in jax.tree.leaves((weights, carry)) if jnp.issubdtype(jnp.result_type(leaf), jnp.floating)
        ]
        return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves])) if leaves else jnp.ones((), bool)
