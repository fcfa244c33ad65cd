"""Runs named by paths: single ones, and folders that hold some at any depth."""

from __future__ import annotations

import contextlib
import difflib
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from koki2_train.runs.directory import RunDirectory, RunError, RunWarning
from koki2_train.runs.places import is_run

_NAMED = 3
"""How many of several runs a message names."""


def find_runs(paths: Sequence[Path]) -> list[RunDirectory]:
    """The runs named by paths, each once; a folder means all runs in it, at any depth.

    A run that is named twice, by whatever spelling, gives a :class:`RunWarning`, and so do runs within a run's folder:
    they are left out unless they are named.

    Raises:
        RunError: a path is not a run and holds none, or a run in a folder has lost its config.
    """
    runs: dict[tuple[int, int], RunDirectory] = {}
    repeated: list[str] = []
    for path in paths:
        for run in _named_by(path):
            first = runs.setdefault(_identity(run.path), run)
            if first is not run:
                repeated.append(str(run) if str(run) == str(first) else f"{run}, which is {first}")
    if repeated:
        warnings.warn(f"named twice, and counted once: {_listed(repeated, '; ')}", RunWarning, stacklevel=2)
    return list(runs.values())


def find_run(path: Path) -> RunDirectory:
    """The one run that a path names.

    Raises:
        RunError: it is not a run; where it holds some, the message names them.
    """
    run = RunDirectory(path)
    if run.exists:
        return run
    inside = list(runs_in(path))
    if inside:
        names = _listed([str(each.path.relative_to(path)) for each in inside])
        runs = "1 run" if len(inside) == 1 else f"{len(inside)} runs"
        raise RunError(f"{path} is not a run, but holds {runs} ({names}); name one of them")
    raise _no_run(path)


def runs_in(folder: Path) -> Iterator[RunDirectory]:
    """The runs below a folder, in order of their names and numbers; hidden folders are left out.

    Raises:
        RunError: one has lost its config.
    """
    if folder.is_dir():
        yield from _below(folder, {_identity(folder)})


def similar_place(path: Path) -> Path | None:
    """A folder beside ``path`` whose name is similar, and that is a run or holds some; None where there is none."""
    if not path.parent.is_dir():
        return None
    siblings = {child.name: child for child in path.parent.iterdir() if child.is_dir() and child.name != path.name}
    for name in difflib.get_close_matches(path.name, siblings):
        with contextlib.suppress(RunError, OSError):  # this is but a hint
            if RunDirectory(siblings[name]).exists or next(runs_in(siblings[name]), None) is not None:
                return siblings[name]
    return None


def _named_by(path: Path) -> list[RunDirectory]:
    run, inside = RunDirectory(path), list(runs_in(path))
    if not run.exists:
        if not inside:
            raise _no_run(path)
        return inside
    if inside:
        names = _listed([str(each) for each in inside])
        message = f"{path} is a run, and holds others that are left out unless they are named: {names}"
        warnings.warn(message, RunWarning, stacklevel=3)
    return [run]


def _below(folder: Path, seen: set[tuple[int, int]]) -> Iterator[RunDirectory]:
    for child in sorted(folder.iterdir(), key=_order):
        if child.name.startswith(".") or not child.is_dir() or _identity(child) in seen:
            continue
        seen.add(_identity(child))  # links may lead back
        run = RunDirectory(child)
        if is_run(child):
            yield run
        elif run.lost_its_config:
            raise RunError(f"{child} is damaged: it holds a run's files, but no config.json")
        yield from _below(child, seen)


def _identity(folder: Path) -> tuple[int, int]:
    """What a folder is known by, under whatever path."""
    facts = folder.stat()
    return facts.st_dev, facts.st_ino


def _order(path: Path) -> tuple[bool, list[tuple[int, str]]]:
    """Folders before links to them, and numbers in names by their size."""
    parts = re.findall(r"\d+|\D+", path.name)
    return path.is_symlink(), [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _no_run(path: Path) -> RunError:
    near = similar_place(path)
    hint = "" if near is None else f"; did you mean {near}?"
    return RunError(f"{path} is not a run directory (it has no config.json){hint}")


def _listed(names: Sequence[str], separator: str = ", ") -> str:
    """The first few names, and how many more there are."""
    more = len(names) - _NAMED
    return separator.join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
