"""Factorial studies: equal budgets, one world without nursing for all, and what each factor changes."""

import json

import numpy as np
import pytest

from koki2_train.studies.factorial import make_cells

TEST = {"mvt": True, "mvt_min_action_entropy": 0.5}


def test_every_combination_at_the_budget_of_none(tiny_settings):
    settings = {**tiny_settings, "mvt": False, "generations": 100}
    cells = make_cells("L0.2", settings, {"a": {"obs_noise": 0.1}, "b": TEST})
    assert [cell.name for cell in cells] == ["none", "b", "a", "a+b"]
    assert [cell.levels for cell in cells[1:3]] == [{"a": False, "b": True}, {"a": True, "b": False}]
    assert [cell.experiment.params.obs_noise for cell in cells] == [0.0, 0.0, 0.1, 0.1]
    assert [cell.experiment.mvt.mvt for cell in cells] == [False, True, False, True]
    budget = cells[0].env_steps
    for cell in cells:
        generations = cell.experiment.evolution.generations
        assert (
            cell.env_steps
            == cell.experiment.env_steps(generations)
            <= budget
            < cell.experiment.env_steps(generations + 1)
        )
    assert cells[1].experiment.evolution.generations < cells[2].experiment.evolution.generations == 100


@pytest.fixture
def factorial(cli, tiny_flags, tmp_path):
    def call(*arguments):
        few = ("--no-mvt", "--generations", 2, "--test-episodes", 8, "--devices", 1, "--seeds", "0:2")
        return cli("factorial", "L0.2", *tiny_flags, *few, "--out", tmp_path / "out", *arguments)

    return call


def test_what_it_reports_and_keeps_of_world_and_variant(factorial, cli, variant, tmp_path):
    factors = ("--factor", "frugal:energy_decay=0.05")
    reported = factorial(*factors, "--json").json
    assert reported == json.loads((tmp_path / "out" / "factorial.json").read_text())
    without = ("--set", f"energy_decay={1 / 12}", "--episodes", 8, "--json")
    evaluated = {name: cli("evaluate", tmp_path / "out" / name, *without).json for name in ("none", "frugal")}
    for part, other in ((reported, None), (reported["held_out"], "held_out")):
        fitness = []
        for cell, name in zip(part["cells"], ("none", "frugal"), strict=True):
            expected = (evaluated[name][other] if other else evaluated[name])["aggregate"]
            assert (cell["cell"], cell["factors"]) == (name, {"frugal": name == "frugal"})
            assert cell["fitness"] == expected["metrics"]["fitness"]
            assert cell["normalized"] == pytest.approx(expected["normalized"])
            fitness.append([cell["fitness_by_seed"][seed] for seed in "01"])
        (effect,) = part["effects"]
        assert effect["difference"]["mean"] == pytest.approx(np.subtract(*fitness[::-1]).mean())
        assert part["baselines"].keys() == {"random", "greedy", "oracle"}
    assert reported["held_out"]["knobs"] == variant
    assert [(cell["generations"], cell["pass_rate_first"]) for cell in reported["cells"]] == [(2, 1.0), (2, 1.0)]

    again = factorial(*factors, "--resume")
    assert again.code == 0
    assert "held-out variant (energy_reward = 7)" in again.out
    rejected = factorial(*factors)
    assert (rejected.code, "is not empty; --resume continues" in rejected.err) == (2, True)
    shorter = factorial(*factors, "--resume", "--generations", 1)
    assert (shorter.code, "has 2 generations already; it cannot go back to 1" in shorter.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--factor", "gate"), "--factor takes NAME:KEY=VALUE[,KEY=VALUE], got 'gate'"),
        (("--factor", "a b/c:obs_noise=0.1"), "--factor takes NAME:KEY=VALUE[,KEY=VALUE]"),
        (("--factor", "a:obs_noise=0.1", "--factor", "a:sigma=1"), "--factor: two factors have the same name"),
        (("--factor", "a:obs_noise=0.1", "--factor", "b:obs_noise=1"), "factors 'a' and 'b' both set obs_noise"),
        (("--factor", "a:obs_nois=0.1"), "unknown setting 'obs_nois'; did you mean 'obs_noise'"),
        (("--factor", "a:obs_noise=-1"), "obs_noise must be at least 0, got -1"),
    ],
)
def test_invalid_input_is_one_line_and_writes_nothing(factorial, tmp_path, arguments, words):
    result = factorial(*arguments)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1), result.err
    assert words in result.err
    assert list(tmp_path.iterdir()) == []
