"""Progress of a run: a bar on a terminal, or lines where stderr is no terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from koki2_train.cli.output import number

Row = dict[str, Any]


@contextlib.contextmanager
def progress(label: str, total: int, done: int = 0, quiet: bool = False) -> Iterator[Callable[[list[Row]], None]]:
    """Shows a run's progress on stderr: a bar on a terminal, else a line every few seconds.

    Yields:
        An observer of rows of ``generations.jsonl``.
    """
    if quiet:
        yield lambda rows: None
    elif sys.stderr.isatty():
        with _bar(label, total, done) as observer:
            yield observer
    else:
        yield _lines(label, total)


@contextlib.contextmanager
def _bar(label: str, total: int, done: int) -> Iterator[Callable[[list[Row]], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[state]}"),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total, completed=done, state="compiling …")

        def observe(rows: list[Row]) -> None:
            if rows:
                bar.update(task, completed=rows[-1]["generation"] + 1, state=_state(rows[-1]))

        yield observe


def _lines(label: str, total: int, every: float = 5.0) -> Callable[[list[Row]], None]:
    shown = -every

    def observe(rows: list[Row]) -> None:
        nonlocal shown
        if not rows:
            return
        done, now = rows[-1]["generation"] + 1, time.monotonic()
        if now - shown >= every or done == total:
            print(f"{label} {done}/{total} {_state(rows[-1])}", file=sys.stderr, flush=True)
            shown = now

    return observe


def _state(row: Row) -> str:
    text = f"mean {number(row['fitness_mean'], 1)}  best {number(row['fitness_best'], 1)}"
    if row["champion_score"] is not None:
        text += f"  champion {number(row['champion_score'], 1)}"
    if row["pass_rate"] < 1.0:
        text += f"  viable {row['pass_rate']:.0%}"
    if row["non_finite"]:
        text += f"  not finite {row['non_finite']}"
    return text
