"""Golden runs: run again, compared, and reported by ``verify``."""

import dataclasses
import json
import math
import os

import jax
import numpy as np
import pytest

from koki2_train.verification import GOLDEN_RUNS, Comparison, golden_runs
from koki2_train.verification.fingerprint import fingerprint
from koki2_train.verification.golden_runs import (
    DEVICE_TOLERANCE,
    TOLERANCE,
    compare,
    compare_beginnings,
    run_golden,
    score_again,
    verify,
)

NAME = "motivation"  # fitness with a fraction, a schedule, deaths


@pytest.fixture(scope="module")
def data():
    return json.loads(golden_runs._FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def kept(data):
    return golden_runs._decode(data["runs"][NAME])


@pytest.fixture(scope="module")
def found():
    """The run as it is here."""
    return run_golden(GOLDEN_RUNS[NAME], 1)


@pytest.fixture(scope="module")
def score(kept):
    return score_again(GOLDEN_RUNS[NAME], kept.champion, 1)


def with_row(outcome, generation, **columns):
    rows = [{**row, **columns} if row["generation"] == generation else row for row in outcome.rows]
    return dataclasses.replace(outcome, rows=rows)


# Runs


def test_a_golden_run_is_as_it_was_kept(kept, found, score, data):
    if data["fingerprint"] == fingerprint():
        assert list(compare(kept, found, 0.0)) == []
        assert score == kept.score
    assert list(compare(kept, found, TOLERANCE)) == []
    assert list(compare_beginnings(kept, found, score)) == []


@pytest.mark.slow
@pytest.mark.parametrize("devices", [1, 2])
def test_all_golden_runs_are_as_they_were_kept(python, devices):
    process = python("-m", "koki2_train", "verify", "--json", "--devices", devices)
    out, err = process.communicate()
    assert process.returncode == 0, out + err
    runs = json.loads(out)["runs"]
    assert runs == {name: [] for name in GOLDEN_RUNS}


def test_one_golden_run_for_each_family_and_feature(data):
    experiments = {name: golden.trial.experiment for name, golden in GOLDEN_RUNS.items()}
    assert data["runs"].keys() == experiments.keys()
    assert len({type(experiment.params) for experiment in experiments.values()}) == 7
    assert {experiment.brain.settings.plast_enabled for experiment in experiments.values()} == {False, True}
    assert {experiment.brain.settings.is_sparse for experiment in experiments.values()} == {False, True}
    assert any(experiment.mvt.mvt for experiment in experiments.values())


def test_things_happen_in_golden_runs(data):
    failures = 0
    for name, run in data["runs"].items():
        rows = run["rows"]
        assert len({row["fitness_mean"] for row in rows}) == len(rows), name
        assert any(row["fitness_best"] != row["fitness_median"] for row in rows), name
        assert max(row["success"] for row in rows) > 0, name
        assert rows[-1]["champion_score"] is not None, name
        failures += sum(row["failures"]["low_energy_gained"] for row in rows)
    assert failures > 0


# Comparisons


def test_an_outcome_agrees_with_itself(kept):
    assert list(compare(kept, kept, 0.0)) == []
    assert list(compare_beginnings(kept, kept, kept.score)) == []


def test_one_bit_of_a_late_generation_is_reported_only_where_all_bits_must_agree(kept):
    before = kept.rows[3]["fitness_mean"]
    altered = with_row(kept, 3, fitness_mean=math.nextafter(before, math.inf))
    (difference,) = compare(kept, altered, 0.0)
    assert difference.where == "generation 3 fitness_mean"
    assert (difference.kept, difference.found) == (before, math.nextafter(before, math.inf))
    assert list(compare(kept, altered, TOLERANCE)) == []
    assert list(compare_beginnings(kept, altered, kept.score)) == []


def test_one_bit_of_the_champion_is_reported(kept):
    champion = kept.champion.copy()
    champion[7] = np.nextafter(champion[7], np.float32(np.inf))
    (difference,) = compare(kept, dataclasses.replace(kept, champion=champion), 0.0)
    assert f"1 of {champion.size}" in difference.where
    assert "number 7" in difference.where
    (difference,) = compare(kept, dataclasses.replace(kept, champion=champion[:-1]), 0.0)
    assert difference.where == "champion's shape"


def test_lost_columns_generations_and_scores_are_reported(kept):
    rows = [{name: value for name, value in row.items() if name != "sigma"} for row in kept.rows]
    altered = dataclasses.replace(kept, rows=rows)
    assert [d.where for d in compare(kept, altered, 0.0)] == [f"generation {i} sigma" for i in range(len(rows))]
    assert [d.where for d in compare_beginnings(kept, altered, kept.score)] == ["generation 0 sigma"]

    altered = dataclasses.replace(kept, rows=kept.rows[:-1])
    assert [d.where for d in compare(kept, altered, 0.0)] == ["number of generations"]
    assert [d.where for d in compare_beginnings(kept, altered, kept.score)] == ["number of generations"]

    altered = dataclasses.replace(kept, score=kept.score + 1.0)
    assert [d.where for d in compare(kept, altered, 0.0)] == ["champion's validation score"]


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("column", ["fitness_best", "fitness_mean", "fitness_median", "steps_alive"])
def test_the_first_generation_is_held_to_its_tolerance(kept, column, sign):
    value = kept.rows[0][column]
    near, far = (value * (1 + sign * share * DEVICE_TOLERANCE) for share in (0.9, 1.1))
    assert list(compare_beginnings(kept, with_row(kept, 0, **{column: near}), kept.score)) == []
    (difference,) = compare_beginnings(kept, with_row(kept, 0, **{column: far}), kept.score)
    assert difference.where == f"generation 0 {column}"


@pytest.mark.parametrize("column", ["fitness_best", "champion_score", "sigma"])
def test_another_cpu_is_held_to_its_tolerance_in_every_generation(kept, column):
    value = kept.rows[4][column]
    near, far = (value * (1 + share * TOLERANCE) for share in (0.9, 1.1 if abs(value) > 1 else 10.0))
    assert list(compare(kept, with_row(kept, 4, **{column: near}), TOLERANCE)) == []
    (difference,) = compare(kept, with_row(kept, 4, **{column: far}), TOLERANCE)
    assert difference.where == f"generation 4 {column}"


def test_reasons_of_failures_are_compared_one_by_one(kept):
    failures = {**kept.rows[1]["failures"], "died_early": 1}
    (difference,) = compare(kept, with_row(kept, 1, failures=failures), TOLERANCE)
    assert difference == golden_runs.Difference("generation 1 failures died_early", 0, 1)


@pytest.mark.parametrize("value", [math.nan, None, math.inf])
def test_what_is_not_finite_is_never_within_a_tolerance(kept, value):
    (difference,) = compare_beginnings(kept, with_row(kept, 0, fitness_mean=value), kept.score)
    assert difference.where == "generation 0 fitness_mean"


@pytest.mark.parametrize("share", [-1.1, 1.1, math.nan])
def test_the_kept_champions_score_is_held_to_its_tolerance(kept, share):
    score = kept.score * (1 + share * DEVICE_TOLERANCE)
    (difference,) = compare_beginnings(kept, kept, score)
    assert difference.where == "kept champion's validation score"


# Fingerprint


def test_the_fingerprint_names_what_changes_rounding(monkeypatch):
    here = fingerprint()
    assert here == fingerprint()
    assert all(isinstance(value, str) for value in here.values())
    assert here["jax"] == jax.__version__
    monkeypatch.setenv("XLA_FLAGS", f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_max_isa=SSE4_2")
    assert {name for name, value in fingerprint().items() if value != here[name]} == {"xla_flags"}
    monkeypatch.undo()
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        changed = {name for name, value in fingerprint().items() if value != here[name]}
    finally:
        jax.config.update("jax_disable_most_optimizations", here["jax_disable_most_optimizations"] == "True")
    assert changed == {"jax_disable_most_optimizations"}


# The command


@pytest.fixture
def no_run(monkeypatch, kept):
    """Golden runs have the kept outcome, and are not run."""
    monkeypatch.setattr(golden_runs, "run_golden", lambda *_: kept)
    monkeypatch.setattr(golden_runs, "score_again", lambda *_: kept.score)


@pytest.fixture
def here(monkeypatch, data):
    """The machine is the one on which the golden runs were frozen."""
    monkeypatch.setattr(golden_runs, "fingerprint", lambda: data["fingerprint"])


@pytest.fixture
def elsewhere(monkeypatch, data):
    monkeypatch.setattr(golden_runs, "fingerprint", lambda: {**data["fingerprint"], "jaxlib": "0.0.1"})


@pytest.fixture
def on_a_gpu(monkeypatch, data):
    monkeypatch.setattr(golden_runs, "fingerprint", lambda: {**data["fingerprint"], "platform": "gpu"})


def test_verify_compares_exactly_on_the_same_machine(no_run, here):
    assert verify([NAME]) == ({}, [Comparison(NAME, "exactly", [])])


def test_verify_compares_closely_elsewhere_and_names_why(no_run, elsewhere, data):
    why, comparisons = verify([NAME])
    assert why == {"jaxlib": (data["fingerprint"]["jaxlib"], "0.0.1")}
    assert comparisons == [Comparison(NAME, "closely", [])]


def test_verify_compares_beginnings_on_another_kind_of_device(no_run, on_a_gpu):
    assert verify([NAME])[1] == [Comparison(NAME, "by their beginning", [])]


def test_the_command_says_which_comparison_holds(no_run, here, cli):
    result = cli("verify", "--only", NAME)
    assert result.code == 0
    assert "all bits must agree" in result.out
    assert "same bits" in result.out


def test_the_command_says_why_a_tolerance_holds(no_run, elsewhere, cli, data):
    result = cli("verify", "--only", NAME)
    assert result.code == 0
    assert f"jaxlib: {data['fingerprint']['jaxlib']} there, 0.0.1 here" in result.out
    assert "within tolerance" in result.out
    result = cli("verify", "--only", NAME, "--json")
    assert result.json["how"] == "closely"
    assert result.json["runs"] == {NAME: []}


def test_the_command_shows_what_differs_and_fails(monkeypatch, kept, here, cli):
    value = kept.rows[2]["fitness_best"]
    monkeypatch.setattr(golden_runs, "run_golden", lambda *_: with_row(kept, 2, fitness_best=value + 0.5))
    result = cli("verify", "--only", NAME)
    assert result.code == 1
    assert "DIFFERS" in result.out
    assert f"{NAME}: generation 2 fitness_best: {value} kept, {value + 0.5} found" in result.out
