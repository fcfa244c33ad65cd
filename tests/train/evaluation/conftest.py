"""Fixtures of evaluation."""

import pytest


@pytest.fixture
def lived(monkeypatch):
    """The experiments in whose worlds an evaluation lets champions live, without living there."""
    seen = []
    monkeypatch.setattr(
        "koki2_train.evaluation.evaluate._evaluate",
        lambda candidates, *_: seen.append([each.world for each in candidates]) or {},
    )
    return seen
