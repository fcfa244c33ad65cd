"""Comparisons: who lives where, what is paired with what, and what a result holds."""

import dataclasses
import json

import numpy as np
import pytest

from koki2_train.evaluation.controls import CONTROLS
from koki2_train.studies import compare
from koki2_train.studies.compare import evaluate_arms, policies_on
from koki2_train.studies.paired_tests import compare_paired, holm
from koki2_train.studies.plan import parse_plan
from koki2_train.studies.preregistration import Preregistration

REGISTERED = Preregistration("ab" * 32, "2026-01-01T00:00:00+00:00")


class Lives:
    """Held-out lives in which fitness is seed plus 10 × food, halved under a control."""

    def __init__(self, experiment, episodes, seed):
        self.experiment = experiment

    def evaluate_genomes(self, genomes, names, evolved, control=None):
        self.lived.append((self.experiment, evolved, control))
        per_seed = genomes[:, 0] + 10 * self.experiment.params.energy_gain + evolved.params.energy_gain
        values = per_seed / (1 if control is None else 2 + CONTROLS.index(control))
        return [{"fitness": {"mean": float(value), "se": 0.1}, "success": {"mean": 1.0, "se": 0.0}} for value in values]

    def evaluate_policy(self, name):
        return {"fitness": {"mean": 1.0, "se": 0.1}}

    def normalized(self, metrics):
        return metrics["fitness"]["mean"] / 100


@pytest.fixture
def evaluate(monkeypatch, tmp_path):
    """Evaluates the champions of a plan that were never evolved and do not live; returns result and who lived where."""

    def genomes(runs, experiment):
        return np.asarray([[run.path.name.removeprefix("seed")] for run in runs], np.float64)

    monkeypatch.setattr("koki2_train.evaluation.stack_champions", genomes)
    monkeypatch.setattr(compare, "HeldOutLives", Lives)
    monkeypatch.setattr(compare, "reward_within_life", lambda lives, genomes, evolved: genomes * [[1.0, 2.0]])
    monkeypatch.setattr(Lives, "lived", [], raising=False)

    def call(plan):
        return evaluate_arms(plan, REGISTERED, tmp_path), Lives.lived

    return call


def test_a_result_holds_all_seeds_and_what_was_planned(evaluate, plan_text, variant):
    plan = parse_plan(plan_text)
    result, lived = evaluate(plan)
    shared = plan.arms[0].experiment
    adults = [world for world, _, _ in lived]
    assert adults[:2] == [shared, shared]
    assert adults[2:4] == [shared.with_settings(variant)] * 2
    assert [world.params.energy_gain for world in adults[4:]] == [0.05, 0.05]
    assert [evolved for _, evolved, _ in lived] == [arm.experiment for arm in plan.arms] * 3
    assert result["preregistration"] == {"sha256": "ab" * 32, "time": "2026-01-01T00:00:00+00:00"}
    assert (result["seeds"], result["primary"], result["smallest_effect"]) == (list(range(100, 106)), "fitness", 2.0)
    plain, rich = result["arms"]
    assert plain["fitness_by_seed"] == {str(seed): pytest.approx(seed + 2.2) for seed in plan.seeds}
    assert plain["by_seed"]["101"] == {"fitness": pytest.approx(103.2), "success": 1.0}
    assert plain["primary"]["mean"] == plain["metrics"]["fitness"]["mean"] == pytest.approx(104.7)
    assert plain["normalized"] == pytest.approx(1.047)
    assert plain["curve"]["mean"] == pytest.approx([102.5, 205.0])
    assert (rich["generations"], rich["env_steps"], rich["learns"]) == (2, plan.arms[1].env_steps, False)
    (pair,) = result["comparisons"]
    assert (pair["arm"], pair["minus"]) == ("rich", "plain")
    assert pair["difference_by_seed"] == {str(seed): pytest.approx(0.1) for seed in plan.seeds}
    assert (pair["p"], pair["p_holm"], pair["verdict"]) == (0.03125, 0.03125, "larger by less than the smallest effect")
    assert result["controls"] == []
    assert result["policies"].keys() == {"random", "greedy", "oracle"}
    assert result["held_out"]["knobs"] == variant
    assert result["tests"]["poor"]["arms"][0]["primary"]["mean"] == pytest.approx(102.5 + 0.5 + 0.2)
    assert result["tests"].keys() == {"poor"}
    json.dumps(result)


def test_arms_that_learn_are_compared_with_themselves_under_every_control(evaluate, plan_text):
    plan = parse_plan(plan_text)
    plain, rich = plan.arms
    plan = dataclasses.replace(plan, arms=(plain, dataclasses.replace(rich, learns=True)), tests={})
    result, lived = evaluate(plan)
    assert [(evolved, control) for _, evolved, control in lived] == [
        (plain.experiment, None),
        (rich.experiment, None),
        *((rich.experiment, control) for control in CONTROLS),
    ]
    found = result["controls"]
    assert [(each["arm"], each["control"]) for each in found] == [("rich", control) for control in CONTROLS]
    values = np.arange(100.0, 106.0) + 2.3
    for index, each in enumerate(found):
        assert each["primary"]["mean"] == pytest.approx((values / (2 + index)).mean())
        expected = compare_paired(values, values / (2 + index), 2.0)
        assert each["difference"]["mean"] == pytest.approx(expected["difference"]["mean"])
        assert each["verdict"] == "larger by at least the smallest effect"
    assert [each["p_holm"] for each in found] == holm([each["p"] for each in found]) == [0.15625] * 5
    assert result["comparisons"][0]["p_holm"] == 0.03125, "pairs of arms are a family of their own"


def test_in_their_own_worlds_there_are_no_policies_that_all_share(evaluate, plan_text):
    plan = parse_plan(plan_text.replace("episodes = 8", 'test_world = "own"'))
    result, lived = evaluate(plan)
    assert [world.params.energy_gain for world, _, _ in lived] == [0.2, 0.3, 0.05, 0.05]
    assert "policies" not in result
    assert "policies" in result["tests"]["poor"], "there, the worlds are the same"


def test_the_memory_policy_lives_where_the_world_has_it(plan_text):
    lottery = parse_plan(plan_text.replace('"L0.2"', '"L5.0"').replace("energy_gain =", "obs_noise ="))
    assert list(policies_on(Lives(lottery.arms[0].experiment, 1, 0))) == ["random", "greedy", "memory", "oracle"]
