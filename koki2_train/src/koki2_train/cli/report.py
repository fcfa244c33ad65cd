"""``koki2-train report``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("report")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Picture of several runs.  [default: learning_curves.png]")
@click.option("--episodes", type=click.IntRange(min=1), default=512, show_default=True, help="Lives of the references.")
def command(runs: tuple[Path, ...], out: Path | None, episodes: int) -> None:
    """Draw the learning curve of one run into its directory, or of several RUNS into one picture.

    Random, greedy and oracle are drawn as references.
    """
    from koki2_train.platform_setup import set_up

    set_up()
    from koki2_train.assessment import HeldOut
    from koki2_train.report import write_learning_curve, write_learning_curves
    from koki2_train.run_directory import RunError
    from koki2_train.runs import find_runs

    try:
        found = find_runs(list(runs))
        experiment, seed = found[0].read_config()
        if any(run.read_config()[0].rung != experiment.rung for run in found):
            raise click.UsageError("runs of different rungs cannot share a picture")
        for run in found:
            if not run.read_generations():
                raise click.UsageError(f"{run} has no generations yet")
        lives = HeldOut(experiment, episodes, seed=0)
        references = {name: lives.policy(name)["fitness"]["mean"] for name in ("random", "greedy", "oracle")}
        if len(found) == 1:
            title = f"{experiment.rung}, seed {seed}"
            path = write_learning_curve(found[0], references=references, title=title, path=out)
        else:
            path = out or Path("learning_curves.png")
            write_learning_curves(found, path, references=references, title=f"{experiment.rung}, {len(found)} runs")
    except RunError as error:
        raise click.UsageError(str(error)) from None
    click.echo(str(path))
