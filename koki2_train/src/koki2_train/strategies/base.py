"""The Strategy interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, final

import jax
import jax.numpy as jnp

from koki2_train.experiment.settings_base import Settings


class Strategy(ABC):
    """A search over flat genomes that maximises a score. All methods are pure; ``state`` is a pytree of arrays.

    A strategy is static: two of the same class, settings and sizes are equal and share compiled code.

    Attributes:
        settings_class: the class of its settings.
        settings: its settings.
        pop_size: P, genomes per generation.
        num_dims: D, numbers per genome.
    """

    settings_class: ClassVar[type[Settings]] = Settings

    def __init__(self, settings: Any, pop_size: int, num_dims: int):
        self.settings, self.pop_size, self.num_dims = settings, pop_size, num_dims

    @abstractmethod
    def init(self, key: jax.Array, genome: jax.Array) -> Any:
        """The state of a search that begins at a genome (D,)."""

    @abstractmethod
    def ask(self, key: jax.Array, state: Any) -> jax.Array:
        """A population to evaluate, (P, D) float32."""

    @abstractmethod
    def tell(self, key: jax.Array, population: jax.Array, score: jax.Array, valid: jax.Array, state: Any) -> Any:
        """The state after a population was evaluated.

        Args:
            key: random key.
            population: (P, D), as asked.
            score: (P,) float32, larger is better and always finite; comparable within this generation only.
            valid: (P,) bool, False where no fitness could be measured (NaN or inf); such a genome must not move the
                search.
            state: as it was when the population was asked for.
        """

    @abstractmethod
    def candidates(self, state: Any) -> jax.Array:
        """The genomes that speak for the search as a whole, such as a mean, (C, D); they compete for champion."""

    def step_size(self, state: Any) -> jax.Array:
        """How far the search looks around, () float32, logged as ``sigma``; NaN where there is no such number."""
        return jnp.full((), jnp.nan, jnp.float32)

    @final
    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._identity() == other._identity()

    @final
    def __hash__(self) -> int:
        return hash((type(self), self._identity()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.settings}, pop_size={self.pop_size}, num_dims={self.num_dims})"

    def _identity(self) -> tuple[Any, ...]:
        return self.settings, self.pop_size, self.num_dims
