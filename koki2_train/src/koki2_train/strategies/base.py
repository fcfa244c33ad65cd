"""The Strategy interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import jax
import jax.numpy as jnp

from koki2_train.experiment.implementation import Implementation


class Strategy(Implementation, ABC):
    """A search over flat genomes that maximises a score. All methods are pure; ``state`` is a pytree of arrays.

    Attributes:
        pop_size: P, genomes per generation.
        num_dims: D, numbers per genome.
    """

    def __init__(self, settings: Any, pop_size: int, num_dims: int):
        super().__init__(settings, pop_size, num_dims)
        self.pop_size, self.num_dims = pop_size, num_dims

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
