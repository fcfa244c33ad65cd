"""Knobs of a rollout: the values of world and brain that are inputs of compiled code."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from koki2_train.experiment import Experiment


class IdleKnobs(NamedTuple):
    """Knobs that are off for the whole life, with their neutral values; static, compiled away.

    Attributes:
        world: those of the world.
        brain: those of the brain.
    """

    world: tuple[tuple[str, float], ...]
    brain: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, experiment: Experiment) -> Self:
        """Those of an experiment."""
        return cls(experiment.params.idle_knobs(), experiment.brain.settings.idle())


class Knobs(NamedTuple):
    """What may differ between lives without compiling anew; a pytree.

    Attributes:
        world: the world's params.
        brain: the brain's dynamic settings by name, numbers and schedules.
    """

    world: Any
    brain: dict[str, Any]

    @classmethod
    def of(cls, experiment: Experiment) -> Self:
        """Those of an experiment."""
        return cls(experiment.params, experiment.brain.settings.dynamic())

    def with_constants(self, idle: IdleKnobs) -> Self:
        """The knobs with idle ones as plain numbers, so that what they would do is not traced."""
        return type(self)(self.world.with_constants(idle.world), self.brain | dict(idle.brain))
