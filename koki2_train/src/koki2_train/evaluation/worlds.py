"""Test worlds: where champions are evaluated, with the brain and the genome compiler that they evolved with.

Of the brain only dynamic settings, such as the learning rate, can be others than in evolution.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from koki2_envs.knobs import knob_fields, spec_of
from koki2_envs.ladder import rung
from koki2_train.brains.base import Interface
from koki2_train.experiment import Experiment
from koki2_train.experiment.registration import DEFAULT_PARTS
from koki2_train.experiment.settings import ALIASES, NURSING, known_settings
from koki2_train.rollout.knobs import IdleKnobs
from koki2_train.rollout.problem import Problem


def with_test_world(trained: Experiment, changes: Mapping[str, Any], *, nursed: bool = True) -> Experiment:
    """An experiment in the world in which its champion is evaluated.

    Args:
        trained: what the champion evolved in.
        changes: settings of the world and dynamic ones of the brain that differ from those of training, and
            ``nursing``.
        nursed: whether schedules of training hold; if not, every one of the world is at its end, before ``changes``.

    Raises:
        ValueError, TypeError: a setting that can be no other at evaluation, an unknown one, or an invalid value.
    """
    current = trained.settings()
    variable = {*knob_fields(trained.params), *dict(trained.structure), NURSING, *trained.brain.settings.dynamic()}
    for given, value in changes.items():
        name = ALIASES.get(given, given)
        if name not in current or name in variable:
            continue
        of_training = _as_written(trained, name, current[name])
        if value not in (current[name], of_training):
            raise ValueError(
                f"{name} is not a setting of the world: a champion is evaluated with the brain that it evolved with, "
                f"here {name} = {of_training}"
            )
    return (trained if nursed else trained.without_nursing()).with_settings(changes)


def _as_written(experiment: Experiment, name: str, value: Any) -> Any:
    """The value of a setting as flags and TOML have it: of a setting with choices the name of what it selects."""
    parts = {part: getattr(experiment, part).name for part in DEFAULT_PARTS}
    field = known_settings(rung(experiment.rung), parts).get(name)
    return spec_of(field).named(value) if field else value


def problem_in_world(evolved: Experiment, world: Experiment) -> Problem:
    """The problem that genomes of one experiment meet in the world of another.

    Raises:
        ValueError, TypeError: invalid params, or a world with other senses or actions than that of evolution.
    """
    own, there = Problem.of(evolved), Problem.of(world)
    idle = IdleKnobs(there.idle.world, own.idle.brain)
    before, now = Interface.of(own.env), Interface.of(there.env)
    for what, old, new in (
        ("senses", before.observation_names, now.observation_names),
        ("actions", before.action_names, now.action_names),
    ):
        if old != new:
            raise ValueError(f"the world of evaluation has other {what} than that of evolution: {new}, not {old}")
    return dataclasses.replace(there, brain=own.brain, genome=own.genome, idle=idle)
