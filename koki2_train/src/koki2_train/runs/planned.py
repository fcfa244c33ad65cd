"""Planned runs of a study: a trial and its place on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from koki2_train.experiment import Trial
from koki2_train.runs.directory import RunDirectory, RunError


@dataclass(frozen=True)
class PlannedRun:
    """One of the runs of a study.

    Attributes:
        trial: what is run. It has so many generations, and never more.
        path: its run directory.
    """

    trial: Trial
    path: Path

    @property
    def directory(self) -> RunDirectory:
        """Its files."""
        return RunDirectory(self.path)

    @property
    def is_finished(self) -> bool:
        """Whether it is complete: all its generations are done and its champion is there.

        Raises:
            RunError: its manifest cannot be read.
        """
        done = self.directory.last_invocation.get("generations", 0)
        return done >= self.trial.generations and self.directory.has_champion

    def check(self) -> None:
        """Rejects a place where it can neither begin nor continue.

        Raises:
            RunError: something else is there, another trial was begun, or it has more generations already.
        """
        self.directory.check(self.trial, resume=True)
        reached, asked = self.directory.reached, self.trial.generations
        if reached > asked:
            raise RunError(f"{self.path} has {reached} generations already; it cannot go back to {asked}")
