"""Runs beside each other on disk: those that a study plans, and those that paths name."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from koki2_train.experiment import Experiment
from koki2_train.run_directory import RunDirectory, RunError


@dataclass(frozen=True)
class PlannedRun:
    """One of the runs of a study.

    Attributes:
        experiment: what is run. It has so many generations, and never more.
        seed: its seed.
        path: its run directory.
    """

    experiment: Experiment
    seed: int
    path: Path

    @property
    def directory(self) -> RunDirectory:
        """Its files."""
        return RunDirectory(self.path)

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do: it came to its end and left its champion.

        Raises:
            RunError: its manifest cannot be read.
        """
        done = self.directory.last_invocation.get("generations", 0)
        return done >= self.experiment.evolution.generations and self.directory.has_champion

    def check(self) -> None:
        """Refuses a place where it can neither begin nor go on.

        Raises:
            RunError: something else is there, another experiment was begun, or it has more generations already.
        """
        if not self.directory.exists:
            self.directory.check_free()
            return
        self.directory.check_same(self.experiment, self.seed)
        reached, asked = self.directory.reached, self.experiment.evolution.generations
        if reached > asked:
            raise RunError(f"{self.path} has {reached} generations already; --resume cannot go back to {asked}")


def find_runs(paths: list[Path]) -> list[RunDirectory]:
    """The runs named by paths; a folder of ``seed<k>`` runs stands for all of them.

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
