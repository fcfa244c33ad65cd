"""Evaluation of runs: their champions, and reference policies beside them, on the same held-out lives."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from koki2_envs.reference_policies import policy_called
from koki2_train.evaluation.champions import load_champion
from koki2_train.evaluation.held_out import HeldOutLives
from koki2_train.evaluation.statistics import mean_of_all, over_runs
from koki2_train.evaluation.variants import with_held_out_variant
from koki2_train.evaluation.worlds import with_test_world
from koki2_train.experiment import Experiment, Trial
from koki2_train.experiment.sections import EvolutionSettings, ValidationSettings, ViabilitySettings
from koki2_train.runs.directory import RunDirectory, RunWarning
from koki2_train.runs.find import find_runs


def evaluate_runs(
    paths: Sequence[Any],
    episodes: int,
    seed: int,
    baselines: Sequence[str] = (),
    overrides: dict[str, Any] | None = None,
    nursed: bool = True,
) -> dict[str, Any]:
    """Evaluates champions, and policies beside them, on the same lives, also in the rung's held-out variant.

    Args:
        paths: run directories, or folders that hold some.
        episodes: number of lives.
        seed: which lives.
        baselines: names of reference policies.
        overrides: settings of the world, and dynamic ones of the brain, that differ from those of training; every
            champion keeps its brain otherwise.
        nursed: whether schedules of training hold; if not, every one is at its end, before ``overrides``.

    Returns:
        ``{"runs": [{"run", "rung", "metrics", "normalized"}], "aggregate": {"metrics", "normalized", "n"}, "baselines":
        {policy: {"metrics", "normalized"}}}``. Of runs of the same experiment and seed the first alone counts in the
        aggregate, whose ``n`` is how many do. Baselines live in the world of the first run. ``"held_out"`` has the same
        of the held-out variant, with its ``"knobs"``; it is absent where the rung has no such variant, the runs are of
        several rungs, or a run or an override has another value of one of these knobs than the rung.

    Raises:
        RunError: a path is not a run, or has no champion.
        NotFiniteError: a champion whose fitness is not finite.
        ValueError, TypeError: an invalid override.
    """
    runs = find_runs([Path(path) for path in paths])
    trials = [run.read_trial() for run in runs]
    independent = _independent(runs, trials)
    trained = [trial.experiment for trial in trials]
    _warn_of_rungs([each.rung for each in trained])
    worlds = [with_test_world(each, overrides or {}, nursed=nursed) for each in trained]
    for name in baselines:
        policy_called(name, worlds[0].make_world())
    champions = [load_champion(run, each) for run, each in zip(runs, trained, strict=True)]

    def evaluate(knobs: dict[str, Any]) -> dict[str, Any]:
        candidates = [
            _Candidate(str(run), champion, dataclasses.replace(each, brain=world.brain), world.with_settings(knobs))
            for run, champion, each, world in zip(runs, champions, trained, worlds, strict=True)
        ]
        return _evaluate(candidates, independent, episodes, seed, baselines)

    changed = [with_test_world(each, overrides or {}) for each in trained]
    return with_held_out_variant(changed, evaluate)


def _independent(runs: Sequence[RunDirectory], trials: Sequence[Trial]) -> list[bool]:
    """Which runs are no copies of one before: of the same experiment and seed, if for another time. Warns of copies."""
    known: dict[Trial, RunDirectory] = {}
    for run, trial in zip(runs, trials, strict=True):
        first = known.setdefault(trial.with_generations(1), run)
        if first is not run:
            message = f"{first} and {run} are of the same experiment and seed"
            warnings.warn(f"{message}: in means over runs the first counts alone", RunWarning, stacklevel=3)
    return [run in known.values() for run in runs]


def _warn_of_rungs(rungs: Sequence[str]) -> None:
    """Warns of runs of several rungs."""
    if len(several := dict.fromkeys(rungs)) > 1:
        message = f"runs are of several rungs ({', '.join(several)}): means over runs mix them"
        warnings.warn(f"{message}, and policies are those of {rungs[0]}", RunWarning, stacklevel=3)


@dataclass(frozen=True)
class _Candidate:
    """A champion, the experiment that it evolved in, and the world in which it is evaluated."""

    run: str
    genome: jax.Array
    evolved: Experiment
    world: Experiment


def _evaluate(
    candidates: Sequence[_Candidate], independent: Sequence[bool], episodes: int, seed: int, baselines: Sequence[str]
) -> dict[str, Any]:
    """Evaluates each champion in its world; champions of one world and brain are computed together."""
    alike: dict[tuple[Experiment, Experiment], list[int]] = {}
    for index, each in enumerate(candidates):
        alike.setdefault((_reduced_to_a_life(each.evolved), _reduced_to_a_life(each.world)), []).append(index)
    worlds = {world: HeldOutLives(world, episodes, seed) for _, world in alike}
    entries: list[dict[str, Any]] = [{} for _ in candidates]
    for (evolved, world), indices in alike.items():
        lives = worlds[world]
        genomes = jnp.stack([candidates[index].genome for index in indices])
        names = [f"champion of {candidates[index].run}" for index in indices]
        for index, metrics in zip(indices, lives.evaluate_genomes(genomes, names, evolved), strict=True):
            entries[index] = {
                "run": candidates[index].run,
                "rung": world.rung,
                "metrics": metrics,
                "normalized": lives.normalized(metrics),
            }
    first = worlds[_reduced_to_a_life(candidates[0].world)]
    policies = {name: first.evaluate_policy(name) for name in baselines}
    counted = [entry for entry, counts in zip(entries, independent, strict=True) if counts]
    aggregate = over_runs([entry["metrics"] for entry in counted])
    aggregate["normalized"] = mean_of_all([entry["normalized"] for entry in counted])
    return {
        "runs": entries,
        "aggregate": aggregate,
        "baselines": {
            name: {"metrics": metrics, "normalized": first.normalized(metrics)} for name, metrics in policies.items()
        },
    }


def _reduced_to_a_life(experiment: Experiment) -> Experiment:
    """The experiment reduced to what affects a life."""
    return dataclasses.replace(
        experiment,
        evolution=EvolutionSettings(),
        mvt=ViabilitySettings(),
        validation=ValidationSettings(),
        strategy=dataclasses.replace(experiment.strategy, settings=type(experiment.strategy.settings)()),
    )
