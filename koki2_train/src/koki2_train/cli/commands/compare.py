"""``koki2-train compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from koki2_envs.files import write_atomically
from koki2_train.cli.comparison_tables import print_comparison
from koki2_train.cli.main import EXIT_INTERRUPTED
from koki2_train.cli.options import PATH, compilation_cache_option, devices_option, json_option, resume_option
from koki2_train.cli.output import json_text, print_json, printable, say, tell
from koki2_train.cli.progress import progress, working
from koki2_train.cli.study_options import StudyOptions, count_over_runs

if TYPE_CHECKING:
    from koki2_train.studies.plan import Plan
    from koki2_train.studies.preregistration import Preregistration


@click.command("compare")
@click.argument("plan_file", metavar="PLAN.toml", type=PATH)
@click.option("--out", type=PATH, required=True, help="Folder of <arm>/seed<k>.")
@resume_option
@devices_option
@compilation_cache_option
@json_option
def command(
    plan_file: Path, out: Path, resume: bool, devices: int | None, compilation_cache: bool, as_json: bool
) -> int:
    """Carry out the preregistered comparison that PLAN.toml describes.

    The plan and its hash are written to OUT before the first run, and cannot change afterwards. Every arm evolves with
    every seed at equal budget of world steps. All champions are then evaluated on the same held-out lives, and compared
    by pairs of one seed. OUT holds a run directory for each, comparison.json and comparison.png. After an interrupt,
    the same command with --resume continues.
    """
    from koki2_train.runtime.jax_setup import set_up

    set_up(devices, compilation_cache)
    from koki2_train.runs.directory import RunError
    from koki2_train.studies.plan import read_plan
    from koki2_train.studies.preregistration import check_preregistration

    try:
        plan = read_plan(plan_file)
    except (ValueError, TypeError) as error:
        raise click.UsageError(f"{plan_file}: {error}") from None
    lives = (plan.test_world, plan.episodes, plan.test_seed)
    study = StudyOptions(out, plan.seeds, resume, *lives, devices, compilation_cache, as_json)
    study.check_place()
    try:
        check_preregistration(plan, out)
        study.tell_if_new()
        registered = _run(plan, study)
        if registered is None:
            tell(f"{out}: interrupted; continue with --resume")
            return EXIT_INTERRUPTED
        result, pictures = _evaluate(plan, registered, study)
    except (RunError, ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        print_json(result)
    else:
        print_comparison(result)
        say()
        say(f"plan {registered.sha256[:12]}, registered {registered.time}")
        for picture in pictures:
            say(printable(picture))
    return 0


def _run(plan: Plan, study: StudyOptions) -> Preregistration | None:
    """Registers the plan and evolves every arm with every seed; None after an interrupt."""
    from koki2_train.runs.chunks import RunOptions
    from koki2_train.runs.directory import RunError
    from koki2_train.storage.folder_lock import hold
    from koki2_train.studies.equal_budget import run_cells
    from koki2_train.studies.preregistration import register

    total = sum(arm.experiment.evolution.generations for arm in plan.arms) * len(plan.seeds)
    try:
        with hold(study.out), progress(f"{plan.rung} comparison", total, quiet=study.as_json) as show:
            registered = register(plan, study.out)
            options, observe = RunOptions(num_devices=study.devices), count_over_runs(show, plan.arms, plan.seeds)
            # Runs that are there were begun under this very plan: each continues, or is finished.
            finished = run_cells(plan.arms, plan.seeds, study.out, options, resume=True, observe=observe)
    except BlockingIOError:
        raise RunError(f"{study.out} is in use by another process") from None
    return registered if finished else None


def _evaluate(plan: Plan, registered: Preregistration, study: StudyOptions) -> tuple[dict[str, Any], list[Path]]:
    """The result, which is kept in the study's folder and drawn, and where its pictures are."""
    from koki2_train.reporting.comparison_chart import write_comparison_charts
    from koki2_train.studies.compare import evaluate_arms

    with working("evaluating champions …", study.as_json):
        result = evaluate_arms(plan, registered, study.out)
    write_atomically(study.out / "comparison.json", (json_text(result, indent=2) + "\n").encode())
    return result, write_comparison_charts(result, study.out)
