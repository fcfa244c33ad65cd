"""The host's side of a run: chunks of generations in, files and progress out, an end at any moment without loss."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from koki2_train.evaluation import replicate
from koki2_train.experiment import Experiment
from koki2_train.leading import Leader
from koki2_train.run_directory import RunDirectory
from koki2_train.run_records import load_state, rows_of, save_champion, save_state
from koki2_train.stopping import StopRequest
from koki2_train.training import GenerationLog, Program, RunState, advance, crown, start

Observer = Callable[[list[dict[str, Any]]], None]


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out; nothing here changes its bits.

    Attributes:
        num_devices: over how many devices genomes are spread; all where None.
        log_every: generations per chunk, the steps in which the host sees the run, at most.
        chunk_seconds: a chunk holds fewer generations where it would take longer than this (but one at least), so that
            a run can be watched and stopped.
        checkpoint_seconds: time between checkpoints.
    """

    num_devices: int | None = None
    log_every: int = 10
    chunk_seconds: float = 1.0
    checkpoint_seconds: float = 30.0

    def pace(self, generations: int, seconds: float) -> int:
        """How many generations the next chunk takes, after one of ``generations`` took ``seconds``."""
        affordable = int(generations * self.chunk_seconds / max(seconds, 1e-9))
        return max(1, min(affordable, self.log_every))


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        generations: generations done.
        champion_score: validation fitness of the champion; None before there is one.
        interrupted: whether it was asked to stop before its end.
        stop_asked: whether it was asked to stop, if only during its last chunk; nothing else should then be begun.
        seconds: time spent on it, over all invocations.
        env_steps: world steps spent on it.
    """

    generations: int
    champion_score: float | None
    interrupted: bool
    stop_asked: bool
    seconds: float
    env_steps: int


def run_experiment(
    run: RunDirectory,
    experiment: Experiment,
    seed: int,
    options: RunOptions,
    *,
    resume: bool = False,
    command: list[str] | None = None,
    observer: Observer = lambda _: None,
    leader: Leader | None = None,
) -> RunResult:
    """Evolves one seed into a run directory.

    Args:
        run: the directory; new unless ``resume``.
        experiment: what is run.
        seed: its seed.
        options: how it is carried out.
        resume: go on with what is there, to the same bits as if nothing had happened.
        command: for the manifest.
        observer: sees every chunk's rows of ``generations.jsonl``.
        leader: tells other processes what to compute along; None where this is the only one.

    Raises:
        RunError: the directory cannot be used so; nothing was changed.
        OSError: files cannot be written.
        DriftError: other processes came to other bits.
    """
    program = experiment.program(options.num_devices)
    begun = resume and run.exists
    if begun:
        run.check_same(experiment, seed)
    else:
        run.check_free()
    with run.locked(), StopRequest() as stop:
        session = _Session(run, program, experiment, seed, options, observer, stop, leader or Leader())
        if not begun:
            run.create(experiment, seed)
        state = session.restore()
        run.remove_unfinished()
        if begun:  # for another number of generations, maybe
            run.write_config(experiment.with_settings({"generations": session.generations(state)}), seed)
        kinds = [str(device.device_kind) for device in program.task.mesh.devices.flat]
        run.write_manifest(command or sys.argv, kinds, seed=seed, processes=jax.process_count())
        result = session.carry_out(state)
        run.update_manifest(
            generations=result.generations, interrupted=result.interrupted, seconds=round(result.seconds, 3)
        )
    return result


class _Session:
    """One invocation of a run."""

    def __init__(
        self,
        run: RunDirectory,
        program: Program,
        experiment: Experiment,
        seed: int,
        options: RunOptions,
        observer: Observer,
        stop: StopRequest,
        leader: Leader,
    ):
        self.run, self.program, self.options, self.observer, self.stop = run, program, options, observer, stop
        self.leader = leader
        self.experiment, self.params, self.seed = experiment, experiment.params, seed
        self.root = replicate(program.task.mesh, jax.random.key(seed))
        self.target = experiment.evolution.generations
        self.saved: int | None = None  # generation of the newest checkpoint
        self.seconds_before = 0.0
        self.began = time.monotonic()

    def restore(self) -> RunState:
        """Where the run stands on disk. Nothing is changed there.

        Raises:
            RunError: what is there is damaged, or belongs to another run.
        """
        fresh = start(self.program, self.root)
        found = load_state(self.run, fresh, self.experiment, self.seed)
        if found is None:
            if lost := len(self.run.read_generations()):
                print(f"warning: {self.run} has no checkpoint; its {lost} generations are run again", file=sys.stderr)
            return fresh
        state, self.seconds_before = found
        self.saved = int(state.generation)
        return replicate(self.program.task.mesh, state)

    def generations(self, state: RunState) -> int:
        """How many generations the run has in the end: what is asked for, but a run never goes back."""
        return max(self.target, int(state.generation))

    def carry_out(self, state: RunState) -> RunResult:
        self.run.rewind(int(state.generation))
        self.leader.begin(self.experiment, self.seed, self.options.log_every, jax.tree.leaves(state))
        state, _ = self._advance(state, 0)  # compiles, and nothing more
        done, saved_at = int(state.generation), time.monotonic()
        pace = 1
        while done < self.target and not self._stop_asked():
            began = time.monotonic()
            state, log = self._advance(state, min(done + pace, self.target))
            rows = rows_of(log, self.experiment, self._seconds())
            self.run.append_generations(rows)
            self.observer(rows)
            done = int(state.generation)
            pace = self.options.pace(len(rows), time.monotonic() - began)
            if time.monotonic() - saved_at >= self.options.checkpoint_seconds:
                self._save(state)
                saved_at = time.monotonic()
        if done != self.saved:
            self._save(state)
        score = self._save_champion(state) if done > 0 else None
        return RunResult(
            generations=done,
            champion_score=score,
            interrupted=done < self.target,
            stop_asked=self._stop_asked(),
            seconds=self._seconds(),
            env_steps=self.experiment.env_steps(done),
        )

    def _stop_asked(self) -> bool:
        return self.stop.asked or self.leader.stop_asked

    def _advance(self, state: RunState, last: int) -> tuple[RunState, GenerationLog]:
        end = jnp.asarray(self.leader.advance(last, jax.tree.leaves(state)), jnp.int32)
        return jax.block_until_ready(advance(self.program, self.params, self.root, state, end, self.options.log_every))

    def _save(self, state: RunState) -> None:
        save_state(self.run, state, self.experiment, self.seed, self._seconds())
        self.saved = int(state.generation)

    def _save_champion(self, state: RunState) -> float | None:
        self.leader.crown()
        return save_champion(self.run, self.program, crown(self.program, self.params, self.root, state))

    def _seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.began
