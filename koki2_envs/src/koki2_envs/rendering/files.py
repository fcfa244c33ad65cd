"""Writing pictures: whole or not at all."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from typing import Any

_READABLE_BY_ALL = 0o644


def write_atomically(path: str | os.PathLike[str], data: bytes) -> Path:
    """Writes a file under another name first, so that no reader ever sees half of it.

    Args:
        path: where to; its folder must exist. An existing file is replaced.
        data: the whole content.

    Returns:
        ``path``.

    Raises:
        OSError: it cannot be written; the message names the path, and nothing is left behind.
    """
    target = Path(path)
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(_READABLE_BY_ALL)  # mkstemp keeps its file private
        Path(temporary).replace(target)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise OSError(error.errno, f"cannot write {target}: {error.strerror or error}") from error
    return target


def save_figure(figure: Any, path: str | os.PathLike[str]) -> Path:
    """Writes a matplotlib figure as PNG, at the figure's own resolution.

    Raises:
        OSError: see :func:`write_atomically`.
    """
    buffer = io.BytesIO()
    # No software name or date: the same life gives the same bytes.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return write_atomically(path, buffer.getvalue())
