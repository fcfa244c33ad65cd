"""``koki2-train report``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from koki2_train.cli.options import COUNT, PATH
from koki2_train.cli.output import printable, say
from koki2_train.cli.progress import working


@click.command("report")
@click.argument("runs", nargs=-1, required=True, type=PATH)
@click.option("--out", type=PATH, help="The picture, or the folder to put it into.")
@click.option("--episodes", type=COUNT, default=512, show_default=True, help="Lives of the references.")
def command(runs: tuple[Path, ...], out: Path | None, episodes: int) -> None:
    """Draw the learning curves of RUNS into one picture, with random, greedy and oracle as references.

    RUN/learning_curve.png where one run is named, FOLDER/learning_curves.png where one folder with runs is named, and
    learning_curves.png in the current folder where several are named.
    """
    from koki2_train.runtime.jax_setup import set_up

    set_up()
    from koki2_train.evaluation import HeldOutLives
    from koki2_train.reporting.learning_curve import write_learning_curve, write_learning_curves
    from koki2_train.runs.directory import RunDirectory, RunError
    from koki2_train.runs.find import find_runs

    path = _place(runs, out, is_run=RunDirectory(runs[0]).exists)
    try:
        found = find_runs(list(runs))
        first = found[0].read_trial()
        experiment = first.experiment
        for run in found:
            if (rung := run.read_trial().experiment.rung) != experiment.rung:
                raise RunError(f"{found[0]} is of {experiment.rung}, {run} of {rung}: they cannot share a picture")
            if not run.read_generations():
                raise RunError(f"{run}/generations.jsonl has no generation that can be read")
        lives = HeldOutLives(experiment, episodes, seed=0)
        with working():
            references = {n: lives.evaluate_policy(n)["fitness"]["mean"] for n in ("random", "greedy", "oracle")}
        if len(found) == 1:
            title = f"{experiment.rung}, seed {first.seed}"
            write_learning_curve(found[0], references=references, title=title, path=path)
        else:
            write_learning_curves(found, path, references=references, title=f"{experiment.rung}, {len(found)} runs")
    except RunError as error:
        raise click.UsageError(str(error)) from None
    say(printable(path))


def _place(runs: Sequence[Path], out: Path | None, *, is_run: bool) -> Path:
    """Where the picture goes: the number of paths and the kind of the first decide, not how many runs are found."""
    name = "learning_curve.png" if len(runs) == 1 and is_run else "learning_curves.png"
    if out is not None:
        return out / name if out.is_dir() else out
    return runs[0] / name if len(runs) == 1 else Path(name)
