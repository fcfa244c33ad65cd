"""``koki2-train report``."""

from __future__ import annotations

from pathlib import Path

import click

from koki2_train.cli.output import printable, say
from koki2_train.cli.progress import working


@click.command("report")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Picture of several runs.  [default: learning_curves.png]")
@click.option("--episodes", type=click.IntRange(min=1), default=512, show_default=True, help="Lives of the references.")
def command(runs: tuple[Path, ...], out: Path | None, episodes: int) -> None:
    """Draw the learning curve of one run into its directory, or of several RUNS into one picture.

    Random, greedy and oracle are drawn as references.
    """
    from koki2_train.runtime.jax_setup import set_up

    set_up()
    from koki2_train.evaluation import HeldOutLives
    from koki2_train.reporting.learning_curve import write_learning_curve, write_learning_curves
    from koki2_train.runs.directory import RunError
    from koki2_train.runs.find import find_runs

    try:
        found = find_runs(list(runs))
        first = found[0].read_trial()
        experiment = first.experiment
        if any(run.read_trial().experiment.rung != experiment.rung for run in found):
            raise click.UsageError("runs of different rungs cannot share a picture")
        for run in found:
            if not run.read_generations():
                raise click.UsageError(f"{run} has no generations yet")
        lives = HeldOutLives(experiment, episodes, seed=0)
        with working():
            references = {n: lives.evaluate_policy(n)["fitness"]["mean"] for n in ("random", "greedy", "oracle")}
        if len(found) == 1:
            title = f"{experiment.rung}, seed {first.seed}"
            path = write_learning_curve(found[0], references=references, title=title, path=out)
        else:
            path = out or Path("learning_curves.png")
            write_learning_curves(found, path, references=references, title=f"{experiment.rung}, {len(found)} runs")
    except RunError as error:
        raise click.UsageError(str(error)) from None
    say(printable(path))
