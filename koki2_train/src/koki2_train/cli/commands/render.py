"""``koki2-train render``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from koki2_train.cli.completion import complete_settings
from koki2_train.cli.options import PATH, SEED, adult_option
from koki2_train.cli.output import number, printable, say
from koki2_train.cli.progress import working
from koki2_train.cli.setting_sources import take_assignments

_CHOICES = ("worst", "median", "best")
_LIVES = 32
"""Among how many lives ``worst``, ``median`` and ``best`` are chosen."""

_LAST_LIFE = 2**31 - 2  # lives are counted in 32 bits


class LifeType(click.ParamType):
    """The number of a life, or which one among the first lives."""

    name = "life"

    def get_metavar(self, *_: Any, **__: Any) -> str:
        """How help shows it."""
        return "|".join((*_CHOICES, "N"))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """A number, or the name of a choice."""
        if value in _CHOICES:
            return str(value)
        try:
            return int(click.IntRange(0, _LAST_LIFE).convert(value, param, ctx))
        except click.BadParameter:
            allowed = f"{', '.join(_CHOICES)} nor the number of a life, from 0 to {_LAST_LIFE}"
            self.fail(f"{value!r} is neither {allowed}", param, ctx)


@click.command("render")
@click.argument("run", type=PATH)
@click.option(
    "--life",
    type=LifeType(),
    default="median",
    show_default=True,
    help=f"Which held-out life: by its number, or the one of worst, median or best fitness among the first {_LIVES}.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of the held-out lives.")
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", shell_complete=complete_settings,
    help="Another value of a setting of the world, or of learning such as plast_eta; `evolve RUNG --help` lists them.",
)  # fmt: skip
@adult_option
@click.option("--out", type=PATH, help="Folder of the pictures.  [default: the run]")
def command(run: Path, life: int | str, seed: int, assignments: tuple[str, ...], adult: bool, out: Path | None) -> None:
    """Draw a held-out life of RUN's champion: life.png, with what its neurons did, and life.gif."""
    overrides = take_assignments(assignments)

    from koki2_train.runtime.jax_setup import set_up

    set_up(1)
    import numpy as np

    from koki2_train.evaluation import HeldOutLives, load_champion, problem_in_world, with_test_world
    from koki2_train.random_streams import Stream, life_key, root_key, stream_key
    from koki2_train.reporting.life_pictures import choose_life, write_life
    from koki2_train.rollout.knobs import Knobs
    from koki2_train.runs.directory import RunError
    from koki2_train.runs.find import find_run

    try:
        directory = find_run(run)
        trained = directory.read_trial().experiment
        experiment = with_test_world(trained, overrides, nursed=not adult)
        problem = problem_in_world(trained, experiment)
        trained = dataclasses.replace(trained, brain=experiment.brain)
        champion = load_champion(directory, trained)
        weights = problem.develop(champion, Knobs.of(experiment).with_constants(problem.idle).brain)
    except (RunError, ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from None
    name = f"held-out life {life}"
    if isinstance(life, str):
        with working():
            lives = HeldOutLives(experiment, _LIVES, seed).rollout_genomes(champion[None], trained)
        which, life = life, choose_life(np.asarray(lives.fitness[0]), life)
        name = f"held-out life {life} of {_LIVES}, {which} fitness"
    key = life_key(stream_key(root_key(seed), Stream.TEST), life)
    folder = out or run
    folder.mkdir(parents=True, exist_ok=True)
    png, gif = folder / "life.png", folder / "life.gif"
    with working():
        summary = write_life(
            problem.env, experiment.params, problem.brain, weights, key, png_path=png, gif_path=gif,
            title=f"{experiment.rung}: champion of {run}, {name}",
        )  # fmt: skip
    for line in (png, gif, f"{name}: {number(float(summary.fitness), 1)}"):
        say(printable(line))
