"""``koki2-train evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from koki2_train.cli.commands.baseline import POLICIES
from koki2_train.cli.comparison_tables import difference_cells, difference_columns
from koki2_train.cli.completion import complete_settings
from koki2_train.cli.options import COUNT, PATH, SEED, NamedChoice, adult_option, compilation_cache_option, json_option
from koki2_train.cli.output import mean_and_error, number, print_json, print_table, say, table_metrics, variant_title
from koki2_train.cli.progress import working
from koki2_train.cli.setting_sources import take_assignments

CONTROLS = ("eta_zero", "shuffled", "other_life", "sign_turned", "memory_reset")
"""The names of the controls of learning (:data:`koki2_train.evaluation.controls.CONTROLS`, which imports JAX)."""


@click.command("evaluate")
@click.argument("runs", nargs=-1, required=True, type=PATH)
@click.option("--episodes", type=COUNT, default=512, show_default=True, help="Held-out lives.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of the lives.")
@click.option("--baseline", "baselines", multiple=True, type=NamedChoice(POLICIES), help="A policy on the same lives.")
@click.option(
    "--against",
    multiple=True,
    type=PATH,
    help="Runs, or folders of them, with which RUNS are compared in pairs of one seed; all are one set.",
)
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", shell_complete=complete_settings,
    help="Another value of a setting of the world, or of learning such as plast_eta; `evolve RUNG --help` lists them.",
)  # fmt: skip
@click.option(
    "--control", "controls", multiple=True, type=NamedChoice(CONTROLS),
    help="Also cut one link of learning: no learning, the modulator in another order, of another life or of other "
    "sign, or spikes and traces reset before every step.",
)  # fmt: skip
@click.option("--controls", "all_controls", is_flag=True, help="Every control, of the runs that learn.")
@adult_option
@compilation_cache_option
@json_option
def command(
    runs: tuple[Path, ...],
    episodes: int,
    seed: int,
    baselines: tuple[str, ...],
    against: tuple[Path, ...],
    assignments: tuple[str, ...],
    controls: tuple[str, ...],
    all_controls: bool,
    adult: bool,
    compilation_cache: bool,
    as_json: bool,
) -> None:
    """Evaluate the champions of RUNS on held-out lives, the same for every run and policy.

    A folder means all runs in it. Each run counts once, and each champion keeps the brain that it evolved with. An
    unfinished run has the champion of its last checkpoint. With --against, two sets of runs are compared seed by seed.
    """
    overrides = take_assignments(assignments)

    from koki2_train.runtime.jax_setup import set_up

    set_up(None, compilation_cache)
    from koki2_train.evaluation import evaluate_runs
    from koki2_train.runs.directory import RunError
    from koki2_train.studies.against import compare_sets, pair_runs

    try:
        pairs = pair_runs(runs, against) if against else None
        chosen = list(runs) if pairs is None else [run.path for run in pairs.first]
        with working("compiling …", as_json):
            under = "all" if all_controls else controls
            result = evaluate_runs(chosen, episodes, seed, baselines, overrides, nursed=not adult, controls=under)
            if pairs is not None:
                others = [run.path for run in pairs.second]
                second = evaluate_runs(others, episodes, seed, (), overrides, nursed=not adult)
                result = compare_sets(result, second, pairs)
    except (RunError, ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        print_json(result)
        return
    lives = f"{episodes} held-out lives, seed {seed}"
    lives += ", without nursing" if adult else ""
    _print(result, lives)
    if "held_out" in result:
        _print(result["held_out"], f"{lives}, {variant_title(result['held_out']['knobs'])}")


def _print(result: dict[str, Any], title: str) -> None:
    shown = table_metrics([entry["metrics"] for entry in (*result["runs"], *result["baselines"].values())])

    def row(name: str, entry: dict[str, Any], fitness: str) -> list[str]:
        return [name, fitness, number(entry["normalized"], 3), *(number(entry["metrics"][m]["mean"], 3) for m in shown)]

    rows: list[list[str]] = []
    for control, measured in {"": result, **result.get("controls", {})}.items():
        suffix = f", {control.replace('_', ' ')}" if control else ""
        for entry in measured["runs"]:
            rows.append(row(f"{entry['run']}{suffix}", entry, mean_and_error(entry["metrics"]["fitness"])))
        aggregate = measured["aggregate"]
        low, high = aggregate["metrics"]["fitness"]["ci95"]
        if low is not None:
            fitness = f"{number(aggregate['metrics']['fitness']['mean'])} [{number(low, 1)}, {number(high, 1)}]"
            rows.append(row(f"mean of {aggregate['n']} runs{suffix}", aggregate, fitness))
    for name, entry in result["baselines"].items():
        rows.append(row(name, entry, mean_and_error(entry["metrics"]["fitness"])))
    columns = ["champion or policy", "fitness ± se", "normalized", *(name.replace("_", " ") for name in shown)]
    print_table(f"{title} (mean over runs: 95 % interval)", columns, rows)
    if "against" in result:
        compared = result["against"]
        say()
        columns = ["pairs", *difference_columns(corrected=False)]
        title = "RUNS minus --against: difference in fitness, paired by seed"
        print_table(title, columns, [[str(compared["n"]), *difference_cells(compared)]])
