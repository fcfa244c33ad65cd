"""``koki2-train sweep``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from koki2_envs.files import write_atomically
from koki2_train.cli.completion import complete_settings
from koki2_train.cli.main import EXIT_INTERRUPTED
from koki2_train.cli.options import build_experiment, rung_argument
from koki2_train.cli.output import json_text, number, print_json, print_table, printable, say, tell, variant_title
from koki2_train.cli.progress import Speedometer, progress, working
from koki2_train.cli.setting_command import SettingCommand
from koki2_train.cli.setting_sources import take_settings
from koki2_train.cli.study_options import StudyOptions, mean_and_interval, study_options, take_study
from koki2_train.storage.json_file import NOT_AS_WRITTEN, read_json
from koki2_train.studies.sweep import MOST_RUNS, SweepCell, make_cells

_PLAN = "grid.json"


@click.command("sweep", cls=SettingCommand)
@rung_argument
@click.option(
    "--vary", "varied", multiple=True, required=True, metavar="NAME=VALUE,VALUE,...",
    help="A knob of the world, a dynamic setting of the brain such as plast_eta, 'nursing', or one of its presets "
    "(values are strengths).",
    shell_complete=complete_settings,
)  # fmt: skip
@click.option("--log-every", type=click.IntRange(1, 100_000), default=10, show_default=True, help="Generations.")
@study_options
def command(rung: str, varied: tuple[str, ...], log_every: int, **options: Any) -> int:
    """Evolve every cell of a grid of knobs on RUNG with every seed, as one compiled program, and draw it.

    All cells have the same budget and seeds. Their champions are evaluated on the same held-out lives. OUT holds a run
    directory for each, sweep.json and sweep.png. After an interrupt, the same command with --resume continues.
    """
    study, settings, grid = take_study(options), take_settings(options), parse_grid(varied)
    seeds, out = study.seeds, study.out
    try:
        cells = make_cells(rung, settings, grid)
    except (ValueError, TypeError) as error:
        raise click.UsageError(f"--vary: {error}") from None
    if len(cells) * len(seeds) > MOST_RUNS:
        raise click.UsageError(f"--vary: {len(cells)} cells × {len(seeds)} seeds are more than {MOST_RUNS} runs")
    plan = {"rung": rung, "grid": grid, "seeds": list(seeds)}
    study.check_place()
    _check_plan(out, plan)
    base = build_experiment(rung, settings)

    from koki2_train.runtime.jax_setup import set_up

    set_up(study.devices, study.compilation_cache)
    from koki2_train.runs.directory import RunError
    from koki2_train.studies.cells import check_worlds
    from koki2_train.studies.sweep import evaluate_cells

    began, speed = time.monotonic(), Speedometer()
    try:
        check_worlds(cells, None if study.own_world else base.without_nursing())
        study.tell_if_new()
        finished, env_steps = _evolve(cells, study, plan, log_every, speed)
        if not finished:
            tell(f"{out}: interrupted; continue with --resume")
            return EXIT_INTERRUPTED
        seconds = time.monotonic() - began
        lives = (study.test_episodes, study.test_seed)
        with working("evaluating champions …", study.as_json):
            evaluated = evaluate_cells(base, cells, seeds, out, *lives, own_world=study.own_world)
    except (RunError, ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from None
    generations = base.evolution.generations
    facts = {
        "generations": generations,
        "env_steps_per_run": base.env_steps(generations),
        "env_steps": env_steps,
        "seconds": round(seconds, 3),
    }
    test = {"test_world": study.test_world, "test_episodes": study.test_episodes, "test_seed": study.test_seed}
    result = {**plan, **facts, **test, **evaluated}
    _keep(result, out)
    if study.as_json:
        print_json(result)
    else:
        _print(result, cells, out, speed)
    return 0


def _evolve(
    cells: list[SweepCell], study: StudyOptions, plan: dict[str, Any], log_every: int, speed: Speedometer
) -> tuple[bool, int]:
    """Evolves all cells with all seeds; whether all are done, and how many world steps that took now."""
    from koki2_train.runs.chunks import RunOptions
    from koki2_train.runs.lockstep import run_in_lockstep

    out, options = study.out, RunOptions(study.devices, log_every)
    runs = [cell.run(out, seed) for cell in cells for seed in study.seeds]
    for run in runs:
        run.check()
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / _PLAN, (json.dumps(plan, indent=2) + "\n").encode())
    env_steps = 0

    def observe(rows: list[list[dict[str, Any]]]) -> None:
        nonlocal env_steps
        before = cells[0].experiment.env_steps(rows[0][0]["generation"])
        env_steps += sum(mine[-1]["env_steps"] - before for mine in rows)
        speed.observe(env_steps)
        show(_mean_rows(rows))

    with progress(f"{plan['rung']} sweep", cells[0].experiment.evolution.generations, quiet=study.as_json) as show:
        finished = run_in_lockstep(runs, out, options, command=sys.argv, observe=observe)
    return finished, env_steps


def parse_grid(varied: tuple[str, ...]) -> dict[str, list[str]]:
    """The grid from ``name=value,value,...`` texts."""
    grid: dict[str, list[str]] = {}
    for text in varied:
        name, equals, values = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise click.UsageError(f"--vary takes NAME=VALUE,VALUE,..., got {text!r}")
        if name in grid:
            raise click.UsageError(f"--vary: {name} varies twice")
        grid[name] = [value.strip() for value in values.split(",")]
    return grid


def _check_plan(out: Path, plan: dict[str, Any]) -> None:
    """Rejects another sweep than the one that was begun."""
    try:
        begun = read_json(out / _PLAN)
        if not (isinstance(begun, dict) and begun.keys() >= plan.keys()):
            raise ValueError(f"it must hold {', '.join(plan)}")
    except FileNotFoundError:
        if out.is_dir() and any(out.iterdir()):
            raise click.UsageError(f"--out: {out} holds no sweep (it has no {_PLAN})") from None
        return
    except (OSError, *NOT_AS_WRITTEN) as error:
        raise click.UsageError(f"{out / _PLAN} cannot be read: {error}") from None
    for name, value in plan.items():
        if begun[name] != value:
            begun_with = f"{out} was begun with {name} {begun[name]} (says {_PLAN}), not {value}"
            raise click.UsageError(f"{begun_with}; --resume cannot change it")


def _mean_rows(rows: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The rows of a chunk as if they were of one run: the mean over runs of what progress shows."""

    def mean(name: str, row: int) -> float | None:
        known = [mine[row][name] for mine in rows if mine[row][name] is not None]
        return sum(known) / len(known) if known else None

    shown = ("fitness_mean", "fitness_best", "champion_score", "pass_rate")
    return [
        {
            "generation": rows[0][i]["generation"],
            "non_finite": sum(mine[i]["non_finite"] for mine in rows),
            **{name: mean(name, i) for name in shown},
        }
        for i in range(len(rows[0]))
    ]


def _keep(result: dict[str, Any], out: Path) -> None:
    from koki2_train.reporting.sweep_chart import write_sweep_chart

    write_atomically(out / "sweep.json", (json_text(result, indent=2) + "\n").encode())
    write_sweep_chart(result, out / "sweep.png")
    if "held_out" in result:
        write_sweep_chart({**result, **result["held_out"]}, out / "sweep_held_out.png")


def _print(result: dict[str, Any], cells: list[SweepCell], out: Path, speed: Speedometer) -> None:
    world = "the world without nursing" if result["test_world"] == "adult" else "each cell's own world"
    lives = (
        f"{result['rung']}, {len(result['seeds'])} seeds a cell, {result['test_episodes']} held-out lives in {world}"
    )
    _print_side(result, lives)
    pictures = [out / "sweep.png"]
    if "held_out" in result:
        other = {**result, **result["held_out"]}
        say()
        _print_side(other, f"{lives}, {variant_title(other['knobs'])}")
        pictures.append(out / "sweep_held_out.png")
    runs = len(cells) * len(result["seeds"])
    say()
    took = f" in {result['seconds']:.1f} s, {speed}"
    say(f"{runs} runs{took if result['env_steps'] else ', which were done before'}")
    for picture in pictures:
        say(printable(picture))


def _print_side(result: dict[str, Any], title: str) -> None:
    rows = [
        [
            *cell["values"].values(),
            mean_and_interval(cell["metrics"]["fitness"]),
            mean_and_interval(cell["difference"]) if index else "–",
            number(cell["normalized"], 3),
            number(cell["metrics"]["success"]["mean"], 2),
            number(cell["metrics"]["steps_alive"]["mean"], 1),
        ]
        for index, cell in enumerate(result["cells"])
    ]
    columns = [*result["grid"], "fitness [95 %]", "minus the first [95 %]", "normalized", "success", "steps alive"]
    print_table(title, columns, rows, keys=len(result["grid"]))
    if "baselines" in result:
        values = (f"{name} {number(metric['mean'], 1)}" for name, metric in result["baselines"].items())
        say(", ".join(values))
