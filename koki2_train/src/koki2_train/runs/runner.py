"""One run: a trial evolved into a run directory."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from koki2_train.distributed.leader import Leader
from koki2_train.evolution import RunState, Search, compiled_finish, compiled_init, compiled_steps
from koki2_train.experiment import Trial
from koki2_train.runs.chunks import RunOptions, run_chunks
from koki2_train.runs.directory import RunDirectory, RunWarning
from koki2_train.runs.records import load_state, rows_of, save_champion, save_state
from koki2_train.runtime.devices import replicate
from koki2_train.runtime.signals import StopRequest

Observer = Callable[[list[dict[str, Any]]], None]


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        generations: generations done.
        champion_score: validation fitness of the champion; None before there is one.
        interrupted: whether it was asked to stop before its end.
        stop_asked: whether it was asked to stop, if only during its last chunk; callers should then start nothing new.
        seconds: time spent on it, over all invocations.
        env_steps: world steps spent on it.
    """

    generations: int
    champion_score: float | None
    interrupted: bool
    stop_asked: bool
    seconds: float
    env_steps: int


def run_trial(
    directory: RunDirectory,
    trial: Trial,
    options: RunOptions,
    *,
    resume: bool = False,
    command: list[str] | None = None,
    observer: Observer = lambda _: None,
    leader: Leader | None = None,
) -> RunResult:
    """Evolves a trial into a run directory.

    Args:
        directory: where; new unless ``resume``.
        trial: what is run.
        options: how it is carried out.
        resume: continue with what is there, to the same bits as if nothing had happened.
        command: for the manifest.
        observer: sees every chunk's rows of ``generations.jsonl``.
        leader: tells other processes what to compute along; None where this is the only one.

    Raises:
        RunError: the directory cannot be used so; nothing was changed.
        OSError: files cannot be written.
        DriftError: another process computed other bits.
    """
    search = Search.of(trial, options.num_devices)
    with directory.open(trial, resume=resume) as run, StopRequest() as stop:
        session = _RunSession(run, search, trial, options, observer, leader or Leader())
        session.restore()
        kinds = [str(device.device_kind) for device in search.program.problem.mesh.devices.flat]
        # A run never goes back: it may have more generations already than are asked for now.
        begun = trial.with_generations(max(trial.generations, session.done))
        run.begin_invocation(begun, command or sys.argv, kinds, processes=jax.process_count())
        session.begin()
        run_chunks(session, trial.generations, options, lambda: stop.asked or session.leader.stop_asked)
        result = session.end(stop.asked)
        ended = {"generations": result.generations, "interrupted": result.interrupted}
        run.end_invocation(**ended, seconds=round(result.seconds, 3))
    return result


class _RunSession:
    """One invocation of a run; see :class:`koki2_train.runs.chunks.Session`."""

    def __init__(
        self,
        run: RunDirectory,
        search: Search,
        trial: Trial,
        options: RunOptions,
        observer: Observer,
        leader: Leader,
    ):
        self.run, self.search, self.trial, self.options = run, search, trial, options
        self.observer, self.leader = observer, leader
        self.state: RunState = compiled_init(search)
        self.done = 0
        self.saved: int | None = None
        self.seconds_before = 0.0
        self.began = time.monotonic()

    def restore(self) -> None:
        """Goes to where the run stands on disk. Nothing is changed there.

        Raises:
            RunError: what is there is damaged, or belongs to another run.
        """
        found = load_state(self.run, self.state, self.trial)
        if found is None:
            if lost := len(self.run.read_generations()):
                warnings.warn(f"{self.run} has no checkpoint; its {lost} generations are run again", RunWarning, 2)
            return
        state, self.seconds_before = found
        self.done = self.saved = int(state.generation)
        self.state = replicate(self.search.program.problem.mesh, state)

    def begin(self) -> None:
        self.run.rewind(self.done)
        self.leader.begin(self.trial, self.options.log_every, jax.tree.leaves(self.state))

    def advance(self, last: int) -> None:
        end = jnp.asarray(self.leader.advance(last, jax.tree.leaves(self.state)), jnp.int32)
        state, log = compiled_steps(self.search, self.state, end, self.options.log_every)
        self.state = jax.block_until_ready(state)
        self.done = int(state.generation)
        if rows := rows_of(log, self.trial.experiment, self._seconds()):
            self.run.append_generations(rows)
            self.observer(rows)

    def save(self) -> None:
        save_state(self.run, self.state, self.trial, self._seconds())
        self.saved = self.done

    def end(self, stop_asked: bool) -> RunResult:
        """Writes the champion, if there is one, and describes how the run ended."""
        score = None
        if self.done > 0:
            self.leader.finish()
            score = save_champion(self.run, compiled_finish(self.search, self.state))
        return RunResult(
            generations=self.done,
            champion_score=score,
            interrupted=self.done < self.trial.generations,
            stop_asked=stop_asked or self.leader.stop_asked,
            seconds=self._seconds(),
            env_steps=self.trial.experiment.env_steps(self.done),
        )

    def _seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.began
