"""Options of the commands that run many cells with many seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import click

from koki2_train.cli.options import (
    COUNT,
    PATH,
    SEED,
    NamedChoice,
    compilation_cache_option,
    devices_option,
    json_option,
    parse_seeds,
    part_options,
    resume_option,
    setting_options,
)
from koki2_train.cli.output import number
from koki2_train.cli.resuming import warn_of_nothing_to_resume
from koki2_train.cli.setting_sources import common_setting_sources
from koki2_train.runs.places import is_run, run_around

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class StudyOptions:
    """The flags that all of them take.

    Attributes:
        out: folder of ``<cell>/seed<k>``.
        seeds: of each cell.
        resume: continue what is there.
        test_world: ``adult`` or ``own``; see :func:`study_options`.
        test_episodes: held-out lives on which champions are evaluated.
        test_seed: which lives.
        devices: over how many devices genomes are spread.
        compilation_cache: whether compiled programs are kept.
        as_json: whether the result is printed as JSON.
    """

    out: Path
    seeds: tuple[int, ...]
    resume: bool
    test_world: str
    test_episodes: int
    test_seed: int
    devices: int | None
    compilation_cache: bool
    as_json: bool

    @property
    def own_world(self) -> bool:
        """Whether each cell is evaluated in the world that it evolved in."""
        return self.test_world == "own"

    def check_place(self) -> None:
        """Rejects a folder in which a study can neither begin nor continue."""
        for place in self.out.parents:
            if place.exists() and not place.is_dir():
                raise click.UsageError(f"--out: {self.out}: {place} is not a folder")
        if self._is_occupied and not self.resume:
            raise click.UsageError(f"--out: {self.out} is not empty; --resume continues, or choose another folder")
        if is_run(self.out):
            raise click.UsageError(f"--out: {self.out} is a run, not a study; choose another folder")
        if (around := run_around(self.out)) is not None:
            raise click.UsageError(f"--out: {self.out} lies within {around}, which is a run; choose another folder")

    def tell_if_new(self) -> None:
        """Says where ``--resume`` finds nothing to continue."""
        if self.resume and not self._is_occupied:
            warn_of_nothing_to_resume("study", self.out)

    @property
    def _is_occupied(self) -> bool:
        return self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir()))


def study_options(command: F) -> F:
    """Adds the flags of a :class:`StudyOptions`, which :func:`take_study` reads, and all settings."""
    for option in (
        setting_options(),
        part_options,
        common_setting_sources,
        json_option,
        compilation_cache_option,
        devices_option,
        click.option(
            "--test-world",
            type=NamedChoice(["adult", "own"]),
            default="adult",
            show_default=True,
            help="Evaluate all without what differs between cells and without nursing, or each in its own world.",
        ),
        click.option("--test-seed", type=SEED, default=0, show_default=True, help="Seed of those lives."),
        click.option("--test-episodes", type=COUNT, default=512, show_default=True, help="Held-out lives."),
        resume_option,
        click.option("--seeds", callback=parse_seeds, default="0:5", show_default=True, help="FIRST:END or a list."),
        click.option("--out", type=PATH, required=True, help="Folder of <cell>/seed<k>."),
    ):
        command = option(command)
    return command


def take_study(options: dict[str, Any]) -> StudyOptions:
    """Removes the flags of a study from a command's options."""
    return StudyOptions(**{field.name: options.pop(field.name) for field in fields(StudyOptions)})


def count_over_runs(show: Any, cells: Any, seeds: Sequence[int]) -> Any:
    """An observer for each cell and seed that shows rows of single runs as progress over all of them."""
    lengths = [cell.experiment.evolution.generations for cell in cells]

    def observe(cell: Any, seed: int) -> Any:
        index, length = cells.index(cell), cell.experiment.evolution.generations
        before = sum(lengths[:index]) * len(seeds) + seeds.index(seed) * length
        return lambda rows: show([{**row, "generation": row["generation"] + before} for row in rows])

    return observe


def mean_and_interval(value: dict[str, Any]) -> str:
    """``{"mean", "ci95"}`` for a table; a single seed has no interval."""
    low, high = value["ci95"]
    mean = number(value["mean"], 1)
    return mean if low is None else f"{mean} [{number(low, 1)}, {number(high, 1)}]"
