"""Two sets of runs: which are pairs, and what is said where there are none."""

import numpy as np
import pytest

from koki2_train.experiment import Experiment, Trial
from koki2_train.runs.directory import RunDirectory, RunError, RunWarning
from koki2_train.studies.against import compare_sets, pair_runs


@pytest.fixture
def begun(tmp_path, tiny):
    """Begins runs in a folder of a name, one for each seed."""

    def begin(name, seeds, experiment=tiny):
        for index, seed in enumerate(seeds):
            run = RunDirectory(tmp_path / name / f"run{index}")
            run.begin_invocation(Trial(experiment, seed), ["test"], ["cpu"])
        return tmp_path / name

    return begin


def test_runs_of_one_seed_are_pairs_in_whatever_order(begun):
    pairs = pair_runs([begun("a", [3, 1, 2, 5, 4, 6])], [begun("b", [6, 5, 4, 3, 2, 1])])
    assert pairs.seeds == (1, 2, 3, 4, 5, 6)
    assert [run.path.name for run in pairs.first] == ["run1", "run2", "run0", "run4", "run3", "run5"]
    assert [run.path.name for run in pairs.second] == ["run5", "run4", "run3", "run2", "run1", "run0"]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1, 2, 3], [2, 3, 4, 5], r"without a partner: 1 \(in the first set alone\), 4, 5 \(in the second set alone\)"),
        ([1, 2], [1, 2, 3], r"without a partner: 3 \(in the second set alone\)"),
        ([1, 2, 1], [1, 2], r"the first set has two runs of seed 1, .*run0 and .*run2"),
        ([1], [1], "at least two pairs of runs, got one"),
    ],
)
def test_seeds_without_one_partner_are_named(begun, first, second, message):
    with pytest.raises(RunError, match=message):
        pair_runs([begun("a", first)], [begun("b", second)])


def test_no_run_is_compared_with_itself(begun):
    a = begun("a", [1, 2])
    with pytest.raises(RunError, match="run0 is in both sets"):
        pair_runs([a], [a / "run0", a / "run1"])


def test_few_pairs_and_several_rungs_are_told(begun):
    with pytest.warns(RunWarning) as told:
        pair_runs([begun("a", [1, 2])], [begun("b", [1, 2], Experiment.build("L0.2"))])
    few, several = (str(each.message) for each in told)
    assert few.startswith("2 pairs of runs: with fewer than 6 no two-sided test")
    assert several.startswith("the sets are of L1.0 and of L0.2")


def evaluated(values, **more):
    runs = [{"run": str(value), "metrics": {"fitness": {"mean": value}}} for value in values]
    return {"runs": runs, "aggregate": {"n": len(values)}, **more}


def test_fitness_is_compared_by_seed_in_world_and_variant(begun):
    seeds = range(6)
    pairs = pair_runs([begun("a", seeds)], [begun("b", seeds)])
    a, b = np.asarray([5.0, 4.0, 3.0, 8.0, 9.0, 7.0]), np.asarray([1.0, 2.0, 2.0, 4.0, 8.0, 5.0])
    result = compare_sets(evaluated(a, held_out=evaluated(b)), evaluated(b, held_out=evaluated(b)), pairs)
    against = result["against"]
    assert against["difference_by_seed"] == dict(zip("012345", a - b, strict=True))
    assert (against["n"], against["difference"]["mean"], against["p"]) == (6, (a - b).mean(), 0.03125)
    assert against["verdict"] == "larger"
    assert against["runs"] == evaluated(b)["runs"]
    assert result["held_out"]["against"]["difference"]["mean"] == 0.0
    assert "held_out" not in compare_sets(evaluated(a), evaluated(b, held_out=evaluated(b)), pairs)
