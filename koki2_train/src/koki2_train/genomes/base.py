"""The Genome interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, final

import jax

from koki2_train.brains.blueprint import Arrays, Blueprint
from koki2_train.experiment.settings_base import Settings


class Genome(ABC):
    """Compiles flat genomes, vectors of D numbers, into the arrays that a blueprint asks for.

    It knows no brain. A genome is static: two of the same class, settings and blueprint are equal and share compiled
    code.

    Attributes:
        settings_class: the class of its settings.
        settings: its settings.
        blueprint: the arrays to give.
    """

    settings_class: ClassVar[type[Settings]] = Settings

    def __init__(self, settings: Any, blueprint: Blueprint):
        self.settings, self.blueprint = settings, blueprint

    @property
    @abstractmethod
    def size(self) -> int:
        """D, how many numbers a genome has."""

    @abstractmethod
    def init(self, key: jax.Array) -> jax.Array:
        """A genome to start evolution from, (D,) float32."""

    @abstractmethod
    def compile(self, genome: jax.Array) -> Arrays:
        """The blueprint's arrays, by name. Deterministic; runs once per genome, not once per life.

        Args:
            genome: (D,) float32.
        """

    @final
    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._identity() == other._identity()

    @final
    def __hash__(self) -> int:
        return hash((type(self), self._identity()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.settings})"

    def _identity(self) -> tuple[Any, ...]:
        return self.settings, self.blueprint
