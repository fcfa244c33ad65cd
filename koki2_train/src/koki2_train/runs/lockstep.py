"""Lockstep: runs that differ only in seeds and values of knobs, as one program, each into a run directory."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from koki2_train.evolution.batched import (
    compiled_finish_all,
    compiled_init_all,
    compiled_steps_all,
    run_of,
    stack_searches,
    stack_states,
)
from koki2_train.evolution.state import GenerationLog, RunState
from koki2_train.runs.chunks import RunOptions, run_chunks
from koki2_train.runs.directory import RunError, RunWarning
from koki2_train.runs.planned import PlannedRun
from koki2_train.runs.records import load_state, rows_of, save_champion, save_state
from koki2_train.runtime.devices import replicate
from koki2_train.runtime.signals import StopRequest
from koki2_train.storage.folder_lock import hold

Rows = list[dict[str, Any]]


def run_in_lockstep(
    runs: Sequence[PlannedRun],
    folder: Path,
    options: RunOptions,
    *,
    command: list[str],
    observe: Callable[[list[Rows]], None] = lambda _: None,
) -> bool:
    """Evolves all runs, as one compiled program, to the bits that each has when it is run alone.

    Finished runs are left as they are. The others continue, all from the last generation of which each of them has a
    checkpoint.

    Args:
        runs: what is run, and where its files are.
        folder: holds all of them; locked meanwhile.
        options: how it is carried out.
        command: for the manifests.
        observe: sees the rows of every chunk, one list for each run that continues.

    Returns:
        Whether all are done; False after an interrupt.

    Raises:
        RunError: a directory cannot be used so; nothing was changed.
        OSError: files cannot be written.
    """
    for run in runs:
        run.check()
    try:
        with hold(folder), StopRequest() as stop:
            unfinished = [run for run in runs if not run.is_finished]
            if not unfinished:
                return True
            session = _LockstepSession(unfinished, options, observe)
            session.restore()
            session.begin(command)
            run_chunks(session, session.target, options, lambda: stop.asked)
            session.end()
            return session.done >= session.target
    except BlockingIOError:
        raise RunError(f"{folder} is in use by another process") from None


class _LockstepSession:
    """One invocation; see :class:`koki2_train.runs.chunks.Session`."""

    def __init__(self, runs: Sequence[PlannedRun], options: RunOptions, observe: Callable[[list[Rows]], None]):
        self.runs, self.options, self.observe = runs, options, observe
        self.searches = stack_searches([run.trial for run in runs], options.num_devices)
        self.mesh = self.searches.program.problem.mesh
        self.states: RunState = compiled_init_all(self.searches)
        self.target = runs[0].trial.generations
        self.done = 0
        self.saved: int | None = None
        self.seconds_before = [0.0] * len(runs)
        self.began = time.monotonic()

    def restore(self) -> None:
        """Goes to where the runs stand on disk, all at the same generation. Nothing is changed there.

        Raises:
            RunError: what is there is damaged, or belongs to other runs.
        """
        fresh, up_to = self.states, None
        while True:
            found = self._load(fresh, up_to)
            reached = [int(state.generation) for state, _ in found]
            up_to = min(reached)
            if up_to == max(reached):
                break
            last = self.runs[reached.index(up_to)].path
            warnings.warn(f"{last} stands at generation {up_to}; all continue from there", RunWarning, 2)
        states, seconds = zip(*found, strict=True)
        self.done, self.saved, self.seconds_before = up_to, up_to or None, list(seconds)
        self.states = replicate(self.mesh, stack_states(states))

    def _load(self, fresh: RunState, up_to: int | None) -> list[tuple[RunState, float]]:
        """For each run its newest state, of generation ``up_to`` at most, and the time spent until then."""
        found = []
        for i, run in enumerate(self.runs):
            first = run_of(fresh, i)
            found.append(load_state(run.directory, first, run.trial, up_to) or (first, 0.0))
        return found

    def begin(self, command: list[str]) -> None:
        kinds = [str(device.device_kind) for device in self.mesh.devices.flat]
        for run in self.runs:
            run.directory.begin_invocation(run.trial, command, kinds, in_lockstep=len(self.runs))
            run.directory.rewind(self.done)

    def advance(self, last: int) -> None:
        end = jnp.asarray(last, jnp.int32)
        states, log = compiled_steps_all(self.searches, self.states, end, self.options.log_every)
        self.states = jax.block_until_ready(states)
        self.done = int(states.generation)
        rows = self._append(log)
        if rows[0]:
            self.observe(rows)

    def _append(self, log: GenerationLog) -> list[Rows]:
        columns = jax.tree.map(np.asarray, log)
        rows = []
        for i, run in enumerate(self.runs):
            mine: GenerationLog = jax.tree.map(lambda column, i=i: column[:, i], columns)
            rows.append(rows_of(mine, run.trial.experiment, self._seconds(i)))
            if rows[-1]:
                run.directory.append_generations(rows[-1])
        return rows

    def save(self) -> None:
        on_host = jax.tree.map(np.asarray, self.states)
        for i, run in enumerate(self.runs):
            save_state(run.directory, run_of(on_host, i), run.trial, self._seconds(i))
        self.saved = self.done

    def end(self) -> None:
        """Keeps the champions, where there are any, and notes in the manifests how the runs ended."""
        final = jax.tree.map(np.asarray, compiled_finish_all(self.searches, self.states)) if self.done > 0 else None
        for i, run in enumerate(self.runs):
            if final is not None:
                save_champion(run.directory, run_of(final, i))
            run.directory.end_invocation(
                generations=self.done, interrupted=self.done < self.target, seconds=round(self._seconds(i), 3)
            )

    def _seconds(self, index: int) -> float:
        """A run's share of the time spent."""
        return self.seconds_before[index] + (time.monotonic() - self.began) / len(self.runs)
