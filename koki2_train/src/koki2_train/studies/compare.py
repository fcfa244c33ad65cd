"""Comparisons: the arms of a preregistered plan on the same held-out lives, paired by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from koki2_envs.reference_policies import policies_of
from koki2_train.evaluation import HeldOutLives, Metrics, with_held_out_variant
from koki2_train.evaluation.statistics import over_runs
from koki2_train.experiment import Experiment
from koki2_train.studies.cells import CellChampions, mean_with_interval
from koki2_train.studies.life_curves import reward_within_life
from koki2_train.studies.paired_tests import compare_paired, holm, summarize
from koki2_train.studies.plan import Plan
from koki2_train.studies.preregistration import Preregistration

POLICIES = ("random", "greedy", "memory", "oracle")
"""The reference policies that live the same lives, as far as the world has them."""


def evaluate_arms(plan: Plan, registered: Preregistration, out: Path) -> dict[str, Any]:
    """Evaluates all champions of a plan, each with the brain that it evolved with, on the same held-out lives.

    Args:
        plan: what was decided.
        registered: its hash, which the result carries.
        out: where the runs are.

    Returns:
        The plan's own facts, and what :func:`_evaluate_in` gives of the world of evaluation. ``"tests"`` has the same
        of each further world of the plan by name, and ``"held_out"`` of the rung's held-out variant, if it has one,
        with its ``"knobs"``.
    """
    champions = CellChampions(plan.arms, plan.seeds, out)

    def in_variant(knobs: Mapping[str, Any]) -> dict[str, Any]:
        return _evaluate_in(plan, champions, plan.worlds(knobs))

    names = ("title", "question", "rung", "primary", "smallest_effect", "baseline", "episodes", "test_seed")
    facts = {name: getattr(plan, name) for name in (*names, "test_world")}
    result = {"preregistration": registered.to_dict(), **facts, "seeds": list(plan.seeds)}
    result |= with_held_out_variant([arm.experiment for arm in plan.arms], in_variant)
    for arm, described in zip(plan.arms, result["arms"], strict=True):
        described |= {
            "learns": arm.learns,
            "generations": arm.experiment.evolution.generations,
            "env_steps": arm.env_steps,
        }
    return result | {
        "tests": {test: _evaluate_in(plan, champions, plan.worlds(changes)) for test, changes in plan.tests.items()}
    }


def _evaluate_in(plan: Plan, champions: CellChampions, worlds: Mapping[str, Experiment]) -> dict[str, Any]:
    """Evaluates all arms, each in a world.

    Args:
        plan: what was decided.
        champions: of all arms and seeds.
        worlds: the experiment in whose world each arm is evaluated, by the arm's name.

    Returns:
        ``{"arms": [...], "comparisons": [...], "controls": [...], "policies": {...}}``: per arm every seed's metrics,
        their means with 95 % intervals, the primary metric as :func:`summarize` gives it, and the curve within life;
        per planned pair of arms, and per control of an arm that learns (the arm minus the control), what
        :func:`compare_paired` gives, with p values corrected over all pairs, and over all controls. ``policies`` only
        where all arms share a world.
    """
    lives = {_place(world): HeldOutLives(world, plan.episodes, plan.test_seed) for world in worlds.values()}
    measured: dict[str, list[Metrics]] = {}
    arms, controls = [], []
    for arm in plan.arms:
        there = lives[_place(worlds[arm.name])]
        measured[arm.name], report = champions.evaluate(arm, there)
        curves = reward_within_life(there, champions.genomes[arm.name], arm.experiment)
        arms.append({"arm": arm.name, **_described(plan, measured[arm.name]), **report, "curve": _mean_curve(curves)})
        for control in plan.controls if arm.learns else ():
            under, _ = champions.evaluate(arm, there, control=control)
            named = {"arm": arm.name, "control": control, **_described(plan, under)}
            controls.append(named | _compared(plan, measured[arm.name], under))
    pairs = [
        {"arm": first, "minus": second, **_compared(plan, measured[first], measured[second])}
        for first, second in plan.comparisons
    ]
    shared = {"policies": policies_on(next(iter(lives.values())))} if len(lives) == 1 else {}
    return {"arms": arms, "comparisons": _with_holm(pairs), "controls": _with_holm(controls), **shared}


def _place(experiment: Experiment) -> tuple[Any, Any]:
    """What two experiments share whose worlds are the same."""
    return experiment.structure, experiment.params


def policies_on(lives: HeldOutLives) -> dict[str, Metrics]:
    """The metrics of reference policies on held-out lives, by their names."""
    known = policies_of(lives.experiment.make_world())
    return {name: lives.evaluate_policy(name) for name in POLICIES if name in known}


def _described(plan: Plan, measured: Sequence[Metrics]) -> dict[str, Any]:
    """Every seed's metrics, their means over seeds, and a summary of the primary one."""
    by_seed = {
        str(seed): {name: metric["mean"] for name, metric in metrics.items()}
        for seed, metrics in zip(plan.seeds, measured, strict=True)
    }
    return {
        "by_seed": by_seed,
        "metrics": over_runs(measured)["metrics"],
        "primary": summarize(_primary(plan, measured)),
    }


def _compared(plan: Plan, first: Sequence[Metrics], second: Sequence[Metrics]) -> dict[str, Any]:
    """The first minus the second in the primary metric."""
    a, b = _primary(plan, first), _primary(plan, second)
    differences = {str(seed): float(value) for seed, value in zip(plan.seeds, a - b, strict=True)}
    return {"difference_by_seed": differences, **compare_paired(a, b, plan.smallest_effect)}


def _primary(plan: Plan, measured: Sequence[Metrics]) -> np.ndarray:
    return np.asarray([metrics[plan.primary]["mean"] for metrics in measured], np.float64)


def _with_holm(compared: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each with ``"p_holm"``, its p value corrected for all of them."""
    corrected = holm([each["p"] for each in compared])
    return [{**each, "p_holm": p} for each, p in zip(compared, corrected, strict=True)]


def _mean_curve(curves: np.ndarray) -> dict[str, Any]:
    """The mean over seeds of curves (seeds, bins), with 95 % t intervals."""
    bins = [mean_with_interval(values) for values in curves.T]
    return {"mean": [each["mean"] for each in bins], "ci95": [each["ci95"] for each in bins]}
