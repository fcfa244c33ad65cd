"""Subprocesses: a function called in a Python process of its own, with nothing compiled or allocated before."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any


class BenchError(Exception):
    """A process that was to be measured failed; the message says what it said last."""


def in_fresh_process(function: Callable[..., Any], **arguments: Any) -> Any:
    """Calls a function in a new Python process, with JAX set up as for a command and nothing compiled kept.

    Args:
        function: one at the top of a module.
        **arguments: plain data; ``devices`` is also the number of CPU devices to make (one per core where None).

    Returns:
        What the function returned: plain data.

    Raises:
        ValueError: the function raised one.
        BenchError: the process failed otherwise.
    """
    where = f"{function.__module__}:{function.__qualname__}"
    command = [sys.executable, "-m", __name__, where, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"{where} failed in its process: {last_line(done.stderr) or f'status {done.returncode}'}")
    answer = json.loads(last_line(done.stdout))  # libraries may have printed before it
    if "rejected" in answer:
        raise ValueError(answer["rejected"])
    return answer["returned"]


def last_line(text: str) -> str:
    """The last line that is not empty, or an empty string."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _answer(where: str, arguments: dict[str, Any]) -> dict[str, Any]:
    from koki2_train.runtime.jax_setup import set_up

    set_up(arguments.get("devices"), compilation_cache=False)
    module, name = where.split(":")
    try:
        return {"returned": getattr(importlib.import_module(module), name)(**arguments)}
    except ValueError as error:
        return {"rejected": str(error)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_answer(sys.argv[1], json.loads(sys.argv[2]))) + "\n")
