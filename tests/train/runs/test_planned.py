"""Planned runs: where one may begin or continue, and when it is finished."""

import numpy as np
import pytest

from koki2_train.experiment import Trial
from koki2_train.runs.directory import RunError
from koki2_train.runs.planned import PlannedRun


@pytest.fixture
def planned(tiny, tmp_path):
    return PlannedRun(Trial(tiny, 5), tmp_path / "run")


def test_a_run_is_finished_when_it_came_to_its_end_and_left_its_champion(planned):
    run = planned.directory
    assert not planned.is_finished
    run.begin_invocation(planned.trial, ["evolve"], ["cpu"])
    run.save_champion(np.zeros(3, np.float32), {})
    assert not planned.is_finished, "its last invocation was killed"
    run.end_invocation(generations=5, interrupted=True)
    assert not planned.is_finished
    run.end_invocation(generations=6, interrupted=False)
    assert planned.is_finished
    (run.path / "best_genome.npz").unlink()
    assert not planned.is_finished


def test_where_a_run_can_begin_or_continue(planned, tiny):
    planned.check()
    run = planned.directory
    run.begin_invocation(planned.trial, ["evolve"], ["cpu"])
    planned.check()
    run.save_checkpoint(6, {"x": np.zeros(3)}, {})
    planned.check()
    for other, words in (
        (PlannedRun(Trial(tiny, 6), planned.path), "was begun with seed 5, not 6"),
        (
            PlannedRun(Trial(tiny.with_settings({"sigma": 0.3}), 5), planned.path),
            r"was begun with sigma 0\.15, not 0\.3",
        ),
        (PlannedRun(planned.trial.with_generations(5), planned.path), "has 6 generations already; .* to 5"),
        (PlannedRun(planned.trial, planned.path.parent), "is not empty, and is not a run"),
    ):
        with pytest.raises(RunError, match=words):
            other.check()
