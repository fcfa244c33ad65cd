"""Test worlds: where champions are evaluated, with the brain and the genome compiler that they evolved with."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from koki2_envs.knobs import knob_fields
from koki2_train.brains.base import Interface
from koki2_train.experiment import Experiment
from koki2_train.experiment.settings import ALIASES, NURSING
from koki2_train.rollout.problem import Problem


def with_test_world(trained: Experiment, changes: Mapping[str, Any], *, nursed: bool = True) -> Experiment:
    """An experiment in the world in which its champion is evaluated.

    Args:
        trained: what the champion evolved in.
        changes: settings of the world that differ from those of training, and ``nursing``.
        nursed: whether schedules of training hold; if not, every one is at its end, before ``changes``.

    Raises:
        ValueError, TypeError: a setting that is not of the world, an unknown one, or an invalid value.
    """
    current = trained.settings()
    of_world = {*knob_fields(trained.params), *dict(trained.structure), NURSING}
    for given, value in changes.items():
        name = ALIASES.get(given, given)
        if name in current and name not in of_world and value != current[name]:
            raise ValueError(
                f"{name} is not a setting of the world: a champion is evaluated with the brain that it evolved with, "
                f"here {name} = {current[name]}"
            )
    return (trained if nursed else trained.without_nursing()).with_settings(changes)


def problem_in_world(evolved: Experiment, world: Experiment) -> Problem:
    """The problem that genomes of one experiment meet in the world of another.

    Raises:
        ValueError, TypeError: invalid params, or a world with other senses or actions than that of evolution.
    """
    own, there = Problem.of(evolved), Problem.of(world)
    before, now = Interface.of(own.env), Interface.of(there.env)
    for what, old, new in (
        ("senses", before.observation_names, now.observation_names),
        ("actions", before.action_names, now.action_names),
    ):
        if old != new:
            raise ValueError(f"the world of evaluation has other {what} than that of evolution: {new}, not {old}")
    return dataclasses.replace(there, brain=own.brain, genome=own.genome)
