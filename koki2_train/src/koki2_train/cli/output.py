"""Output: one JSON object, or tables for people."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Collection, Mapping
from typing import Any


def print_json(data: Any) -> None:
    """Exactly one JSON object on stdout. JSON has no NaN and no infinity: they become null."""
    sys.stdout.write(json.dumps(_without_non_finite(data), allow_nan=False) + "\n")


def _without_non_finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _without_non_finite(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_without_non_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def variant_title(knobs: Mapping[str, Any]) -> str:
    """How a title names the held-out variant of a world that these knobs make."""
    return f"held-out variant ({', '.join(f'{name} = {value:g}' for name, value in knobs.items())})"


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


def table_metrics(rows: Collection[Mapping[str, Any]]) -> list[str]:
    """The metrics that a table shows of what was measured: some that every world has, and then the world's own.

    Args:
        rows: metrics by name; where they are of several worlds, what all of them have is shown.
    """
    from koki2_train.rollout.metrics import METRICS

    common = [name for row in rows for name in row if name not in METRICS]
    own = dict.fromkeys(name for name in common if all(name in row for row in rows))
    return [*_TABLE_METRICS, *own]


_TABLE_METRICS = ("success", "steps_alive", "energy_gained", "bad_arrivals", "integrity_min", "action_entropy")
