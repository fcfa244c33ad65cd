"""JSON files: reading them, and what goes wrong where one is not as it was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NOT_AS_WRITTEN = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What reading data raises that is not as it was written: numbers may overflow, and brackets nest without end."""


def read_json(path: Path) -> Any:
    """The data in a JSON file.

    Raises:
        ValueError, RecursionError: it is not JSON.
        OSError: it cannot be read.
    """
    return json.loads(path.read_text(encoding="utf-8"))
