"""The commands that compare: a plan from its text to its result, and two sets of finished runs."""

import json
import shutil
import tomllib

import numpy as np
import pytest

from koki2_train.studies.plan import parse_plan
from koki2_train.studies.preregistration import register

PLAN = """
title = "Tiny"
question = "Does fast learning help?"
rung = "L0.2"
seeds = "100:106"
primary = "steps_alive"
smallest_effect = 0.5
baseline = "slow"
episodes = 4
controls = ["eta_zero"]

[settings]
preset = "plastic"
{settings}

[arms.slow]
plast_eta = 0.1
[arms.learner]
"""


@pytest.fixture
def plan(tiny_settings, tmp_path):
    """Path and text of a tiny plan."""
    settings = {**tiny_settings, "mvt": "false", "generations": 2}
    text = PLAN.format(settings="\n".join(f"{name} = {value}" for name, value in settings.items()))
    path = tmp_path / "tiny.toml"
    path.write_text(text)
    return path, text


def seeds_of(text):
    first, last = tomllib.loads(text)["seeds"].split(":")
    return [str(seed) for seed in range(int(first), int(last))]


@pytest.mark.slow
def test_from_a_plan_to_its_result(cli, plan, tmp_path):
    """Both arms share their compiled programs: the learning rate is an input."""
    path, text = plan
    out = tmp_path / "out"
    result = cli("compare", path, "--out", out, "--devices", 1, "--json").json
    assert result == json.loads((out / "comparison.json").read_text())
    assert (out / "comparison.png").stat().st_size > 10_000
    assert result["preregistration"]["sha256"] == json.loads((out / "preregistration.json").read_text())["sha256"]
    slow, learner = result["arms"]
    assert slow["learns"]
    assert learner["learns"]
    assert list(slow["by_seed"]) == seeds_of(text)
    alone = cli("evaluate", out / "learner", "--against", out / "slow", "--episodes", 4, "--json").json
    for seed, run in zip(seeds_of(text), alone["runs"], strict=True):
        assert learner["by_seed"][seed] == {name: metric["mean"] for name, metric in run["metrics"].items()}
    for seed, difference in alone["against"]["difference_by_seed"].items():
        assert difference == learner["fitness_by_seed"][seed] - slow["fitness_by_seed"][seed]
    (pair,) = result["comparisons"]
    lived = [[row["steps_alive"] for row in arm["by_seed"].values()] for arm in (learner, slow)]
    assert pair["difference"]["mean"] == pytest.approx(np.mean(np.subtract(*lived)))
    for control in result["controls"]:
        assert {row["weight_change"] for row in control["by_seed"].values()} == {0.0}
    assert [control["arm"] for control in result["controls"]] == ["slow", "learner"]

    shutil.rmtree(out / "learner" / "seed103")
    (out / "comparison.json").unlink()
    again = cli("compare", path, "--out", out, "--resume", "--devices", 1)
    assert again.code == 0
    assert json.loads((out / "comparison.json").read_text()) == result
    for words in ("Tiny: Does fast learning help?", "learner − slow", "eta zero", "comparison.png"):
        assert words in again.out
    without = cli("compare", path, "--out", out)
    assert (without.code, "is not empty; --resume continues" in without.err) == (2, True)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"100:106"', '"100:104"', "tiny.toml: seeds: 4 pairs of runs are too few; with fewer than 6"),
        ('"plastic"', '"plastik"', "tiny.toml: settings: unknown preset 'plastik'; did you mean 'plastic'"),
        ('title = "Tiny"', "titel = 3", "tiny.toml: unknown key 'titel'; did you mean 'title'"),
        ("[settings]", "[settings", "tiny.toml: not TOML: "),
        ('"L0.2"', '"L0.9"', "tiny.toml: unknown rung 'L0.9'"),
    ],
)
def test_an_invalid_plan_is_one_line_and_writes_nothing(cli, plan, tmp_path, old, new, words):
    path, text = plan
    path.write_text(text.replace(old, new))
    result = cli("compare", path, "--out", tmp_path / "out")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1), result.err
    assert words in result.err
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_not_there_is_named(cli, tmp_path):
    result = cli("compare", tmp_path / "no.toml", "--out", tmp_path / "out")
    assert (result.code, "no.toml: No such file or directory" in result.err) == (2, True)
    assert not list(tmp_path.iterdir())


def test_another_plan_than_was_registered_is_rejected(cli, plan, tmp_path):
    path, text = plan
    out = tmp_path / "out"
    out.mkdir()
    register(parse_plan(text), out)
    before = {entry: entry.read_bytes() for entry in out.iterdir()}
    path.write_text(text.replace("smallest_effect = 0.5", "smallest_effect = 0.1"))
    result = cli("compare", path, "--out", out, "--resume")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "was begun with another plan: smallest_effect is 0.5, not 0.1" in result.err
    assert {entry: entry.read_bytes() for entry in out.iterdir()} == before


def test_a_folder_of_something_else_is_rejected(cli, plan, tmp_path, finished):
    path, _ = plan
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    result = cli("compare", path, "--out", tmp_path / "out", "--resume")
    assert (result.code, "holds no comparison (it has no preregistration.json)" in result.err) == (2, True)
    result = cli("compare", path, "--out", finished.path, "--resume")
    assert (result.code, "is a run, not a study" in result.err) == (2, True)


def test_sets_of_runs_without_pairs_are_rejected_at_once(cli, finished):
    result = cli("evaluate", finished.path, "--against", finished.path)
    assert (result.code, result.out, "is in both sets" in result.err) == (2, "", True)
    assert result.err.count("\n") == 1
