"""``koki2-train factorial``."""

from __future__ import annotations

from typing import Any

import click

from koki2_envs.files import write_atomically
from koki2_train.cli.main import EXIT_INTERRUPTED
from koki2_train.cli.options import rung_argument
from koki2_train.cli.output import in_thousands, json_text, number, print_json, print_table, say, tell, variant_title
from koki2_train.cli.progress import progress, working
from koki2_train.cli.setting_command import SettingCommand
from koki2_train.cli.setting_sources import take_assignments, take_settings
from koki2_train.cli.study_options import count_over_runs, mean_and_interval, study_options, take_study


@click.command("factorial", cls=SettingCommand)
@rung_argument
@click.option(
    "--factor", "factors", multiple=True, required=True, metavar="NAME:KEY=VALUE[,KEY=VALUE]", help="Settings while on."
)
@study_options
def command(rung: str, factors: tuple[str, ...], **options: Any) -> int:
    """Evolve every on/off combination of factors on RUNG at equal budget of world steps.

    All champions, each with its own brain, are then evaluated on the same held-out lives in the world without any
    factor and without nursing. Main effects and interactions are paired by seed. All is also kept in
    OUT/factorial.json.
    """
    study, settings = take_study(options), take_settings(options)
    parsed = dict(_parse_factor(text) for text in factors)
    if len(parsed) < len(factors):
        raise click.UsageError("--factor: two factors have the same name")
    study.check_place()

    from koki2_train.runtime.jax_setup import set_up

    set_up(study.devices, study.compilation_cache)
    from koki2_train.runs.chunks import RunOptions
    from koki2_train.runs.directory import RunError
    from koki2_train.studies import factorial
    from koki2_train.studies.cells import check_worlds
    from koki2_train.studies.equal_budget import run_cells

    try:
        cells = factorial.make_cells(rung, settings, parsed)
        check_worlds(cells, None if study.own_world else factorial.world_without_factors(cells))
        study.tell_if_new()
        total = sum(cell.experiment.evolution.generations for cell in cells) * len(study.seeds)
        with progress(f"{rung} factorial", total, quiet=study.as_json) as show:
            finished = run_cells(
                cells,
                study.seeds,
                study.out,
                RunOptions(num_devices=study.devices),
                resume=study.resume,
                observe=count_over_runs(show, cells, study.seeds),
            )
        if not finished:
            tell(f"{study.out}: interrupted; continue with --resume")
            return EXIT_INTERRUPTED
        lives = (study.test_episodes, study.test_seed)
        with working("evaluating champions …", study.as_json):
            evaluated = factorial.evaluate_cells(cells, study.seeds, study.out, *lives, own_world=study.own_world)
    except (RunError, ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from None
    test = {"test_world": study.test_world, "test_episodes": study.test_episodes, "test_seed": study.test_seed}
    result = {"rung": rung, "seeds": list(study.seeds), **test, **evaluated}
    write_atomically(study.out / "factorial.json", (json_text(result, indent=2) + "\n").encode())
    if study.as_json:
        print_json(result)
    else:
        _print(result)
        if "held_out" in result:
            say()
            _print({**result, **result["held_out"]})
    return 0


def _parse_factor(text: str) -> tuple[str, dict[str, Any]]:
    name, colon, rest = text.partition(":")
    if not colon or not name.strip().replace("_", "").replace("-", "").isalnum():
        raise click.UsageError(f"--factor takes NAME:KEY=VALUE[,KEY=VALUE], got {text!r}")
    return name.strip(), take_assignments(tuple(part.strip() for part in rest.split(",")), "--factor")


def _print(result: dict[str, Any]) -> None:
    world = "the world without factors and nursing" if result["test_world"] == "adult" else "each cell's own world"
    seeds = f"{len(result['seeds'])} seed{'s' * (len(result['seeds']) > 1)}"
    title = f"{result['rung']}, {seeds}, {result['test_episodes']} held-out lives in {world}"
    columns = ["cell", "fitness [95 %]", "normalized"]
    rows = [
        [cell["cell"], mean_and_interval(cell["fitness"]), number(cell["normalized"], 3)] for cell in result["cells"]
    ]
    if "knobs" in result:
        title += f", {variant_title(result['knobs'])}"
    else:
        columns += ["pass rate, first → last generation", "generations", "world steps"]
        for row, cell in zip(rows, result["cells"], strict=True):
            rates = f"{cell['pass_rate_first']:.2f} → {cell['pass_rate_last']:.2f}"
            row += [rates, str(cell["generations"]), in_thousands(cell["env_steps"])]
    print_table(title, columns, rows)
    effects = [[effect["factor"], mean_and_interval(effect["difference"])] for effect in result["effects"]]
    effects += [[" × ".join(pair["factors"]), mean_and_interval(pair["difference"])] for pair in result["interactions"]]
    print_table("Main effects and interactions, paired by seed", ["factor", "difference in fitness [95 %]"], effects)
