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
