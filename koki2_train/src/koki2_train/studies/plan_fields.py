"""Fields of a plan: values from TOML, each of one type and range, with errors that begin with their key."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from koki2_envs.suggestions import did_you_mean
from koki2_train.studies.paired_tests import LEAST_PAIRS

LARGEST_SEED = 2**32 - 1
_MOST_SEEDS = 10_000

Table = Mapping[str, Any]


def named(where: str, function: Any, *arguments: Any) -> Any:
    """What a function returns, with errors that begin with where in the plan they come from."""
    try:
        return function(*arguments)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{where}: {error}") from None


def seeds(value: Any) -> tuple[int, ...]:
    """Ascending seeds, from ``FIRST:END`` or a list; each makes a pair of runs."""
    found = _seed_range(value) if isinstance(value, str) else value
    if not isinstance(found, list) or not all(_is_whole(seed) and 0 <= seed <= LARGEST_SEED for seed in found):
        raise ValueError(f"seeds must be FIRST:END or a list of whole numbers from 0 to {LARGEST_SEED}, got {value!r}")
    ascending = sorted(found)
    for seed, following in pairwise(ascending):
        if seed == following:
            raise ValueError(f"seeds: {seed} is given twice; every pair of runs needs a seed of its own")
    if len(found) < LEAST_PAIRS:
        why = f"with fewer than {LEAST_PAIRS} no two-sided test of signs can reach p = 0.05"
        raise ValueError(f"seeds: {len(found)} pairs of runs are too few; {why}")
    if len(found) > _MOST_SEEDS:
        raise ValueError(f"seeds: more than {_MOST_SEEDS} are too many, got {value!r}")
    return tuple(ascending)


def _seed_range(text: str) -> list[int] | None:
    """The seeds that ``FIRST:END`` stands for; None where the text is something else."""
    first, colon, end = text.partition(":")
    if not colon or not first.strip().isdecimal() or not end.strip().isdecimal():
        return None
    return list(range(int(first), min(int(end), int(first) + _MOST_SEEDS + 1)))


def choice(key: str, value: str, known: Iterable[str]) -> str:
    """One of the known names."""
    if value not in (names := tuple(known)):
        raise ValueError(f"{key}: unknown name {value!r}{did_you_mean(value, names)}; there are {', '.join(names)}")
    return value


def text(table: Table, key: str) -> str:
    """Text that says something."""
    value = table[key]
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"{key} must be text, got {value!r}")
    return value


def whole(table: Table, key: str, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``."""
    value = table[key]
    if not _is_whole(value) or not low <= value <= high:
        raise ValueError(f"{key} must be a whole number from {low} to {high}, got {value!r}")
    return int(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def positive(table: Table, key: str) -> float:
    """A finite number above 0."""
    value = table[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= sys.float_info.max:
        raise ValueError(f"{key} must be a number above 0, got {value!r}")
    return float(value)


def subtable(table: Table, key: str) -> Table:
    """A table."""
    if not isinstance(table[key], dict):
        raise TypeError(f"{key} must be a table, got {table[key]!r}")
    found: Table = table[key]
    return found


def subtables(table: Table, key: str) -> dict[str, Table]:
    """A table of tables, by their names."""
    found = subtable(table, key)
    for name, value in found.items():
        if not isinstance(value, dict):
            raise TypeError(f"{key}.{name} must be a table of settings, got {value!r}")
    return dict(found)
