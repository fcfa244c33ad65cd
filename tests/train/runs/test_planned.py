"""Runs beside each other on disk: where one may begin or go on, when it is finished, and which are named by paths."""

from pathlib import Path

import numpy as np
import pytest

from koki2_train.runs.directory import RunDirectory, RunError
from koki2_train.runs.planned import PlannedRun, find_runs


@pytest.fixture
def planned(tiny, tmp_path):
    return PlannedRun(tiny, 5, tmp_path / "run")


def test_a_run_is_finished_when_it_came_to_its_end_and_left_its_champion(planned):
    run = planned.directory
    assert not planned.is_finished
    run.create(planned.experiment, planned.seed)
    run.write_manifest(["evolve"], ["cpu"])
    run.save_champion({"x": np.zeros(3)}, {})
    assert not planned.is_finished, "its last invocation was killed"
    run.update_manifest(generations=5, interrupted=True)
    assert not planned.is_finished
    run.update_manifest(generations=6, interrupted=False)
    assert planned.is_finished
    (run.path / "best_genome.npz").unlink()
    assert not planned.is_finished


def test_where_a_run_can_begin_or_go_on(planned, tiny):
    planned.check()
    run = planned.directory
    run.create(tiny, 5)
    planned.check()
    run.save_checkpoint(6, {"x": np.zeros(3)}, {})
    planned.check()
    for other, words in (
        (PlannedRun(tiny, 6, planned.path), "was begun with --seed 5, not 6"),
        (PlannedRun(tiny.with_settings({"sigma": 0.3}), 5, planned.path), r"was begun with sigma 0\.15, not 0\.3"),
        (PlannedRun(tiny.with_settings({"generations": 5}), 5, planned.path), "has 6 generations already; .* to 5"),
        (PlannedRun(tiny, 5, planned.path.parent), "is not empty, and holds no run"),
    ):
        with pytest.raises(RunError, match=words):
            other.check()


def test_runs_are_found_by_folder_in_the_order_of_their_seeds(tmp_path, tiny):
    for seed in (10, 9, 1):
        RunDirectory(tmp_path / "many" / f"seed{seed}").create(tiny, seed)
    (tmp_path / "many" / "seed99").mkdir()
    (tmp_path / "many" / "seeds.txt").write_text("")
    RunDirectory(tmp_path / "one").create(tiny, 0)
    found = find_runs([tmp_path / "one", tmp_path / "many"])
    assert [str(run.path.relative_to(tmp_path)) for run in found] == ["one", "many/seed1", "many/seed9", "many/seed10"]
    for path in (tmp_path, tmp_path / "many" / "seed99", tmp_path / "none", Path("many/seeds.txt")):
        with pytest.raises(RunError, match="is no run directory"):
            find_runs([path])
