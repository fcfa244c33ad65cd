"""Generation log: append-only JSON lines, one a generation; a truncated last line is ignored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from koki2_envs.files import sync, write_atomically

Row = dict[str, Any]


def append_rows(path: Path, rows: list[Row]) -> None:
    """Appends a line for each row; when it returns they are on the disk.

    Raises:
        OSError: they cannot be written; the message names the file, which may now end in half a line.
    """
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(_lines(rows))
            file.flush()
            sync(file.fileno(), path)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror or error}") from error


def write_rows(path: Path, rows: list[Row]) -> None:
    """Replaces the file by these rows, atomically."""
    write_atomically(path, _lines(rows).encode())


def read_rows(path: Path) -> list[Row]:
    """All rows before the first line that is not a row; an empty list where there is no file."""
    return read_log(path)[0]


def read_log(path: Path) -> tuple[list[Row], int]:
    """As :func:`read_rows`, and how many lines are left out: the first one that is not a row, and all after it."""
    lines = path.read_bytes().splitlines() if path.is_file() else []
    rows: list[Row] = []
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            break
        if not _is_row(row):
            break
        rows.append(row)
    return rows, len(lines) - len(rows)


def _is_row(row: Any) -> bool:
    """Whether it is an object of numbers (those that are not finite are null, and some are counts by name)."""
    return (
        isinstance(row, dict)
        and type(number := row.get("generation")) is int
        and number >= 0
        and all(value is None or isinstance(value, int | float | dict) for value in row.values())
    )


def _lines(rows: list[Row]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)
