"""State and log of a run."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax


class RunState(NamedTuple):
    """State of a run: all that must be kept to continue to the same bits.

    Attributes:
        generation: () int32, generations done.
        strategy: the search's state.
        champion: (D,) float32, best genome by validation so far.
        champion_score: () float32, its validation fitness; −inf before the first validation.
        champion_generation: () int32, the generation it was found in; −1 before.
    """

    generation: jax.Array
    strategy: Any
    champion: jax.Array
    champion_score: jax.Array
    champion_generation: jax.Array


class GenerationLog(NamedTuple):
    """What is logged of one generation; stacked over a chunk.

    Attributes:
        ran: bool, False for a place in the chunk after the last generation.
        generation: int32.
        fitness_best: float32, over genomes with finite fitness, as all three; NaN where there is none.
        fitness_mean: float32.
        fitness_median: float32.
        success: float32, share of lives that reached a good source.
        steps_alive: float32, mean.
        pass_rate: float32, share of viable genomes.
        failures: (4,) int32, genomes by :data:`koki2_train.fitness.viability.FAILURES`.
        non_finite: int32, genomes whose fitness was not finite.
        champion_score: float32, −inf before the first validation.
        champion_generation: int32.
        sigma: float32.
    """

    ran: jax.Array
    generation: jax.Array
    fitness_best: jax.Array
    fitness_mean: jax.Array
    fitness_median: jax.Array
    success: jax.Array
    steps_alive: jax.Array
    pass_rate: jax.Array
    failures: jax.Array
    non_finite: jax.Array
    champion_score: jax.Array
    champion_generation: jax.Array
    sigma: jax.Array
