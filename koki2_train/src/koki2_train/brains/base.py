"""What a brain is to the rest of the program."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, Protocol

import jax


class Outcome(NamedTuple):
    """What the body felt of one step; the brain may learn from it.

    Attributes:
        energy_gained: () float32, what was eaten.
        integrity_lost: () float32, what harm was done.
        drive_reduction: () float32, drive before the step minus drive after it.
        reward: () float32, the world's reward.
    """

    energy_gained: jax.Array
    integrity_lost: jax.Array
    drive_reduction: jax.Array
    reward: jax.Array


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


class Brain(Protocol):
    """Maps what is sensed to actions, and may change within a life.

    A brain object is static (hashable); ``params`` is the phenotype that a genome developed into, a pytree; ``carry``
    is what changes within a life, a pytree. All methods are pure and work on one life; batches come from ``vmap``.
    """

    reads_state: ClassVar[bool]
    """Whether ``act`` is given a :class:`Percept` in place of the observation."""

    def init(self, params: Any) -> Any:
        """The carry at birth."""
        ...

    def act(self, params: Any, carry: Any, observation: Any, key: jax.Array) -> tuple[jax.Array, Any]:
        """The action, () int32, and the new carry."""
        ...

    def learn(self, params: Any, carry: Any, outcome: Outcome) -> Any:
        """The carry after the world answered. A brain that does not learn returns it untouched."""
        ...

    def learning(self, params: Any, carry: Any) -> Learning:
        """What learning did in this life so far."""
        ...

    def is_finite(self, params: Any, carry: Any) -> jax.Array:
        """Whether all numbers in this brain are finite; () bool."""
        ...
