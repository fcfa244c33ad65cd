"""Two sets of finished runs, compared in pairs of one seed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from koki2_train.runs.directory import RunDirectory, RunError, RunWarning
from koki2_train.runs.find import find_runs
from koki2_train.studies.paired_tests import LEAST_PAIRS, compare_paired


@dataclass(frozen=True)
class Pairs:
    """Runs of two sets with the same seeds.

    Attributes:
        seeds: ascending.
        first: the run of each seed in the first set.
        second: the run of each seed in the second.
    """

    seeds: tuple[int, ...]
    first: tuple[RunDirectory, ...]
    second: tuple[RunDirectory, ...]


def pair_runs(first: Sequence[Path], second: Sequence[Path]) -> Pairs:
    """The runs that paths of two sets name, in pairs of one seed; a folder means all runs in it.

    Raises:
        RunError: a path is not a run and holds none; a run is in both sets; a seed has several runs in one set or none
            in the other; or there are fewer than two pairs.
    """
    sets = [_by_seed(name, find_runs(list(paths))) for name, paths in (("first", first), ("second", second))]
    for seed, run in sets[0].items():
        if seed in sets[1] and run.path.samefile(sets[1][seed].path):
            raise RunError(f"{run} is in both sets")
    alone = [
        f"{', '.join(map(str, sorted(seeds)))} (in the {name} set alone)"
        for name, seeds in (("first", sets[0].keys() - sets[1].keys()), ("second", sets[1].keys() - sets[0].keys()))
        if seeds
    ]
    if alone:
        raise RunError(f"runs are compared in pairs of one seed; seeds without a partner: {', '.join(alone)}")
    seeds = tuple(sorted(sets[0]))
    if len(seeds) < 2:
        raise RunError("a comparison needs at least two pairs of runs, got one")
    if len(seeds) < LEAST_PAIRS:
        message = f"{len(seeds)} pairs of runs: with fewer than {LEAST_PAIRS} no two-sided test of signs can reach 0.05"
        warnings.warn(message, RunWarning, stacklevel=2)
    pairs = Pairs(seeds, *(tuple(runs[seed] for seed in seeds) for runs in sets))
    _warn_of_rungs(pairs)
    return pairs


def compare_sets(first: dict[str, Any], second: dict[str, Any], pairs: Pairs) -> dict[str, Any]:
    """The evaluation of a first set of runs with, in ``"against"``, how its fitness differs from that of a second.

    Args:
        first: what :func:`koki2_train.evaluation.evaluate_runs` gives of ``pairs.first``.
        second: the same of ``pairs.second``.
        pairs: the runs.

    Returns:
        ``first`` with ``"against": {"runs", "aggregate", "n", "difference_by_seed", ...}``, the rest being what
        :func:`koki2_train.studies.paired_tests.compare_paired` gives; also in its ``"held_out"``, where both have one.
    """
    a, b = (np.asarray([run["metrics"]["fitness"]["mean"] for run in each["runs"]]) for each in (first, second))
    by_seed = {str(seed): float(value) for seed, value in zip(pairs.seeds, a - b, strict=True)}
    other = {"runs": second["runs"], "aggregate": second["aggregate"], "n": len(pairs.seeds)}
    result = {**first, "against": {**other, "difference_by_seed": by_seed, **compare_paired(a, b)}}
    if "held_out" in first and "held_out" in second:
        result["held_out"] = compare_sets(first["held_out"], second["held_out"], pairs)
    return result


def _by_seed(name: str, runs: Sequence[RunDirectory]) -> dict[int, RunDirectory]:
    """Runs by their seeds, each of which there is once."""
    found: dict[int, RunDirectory] = {}
    for run in runs:
        seed = run.read_trial().seed
        if (other := found.setdefault(seed, run)) is not run:
            raise RunError(f"the {name} set has two runs of seed {seed}, {other} and {run}; a pair has one of each set")
    return found


def _warn_of_rungs(pairs: Pairs) -> None:
    """Warns of sets that lived in different rungs."""
    first, second = (sorted({run.read_trial().experiment.rung for run in runs}) for runs in (pairs.first, pairs.second))
    if first != second:
        message = f"the sets are of {', '.join(first)} and of {', '.join(second)}: their lives are in different worlds"
        warnings.warn(message, RunWarning, stacklevel=3)
