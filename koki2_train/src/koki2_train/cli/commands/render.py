"""``koki2-train render``."""

from __future__ import annotations

from pathlib import Path

import click

from koki2_train.cli.options import SEED, adult_option
from koki2_train.cli.output import number, printable, say
from koki2_train.cli.progress import working
from koki2_train.cli.setting_sources import take_assignments


@click.command("render")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--life", type=click.IntRange(min=0), default=0, show_default=True, help="Which held-out life.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of the held-out lives.")
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE",
    help="Another value of a setting of the world; `evolve RUNG --help` lists them.",
)  # fmt: skip
@adult_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the pictures.  [default: the run]")
def command(run: Path, life: int, seed: int, assignments: tuple[str, ...], adult: bool, out: Path | None) -> None:
    """Draw a held-out life of RUN's champion: life.png, with what its neurons did, and life.gif."""
    overrides = take_assignments(assignments)

    from koki2_train.runtime.jax_setup import set_up

    set_up(1)
    import jax

    from koki2_train.evaluation import load_champion, problem_in_world, with_test_world
    from koki2_train.random_streams import Stream, life_keys, stream_key
    from koki2_train.reporting.life_pictures import write_life
    from koki2_train.runs.directory import RunError
    from koki2_train.runs.find import find_run

    try:
        directory = find_run(run)
        trained = directory.read_trial().experiment
        experiment = with_test_world(trained, overrides, nursed=not adult)
        problem = problem_in_world(trained, experiment)
        champion = load_champion(directory, trained)
    except (RunError, ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from None
    key = life_keys(stream_key(jax.random.key(seed), Stream.TEST), life + 1)[life]
    folder = out or run
    folder.mkdir(parents=True, exist_ok=True)
    png, gif = folder / "life.png", folder / "life.gif"
    with working():
        summary = write_life(
            problem.env, experiment.params, problem.brain, problem.develop(champion), key, png_path=png, gif_path=gif,
            title=f"{experiment.rung}: champion of {run}, held-out life {life}",
        )  # fmt: skip
    for line in (png, gif, f"fitness {number(float(summary.fitness), 1)}"):
        say(printable(line))
