"""Many runs as one compiled program: runs that differ in nothing but their seeds and the values of knobs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np

from koki2_envs.knobs import Schedule, knob_fields
from koki2_train.evaluation import brain_bytes, in_blocks, on_every_device
from koki2_train.training import GenerationLog, Program, RunState, crowned, newborn, next_generation

T = TypeVar("T")

# Runs in lockstep share one generation counter, so that what happens every few generations is decided once for all.
_RUNS: Any = cast(Any, RunState)(generation=None, search=0, champion=0, champion_score=0, champion_generation=0)
# A CPU gains nothing from computing several runs at once, and loses where they do not fit into its cache together.
_BATCH_BYTES = {"cpu": 0}
_BATCH_BYTES_ELSEWHERE = 2**32


def stack_params(cells: Sequence[T]) -> T:
    """The knobs of R runs as one pytree whose leaves are (R,) arrays.

    A knob that is a schedule in one run and a number in another becomes a schedule that keeps this number.
    """
    columns = {}
    for name in knob_fields(cells[0]):
        values = [getattr(params, name) for params in cells]
        if any(isinstance(value, Schedule) for value in values):
            values = [value if isinstance(value, Schedule) else Schedule(value, value) for value in values]
        columns[name] = jax.tree.map(lambda *leaves: _column(leaves), *values)
    return dataclasses.replace(cells[0], **columns)  # type: ignore[type-var]


def _column(leaves: Sequence[Any]) -> np.ndarray:
    # Concrete numbers enter computations as 32 bits (float, int) or as bool, and so must these.
    array = np.asarray(leaves)
    return array.astype({"f": np.float32, "i": np.int32, "b": np.bool_}[array.dtype.kind])


def idle_everywhere(cells: Sequence[Any]) -> tuple[tuple[str, float], ...]:
    """The knobs whose feature is off in all of the worlds."""
    common = set.intersection(*(set(params.idle_knobs()) for params in cells))
    return tuple(idle for idle in cells[0].idle_knobs() if idle in common)


@partial(jax.jit, static_argnames=("program",))
def start_all(program: Program, roots: jax.Array) -> RunState:
    """R runs before their first generation.

    Args:
        program: what they have in common.
        roots: (R,) root keys.

    Returns:
        A state whose leaves have a leading axis of R, but for its ``generation``, which they share.
    """
    begin = jax.vmap(partial(newborn, program), out_axes=_RUNS)
    return on_every_device(program.task.mesh, begin, roots)


@partial(jax.jit, static_argnames=("program", "chunk"))
def advance_all(
    program: Program, env_params: Any, roots: jax.Array, states: RunState, last: jax.Array, chunk: int
) -> tuple[RunState, GenerationLog]:
    """As :func:`koki2_train.training.advance`, for R runs; each comes to the very bits that it comes to alone.

    Args:
        program: what they have in common.
        env_params: their knobs, each (R,); other values do not recompile.
        roots: (R,) root keys.
        states: where they stand.
        last: () int32, number of generations after which all are over.
        chunk: length of the compiled scan.

    Returns:
        The new states, and the log with leading axes (``chunk``, R).
    """

    def run(env_params: Any, roots: jax.Array, states: RunState, last: jax.Array) -> tuple[RunState, GenerationLog]:
        def one(generation: jax.Array, item: tuple[Any, jax.Array, RunState]) -> tuple[RunState, GenerationLog]:
            params, root, state = item
            return next_generation(program, params, root, state._replace(generation=generation), last)

        def place(states: RunState, _: None) -> tuple[RunState, GenerationLog]:
            everyone = jax.vmap(partial(one, states.generation), in_axes=((0, 0, _RUNS),))
            after, log = _few_at_once(program, everyone, (env_params, roots, _without_counter(states)))
            return after._replace(generation=after.generation[0]), log

        return jax.lax.scan(place, states, length=chunk)

    return on_every_device(program.task.mesh, run, env_params, roots, states, last)


@partial(jax.jit, static_argnames=("program",))
def crown_all(program: Program, env_params: Any, roots: jax.Array, states: RunState) -> RunState:
    """As :func:`koki2_train.training.crown`, for R runs."""

    def run(env_params: Any, roots: jax.Array, states: RunState) -> RunState:
        def one(item: tuple[Any, jax.Array, RunState]) -> RunState:
            params, root, state = item
            return crowned(program, params, root, state._replace(generation=states.generation))

        everyone = jax.vmap(one, in_axes=((0, 0, _RUNS),))
        after = _few_at_once(program, everyone, (env_params, roots, _without_counter(states)))
        return after._replace(generation=after.generation[0])

    return on_every_device(program.task.mesh, run, env_params, roots, states)


def run_of(states: RunState, index: int) -> RunState:
    """The state of one of the runs."""
    mine: RunState = jax.tree.map(lambda leaf: leaf[index], _without_counter(states))
    return mine._replace(generation=states.generation)


def lockstep(states: Sequence[RunState]) -> RunState:
    """The states of runs that stand at the same generation, as :func:`start_all` has them."""
    stacked: RunState = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
    return stacked._replace(generation=states[0].generation)


def _without_counter(states: RunState) -> Any:
    return cast(Any, states)._replace(generation=None)


def _few_at_once(program: Program, function: Any, items: Any) -> Any:
    """``function`` over all runs, no more of them at once than a device can well hold. It never changes their bits."""
    platform = program.task.mesh.devices.flat[0].platform
    available = _BATCH_BYTES.get(platform, _BATCH_BYTES_ELSEWHERE)
    each = program.evolution.pop_size * brain_bytes(program.task, program.evolution.episodes)
    return in_blocks(function, items, max(1, available // each))
