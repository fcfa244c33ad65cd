"""Progress of work: a bar on a terminal, or lines where stderr is not a terminal; and how fast a run is."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from koki2_train.cli.output import in_thousands, number, tell

Row = dict[str, Any]

NOTICE_SECONDS = 0.5
"""How long something may take before it is said what is being done."""
LINE_SECONDS = 10.0
"""Time between lines of progress."""
_BAR = 12  # its length


@contextlib.contextmanager
def working(text: str = "compiling …", quiet: bool = False) -> Iterator[None]:
    """Says on stderr what is being done, unless it is done at once."""
    notice = threading.Timer(NOTICE_SECONDS, tell, (text,))
    notice.daemon = True
    if not quiet:
        notice.start()
    try:
        yield
    finally:
        notice.cancel()


@contextlib.contextmanager
def progress(label: str, total: int, done: int = 0, quiet: bool = False) -> Iterator[Callable[[list[Row]], None]]:
    """Shows a run's progress on stderr: a bar on a terminal, else a line every few seconds.

    Yields:
        An observer of rows of ``generations.jsonl``.
    """
    if quiet:
        yield lambda rows: None
    elif sys.stderr is not None and sys.stderr.isatty():
        with _bar(label, total, done) as observer:
            yield observer
    else:
        with working(f"{label}: compiling …"):
            yield _lines(label, total)


@contextlib.contextmanager
def _bar(label: str, total: int, done: int) -> Iterator[Callable[[list[Row]], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(_BAR), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[state]}", markup=False),
    )  # fmt: skip
    taken = len(label) + _BAR + len(f"{total}/{total}") + len("00:00:00") + len(columns)
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(label, total=total, completed=done, state="compiling …")

        def observe(rows: list[Row]) -> None:
            if rows:
                state = _state(rows[-1], console.width - taken)
                bar.update(task, completed=rows[-1]["generation"] + 1, state=state)

        yield observe


def _lines(label: str, total: int) -> Callable[[list[Row]], None]:
    shown = -LINE_SECONDS

    def observe(rows: list[Row]) -> None:
        nonlocal shown
        if not rows:
            return
        done, now = rows[-1]["generation"] + 1, time.monotonic()
        if now - shown >= LINE_SECONDS or done == total:
            tell(f"{label} {done}/{total} {_state(rows[-1])}")
            shown = now

    return observe


def _state(row: Row, width: int | None = None) -> str:
    """How a run stands, as far as it fits into a width."""
    parts = [f"mean {number(row['fitness_mean'], 1)}", f"best {number(row['fitness_best'], 1)}"]
    if row["champion_score"] is not None:
        parts.append(f"champion {number(row['champion_score'], 1)}")
    if row["pass_rate"] < 1.0:
        parts.append(f"viable {row['pass_rate']:.0%}")
    if row["non_finite"]:
        parts.append(f"not finite {row['non_finite']}")
    while width is not None and len("  ".join(parts)) > width and parts:
        parts.pop()
    return "  ".join(parts)


class Speedometer:
    """World steps per second of a run, from its first chunk on: compiling is over by then."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None
        self._last: tuple[float, int] | None = None

    def observe(self, env_steps: int) -> None:
        """Notes how many world steps are done now, in all."""
        self._last = (time.monotonic(), env_steps)
        self._first = self._first or self._last

    def __str__(self) -> str:
        if self._first is None or self._last is None or self._first == self._last:
            return "– steps/s"
        seconds, steps = (last - first for first, last in zip(self._first, self._last, strict=True))
        return f"{in_thousands(steps / max(seconds, 1e-9))} steps/s"
