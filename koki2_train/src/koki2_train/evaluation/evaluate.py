"""Evaluation of runs: their champions, and reference policies beside them, on the same held-out lives."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp

from koki2_envs.reference_policies import policy_called
from koki2_train.evaluation.champions import load_champion
from koki2_train.evaluation.controls import CONTROLS, check_control, learns
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
    controls: Sequence[str] | Literal["all"] = (),
) -> dict[str, Any]:
    """Evaluates champions, and policies beside them, on the same lives, also in the rung's held-out variant.

    Args:
        paths: run directories, or folders that hold some.
        episodes: number of lives.
        seed: which lives.
        baselines: names of reference policies.
        overrides: settings of the world, and dynamic ones of the brain, that differ from those of training; every
            champion keeps its brain otherwise.
        nursed: whether schedules of training hold; if not, every one of the world is at its end, before ``overrides``.
        controls: some of :data:`koki2_train.evaluation.controls.CONTROLS`, under which every champion also lives the
            same lives; ``"all"``: under every one, those champions that learn within their lives.

    Returns:
        ``{"runs": [{"run", "rung", "metrics", "normalized"}], "aggregate": {"metrics", "normalized", "n"}, "baselines":
        {policy: {"metrics", "normalized"}}}``. Of runs of the same experiment and seed the first alone counts in the
        aggregate, whose ``n`` is how many do. Baselines live in the world of the first run. With controls,
        ``"controls"`` has ``"runs"`` and ``"aggregate"`` under each of them, by its name. ``"held_out"`` has the same
        of the held-out variant, with its ``"knobs"``; it is absent where the rung has no such variant, the runs are of
        several rungs, or a run or an override has another value of one of these knobs than the rung.

    Raises:
        RunError: a path is not a run, or has no champion.
        NotFiniteError: a champion whose fitness is not finite.
        ValueError, TypeError: an invalid override, an unknown control, or one of a run that does not learn.
    """
    runs = find_runs([Path(path) for path in paths])
    trials = [run.read_trial() for run in runs]
    independent = _independent(runs, trials)
    trained = [trial.experiment for trial in trials]
    _warn_of_rungs([each.rung for each in trained])
    worlds = [with_test_world(each, overrides or {}, nursed=nursed) for each in trained]
    for name in baselines:
        policy_called(name, worlds[0].make_world())
    chosen = _check_controls(controls, runs, worlds)
    champions = [load_champion(run, each) for run, each in zip(runs, trained, strict=True)]

    def evaluate(knobs: dict[str, Any]) -> dict[str, Any]:
        candidates = [
            _Candidate(str(run), champion, dataclasses.replace(each, brain=world.brain), world.with_settings(knobs))
            for run, champion, each, world in zip(runs, champions, trained, worlds, strict=True)
        ]
        return _evaluate(candidates, independent, episodes, seed, baselines, chosen)

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


def _check_controls(
    controls: Sequence[str] | Literal["all"], runs: Sequence[RunDirectory], worlds: Sequence[Experiment]
) -> tuple[str, ...]:
    """The names of the controls.

    Raises:
        ValueError: an unknown one, or one of a run that does not learn.
    """
    if controls == "all":
        if not any(learns(world) for world in worlds):
            raise ValueError("controls need a brain that learns, and no run has one")
        return CONTROLS
    for control in controls:
        check_control(control)
        for run, world in zip(runs, worlds, strict=True):
            if not learns(world):
                raise ValueError(f"control {control!r} needs a brain that learns, and that of {run} does not")
    return tuple(dict.fromkeys(controls))


def _evaluate(
    candidates: Sequence[_Candidate],
    independent: Sequence[bool],
    episodes: int,
    seed: int,
    baselines: Sequence[str],
    controls: Sequence[str] = (),
) -> dict[str, Any]:
    """Evaluates each champion in its world, and those that learn under each control too."""
    reduced = [(_reduced_to_a_life(each.evolved), _reduced_to_a_life(each.world)) for each in candidates]
    worlds = {world: HeldOutLives(world, episodes, seed) for _, world in reduced}

    def measured(control: str | None = None) -> dict[str, Any]:
        taking_part = [index for index, each in enumerate(candidates) if control is None or learns(each.evolved)]
        alike: dict[tuple[Experiment, Experiment], list[int]] = {}
        for index in taking_part:
            alike.setdefault(reduced[index], []).append(index)
        entries: dict[int, dict[str, Any]] = {}
        for (evolved, world), indices in alike.items():  # champions of one world and brain are computed together
            entries |= _entries({i: candidates[i] for i in indices}, evolved, worlds[world], control)
        counted = [entries[index] for index in taking_part if independent[index]]
        aggregate = over_runs([entry["metrics"] for entry in counted])
        aggregate["normalized"] = mean_of_all([entry["normalized"] for entry in counted])
        return {"runs": [entries[index] for index in taking_part], "aggregate": aggregate}

    first = worlds[reduced[0][1]]
    policies = {name: first.evaluate_policy(name) for name in baselines}
    of_policies = {
        name: {"metrics": metrics, "normalized": first.normalized(metrics)} for name, metrics in policies.items()
    }
    under = {"controls": {control: measured(control) for control in controls}} if controls else {}
    return {**measured(), "baselines": of_policies, **under}


def _entries(
    candidates: Mapping[int, _Candidate], evolved: Experiment, lives: HeldOutLives, control: str | None
) -> dict[int, dict[str, Any]]:
    """What is reported of champions of one world and brain."""
    genomes = jnp.stack([candidate.genome for candidate in candidates.values()])
    names = [f"champion of {candidate.run}" for candidate in candidates.values()]
    measured = lives.evaluate_genomes(genomes, names, evolved, control)
    return {
        index: {
            "run": candidate.run,
            "rung": lives.experiment.rung,
            "metrics": metrics,
            "normalized": lives.normalized(metrics),
        }
        for (index, candidate), metrics in zip(candidates.items(), measured, strict=True)
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
