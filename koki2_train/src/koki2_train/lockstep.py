"""Runs that differ in seeds and values of knobs alone, carried out side by side into a run directory each."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from koki2_train.batch import (
    advance_all,
    crown_all,
    idle_everywhere,
    lockstep,
    run_of,
    stack_params,
    start_all,
)
from koki2_train.evaluation import replicate
from koki2_train.folder_lock import hold
from koki2_train.run_directory import RunError
from koki2_train.run_records import load_state, rows_of, save_champion, save_state
from koki2_train.runner import RunOptions
from koki2_train.runs import PlannedRun
from koki2_train.stopping import StopRequest
from koki2_train.training import GenerationLog, RunState

Rows = list[dict[str, Any]]


def run_side_by_side(
    runs: Sequence[PlannedRun],
    folder: Path,
    options: RunOptions,
    *,
    command: list[str],
    observe: Callable[[list[Rows]], None] = lambda _: None,
) -> bool:
    """Evolves all runs, as one compiled program, to the bits that each has when it is run alone.

    Runs that are finished are left as they are. The others go on, all from the last generation that each of them has a
    checkpoint of.

    Args:
        runs: what is run, and where its files are.
        folder: holds all of them; locked meanwhile.
        options: how it is carried out.
        command: for the manifests.
        observe: sees the rows of every chunk, those of each run that goes on.

    Returns:
        Whether they came to their end; False after an interrupt.

    Raises:
        RunError: a directory cannot be used so; nothing was changed.
        OSError: files cannot be written.
    """
    for run in runs:
        run.check()
    try:
        with hold(folder), StopRequest() as stop:
            behind = [run for run in runs if not run.is_finished]
            return not behind or _SideBySide(behind, options, observe, stop).carry_out(command)
    except BlockingIOError:
        raise RunError(f"{folder} is in use by another process") from None


class _SideBySide:
    """One invocation."""

    def __init__(
        self,
        runs: Sequence[PlannedRun],
        options: RunOptions,
        observe: Callable[[list[Rows]], None],
        stop: StopRequest,
    ):
        self.runs, self.options, self.observe, self.stop = runs, options, observe, stop
        cells = [run.experiment.params for run in runs]
        program = runs[0].experiment.program(options.num_devices)
        task = dataclasses.replace(program.task, idle=idle_everywhere(cells))
        self.program = dataclasses.replace(program, task=task)
        self.mesh = task.mesh
        self.params = replicate(self.mesh, stack_params(cells))
        self.roots = replicate(self.mesh, jax.vmap(jax.random.key)(jnp.asarray([r.seed for r in runs], jnp.uint32)))
        self.target = runs[0].experiment.evolution.generations
        self.seconds_before = [0.0] * len(runs)
        self.saved: int | None = None
        self.began = time.monotonic()

    def carry_out(self, command: list[str]) -> bool:
        states = self._restore()
        done = int(states.generation)
        self._begin(done, command)
        states, _ = self._advance(states, 0)  # compiles, and nothing more
        pace, saved_at = 1, time.monotonic()
        while done < self.target and not self.stop.asked:
            began = time.monotonic()
            states, log = self._advance(states, min(done + pace, self.target))
            rows = self._append(log)
            self.observe(rows)
            done = int(states.generation)
            pace = self.options.pace(len(rows[0]), time.monotonic() - began)
            if time.monotonic() - saved_at >= self.options.checkpoint_seconds:
                self._save(states)
                saved_at = time.monotonic()
        if done != self.saved:
            self._save(states)
        self._end(states, done)
        return done >= self.target

    def _restore(self) -> RunState:
        """Where the runs stand on disk, all at the same generation."""
        fresh = start_all(self.program, self.roots)
        up_to: int | None = None
        while True:
            found = self._load(fresh, up_to)
            standing = [int(state.generation) for state, _ in found]
            up_to = min(standing)
            if up_to == max(standing):
                break
            last = self.runs[standing.index(up_to)].path
            print(f"warning: {last} stands at generation {up_to}; all go on from there", file=sys.stderr)
        states, seconds = zip(*found, strict=True)
        self.saved, self.seconds_before = up_to or None, list(seconds)
        return replicate(self.mesh, lockstep(states))

    def _load(self, fresh: RunState, up_to: int | None) -> list[tuple[RunState, float]]:
        """For each run its newest state, of generation ``up_to`` at most, and the time spent until then."""
        found = []
        for i, run in enumerate(self.runs):
            newborn = run_of(fresh, i)
            found.append(load_state(run.directory, newborn, run.experiment, run.seed, up_to) or (newborn, 0.0))
        return found

    def _begin(self, done: int, command: list[str]) -> None:
        kinds = [str(device.device_kind) for device in self.mesh.devices.flat]
        for run in self.runs:
            directory = run.directory
            if not directory.exists:
                directory.create(run.experiment, run.seed)
            directory.remove_unfinished()
            directory.rewind(done)
            directory.write_config(run.experiment, run.seed)
            directory.write_manifest(command, kinds, seed=run.seed, side_by_side=len(self.runs))

    def _advance(self, states: RunState, last: int) -> tuple[RunState, GenerationLog]:
        end = jnp.asarray(last, jnp.int32)
        return jax.block_until_ready(
            advance_all(self.program, self.params, self.roots, states, end, self.options.log_every)
        )

    def _append(self, log: GenerationLog) -> list[Rows]:
        columns = jax.tree.map(np.asarray, log)
        rows = []
        for i, run in enumerate(self.runs):
            mine: GenerationLog = jax.tree.map(lambda column, i=i: column[:, i], columns)
            rows.append(rows_of(mine, run.experiment, self._seconds(i)))
            run.directory.append_generations(rows[-1])
        return rows

    def _save(self, states: RunState) -> None:
        on_host = jax.tree.map(np.asarray, states)
        for i, run in enumerate(self.runs):
            save_state(run.directory, run_of(on_host, i), run.experiment, run.seed, self._seconds(i))
        self.saved = int(states.generation)

    def _end(self, states: RunState, done: int) -> None:
        crowned = None
        if done > 0:
            crowned = jax.tree.map(np.asarray, crown_all(self.program, self.params, self.roots, states))
        for i, run in enumerate(self.runs):
            if crowned is not None:
                save_champion(run.directory, self.program, run_of(crowned, i))
            run.directory.update_manifest(
                generations=done, interrupted=done < self.target, seconds=round(self._seconds(i), 3)
            )

    def _seconds(self, index: int) -> float:
        """A run's share of the time spent."""
        return self.seconds_before[index] + (time.monotonic() - self.began) / len(self.runs)
