"""``koki2-train evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from koki2_train.cli.baseline import POLICIES, table_metrics
from koki2_train.cli.options import COUNT, SEED, adult_option, compilation_cache_option, json_option
from koki2_train.cli.output import number, on_the_other_side, print_json, print_table
from koki2_train.cli.sources import parse_assignments


@click.command("evaluate")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--episodes", type=COUNT, default=512, show_default=True, help="Held-out lives.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of the lives.")
@click.option("--baseline", "baselines", multiple=True, type=click.Choice(POLICIES), help="A policy on the same lives.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Another value of any setting.")
@adult_option
@compilation_cache_option
@json_option
def command(
    runs: tuple[Path, ...],
    episodes: int,
    seed: int,
    baselines: tuple[str, ...],
    assignments: tuple[str, ...],
    adult: bool,
    compilation_cache: bool,
    as_json: bool,
) -> None:
    """Evaluate the champions of RUNS on held-out lives, the same for every run and policy."""
    overrides = parse_assignments(assignments)

    from koki2_train.platform_setup import set_up

    set_up(None, compilation_cache)
    from koki2_train.assessment import assess_both_sides
    from koki2_train.run_directory import RunError

    try:
        result = assess_both_sides(list(runs), episodes, seed, baselines, overrides, adult)
    except (RunError, ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        print_json(result)
        return
    lives = f"{episodes} held-out lives, seed {seed}"
    lives += ", in the world of adults" if adult else ""
    _print(result, lives)
    if "held_out" in result:
        _print(result["held_out"], f"{lives}, {on_the_other_side(result['held_out']['knobs'])}")


def _print(result: dict[str, Any], title: str) -> None:
    measured = (*result["runs"], *result["baselines"].values())
    shown = table_metrics([entry["metrics"] for entry in measured])

    def row(name: str, metrics: dict[str, Any], normalised: float | None, spread: str) -> list[str]:
        fitness = f"{number(metrics['fitness']['mean'])} {spread}"
        return [name, fitness, number(normalised, 3), *(number(metrics[m]["mean"], 3) for m in shown)]

    rows = [
        row(entry["run"], entry["metrics"], entry["normalized"], f"± {number(entry['metrics']['fitness']['se'])}")
        for entry in result["runs"]
    ]
    low, high = result["aggregate"]["metrics"]["fitness"]["ci95"]
    if low is not None:
        spread = f"[{number(low, 1)}, {number(high, 1)}]"
        rows.append(
            row(
                f"mean of {result['aggregate']['n']} runs",
                result["aggregate"]["metrics"],
                result["aggregate"]["normalized"],
                spread,
            )
        )
    for name, entry in result["baselines"].items():
        rows.append(row(name, entry["metrics"], entry["normalized"], f"± {number(entry['metrics']['fitness']['se'])}"))
    columns = ["who", "fitness ± se", "normalised", *(name.replace("_", "\n") for name in shown)]
    print_table(f"{title} (mean over runs: 95 % interval)", columns, rows)
