"""Compilations per run: other seeds, knob values, schedules and lengths of runs should cost none."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from koki2_train.bench.plan import Plan
from koki2_train.bench.subprocesses import in_fresh_process
from koki2_train.bench.timing import Report, Row

_EVENT = "/jax/core/compile/backend_compile_duration"
_SMALL = {"pop_size": 4, "episodes": 2, "max_steps_in_episode": 16, "validate_every": 2, "validation_episodes": 2}


def compiles(plan: Plan, report: Report) -> list[Row]:
    """Counts what the backend compiles in whole runs of ``evolve``, one after the other in one new process.

    Returns:
        A row a run, with ``compilations`` and ``seconds``.
    """
    report("several small runs in a process of their own")
    rows: list[Row] = in_fresh_process(count_compilations, devices=plan.devices)
    return rows


def count_compilations(devices: int | None) -> list[dict[str, Any]]:
    """Carries out the runs in this process (see :func:`compiles`)."""
    import jax

    from koki2_envs import Schedule
    from koki2_train.experiment import Experiment, Trial
    from koki2_train.runs.chunks import RunOptions
    from koki2_train.runs.directory import RunDirectory
    from koki2_train.runs.runner import run_trial

    compiled: list[str] = []
    jax.monitoring.register_event_duration_secs_listener(lambda event, *_, **__: compiled.append(event))
    first = Experiment.build("L1.1", {**_SMALL, "generations": 4, "grad_gain": Schedule(0.0, 1.0, 0.0, 0.3)})
    runs: list[tuple[str, int, dict[str, Any]]] = [
        ("first run", 0, {}),
        ("another seed", 1, {}),
        ("another knob value", 0, {"grad_dropout_p": 0.4}),
        ("another schedule", 0, {"grad_gain": Schedule(0.2, 0.9, 0.1, 0.5)}),
        ("more generations", 0, {"generations": 9}),
    ]
    rows = []
    with tempfile.TemporaryDirectory(prefix="koki2-bench-") as folder:
        for number, (case, seed, settings) in enumerate(runs):
            compiled.clear()
            began = time.perf_counter()
            run = RunDirectory(Path(folder) / str(number))
            run_trial(run, Trial(first.with_settings(settings), seed), RunOptions(devices, log_every=3))
            seconds = time.perf_counter() - began
            rows.append({"case": case, "compilations": compiled.count(_EVENT), "seconds": seconds})
    return rows
