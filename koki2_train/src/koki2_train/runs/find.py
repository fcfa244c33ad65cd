"""Runs named by paths."""

from __future__ import annotations

import sys
from pathlib import Path

from koki2_train.runs.directory import RunDirectory, RunError


def find_runs(paths: list[Path]) -> list[RunDirectory]:
    """The runs named by paths; a folder of ``seed<k>`` runs means all of them.

    Raises:
        RunError: a path is no run and holds none.
    """
    runs: list[RunDirectory] = []
    for path in paths:
        run = RunDirectory(path)
        inside = [RunDirectory(child) for child in sorted(path.glob("seed*"), key=_by_number)] if path.is_dir() else []
        inside = [child for child in inside if child.exists]
        if run.exists:
            runs.append(run)
        elif inside:
            runs.extend(inside)
        else:
            raise RunError(f"{path} is no run directory (it has no config.json)")
    return runs


def _by_number(path: Path) -> tuple[int, str]:
    digits = path.name.removeprefix("seed")
    return (int(digits) if digits.isdecimal() else sys.maxsize, path.name)
