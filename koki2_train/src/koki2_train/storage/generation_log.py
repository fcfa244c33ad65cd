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
        with path.open("a") as file:
            file.write(_lines(rows))
            file.flush()
            sync(file.fileno(), path)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path}: {error.strerror or error}") from error


def write_rows(path: Path, rows: list[Row]) -> None:
    """Replaces the file by these rows, atomically."""
    write_atomically(path, _lines(rows).encode())


def read_rows(path: Path) -> list[Row]:
    """All rows before the first line that is no row; an empty list where there is no file."""
    if not path.is_file():
        return []
    rows: list[Row] = []
    for line in path.read_bytes().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            break
        if not isinstance(row, dict) or "generation" not in row:
            break
        rows.append(row)
    return rows


def _lines(rows: list[Row]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)
