"""A rung may keep a side of its world for tests; evaluation reports both."""

import pytest

from koki2_envs import RUNGS
from koki2_envs.knobs import knob_fields
from koki2_train.evaluation import evaluate_runs, evaluate_runs, with_held_out_variant
from koki2_train.experiment import Experiment


def test_sides_are_made_of_knobs_that_the_rung_has():
    with_sides = {name: row for name, row in RUNGS.items() if row.held_out}
    for row in with_sides.values():
        assert set(row.held_out) <= set(knob_fields(row.params))
        assert row.default_params.replace(**row.held_out) != row.default_params


def test_both_sides_are_reported(finished, held_out_variant):
    result = evaluate_runs([finished.path], 8, 3, ("random", "oracle"))
    other = result.pop("held_out")
    assert result == evaluate_runs([finished.path], 8, 3, ("random", "oracle"))
    assert other.pop("knobs") == held_out_variant
    assert other == evaluate_runs([finished.path], 8, 3, ("random", "oracle"), held_out_variant)
    assert other["baselines"] != result["baselines"]


def test_where_the_side_is_chosen_by_hand_there_is_only_that(finished, held_out_variant):
    assert "held_out" not in evaluate_runs([finished.path], 8, 3, (), {"respawn_delay": 5})
    assert "held_out" in evaluate_runs([finished.path], 8, 3, (), {"obs_noise": 0.1})


def test_what_was_trained_elsewhere_has_no_side_that_it_was_never_trained_on(tiny, held_out_variant):
    def judge(knobs):
        return {"seen": knobs}

    there, bare = tiny.with_settings({"respawn_delay": 5}), Experiment.build("L0.0")
    assert with_held_out_variant([tiny, tiny], judge) == {
        "seen": {},
        "held_out": {"knobs": held_out_variant, "seen": held_out_variant},
    }
    for experiments in ([there], [tiny, there], [tiny, bare], [bare]):
        assert with_held_out_variant(experiments, judge) == {"seen": {}}


def test_a_rung_without_sides_has_one(finished):
    assert "held_out" not in evaluate_runs([finished.path], 8, 3)


def test_the_command_line_shows_both(cli, finished, held_out_variant):
    out = cli("evaluate", finished.path, "--episodes", 8).out
    assert "never trained on (bad_source_deplete_p = 0.5, respawn_delay = 9)" in " ".join(out.split())
    assert cli("evaluate", finished.path, "--episodes", 8, "--json").json["held_out"]["knobs"] == held_out_variant


def test_a_baseline_on_the_other_side(cli, held_out_variant):
    here = ["baseline", "L1.0", "--episodes", 8, "--steps", 24, "--policy", "greedy", "--json"]
    other, by_hand = cli(*here, "--held-out"), cli(*here, "--bad-source-deplete-p", 0.5, "--respawn-delay", 9)
    assert other.json == by_hand.json != cli(*here).json


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["L0.0", "--held-out"], "--held-out: L0.0 has no side that is never trained on"),
        (["L1.0", "--held-out", "--respawn-delay", "3"], "--held-out sets respawn_delay, which is also given"),
    ],
)
def test_sides_that_cannot_be(cli, held_out_variant, arguments, message):
    result = cli("baseline", *arguments)
    assert result.code == 2
    assert message in result.err
