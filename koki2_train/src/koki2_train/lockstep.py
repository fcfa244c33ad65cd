"""Runs that differ in seeds and values of knobs alone, carried out side by side into a run directory each."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from koki2_train.experiment import Experiment
from koki2_train.folder_lock import hold
from koki2_train.run_directory import RunDirectory, RunError
from koki2_train.run_records import load_state, rows_of, save_champion, save_state
from koki2_train.runner import RunOptions
from koki2_train.stopping import StopRequest
from koki2_train.training import GenerationLog, RunState

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class PlannedRun:
    """One of the runs.

    Attributes:
        experiment: what is run; all of them have the same but for values of knobs.
        seed: its seed.
        path: its run directory.
    """

    experiment: Experiment
    seed: int
    path: Path

    @property
    def directory(self) -> RunDirectory:
        """Its files."""
        return RunDirectory(self.path)


def run_side_by_side(
    runs: Sequence[PlannedRun],
    folder: Path,
    options: RunOptions,
    *,
    command: list[str],
    observe: Callable[[list[Rows]], None] = lambda _: None,
) -> bool:
    """Evolves all runs, as one compiled program, to the bits that each has when it is run alone.

    Runs that were begun go on, all from the last generation that each of them has a checkpoint of.

    Args:
        runs: what is run, and where its files are.
        folder: holds all of them; locked meanwhile.
        options: how it is carried out.
        command: for the manifests.
        observe: sees the rows of every chunk, those of each run.

    Returns:
        Whether they came to their end; False after an interrupt.

    Raises:
        RunError: a directory cannot be used so; nothing was changed.
        OSError: files cannot be written.
    """
    for run in runs:
        if run.directory.exists:
            run.directory.check_same(run.experiment, run.seed)
        else:
            run.directory.check_free()
    try:
        with hold(folder), StopRequest() as stop:
            return _SideBySide(runs, options, observe, stop).carry_out(command)
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
        if done < self.target:
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
        if not all(run.directory.exists for run in self.runs):
            return fresh
        up_to: int | None = None
        while True:
            found = [
                load_state(run.directory, run_of(fresh, i), run.experiment, run.seed, up_to)
                for i, run in enumerate(self.runs)
            ]
            standing = [int(each[0].generation) if each else 0 for each in found]
            if not min(standing):
                return fresh
            if min(standing) == max(standing):
                break
            up_to = min(standing)
        known = [each for each in found if each]
        self.saved, self.seconds_before = standing[0], [seconds for _, seconds in known]
        return replicate(self.mesh, lockstep([state for state, _ in known]))

    def _begin(self, done: int, command: list[str]) -> None:
        kinds = [str(device.device_kind) for device in self.mesh.devices.flat]
        for run in self.runs:
            directory = run.directory
            if not directory.exists:
                directory.create(run.experiment, run.seed)
            directory.remove_unfinished()
            directory.rewind_generations(done)
            longer = run.experiment.with_settings({"generations": max(self.target, done)})
            directory.write_config(longer, run.seed)
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
