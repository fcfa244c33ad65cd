"""Many runs as one compiled program: runs that differ only in their seeds and the values of knobs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np

from koki2_envs.knobs import Schedule, knob_fields
from koki2_train.evolution.generation import finish, init_state, step_generation
from koki2_train.evolution.program import Program, Search
from koki2_train.evolution.state import GenerationLog, RunState
from koki2_train.experiment import Trial
from koki2_train.random_streams import root_key
from koki2_train.rollout.knobs import IdleKnobs, Knobs
from koki2_train.rollout.population import brain_bytes, in_blocks
from koki2_train.runtime.devices import device_jit, on_every_device, replicate

T = TypeVar("T")

# Runs in lockstep share one generation counter, so that what happens every few generations is decided once for all.
_RUNS: Any = cast(Any, RunState)(generation=None, strategy=0, champion=0, champion_score=0, champion_generation=0)
# A CPU gains nothing from computing several runs at once, and loses where they do not fit into its cache together.
_BATCH_BYTES = {"cpu": 0}
_BATCH_BYTES_ELSEWHERE = 2**32


def stack_params(cells: Sequence[T]) -> T:
    """The knobs of R runs as one pytree whose leaves are (R,) arrays.

    A knob that is a schedule in one run and a number in another becomes a schedule that keeps this number.
    """
    columns = {name: _stacked([getattr(params, name) for params in cells]) for name in knob_fields(cells[0])}
    return dataclasses.replace(cells[0], **columns)  # type: ignore[type-var]


def stack_knobs(runs: Sequence[Knobs]) -> Knobs:
    """The knobs of R runs as one pytree; see :func:`stack_params`."""
    brain = {name: _stacked([knobs.brain[name] for knobs in runs]) for name in runs[0].brain}
    return Knobs(stack_params([knobs.world for knobs in runs]), brain)


def _stacked(values: Sequence[Any]) -> Any:
    if any(isinstance(value, Schedule) for value in values):
        values = [value if isinstance(value, Schedule) else Schedule(value, value) for value in values]
    return jax.tree.map(lambda *leaves: _column(leaves), *values)


def _column(leaves: Sequence[Any]) -> np.ndarray:
    # Concrete numbers enter computations as 32 bits (float, int) or as bool, and so must these.
    array = np.asarray(leaves)
    return array.astype({"f": np.float32, "i": np.int32, "b": np.bool_}[array.dtype.kind])


def idle_everywhere(runs: Sequence[IdleKnobs]) -> IdleKnobs:
    """The knobs that are idle in all of the runs."""

    def common(columns: Sequence[tuple[tuple[str, float], ...]]) -> tuple[tuple[str, float], ...]:
        return tuple(idle for idle in columns[0] if all(idle in column for column in columns))

    return IdleKnobs(common([idle.world for idle in runs]), common([idle.brain for idle in runs]))


def stack_searches(trials: Sequence[Trial], num_devices: int | None = None) -> Search:
    """The searches of R trials as one, whose knobs and root keys have a leading axis of R.

    Args:
        trials: what is run; they differ only in seeds and values of knobs.
        num_devices: over how many devices genomes are spread; all where None.

    Raises:
        ValueError, TypeError: invalid params, or not that many devices.
    """
    experiments = [trial.experiment for trial in trials]
    program = Program.of(experiments[0], num_devices)
    problem = dataclasses.replace(program.problem, idle=idle_everywhere([IdleKnobs.of(each) for each in experiments]))
    program = dataclasses.replace(program, problem=problem)
    seeds = jnp.asarray([trial.seed for trial in trials], jnp.uint32)
    inputs = replicate(problem.mesh, (stack_knobs([Knobs.of(each) for each in experiments]), root_key(seeds)))
    return Search(program, *inputs)


@device_jit
def compiled_init_all(searches: Search) -> RunState:
    """R runs before their first generation.

    Args:
        searches: as :func:`stack_searches` returns them.

    Returns:
        A state whose leaves have a leading axis of R, except for its ``generation``, which they share.
    """
    begin = jax.vmap(init_state, out_axes=_RUNS)
    return on_every_device(searches.program.problem.mesh, begin, searches)


@partial(device_jit, static_argnames=("chunk",))
def compiled_steps_all(
    searches: Search, states: RunState, last: jax.Array, chunk: int
) -> tuple[RunState, GenerationLog]:
    """As :func:`koki2_train.evolution.compiled_steps`, for R runs; each gives bit-for-bit the result of a run alone.

    Args:
        searches: as :func:`stack_searches` returns them.
        states: where they stand.
        last: () int32, number of generations after which all are over.
        chunk: length of the compiled scan.

    Returns:
        The new states, and the log with leading axes (``chunk``, R).
    """

    def run(searches: Search, states: RunState, last: jax.Array) -> tuple[RunState, GenerationLog]:
        def one(generation: jax.Array, item: tuple[Search, RunState]) -> tuple[RunState, GenerationLog]:
            search, state = item
            return step_generation(search, state._replace(generation=generation), last)

        def place(states: RunState, _: None) -> tuple[RunState, GenerationLog]:
            all_runs = jax.vmap(partial(one, states.generation), in_axes=((0, _RUNS),))
            after, log = _in_device_blocks(searches.program, all_runs, (searches, _without_counter(states)))
            return after._replace(generation=after.generation[0]), log

        return jax.lax.scan(place, states, length=chunk)

    return on_every_device(searches.program.problem.mesh, run, searches, states, last)


@device_jit
def compiled_finish_all(searches: Search, states: RunState) -> RunState:
    """As :func:`koki2_train.evolution.compiled_finish`, for R runs."""

    def run(searches: Search, states: RunState) -> RunState:
        def one(item: tuple[Search, RunState]) -> RunState:
            search, state = item
            return finish(search, state._replace(generation=states.generation))

        all_runs = jax.vmap(one, in_axes=((0, _RUNS),))
        after = _in_device_blocks(searches.program, all_runs, (searches, _without_counter(states)))
        return after._replace(generation=after.generation[0])

    return on_every_device(searches.program.problem.mesh, run, searches, states)


def run_of(states: RunState, index: int) -> RunState:
    """The state of one of the runs."""
    mine: RunState = jax.tree.map(lambda leaf: leaf[index], _without_counter(states))
    return mine._replace(generation=states.generation)


def stack_states(states: Sequence[RunState]) -> RunState:
    """The states of runs that stand at the same generation, as :func:`compiled_init_all` has them."""
    stacked: RunState = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
    return stacked._replace(generation=states[0].generation)


def _without_counter(states: RunState) -> Any:
    return cast(Any, states)._replace(generation=None)


def _in_device_blocks(program: Program, function: Any, items: Any) -> Any:
    """``function`` over all runs, in blocks that fit into device memory; blocks never change their bits."""
    problem = program.problem
    available = _BATCH_BYTES.get(problem.mesh.devices.flat[0].platform, _BATCH_BYTES_ELSEWHERE)
    each = program.evolution.pop_size * brain_bytes(
        problem, problem.brain.settings.dynamic(), program.evolution.episodes
    )
    return in_blocks(function, items, max(1, available // each))
