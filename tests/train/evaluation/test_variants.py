"""Held-out variants: a rung may keep a variant of its world for tests, and evaluation reports both."""

import pytest

from koki2_envs import RUNGS
from koki2_envs.knobs import knob_fields
from koki2_train.evaluation import evaluate_runs, with_held_out_variant
from koki2_train.experiment import Experiment


def test_variants_are_made_of_knobs_that_the_rung_has():
    with_variants = {name: row for name, row in RUNGS.items() if row.held_out}
    assert with_variants
    for row in with_variants.values():
        assert set(row.held_out) <= set(knob_fields(row.params))
        assert row.default_params.replace(**row.held_out) != row.default_params


def test_world_and_variant_are_reported(finished, cli, held_out_variant):
    result = evaluate_runs([finished.path], 8, 3, ("random", "oracle"))
    variant = result.pop("held_out")
    assert variant.pop("knobs") == held_out_variant
    assert variant == evaluate_runs([finished.path], 8, 3, ("random", "oracle"), held_out_variant)
    assert variant["baselines"] != result["baselines"]

    out = cli("evaluate", finished.path, "--episodes", 8).out
    assert "held-out variant (bad_source_deplete_p = 0.5, respawn_delay = 9)" in " ".join(out.split())
    reported = cli("evaluate", finished.path, "--episodes", 8, "--seed", 3, "--json").json
    assert reported["held_out"]["knobs"] == held_out_variant
    assert reported["held_out"]["runs"] == variant["runs"]


def test_where_a_knob_of_the_variant_is_set_by_hand_there_is_only_that(finished, tiny, lived, held_out_variant):
    assert evaluate_runs([finished.path], 8, 3, (), {"respawn_delay": 5}) == {}
    assert evaluate_runs([finished.path], 8, 3, (), {"obs_noise": 0.1}) == {"held_out": {"knobs": held_out_variant}}
    noisy = tiny.with_settings({"obs_noise": 0.1})
    assert lived == [[tiny.with_settings({"respawn_delay": 5})], [noisy], [noisy.with_settings(held_out_variant)]]


def test_a_rung_without_a_variant_has_none(finished, lived):
    assert evaluate_runs([finished.path], 8, 3) == {}
    assert len(lived) == 1


def test_what_was_trained_elsewhere_has_no_variant_that_it_was_never_trained_on(tiny, held_out_variant):
    def evaluate(knobs):
        return {"seen": knobs}

    expected = {"seen": {}, "held_out": {"knobs": held_out_variant, "seen": held_out_variant}}
    assert with_held_out_variant([tiny, tiny], evaluate) == expected
    there, bare = tiny.with_settings({"respawn_delay": 5}), Experiment.build("L0.0")
    for experiments in ([there], [tiny, there], [tiny, bare], [bare]):
        assert with_held_out_variant(experiments, evaluate) == {"seen": {}}


def test_a_baseline_in_the_held_out_variant(cli, monkeypatch, held_out_variant):
    lived = []

    class Lives:
        def __init__(self, experiment, *_):
            lived.append(experiment)

        def evaluate_policy(self, name):
            return {"fitness": {"mean": 0.0, "se": 0.0}}

        def normalized(self, metrics):
            return None

    monkeypatch.setattr("koki2_train.evaluation.HeldOutLives", Lives)
    by_hand = ("--bad-source-deplete-p", 0.5, "--respawn-delay", 9)
    for arguments in (("--held-out",), by_hand, ()):
        assert cli("baseline", "L1.0", *arguments, "--json").code == 0
    assert lived[0] == lived[1] == Experiment.build("L1.0", held_out_variant) != lived[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["L0.0", "--held-out"], "--held-out: L0.0 has no held-out variant"),
        (["L1.0", "--held-out", "--respawn-delay", "3"], "--held-out sets respawn_delay, which is also given"),
    ],
)
def test_variants_that_there_are_not(cli, held_out_variant, arguments, message):
    result = cli("baseline", *arguments)
    assert result.code == 2
    assert message in result.err
