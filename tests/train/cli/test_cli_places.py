"""The command line: which runs paths name, where pictures go, and places where nothing can begin or continue."""

import shutil
from types import SimpleNamespace

import pytest
from test_cli import assert_rejected

from koki2_train.experiment import Trial
from koki2_train.runs.directory import RunDirectory


@pytest.fixture
def runs(finished, tmp_path, monkeypatch):
    """``one``, and ``many`` with two seeds; in this folder."""
    monkeypatch.chdir(tmp_path)
    for place in ("one", "many/seed0", "many/seed1", "few/seed0"):
        shutil.copytree(finished.path, tmp_path / place)
    return tmp_path


@pytest.fixture
def _no_lives(monkeypatch):
    monkeypatch.setattr(
        "koki2_train.evaluation.HeldOutLives.evaluate_policy", lambda *_: {"fitness": {"mean": 1.0, "se": 0.1}}
    )


@pytest.mark.usefixtures("runs", "_no_lives")
@pytest.mark.slow
class TestWhereReportsGo:
    @pytest.mark.parametrize(
        ("arguments", "place"),
        [
            (["one"], "one/learning_curve.png"),
            (["many/seed0/"], "many/seed0/learning_curve.png"),
            (["many"], "many/learning_curves.png"),
            (["few"], "few/learning_curves.png"),
            (["."], "learning_curves.png"),
            (["one", "many"], "learning_curves.png"),
            (["one", "one"], "learning_curves.png"),
            (["many", "--out", "picture.png"], "picture.png"),
            (["one", "--out", "few"], "few/learning_curve.png"),
            (["one", "many", "--out", "few"], "few/learning_curves.png"),
        ],
    )
    def test_each_into_its_place_and_nowhere_else(self, cli, runs, monkeypatch, arguments, place):
        drawn = []
        for name in ("write_learning_curve", "write_learning_curves"):
            monkeypatch.setattr(
                f"koki2_train.reporting.learning_curve.{name}",
                lambda found, path=None, **_: drawn.append(path),
            )
        result = cli("report", *arguments)
        assert (result.code, result.out) == (0, f"{place}\n"), result.err
        assert [runs / path for path in drawn] == [runs / place]

    def test_a_folder_gets_a_picture_and_gaps_are_reported(self, cli, runs):
        log = runs / "many" / "seed1" / "generations.jsonl"
        log.write_text("".join(log.read_text().splitlines(keepends=True)[:4]) + '{"gen')
        result = cli("report", "many")
        assert result.code == 0
        assert (runs / "many" / "learning_curves.png").read_bytes().startswith(b"\x89PNG")
        told = result.err.splitlines()
        assert "warning: many/seed1/generations.jsonl: line 5 cannot be read" in told
        assert len(told) == 2

    def test_what_cannot_be_drawn_is_one_line(self, cli, runs):
        (runs / "one" / "generations.jsonl").write_bytes(b"\x00\x01")
        assert_rejected(cli("report", "one"), "one/generations.jsonl has no generation that can be read")
        assert_rejected(cli("report", "nothing"), "nothing is not a run directory")


def test_render_wants_one_run_and_names_those_that_are_there(cli, runs):
    assert_rejected(cli("render", "many"), "many is not a run, but holds 2 runs (seed0, seed1); name one of them")
    assert_rejected(cli("render", "mny"), "mny is not a run directory (it has no config.json); did you mean many?")
    assert_rejected(cli("render", "one", "--set", "theta=2"), "theta is not a setting of the world")
    assert not list(runs.rglob("life.*"))


class TestBeginning:
    @pytest.fixture
    def evolve(self, cli, tiny_flags, runs, monkeypatch):
        """The command without its evolution."""
        begun = []
        result = SimpleNamespace(
            generations=6, champion_score=1.0, interrupted=False, stop_asked=False, seconds=1.0, env_steps=1
        )
        monkeypatch.setattr("koki2_train.runs.runner.run_trial", lambda run, *_, **__: begun.append(str(run)) or result)

        def call(*arguments):
            begun.clear()
            found = cli("evolve", "L1.0", *tiny_flags, "--devices", 1, "--json", *arguments)
            return SimpleNamespace(**vars(found), begun=list(begun))

        return call

    def test_where_there_is_nothing_to_resume_that_is_said(self, evolve):
        for arguments in (("--out", "one"), ("--out", "many", "--seeds", "0:3")):
            continued = evolve(*arguments, "--resume")
            assert (continued.code, continued.err) == (0, ""), continued.err
        for typo, meant, seeds in (("mani", "many", ("--seeds", "0:2")), ("ones", "one", ())):
            anew = evolve("--out", typo, *seeds, "--resume")
            assert anew.err == f"warning: no run in {typo} yet: beginning anew; did you mean {meant}?\n"
            assert len(anew.begun) == max(1, 2 * bool(seeds))
        assert evolve("--out", "demo", "--resume").err == "warning: no run in demo yet: beginning anew\n"
        assert evolve("--out", "demo").err == "", "nothing was to be resumed"

    def test_no_run_begins_within_another(self, evolve, runs):
        for arguments in (
            ("--out", "one", "--seeds", "0:3"),
            ("--out", "one/deep/run"),
            ("--out", "one/checkpoints/x"),
        ):
            for resume in ((), ("--resume",)):
                result = evolve(*arguments, *resume)
                assert (result.code, result.begun) == (2, [])
                assert f"lies within {runs / 'one'}, which is a run; choose another folder" in result.err

    @pytest.mark.parametrize(
        ("command", "cells"), [("sweep", ("--vary", "obs_noise=0,0.1")), ("factorial", ("--factor", "a:obs_noise=0.1"))]
    )
    def test_nor_does_a_study(self, cli, tiny_flags, runs, command, cells):
        before = sorted(runs.rglob("*"))
        for out in ("one", "one/study"):
            result = cli(command, "L0.2", *tiny_flags, *cells, "--out", out, "--resume")
            assert_rejected(result, "--out: one", "which is a run" if "/" in out else "is a run, not a study")
        assert sorted(runs.rglob("*")) == before


def test_evaluate_takes_all_runs_in_a_folder_and_warns_of_copies(cli, runs, monkeypatch):
    named = []

    def evaluate(candidates, *_):
        named.extend(each.run for each in candidates)
        raise ValueError("enough")

    monkeypatch.setattr("koki2_train.evaluation.evaluate._evaluate", evaluate)
    RunDirectory(runs / "many" / "seed1").begin_invocation(
        Trial(RunDirectory(runs / "one").read_trial().experiment, 1), [], []
    )
    result = cli("evaluate", "many", "one", "./one")
    assert named == ["many/seed0", "many/seed1", "one"]
    assert result.err.splitlines()[:2] == [
        "warning: named twice, and counted once: one",
        "warning: many/seed0 and one are of the same experiment and seed: in means over runs the first counts alone",
    ]
