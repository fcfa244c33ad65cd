"""Output: one JSON object, or text and tables for people, on stdout; what is told meanwhile, on stderr.

On a terminal, lines are broken between words to its width; elsewhere they are as long as what they say.
"""

from __future__ import annotations

import json
import math
import os
import shlex
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TextIO

import click

_COLUMNS = 80  # of a terminal that does not say how many it has
_LARGE = 1e9  # from here on a number is written with an exponent


def print_json(data: Any) -> None:
    """Exactly one JSON object on stdout."""
    print(json_text(data))


def json_text(data: Any, indent: int | None = None) -> str:
    """Data as JSON, which has no NaN and no infinity: they become null."""
    return json.dumps(_without_non_finite(data), allow_nan=False, indent=indent)


def _without_non_finite(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _without_non_finite(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_without_non_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def say(text: str = "") -> None:
    """A line on stdout; a path in it must have gone through :func:`printable`."""
    for line in _folded(text, terminal_width(sys.stdout)):
        print(line, flush=True)


def tell(text: str) -> None:
    """A line on stderr, at once."""
    for line in _folded(printable(text), terminal_width(sys.stderr)):
        print(line, file=sys.stderr, flush=True)


def _folded(text: str, width: int | None) -> list[str]:
    """A text in lines of whole words; its path, however long, can be copied."""
    from koki2_train.cli.tables import wrapped

    return [text] if width is None else wrapped(text, width, break_words=False)


def terminal_width(stream: TextIO | None) -> int | None:
    """Columns of the terminal that a stream goes to; None where it is none, and lines may have any length."""
    if stream is None or not stream.isatty():
        return None
    given = os.environ.get("COLUMNS", "")
    try:
        columns = int(given) if given.isdecimal() else os.get_terminal_size(stream.fileno()).columns
    except OSError:
        columns = 0
    return columns or _COLUMNS


def printable(text: Any) -> str:
    """The text in one line and as it is; only characters that are not to be seen are escaped, as in Python."""
    return "".join(c if c.isprintable() or c == _JOINER else repr(c)[1:-1] for c in str(text))


_JOINER = "\u200d"  # of several emoji into one


def shell_quoted(path: Any) -> str:
    """A path as an argument that can be copied into a shell, whatever it is called."""
    text = f"./{path}" if str(path).startswith("-") else str(path)
    if printable(text) == text:
        return shlex.quote(text)
    return "$'" + "".join(_in_dollar_quotes(c) for c in text) + "'"


def _in_dollar_quotes(c: str) -> str:
    """A character as the shells' ``$'...'`` take it."""
    if printable(c) == c:
        return f"\\{c}" if c in "\\'" else c
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(c))


def variant_title(knobs: Mapping[str, Any]) -> str:
    """How a title names the held-out variant of a world that these knobs make."""
    shown = (f"{name} = {value if isinstance(value, str) else format(value, 'g')}" for name, value in knobs.items())
    return f"held-out variant ({', '.join(shown)})"


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, keys: int = 1, words: bool = False
) -> None:
    """A table on stdout, see :func:`koki2_train.cli.tables.table_lines`.

    Args:
        title: a line above it.
        columns: headings.
        rows: cells; what is not to be seen in them is escaped.
        keys: how many columns name a row; they stand left, the others right.
        words: whether the others hold words, and stand left too.
    """
    from koki2_train.cli.tables import table_lines, wrapped

    width, shown = terminal_width(sys.stdout), [[printable(cell) for cell in row] for row in rows]
    lines = [(line, True) for line in wrapped(printable(title), width)]
    lines += table_lines([printable(column) for column in columns], shown, width, keys=keys, words=words)
    plain = width is None or os.environ.get("TERM") == "dumb"
    for line, is_heading in lines:
        print(click.style(line, bold=True) if is_heading and line and not plain else line)


def number(value: float | None, digits: int = 2) -> str:
    """A number for a table; a dash where there is none."""
    if value is None:
        return "–"
    text = f"{value:.4g}" if math.isfinite(value) and abs(value) >= _LARGE else f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0.0 else text  # no -0.0


def in_thousands(count: float) -> str:
    """A positive number with three digits that count, in thousands, millions or billions where it is large."""
    unit = ""
    for larger in (" k", " M", " G"):
        if count >= 999.5:
            count, unit = count / 1000, larger
    return f"{count:.{0 if count >= 100 else 1 if count >= 10 else 2}f}{unit}"


def mean_and_error(metric: Mapping[str, Any]) -> str:
    """``{"mean", "se"}`` for a table; a single life has no standard error."""
    error = "" if metric["se"] is None else f" ± {number(metric['se'])}"
    return number(metric["mean"]) + error


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
