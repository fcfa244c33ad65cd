"""The Genome interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import jax

from koki2_train.brains.blueprint import Arrays, Blueprint
from koki2_train.experiment.implementation import Implementation


class Genome(Implementation, ABC):
    """Compiles flat genomes, vectors of D numbers, into the arrays that a blueprint asks for.

    It knows no brain.

    Attributes:
        blueprint: the arrays to give.
    """

    def __init__(self, settings: Any, blueprint: Blueprint):
        super().__init__(settings, blueprint)
        self.blueprint = blueprint

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
