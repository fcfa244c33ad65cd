"""The one place that knows evosax: OpenAI-ES with Adam, and the sign of fitness."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from evosax.algorithms import Open_ES
from evosax.core.fitness_shaping import centered_rank_fitness_shaping_fn
from jax.custom_batching import sequential_vmap

from koki2_train.viability import Verdict, viability_shaping

if TYPE_CHECKING:
    from koki2_train.config import EvolutionConfig


class _ParamsWithVerdict(NamedTuple):
    """What evosax hands to the fitness-shaping function as its params: the viability test's verdict."""

    verdict: Verdict


class Strategy:
    """OpenAI-ES (Salimans et al. 2017) over flat genomes: antithetic, rank-shaped, Adam. It maximises.

    Make one with :func:`open_es`, which returns the same object for the same arguments, so that compiled code is
    shared. Under ``jax.vmap`` searches ask and tell one after the other: products over several of them at once round
    otherwise than a single one's, and a search's bits must not depend on what else is computed.
    """

    def __init__(self, num_dims: int, config: EvolutionConfig):
        rate = _decaying(config.lr, config.lr_decay, config.lr_floor)
        self._evosax = Open_ES(
            population_size=config.pop_size,
            solution=jnp.zeros(num_dims),
            optimizer=optax.adamw(rate, b1=config.adam_b1, b2=config.adam_b2, weight_decay=config.weight_decay),
            std_schedule=_decaying(config.sigma, config.sigma_decay, config.sigma_floor),
            fitness_shaping_fn=viability_shaping(centered_rank_fitness_shaping_fn),
            metrics_fn=lambda *_: {},
        )

    def init(self, key: jax.Array, mean: jax.Array) -> Any:
        """The search's state around a first mean (D,)."""
        return jax.tree.map(jnp.asarray, self._evosax.init(key, mean, self._evosax.default_params))

    def ask(self, key: jax.Array, state: Any) -> jax.Array:
        """A population (P, D) around the mean; genomes i and i + P/2 mirror each other."""
        return sequential_vmap(self._ask)(key, state)

    def tell(self, key: jax.Array, population: jax.Array, fitness: jax.Array, verdict: Verdict, state: Any) -> Any:
        """Moves the mean towards fitter genomes.

        Args:
            key: random key.
            population: (P, D), as asked.
            fitness: (P,), larger is better; may hold NaN or inf, which never reach the update.
            verdict: of the viability test.
            state: the search's state.
        """
        return sequential_vmap(self._tell)(key, population, fitness, verdict, state)

    def _ask(self, key: jax.Array, state: Any) -> jax.Array:
        population, _ = self._evosax.ask(key, state, self._evosax.default_params)
        return population

    def _tell(self, key: jax.Array, population: jax.Array, fitness: jax.Array, verdict: Verdict, state: Any) -> Any:
        params = _ParamsWithVerdict(verdict)
        cost = jnp.where(jnp.isfinite(fitness), -fitness, jnp.inf)
        new_state, _ = self._evosax.tell(key, population, cost, state, params)
        return jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), new_state, state)

    def mean(self, state: Any) -> jax.Array:
        """The distribution's mean (D,)."""
        return state.mean

    def sigma(self, state: Any) -> jax.Array:
        """The distribution's standard deviation ()."""
        return state.std


def _decaying(start: float, decay: float, floor: float) -> Callable[[Any], jax.Array]:
    """start·max(decay^t, floor) over generations t."""
    return lambda t: start * jnp.maximum(jnp.power(jnp.float32(decay), t), floor)


@lru_cache(maxsize=64)
def open_es(num_dims: int, config: EvolutionConfig) -> Strategy:
    """The strategy for genomes of ``num_dims`` numbers (see :class:`Strategy`)."""
    return Strategy(num_dims, config)
