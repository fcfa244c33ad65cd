"""``koki2-train evolve``."""

from __future__ import annotations

import math
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from koki2_train.cli.main import EXIT_FAILED, EXIT_INTERRUPTED
from koki2_train.cli.options import (
    PATH,
    SEED,
    build_experiment,
    compilation_cache_option,
    devices_option,
    distributed_options,
    json_option,
    parse_seeds,
    part_options,
    resume_option,
    rung_argument,
    setting_options,
    take_address,
)
from koki2_train.cli.output import number, print_json, printable, say, shell_quoted, tell
from koki2_train.cli.progress import Speedometer, progress
from koki2_train.cli.resuming import warn_of_nothing_to_resume
from koki2_train.cli.setting_command import SettingCommand
from koki2_train.cli.setting_sources import common_setting_sources, take_settings
from koki2_train.distributed.processes import ClusterAddress, JoinError, LostError
from koki2_train.experiment import Experiment, Trial

if TYPE_CHECKING:
    from collections.abc import Callable

    from koki2_train.distributed.leader import Leader
    from koki2_train.runs.chunks import RunOptions
    from koki2_train.runs.runner import RunResult


def _not_nan(ctx: click.Context, parameter: click.Parameter, value: float) -> float:
    if math.isnan(value):
        raise click.BadParameter("must be a number of seconds, got nan")
    return value


@click.command("evolve", cls=SettingCommand)
@rung_argument
@click.option("--out", type=PATH, help="Run directory; of --seeds, folder of seed<k>.")
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
@part_options
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

    Knobs that are floats also take a schedule over developmental phase, start:end@from:to. With --resume, settings that
    are not given are those of the run that was begun.
    """
    if seed is not None and seeds is not None:
        raise click.UsageError("--seed and --seeds exclude each other")
    if resume and out is None:
        raise click.UsageError("--resume needs --out, the run to continue")
    address = take_address(options)

    def plan() -> dict[Path, Trial]:
        return _plan(rung, take_settings(options), out, seed, seeds, resume)

    from koki2_train.runtime.jax_setup import set_up

    if address is None:
        if resume or options["configs"]:  # which may name custom modules that initialise JAX
            set_up(devices, compilation_cache)
        trials = plan()
        set_up(devices, compilation_cache)
        return _evolve(trials, _run_options(devices, log_every, checkpoint_seconds), resume, as_json)
    set_up(devices, compilation_cache)

    def lead(leader: Leader) -> int:
        return _evolve(plan(), _run_options(devices, log_every, checkpoint_seconds), resume, as_json, leader)

    return _evolve_together(address, devices, lead)


def _run_options(devices: int | None, log_every: int, checkpoint_seconds: float) -> RunOptions:
    from koki2_train.runs.chunks import RunOptions

    return RunOptions(devices, log_every, checkpoint_seconds=checkpoint_seconds)


def _plan(
    rung: str,
    settings: dict[str, Any],
    out: Path | None,
    seed: int | None,
    seeds: tuple[int, ...] | None,
    resume: bool,
) -> dict[Path, Trial]:
    """The trial for each folder, taking an existing run into account."""
    from koki2_train.runs.directory import RunDirectory

    begun = _begun(out, seeds) if resume and out else None
    if begun is None:
        experiment = build_experiment(rung, settings)
    else:
        seed = begun.seed if seed is None and seeds is None else seed
        experiment = _continued(begun.experiment, rung, settings, out)
    out = out or _new_folder(rung, seed or 0)
    folders = {s: out / f"seed{s}" for s in seeds} if seeds else {seed or 0: out}
    _check_places(list(folders.values()), resume)
    if resume and begun is None and not any(RunDirectory(path).is_occupied for path in folders.values()):
        warn_of_nothing_to_resume("run", out)
    return {path: Trial(experiment, each) for each, path in folders.items()}


def _new_folder(rung: str, seed: int) -> Path:
    """A new folder in ``runs/``, also where several processes ask for one in the same second."""
    name = "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in rung)
    folder = first = Path("runs") / f"{time.strftime('%Y%m%d-%H%M%S')}_{name}_seed{seed}"
    first.parent.mkdir(exist_ok=True)
    count = 1
    while True:
        try:
            folder.mkdir()
        except FileExistsError:
            count += 1
            folder = first.with_name(f"{first.name}_{count}")
        else:
            return folder


def _evolve(
    trials: dict[Path, Trial], options: RunOptions, resume: bool, as_json: bool, leader: Leader | None = None
) -> int:
    """Evolves every trial into its folder; the exit code."""
    results = []
    for path, trial in trials.items():
        result = _evolve_one(trial, path, options, resume, as_json, leader)
        results.append(_described(path, trial, result))
        if result.stop_asked:
            break
    if as_json:
        print_json({"rung": next(iter(trials.values())).experiment.rung, "runs": results})
    if results[-1]["interrupted"] or len(results) < len(trials):
        return EXIT_INTERRUPTED
    if not as_json:
        _tell_next(list(trials))
    return 0


def _tell_next(runs: list[Path]) -> None:
    """Says what can be done with finished runs."""
    first = shell_quoted(runs[0])
    together = first if len(runs) == 1 else shell_quoted(runs[0].parent)
    for begin, command in (("next:", f"evaluate {together}"), ("", f"report {together}"), ("", f"render {first}")):
        tell(f"{begin:<5} koki2-train {command}")


def _evolve_together(address: ClusterAddress, devices: int | None, lead: Callable[[Leader], int]) -> int:
    from koki2_train.distributed.session import work_together

    try:
        return work_together(address, devices, lead, _give_up)
    except JoinError as error:
        raise click.UsageError(f"--distributed: {error}") from None
    except LostError as error:
        raise click.ClickException(f"{error}; continue with --resume") from None


def _give_up(message: str) -> None:
    tell(f"koki2-train: --distributed: {message}")
    os._exit(EXIT_FAILED)


def _begun(out: Path, seeds: tuple[int, ...] | None) -> Trial | None:
    """The trial that ``--resume`` continues; None where nothing was begun yet."""
    from koki2_train.runs.directory import RunDirectory, RunError

    places = [RunDirectory(out / f"seed{s}") for s in seeds] if seeds else [RunDirectory(out)]
    try:
        return next((run.read_trial() for run in places if run.exists), None)
    except RunError as error:
        raise click.UsageError(str(error)) from None


def _continued(begun: Experiment, rung: str, settings: dict[str, Any], out: Path | None) -> Experiment:
    """The experiment that was begun, with the settings given now; whether they agree is checked later."""
    if begun.rung != rung:
        raise click.UsageError(f"{out} was begun on {begun.rung}, not {rung}")
    try:
        return begun.with_settings(settings)
    except (ValueError, TypeError) as error:
        raise click.UsageError(f"{out}, which --resume continues: {error}") from None


def _check_places(paths: list[Path], resume: bool) -> None:
    from koki2_train.runs.directory import RunDirectory
    from koki2_train.runs.places import run_around

    for path in paths:
        for place in (path, *path.parents):
            if place.exists() and not place.is_dir():
                raise click.UsageError(f"--out: {place} is not a folder")
        if not RunDirectory(path).exists and (around := run_around(path)) is not None:
            raise click.UsageError(f"--out: {path} lies within {around}, which is a run; choose another folder")
        if not resume and RunDirectory(path).is_occupied:
            raise click.UsageError(f"--out: {path} is not empty; --resume continues a run, or choose another folder")


def _evolve_one(
    trial: Trial, path: Path, options: RunOptions, resume: bool, quiet: bool, leader: Leader | None
) -> RunResult:
    """Evolves one trial, with progress and a closing line unless ``quiet``."""
    from koki2_train.runs.directory import RunDirectory, RunError
    from koki2_train.runs.runner import run_trial

    label, speed = f"{trial.experiment.rung} seed {trial.seed}", Speedometer()
    try:
        with progress(label, trial.generations, quiet=quiet) as show:

            def observer(rows: list[dict[str, Any]]) -> None:
                speed.observe(rows[-1]["env_steps"])
                show(rows)

            result = run_trial(
                RunDirectory(path), trial, options,
                resume=resume, command=sys.argv, observer=observer, leader=leader,
            )  # fmt: skip
    except (RunError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    if not quiet:
        state = "interrupted; continue with --resume" if result.interrupted else "done"
        say(
            f"{printable(path)}: {state}: {result.generations} generations, {result.seconds:.1f} s, {speed}, "
            f"champion {number(result.champion_score, 1)} on validation lives"
        )
    return result


def _described(path: Path, trial: Trial, result: RunResult) -> dict[str, Any]:
    """A run as JSON."""
    return {
        "run": str(path),
        "seed": trial.seed,
        "generations": result.generations,
        "champion_score": result.champion_score,
        "interrupted": result.interrupted,
        "seconds": result.seconds,
        "env_steps": result.env_steps,
    }
