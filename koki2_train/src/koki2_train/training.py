"""Evolution: ask, evaluate, tell, as one compiled scan over generations that the host sees in chunks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from koki2_train.config import EvolutionConfig, MVTConfig, ValidationConfig
from koki2_train.evaluation import Task, evaluate_genomes, live, on_every_device, replicate, spread
from koki2_train.lifetime import LifeSummary
from koki2_train.strategy import Strategy, open_es
from koki2_train.streams import Stream, life_keys, stream_key
from koki2_train.viability import CRITERIA, Verdict, dense_rank, everyone_viable, failure_counts, judge

_TRAINING = ("fitness", "finite", "success", "steps_alive")
_VALIDATION = ("fitness", "finite")


@dataclass(frozen=True)
class Program:
    """Everything static about a run; equal programs share compiled code, whatever their seeds and knob values.

    Attributes:
        task: what is lived, by whom.
        evolution: the search; its ``generations`` count for nothing here.
        mvt: the viability test.
        validation: how the champion is chosen.
        num_steps: length of a life.
    """

    task: Task
    evolution: EvolutionConfig
    mvt: MVTConfig
    validation: ValidationConfig
    num_steps: int


class RunState(NamedTuple):
    """Where a run stands; all that must be kept to go on to the same bits.

    Attributes:
        generation: () int32, generations done.
        search: evosax's state.
        champion: (D,) float32, best genome by validation so far.
        champion_score: () float32, its validation fitness; −inf before the first validation.
        champion_generation: () int32, the generation it was found in; −1 before.
    """

    generation: jax.Array
    search: Any
    champion: jax.Array
    champion_score: jax.Array
    champion_generation: jax.Array


class GenerationLog(NamedTuple):
    """What is logged of one generation; stacked over a chunk.

    Attributes:
        ran: bool, False for a place in the chunk behind the last generation.
        generation: int32.
        fitness_best: float32, over genomes with finite fitness, as all three; NaN where there is none.
        fitness_mean: float32.
        fitness_median: float32.
        success: float32, share of lives that reached a good source.
        steps_alive: float32, mean.
        pass_rate: float32, share of viable genomes.
        failures: (4,) int32, genomes by :data:`koki2_train.viability.FAILURES`.
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


@partial(jax.jit, static_argnames=("program",))
def start(program: Program, root: jax.Array) -> RunState:
    """The state before the first generation, on all devices of the program, where ``root`` must be too."""
    return on_every_device(program.task.mesh, partial(newborn, program), root)


def newborn(program: Program, root: jax.Array) -> RunState:
    """What :func:`start` returns, to be called inside of other compiled code."""
    first, _ = ravel_pytree(program.task.encoding.init(stream_key(root, Stream.GENOME)))
    return RunState(
        generation=jnp.zeros((), jnp.int32),
        search=_strategy(program, first.size).init(stream_key(root, Stream.SEARCH), first),
        champion=first,
        champion_score=jnp.full((), -jnp.inf, jnp.float32),
        champion_generation=jnp.full((), -1, jnp.int32),
    )


@partial(jax.jit, static_argnames=("program", "chunk"))
def advance(
    program: Program, env_params: Any, root: jax.Array, state: RunState, last: jax.Array, chunk: int
) -> tuple[RunState, GenerationLog]:
    """Runs up to ``chunk`` generations, and none from generation ``last`` on.

    Args:
        program: static description of the run.
        env_params: the world's knobs; other values do not recompile.
        root: the run's root key.
        state: where the run stands.
        last: () int32, number of generations after which the run is over.
        chunk: length of the compiled scan.

    Returns:
        The new state, and the log with a leading axis of ``chunk``.
    """

    def run(env_params: Any, root: jax.Array, state: RunState, last: jax.Array) -> tuple[RunState, GenerationLog]:
        def place(state: RunState, _: None) -> tuple[RunState, GenerationLog]:
            return next_generation(program, env_params, root, state, last)

        return jax.lax.scan(place, state, length=chunk)

    return on_every_device(program.task.mesh, run, env_params, root, state, last)


def next_generation(
    program: Program, env_params: Any, root: jax.Array, state: RunState, last: jax.Array
) -> tuple[RunState, GenerationLog]:
    """One generation, or nothing from generation ``last`` on. Call it inside :func:`on_every_device`."""
    # Asked in a branch of its own: what is computed in one branch may be fused, and so rounded, with the share of the
    # population that a device takes, which depends on the number of devices.
    more = state.generation < last
    population = jax.lax.cond(more, partial(_ask, program, root), partial(_nobody, program), state)
    generation = partial(_generation, program, env_params, root)
    return jax.lax.cond(more, generation, partial(_skip, program), state, population)


@partial(jax.jit, static_argnames=("program",))
def crown(program: Program, env_params: Any, root: jax.Array, state: RunState) -> RunState:
    """Lets the final mean compete for champion, as a validation would; the run itself is not continued from this."""
    return on_every_device(program.task.mesh, partial(crowned, program), env_params, root, state)


def crowned(program: Program, env_params: Any, root: jax.Array, state: RunState) -> RunState:
    """What :func:`crown` returns, to be called inside of :func:`on_every_device`."""
    mean = _strategy(program, state.champion.size).mean(state.search)
    return _validate(program, env_params, root, state, mean[None])


def evolve(program: Program, env_params: Any, root: jax.Array, generations: int) -> tuple[RunState, GenerationLog]:
    """A whole run in memory: all generations in one compiled scan, and the champion crowned.

    Args:
        program: static description of the run.
        env_params: the world's knobs.
        root: the run's root key, ``jax.random.key(seed)``.
        generations: how many.

    Returns:
        The last state, and the log with a leading axis of generations.
    """
    root = replicate(program.task.mesh, root)
    state = start(program, root)
    last = jnp.asarray(generations, jnp.int32)
    state, log = advance(program, env_params, root, state, last, generations)
    return crown(program, env_params, root, state), log


@partial(jax.jit, static_argnames=("program",))
def unravel(program: Program, genome: jax.Array) -> Any:
    """A flat genome (..., D) as the encoding's pytree."""
    shape = jax.eval_shape(program.task.encoding.init, jax.random.key(0))
    _, restore = ravel_pytree(jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shape))
    for _ in range(genome.ndim - 1):
        restore = jax.vmap(restore)
    return restore(genome)


def _strategy(program: Program, num_dims: int) -> Strategy:
    return open_es(num_dims, program.evolution)


def _search_keys(root: jax.Array, generation: jax.Array) -> tuple[jax.Array, jax.Array]:
    ask_key, tell_key = jax.random.split(stream_key(root, Stream.SEARCH, generation + 1))
    return ask_key, tell_key


def _ask(program: Program, root: jax.Array, state: RunState) -> jax.Array:
    ask_key, _ = _search_keys(root, state.generation)
    return _strategy(program, state.champion.size).ask(ask_key, state.search)


def _nobody(program: Program, state: RunState) -> jax.Array:
    return jnp.zeros((program.evolution.pop_size, state.champion.size), jnp.float32)


def _generation(
    program: Program, env_params: Any, root: jax.Array, state: RunState, population: jax.Array
) -> tuple[RunState, GenerationLog]:
    strategy, number = _strategy(program, state.champion.size), state.generation
    _, tell_key = _search_keys(root, number)
    genomes = unravel(program, population)

    keys = life_keys(stream_key(root, Stream.TRAINING, number), program.evolution.episodes)

    def live_and_be_judged(genomes: Any) -> tuple[LifeSummary, Verdict]:
        lives = live(program.task, env_params, genomes, keys, program.num_steps, _TRAINING)
        return lives, _viability(program, env_params, root, number, genomes)

    lives, verdict = spread(program.task.mesh, live_and_be_judged, genomes)
    fitness = jnp.mean(lives.fitness, axis=1)
    fitness = jnp.where(jnp.all(lives.finite, axis=1), fitness, jnp.nan)
    search = strategy.tell(tell_key, population, fitness, verdict, state.search)
    state = state._replace(generation=number + 1, search=search)
    best = _best(program, population, fitness, verdict)
    state = jax.lax.cond(
        state.generation % program.validation.validate_every == 0,
        lambda s: _validate(program, env_params, root, s, jnp.concatenate([strategy.mean(s.search)[None], best])),
        lambda s: s,
        state,
    )
    finite = jnp.isfinite(fitness)
    known = jnp.where(finite, fitness, jnp.nan)
    log = GenerationLog(
        ran=jnp.ones((), bool),
        generation=number,
        fitness_best=jnp.nanmax(known),
        fitness_mean=jnp.nanmean(known),
        fitness_median=jnp.nanmedian(known),
        success=jnp.mean(lives.success),
        steps_alive=jnp.mean(lives.steps_alive),
        pass_rate=jnp.mean(verdict.viable.astype(jnp.float32)),
        failures=failure_counts(verdict),
        non_finite=jnp.sum(~finite),
        champion_score=state.champion_score,
        champion_generation=state.champion_generation,
        sigma=strategy.sigma(search),
    )
    return state, log


def _skip(program: Program, state: RunState, population: jax.Array) -> tuple[RunState, GenerationLog]:
    arguments = (program.task.env.default_params, jax.random.key(0), state, population)
    run = jax.eval_shape(partial(_generation, program), *arguments)[1]
    return state, jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), run)


def _viability(program: Program, env_params: Any, root: jax.Array, number: jax.Array, genomes: Any) -> Verdict:
    config = program.mvt
    if not config.mvt:
        return everyone_viable(jax.tree.leaves(genomes)[0].shape[0])
    keys = life_keys(stream_key(root, Stream.VIABILITY, number), config.mvt_episodes)
    short = env_params.with_constants((("max_steps_in_episode", config.mvt_steps),))
    return judge(live(program.task, short, genomes, keys, config.mvt_steps, CRITERIA), config)


def _best(program: Program, population: jax.Array, fitness: jax.Array, verdict: Verdict) -> jax.Array:
    rank = dense_rank(verdict.viable, verdict.progress, fitness)
    _, index = jax.lax.top_k(rank, program.validation.validation_top)
    return population[index]


def _validate(program: Program, env_params: Any, root: jax.Array, state: RunState, candidates: jax.Array) -> RunState:
    keys = life_keys(stream_key(root, Stream.VALIDATION), program.validation.validation_episodes)
    genomes = unravel(program, candidates)
    lives = evaluate_genomes(program.task, env_params, genomes, keys, program.num_steps, _VALIDATION)
    scores = jnp.where(jnp.all(lives.finite, axis=1), jnp.mean(lives.fitness, axis=1), -jnp.inf)
    winner = jnp.argmax(scores)
    better = scores[winner] > state.champion_score
    return state._replace(
        champion=jnp.where(better, candidates[winner], state.champion),
        champion_score=jnp.where(better, scores[winner], state.champion_score),
        champion_generation=jnp.where(better, state.generation - 1, state.champion_generation),
    )
