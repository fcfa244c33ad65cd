"""Evaluation of runs: their champions, and reference policies beside them, on the same held-out lives."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp

from koki2_train.evaluation.champions import load_champion
from koki2_train.evaluation.held_out import HeldOutLives
from koki2_train.evaluation.statistics import mean_of_all, over_runs
from koki2_train.evaluation.variants import with_held_out_variant
from koki2_train.experiment import Experiment
from koki2_train.experiment.sections import EvolutionSettings, ValidationSettings, ViabilitySettings
from koki2_train.runs.directory import RunDirectory
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
        paths: run directories, or folders of ``seed<k>`` runs.
        episodes: number of lives.
        seed: which lives.
        baselines: names of reference policies.
        overrides: settings that differ from those of training.
        nursed: whether schedules of training hold; if not, every one is at its end, before ``overrides``.

    Returns:
        ``{"runs": [{"run", "rung", "metrics", "normalized"}], "aggregate": {"metrics", "normalized", "n"}, "baselines":
        {policy: {"metrics", "normalized"}}}``. Baselines live in the world of the first run. ``"held_out"`` has the
        same of the held-out variant, with its ``"knobs"``; it is absent where the rung has no such variant, the runs
        are of several rungs, or a run or an override has another value of one of these knobs than the rung.

    Raises:
        RunError: a path is no run, or has no champion.
        NotFiniteError: a champion whose fitness is not finite.
        ValueError, TypeError: an invalid override.
    """
    runs = find_runs([Path(path) for path in paths])
    trained = [run.read_trial().experiment for run in runs]
    experiments = [(each if nursed else each.without_nursing()).with_settings(overrides or {}) for each in trained]
    changed = [each.with_settings(overrides or {}) for each in trained]
    return with_held_out_variant(
        changed,
        lambda knobs: _evaluate(runs, [each.with_settings(knobs) for each in experiments], episodes, seed, baselines),
    )


def _evaluate(
    runs: Sequence[RunDirectory], experiments: Sequence[Experiment], episodes: int, seed: int, baselines: Sequence[str]
) -> dict[str, Any]:
    """Evaluates each champion in the world of its experiment; runs of one world and brain are computed together."""
    alike: dict[Experiment, list[int]] = {}
    for index, experiment in enumerate(experiments):
        alike.setdefault(_reduced_to_a_life(experiment), []).append(index)
    entries: list[dict[str, Any]] = [{} for _ in runs]
    worlds = {experiment: HeldOutLives(experiment, episodes, seed) for experiment in alike}
    for experiment, indices in alike.items():
        lives = worlds[experiment]
        champions = jnp.stack([load_champion(runs[index], experiment) for index in indices])
        measured = lives.evaluate_genomes(champions, [f"champion of {runs[index]}" for index in indices])
        for index, metrics in zip(indices, measured, strict=True):
            entries[index] = {
                "run": str(runs[index]),
                "rung": experiment.rung,
                "metrics": metrics,
                "normalized": lives.normalized(metrics),
            }
    first = worlds[_reduced_to_a_life(experiments[0])]
    policies = {name: first.evaluate_policy(name) for name in baselines}
    aggregate = over_runs([entry["metrics"] for entry in entries])
    aggregate["normalized"] = mean_of_all([entry["normalized"] for entry in entries])
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
