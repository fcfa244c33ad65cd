"""Evolution as compiled code: generations in one scan, which the host sees in chunks."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from koki2_train.evolution.generation import finish, init_state, step_generation
from koki2_train.evolution.program import Search
from koki2_train.evolution.state import GenerationLog, RunState
from koki2_train.experiment import Trial
from koki2_train.runtime.devices import device_jit, on_every_device


@device_jit
def compiled_init(search: Search) -> RunState:
    """The state before the first generation, on all devices of the program."""
    return on_every_device(search.program.problem.mesh, init_state, search)


@partial(device_jit, static_argnames=("chunk",))
def compiled_steps(search: Search, state: RunState, last: jax.Array, chunk: int) -> tuple[RunState, GenerationLog]:
    """Runs up to ``chunk`` generations, and none from generation ``last`` on.

    Args:
        search: what is run.
        state: where the run stands.
        last: () int32, number of generations after which the run is over.
        chunk: length of the compiled scan.

    Returns:
        The new state, and the log with a leading axis of ``chunk``.
    """

    def run(search: Search, state: RunState, last: jax.Array) -> tuple[RunState, GenerationLog]:
        def place(state: RunState, _: None) -> tuple[RunState, GenerationLog]:
            return step_generation(search, state, last)

        return jax.lax.scan(place, state, length=chunk)

    return on_every_device(search.program.problem.mesh, run, search, state, last)


@device_jit
def compiled_finish(search: Search, state: RunState) -> RunState:
    """The state with the final candidates validated; the run itself is not continued from it."""
    return on_every_device(search.program.problem.mesh, finish, search, state)


def evolve(trial: Trial, num_devices: int | None = None) -> tuple[RunState, GenerationLog]:
    """A whole run in memory: all generations in one compiled scan, and the champion chosen.

    Args:
        trial: what is run.
        num_devices: over how many devices genomes are spread; all where None.

    Returns:
        The last state, whose ``champion`` is a genome (D,), and the log with a leading axis of generations.

    Raises:
        ValueError, TypeError: invalid params, or not that many devices.
    """
    search = Search.of(trial, num_devices)
    last = jnp.asarray(trial.generations, jnp.int32)
    state, log = compiled_steps(search, compiled_init(search), last, trial.generations)
    return compiled_finish(search, state), log
