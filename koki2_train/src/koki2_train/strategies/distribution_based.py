"""Strategies that move a distribution over genomes: OpenAI-ES."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, cast

import jax
import jax.numpy as jnp
import optax
from evosax.algorithms import Open_ES
from evosax.core.fitness_shaping import identity_fitness_shaping_fn

from koki2_train.experiment.sections import OpenESSettings
from koki2_train.experiment.settings_base import Settings
from koki2_train.strategies.base import Strategy
from koki2_train.strategies.shaping import centered_ranks

F = TypeVar("F", bound=Callable[..., Any])


def _unchecked(function: F) -> F:
    """A function that calls evosax, which breaks JAX's strict modes: it mixes ranks and types, and marks with NaN."""

    @functools.wraps(function)
    def run(*arguments: Any) -> Any:
        with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"), jax.debug_nans(False):
            return function(*arguments)

    return cast(F, run)


class OpenES(Strategy):
    """OpenAI-ES (Salimans et al. 2017): antithetic, rank-shaped, with Adam. Genomes i and i + P/2 mirror each other."""

    settings_class: ClassVar[type[Settings]] = OpenESSettings
    settings: OpenESSettings

    @_unchecked
    def init(self, key: jax.Array, genome: jax.Array) -> Any:
        """The state of a search whose first mean is a genome (D,)."""
        evosax = self._evosax
        state = evosax.init(key, genome, evosax.default_params)
        # Until the first generation is over evosax has no best genome, and NaN in its place.
        return jax.tree.map(jnp.asarray, state.replace(best_solution=genome))

    @_unchecked
    def ask(self, key: jax.Array, state: Any) -> jax.Array:
        """A population (P, D) around the mean."""
        population, _ = self._evosax.ask(key, state, self._evosax.default_params)
        return population

    @_unchecked
    def tell(self, key: jax.Array, population: jax.Array, score: jax.Array, valid: jax.Array, state: Any) -> Any:
        """Moves the mean towards genomes of higher score; see :meth:`Strategy.tell`."""
        # evosax minimises. It is handed each genome's weight in the gradient, and shapes nothing itself.
        weights = jnp.where(valid, centered_ranks(-score), 0.0)
        new, _ = self._evosax.tell(key, population, weights, state, self._evosax.default_params)
        return jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), new, state)

    def candidates(self, state: Any) -> jax.Array:
        """The distribution's mean, (1, D)."""
        return state.mean[None]

    def step_size(self, state: Any) -> jax.Array:
        """The distribution's standard deviation, ()."""
        return state.std

    @property
    def _evosax(self) -> Open_ES:
        return _open_es(self.settings, self.pop_size, self.num_dims)


@functools.lru_cache(maxsize=64)
def _open_es(settings: OpenESSettings, pop_size: int, num_dims: int) -> Open_ES:
    """Evosax's algorithm; always the same object for the same arguments, since every new one compiles anew."""
    rate = _decaying(settings.lr, settings.lr_decay, settings.lr_floor)
    with jax.ensure_compile_time_eval():  # it keeps arrays, which must not belong to the trace that asks first
        return Open_ES(
            population_size=pop_size,
            solution=jnp.zeros(num_dims, jnp.float32),
            optimizer=optax.adamw(rate, b1=settings.adam_b1, b2=settings.adam_b2, weight_decay=settings.weight_decay),
            std_schedule=_decaying(settings.sigma, settings.sigma_decay, settings.sigma_floor),
            fitness_shaping_fn=identity_fitness_shaping_fn,
            metrics_fn=lambda *_: {},
        )


def _decaying(start: float, decay: float, floor: float) -> Callable[[Any], jax.Array]:
    """start·max(decay^t, floor) over generations t."""
    return lambda t: start * jnp.maximum(jnp.power(jnp.float32(decay), t), floor)
