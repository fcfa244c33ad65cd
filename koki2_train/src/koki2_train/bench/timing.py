"""Timing of cases that take turns: compiled one after the other, then timed in rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from koki2_train.runtime.jax_setup import available_cores

Report = Callable[[str], None]
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """Something to be timed.

    Attributes:
        facts: what it is, as plain data; its ``case`` is its name.
        steps: world steps that a call takes.
        compile: compiles it, and returns the call, which returns when all is computed.
    """

    facts: Row
    steps: int
    compile: Callable[[], Callable[[], Any]]


def compile_and_time(cases: Sequence[Case], rounds: int, report: Report) -> list[Row]:
    """Compiles the cases one after the other, then lets them take turns.

    Returns:
        What :func:`take_turns` returns, with ``compile_s``: seconds of tracing and compiling, nothing run. It says
        little where this process compiled the same program before.
    """
    calls, seconds = [], []
    for number, case in enumerate(cases, 1):
        report(f"compiling {number}/{len(cases)}: {case.facts['case']}")
        began = time.perf_counter()
        calls.append(case.compile())
        seconds.append(time.perf_counter() - began)
    rows = take_turns(cases, calls, rounds, report)
    return [{**row, "compile_s": taken} for row, taken in zip(rows, seconds, strict=True)]


def compile_and_take_turns(cases: Sequence[Case], rounds: int, report: Report) -> list[Row]:
    """Compiles the cases on all cores at once, then lets them take turns; returns what :func:`take_turns` returns."""
    report(f"compiling {len(cases)} cases")
    pool = ThreadPoolExecutor(available_cores())
    try:
        calls = list(pool.map(lambda case: case.compile(), cases))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # after Ctrl-C, do not wait for compilers
    return take_turns(cases, calls, rounds, report)


def take_turns(cases: Sequence[Case], calls: Sequence[Callable[[], Any]], rounds: int, report: Report) -> list[Row]:
    """Times all cases in turn within every round, so that a shared machine's drift hits them alike.

    Args:
        cases: what is timed.
        calls: the compiled cases.
        rounds: how often.
        report: called with what is being measured.

    Returns:
        Per case its facts, ``steps``, and ``msteps_median``, ``msteps_min``, ``msteps_max``: millions of steps per
        second over the rounds.
    """
    for call in calls:
        call()  # what only happens once is over then
    seconds: list[list[float]] = [[] for _ in cases]
    for number in range(rounds):
        report(f"round {number + 1}/{rounds}")
        for call, taken in zip(calls, seconds, strict=True):
            began = time.perf_counter()
            call()
            taken.append(time.perf_counter() - began)
    return [
        {**case.facts, "steps": case.steps, **spread("msteps", [case.steps / s / 1e6 for s in taken])}
        for case, taken in zip(cases, seconds, strict=True)
    ]


def spread(name: str, values: Sequence[float]) -> Row:
    """Median, least and greatest as ``<name>_median``, ``<name>_min``, ``<name>_max``."""
    return {f"{name}_median": statistics.median(values), f"{name}_min": min(values), f"{name}_max": max(values)}
