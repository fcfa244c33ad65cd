"""One generation: ask, evaluate, tell, and now and then validate."""

from __future__ import annotations

from functools import partial

import chex
import jax
import jax.numpy as jnp
from jax.custom_batching import sequential_vmap

from koki2_train.evolution.program import Program, Search
from koki2_train.evolution.state import GenerationLog, RunState
from koki2_train.fitness.ranking import rank_genomes
from koki2_train.fitness.stages import Evaluated, evaluate_generation
from koki2_train.fitness.validation import best_of, validation_scores
from koki2_train.fitness.viability import failure_counts
from koki2_train.random_streams import Stream, stream_key


def init_state(search: Search) -> RunState:
    """The state before the first generation. Call it inside :func:`koki2_train.runtime.devices.on_every_device`."""
    program, root = search.program, search.root
    genome = program.problem.genome.init(stream_key(root, Stream.GENOME))
    chex.assert_shape(genome, (program.problem.genome.size,), custom_message="a genome's init")
    return RunState(
        generation=jnp.zeros((), jnp.int32),
        strategy=program.strategy.init(stream_key(root, Stream.SEARCH), genome),
        champion=genome,
        champion_score=jnp.full((), -jnp.inf, jnp.float32),
        champion_generation=jnp.full((), -1, jnp.int32),
    )


def step_generation(search: Search, state: RunState, last: jax.Array) -> tuple[RunState, GenerationLog]:
    """One generation, or nothing from generation ``last`` on; called as :func:`init_state` is."""
    # Sampled in its own cond: XLA could otherwise fuse it with the per-device work, and rounding would depend on the
    # number of devices.
    more = state.generation < last
    population = jax.lax.cond(more, partial(_ask, search), partial(_empty_population, search.program), state)
    return jax.lax.cond(more, partial(_generation, search), partial(_idle_generation, search), state, population)


def finish(search: Search, state: RunState) -> RunState:
    """Validates the final candidates of the strategy and updates the champion; called as :func:`init_state` is.

    A run is never continued from this state.
    """
    return _validate(search, state, search.program.strategy.candidates(state.strategy))


def _generation(search: Search, state: RunState, population: jax.Array) -> tuple[RunState, GenerationLog]:
    program, number = search.program, state.generation
    evaluated = evaluate_generation(
        program.problem,
        search.knobs,
        search.root,
        number,
        population,
        program.evolution.episodes,
        program.viability,
    )
    rank = rank_genomes(evaluated.verdict, evaluated.fitness)
    _, tell_key = _search_keys(search.root, number)
    # One search after the other where several run at once: products over several of them round otherwise than a single
    # one's, and a search's bits must not depend on what else is computed.
    tell = sequential_vmap(program.strategy.tell)
    new = tell(tell_key, population, rank, jnp.isfinite(evaluated.fitness), state.strategy)
    log = _log(program, state, evaluated)
    state = state._replace(generation=number + 1, strategy=new)
    best = best_of(population, rank, program.validation.validation_top)
    state = jax.lax.cond(
        state.generation % program.validation.validate_every == 0,
        lambda s: _validate(search, s, jnp.concatenate([program.strategy.candidates(s.strategy), best])),
        lambda s: s,
        state,
    )
    champion = {"champion_score": state.champion_score, "champion_generation": state.champion_generation}
    return state, log._replace(**champion)


def _log(program: Program, state: RunState, evaluated: Evaluated) -> GenerationLog:
    """What is logged of a generation; ``state`` is the one that it began with."""
    finite = jnp.isfinite(evaluated.fitness)
    known = jnp.where(finite, evaluated.fitness, jnp.nan)
    return GenerationLog(
        ran=jnp.ones((), bool),
        generation=state.generation,
        fitness_best=jnp.nanmax(known),
        fitness_mean=jnp.nanmean(known),
        fitness_median=jnp.nanmedian(known),
        success=jnp.mean(evaluated.success),
        steps_alive=jnp.mean(evaluated.steps_alive),
        pass_rate=jnp.mean(evaluated.verdict.viable.astype(jnp.float32)),
        failures=failure_counts(evaluated.verdict),
        non_finite=jnp.sum(~finite),
        champion_score=state.champion_score,
        champion_generation=state.champion_generation,
        sigma=program.strategy.step_size(state.strategy),
    )


def _validate(search: Search, state: RunState, candidates: jax.Array) -> RunState:
    """Lets candidates (C, D) compete with the champion on validation lives."""
    program = search.program
    scores = validation_scores(program.problem, search.knobs, search.root, candidates, program.validation)
    winner = jnp.argmax(scores)
    better = scores[winner] > state.champion_score
    return state._replace(
        champion=jnp.where(better, candidates[winner], state.champion),
        champion_score=jnp.where(better, scores[winner], state.champion_score),
        champion_generation=jnp.where(better, state.generation - 1, state.champion_generation),
    )


def _search_keys(root: jax.Array, generation: jax.Array) -> tuple[jax.Array, jax.Array]:
    ask_key, tell_key = jax.random.split(stream_key(root, Stream.SEARCH, generation + 1))
    return ask_key, tell_key


def _ask(search: Search, state: RunState) -> jax.Array:
    strategy = search.program.strategy
    ask_key, _ = _search_keys(search.root, state.generation)
    population = sequential_vmap(strategy.ask)(ask_key, state.strategy)
    chex.assert_shape(population, (strategy.pop_size, strategy.num_dims), custom_message="a strategy's ask")
    return population


def _empty_population(program: Program, state: RunState) -> jax.Array:
    return jnp.zeros((program.strategy.pop_size, program.strategy.num_dims), jnp.float32)


def _idle_generation(search: Search, state: RunState, population: jax.Array) -> tuple[RunState, GenerationLog]:
    ran = jax.eval_shape(partial(_generation, search), state, population)[1]
    return state, jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), ran)
