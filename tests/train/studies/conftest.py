"""Fixtures of studies."""

import dataclasses

import pytest

from koki2_envs import RUNGS


@pytest.fixture
def variant(monkeypatch):
    """The knobs of a held-out variant that L0.2 has during the test; it compiles to what L0.2 compiles to."""
    knobs = {"energy_reward": 7.0}
    monkeypatch.setitem(RUNGS, "L0.2", dataclasses.replace(RUNGS["L0.2"], held_out=knobs))
    return knobs


@pytest.fixture
def plan_text(tiny_settings):
    """The TOML of a tiny plan: two arms that share their compiled programs, and a further world."""
    settings = {**tiny_settings, "mvt": "false", "generations": 2}
    lines = [f"{name} = {value}" for name, value in settings.items()]
    return f"""
title = "Tiny"
question = "Does richer food help?"
rung = "L0.2"
seeds = "100:106"
primary = "fitness"
smallest_effect = 2.0
baseline = "plain"
episodes = 8

[settings]
{chr(10).join(lines)}

[arms.plain]
[arms.rich]
energy_gain = 0.3

[tests.poor]
energy_gain = 0.05
"""
