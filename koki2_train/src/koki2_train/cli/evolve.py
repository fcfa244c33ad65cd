"""``koki2-train evolve``."""

from __future__ import annotations

import math
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from koki2_train.cli.main import EXIT_INTERRUPTED
from koki2_train.cli.options import (
    SEED,
    GroupedCommand,
    build_experiment,
    check_rung,
    compilation_cache_option,
    devices_option,
    distributed_options,
    json_option,
    parse_seeds,
    resume_option,
    setting_options,
    take_meeting,
)
from koki2_train.cli.output import number, print_json, progress
from koki2_train.cli.sources import common_setting_sources, take_settings
from koki2_train.experiment import Experiment
from koki2_train.processes import LostError, Meeting, MeetingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from koki2_train.leading import Leader


class _How(NamedTuple):
    """The flags that say how runs are carried out."""

    resume: bool
    devices: int | None
    log_every: int
    checkpoint_seconds: float


def _not_nan(ctx: click.Context, parameter: click.Parameter, value: float) -> float:
    if math.isnan(value):
        raise click.BadParameter("must be a number of seconds, got nan")
    return value


@click.command("evolve", cls=GroupedCommand)
@click.argument("rung", callback=check_rung)
@click.option("--out", type=click.Path(path_type=Path), help="Run directory; with --seeds, the folder of seed<k>.")
@click.option("--seed", type=SEED, default=None, help="Seed of the run.  [default: 0]")
@click.option("--seeds", callback=parse_seeds, help="Several runs: FIRST:END or a list such as 0,3,7.")
@resume_option
@devices_option
@click.option("--log-every", type=click.IntRange(1, 100_000), default=10, show_default=True, help="Generations.")
@click.option(
    "--checkpoint-seconds", type=click.FloatRange(0, 1e9), callback=_not_nan, default=30.0, show_default=True,
    help="Time between.",
)  # fmt: skip
@compilation_cache_option
@json_option
@distributed_options
@common_setting_sources
@setting_options()
def command(
    rung: str,
    out: Path | None,
    seed: int | None,
    seeds: tuple[int, ...] | None,
    resume: bool,
    devices: int | None,
    log_every: int,
    checkpoint_seconds: float,
    compilation_cache: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Evolve spiking brains on RUNG and keep the run in a directory.

    Every knob is a flag; `koki2-train ladder RUNG` lists those that RUNG has. Float knobs also take a schedule over
    developmental phase, start:end@from:to. With --resume settings that are not given are those the run was begun with.
    """
    if seed is not None and seeds is not None:
        raise click.UsageError("--seed and --seeds cannot be given together")
    if resume and out is None:
        raise click.UsageError("--resume needs --out, the run to go on with")
    meeting, settings = take_meeting(options), take_settings(options)
    plan = partial(_plan, rung, settings, out, seed, seeds, resume)
    how = _How(resume, devices, log_every, checkpoint_seconds)

    from koki2_train.platform_setup import set_up

    if meeting is None:
        experiment, targets = plan()
        set_up(devices, compilation_cache)
        return _evolve(rung, experiment, targets, how, as_json)
    set_up(devices, compilation_cache)
    return _evolve_together(meeting, devices, lambda leader: _evolve(rung, *plan(), how, as_json, leader))


def _plan(
    rung: str,
    settings: dict[str, Any],
    out: Path | None,
    seed: int | None,
    seeds: tuple[int, ...] | None,
    resume: bool,
) -> tuple[Experiment, dict[int, Path]]:
    """What is to be run, and the folder of each seed, with a look at what is on the disk."""
    begun = _begun(out, seeds) if resume and out else None
    if begun is None:
        experiment = build_experiment(rung, settings)
    else:
        experiment, begun_seed = begun
        seed = begun_seed if seed is None and seeds is None else seed
        experiment = _continued(experiment, rung, settings, out)
    out = out or Path("runs") / f"{time.strftime('%Y%m%d-%H%M%S')}_{rung}_seed{seed or 0}"
    targets = {s: out / f"seed{s}" for s in seeds} if seeds else {seed or 0: out}
    _check_places(targets, resume)
    return experiment, targets


def _evolve(
    rung: str,
    experiment: Experiment,
    targets: dict[int, Path],
    how: _How,
    as_json: bool,
    leader: Leader | None = None,
) -> int:
    """Evolves every seed into its folder; the exit code."""
    results = []
    for each, path in targets.items():
        result, stop = _run_one(experiment, each, path, f"{rung} seed {each}", how, as_json, leader)
        results.append(result)
        if stop:
            break
    if as_json:
        print_json({"rung": rung, "runs": results})
    return EXIT_INTERRUPTED if results[-1]["interrupted"] or len(results) < len(targets) else 0


def _evolve_together(meeting: Meeting, devices: int | None, lead: Callable[[Leader], int]) -> int:
    from koki2_train.together import work_together

    try:
        return work_together(meeting, devices, lead)
    except MeetingError as error:
        raise click.UsageError(str(error)) from None
    except LostError as error:
        raise click.ClickException(f"{error}; go on with --resume") from None


def _begun(out: Path, seeds: tuple[int, ...] | None) -> tuple[Experiment, int] | None:
    """Experiment and seed of the run that ``--resume`` goes on with; None where nothing was begun yet."""
    from koki2_train.run_directory import RunDirectory, RunError

    places = [RunDirectory(out / f"seed{s}") for s in seeds] if seeds else [RunDirectory(out)]
    try:
        return next((run.read_config() for run in places if run.exists), None)
    except RunError as error:
        raise click.UsageError(str(error)) from None


def _continued(begun: Experiment, rung: str, settings: dict[str, Any], out: Path | None) -> Experiment:
    """The experiment that was begun, with the settings given now; whether they agree is checked later."""
    if begun.rung != rung:
        raise click.UsageError(f"{out} was begun on {begun.rung}, not {rung}")
    try:
        return begun.with_settings(settings)
    except (ValueError, TypeError) as error:
        raise click.UsageError(f"{out}, which --resume goes on with: {error}") from None


def _check_places(targets: dict[int, Path], resume: bool) -> None:
    from koki2_train.run_directory import RunDirectory

    for path in targets.values():
        for place in (path, *path.parents):
            if place.exists() and not place.is_dir():
                raise click.UsageError(f"--out: {place} is no folder")
        if not resume and RunDirectory(path).is_occupied:
            raise click.UsageError(f"--out: {path} is not empty; --resume goes on with a run, or choose another folder")


def _run_one(
    experiment: Experiment,
    seed: int,
    path: Path,
    label: str,
    how: _How,
    quiet: bool,
    leader: Leader | None,
) -> tuple[dict[str, Any], bool]:
    """Evolves one seed; what is told of it as JSON, and whether to go on to the next seed was ruled out."""
    from koki2_train.run_directory import RunDirectory, RunError
    from koki2_train.runner import RunOptions, run_experiment

    options = RunOptions(how.devices, how.log_every, checkpoint_seconds=how.checkpoint_seconds)
    try:
        with progress(label, experiment.evolution.generations, quiet=quiet) as observer:
            result = run_experiment(
                RunDirectory(path), experiment, seed, options,
                resume=how.resume, command=sys.argv, observer=observer, leader=leader,
            )  # fmt: skip
    except (RunError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    if not quiet:
        rate = result.env_steps / result.seconds / 1e6 if result.seconds else 0.0
        state = "interrupted; go on with --resume" if result.interrupted else "done"
        click.echo(
            f"{path}: {state}: {result.generations} generations, {result.seconds:.1f} s, {rate:.1f} M steps/s, "
            f"champion {number(result.champion_score, 1)} on validation lives"
        )
    told = {
        "run": str(path),
        "seed": seed,
        "generations": result.generations,
        "champion_score": result.champion_score,
        "interrupted": result.interrupted,
        "seconds": result.seconds,
        "env_steps": result.env_steps,
    }
    return told, result.stop_asked
