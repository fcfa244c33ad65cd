"""Printing: one JSON object, or tables for people; progress on a terminal."""

from __future__ import annotations

import contextlib
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Row = dict[str, Any]


def print_json(data: Any) -> None:
    """Exactly one JSON object on stdout. JSON has no NaN and no infinity: they become null."""
    sys.stdout.write(json.dumps(_without_non_finite(data), allow_nan=False) + "\n")


def _without_non_finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _without_non_finite(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_without_non_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def on_the_other_side(knobs: Mapping[str, Any]) -> str:
    """How a title names the side of a world that these knobs make, and that is kept for tests."""
    return f"on the side never trained on ({', '.join(f'{name} = {value:g}' for name, value in knobs.items())})"


def print_table(title: str, columns: list[str], rows: list[list[str]], *, words: bool = False) -> None:
    """A table on stdout; first column left, the others right, or left too where they hold ``words``."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 or words else "right", vertical="bottom", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    console.print(
        title, style="bold", markup=False, soft_wrap=True
    )  # a title of the table would be broken to its width
    console.print(table)


def number(value: float | None, digits: int = 2) -> str:
    """A number for a table; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


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
