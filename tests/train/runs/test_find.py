"""Runs named by paths: single ones, folders at any depth, each once, and none left out in silence."""

import warnings
from pathlib import Path

import pytest

from koki2_train.experiment import Trial
from koki2_train.runs.directory import RunDirectory, RunError, RunWarning
from koki2_train.runs.find import find_run, find_runs, similar_place
from koki2_train.runs.places import run_around


@pytest.fixture
def begin(tmp_path, tiny):
    """Begins runs at these places."""

    def at(*places):
        for place in places:
            RunDirectory(tmp_path / place).begin_invocation(Trial(tiny, 0), [], [])

    return at


@pytest.fixture
def found(tmp_path):
    """The runs that paths name, relative to the test's folder."""

    def within(*places):
        return [str(run.path.relative_to(tmp_path)) for run in find_runs([tmp_path / place for place in places])]

    return within


@pytest.fixture
def _silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.usefixtures("_silent")
class TestFolders:
    def test_all_runs_in_a_folder_in_the_order_of_numbers(self, begin, found, tmp_path):
        begin("many/seed10", "many/seed9", "many/seed1", "many/x=0.5/seed0", "many/x=0.25/seed0", "one")
        (tmp_path / "many" / "seed99").mkdir()
        (tmp_path / "many" / "seeds.txt").write_text("")
        assert found("one", "many") == [
            "one", "many/seed1", "many/seed9", "many/seed10", "many/x=0.5/seed0", "many/x=0.25/seed0",
        ]  # fmt: skip
        assert found("many/x=0.5") == ["many/x=0.5/seed0"]

    def test_links_are_followed_once_and_never_in_circles(self, begin, found, tmp_path):
        begin("many/seed0", "elsewhere/run")
        (tmp_path / "many" / "latest").symlink_to(tmp_path / "many" / "seed0")
        (tmp_path / "many" / "back").symlink_to(tmp_path / "many")
        (tmp_path / "many" / "more").symlink_to(tmp_path / "elsewhere")
        assert found("many") == ["many/seed0", "many/more/run"]

    def test_hidden_folders_are_not_searched(self, begin, found):
        begin("many/seed0", "many/.trash/seed1")
        assert found("many") == ["many/seed0"]


@pytest.mark.parametrize(
    "places", [("a", "a"), ("a", "a/."), ("a", "b/../a"), ("a", "link"), ("a", "."), (".", "a"), ("all", "a", "b")]
)
def test_a_run_counts_once_under_whatever_name(begin, found, tmp_path, places):
    begin("a", "b")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "all").symlink_to(".")
    with pytest.warns(RunWarning, match="named twice, and counted once: ") as warned:
        names = found(*places)
    assert len(warned) == 1
    expected = {"a", "b"} if {".", "all"} & set(places) else {"a"}
    assert {Path(name).name for name in names} == expected
    assert len(names) == len(expected)


def test_runs_within_a_run_are_told_of(begin, found):
    begin("run", "run/seed0", "run/deep/seed1")
    with pytest.warns(RunWarning, match=r"run is a run, and holds others .* named: .*deep/seed1, .*run/seed0"):
        assert found("run") == ["run"]
    assert found(".") == ["run", "run/deep/seed1", "run/seed0"]


def test_no_run_begins_within_another(begin, tiny, tmp_path):
    begin("run")
    (tmp_path / "link").symlink_to(tmp_path / "run")
    for place in ("run/seed0", "run/checkpoints/x", "link/seed0", "run/seed0/../seed1"):
        for resume in (False, True):
            with pytest.raises(RunError, match=r"lies within .*run, which is a run; choose another folder"):
                RunDirectory(tmp_path / place).check(Trial(tiny, 0), resume=resume)
    begin("run/old")  # by an earlier version: it can still be continued
    RunDirectory(tmp_path / "run" / "old").check(Trial(tiny, 0), resume=True)


def test_a_config_of_another_program_makes_no_run(begin, found, tmp_path):
    begin("app/runs/seed0")
    for text in ("{}", "[]", "5", "{", "\x00"):
        (tmp_path / "app" / "config.json").write_text(text)
        (tmp_path / "app" / "manifest.json").write_text(text)
        assert run_around(tmp_path / "app" / "runs" / "seed0") is None
        assert found(".") == ["app/runs/seed0"]
    (tmp_path / "app" / "generations.jsonl").write_text("")
    assert run_around(tmp_path / "app" / "runs" / "seed0") == tmp_path / "app", "a run's, damaged"
    assert found(".") == ["app", "app/runs/seed0"]


def test_what_names_no_run_is_rejected(begin, tmp_path):
    begin("l02/seed0", "l02/seed1", "solitary")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for place in ("empty", "file", "none", "file/deeper"):
        with pytest.raises(RunError, match=rf"{place} is not a run directory \(it has no config.json\)$"):
            find_runs([tmp_path / place])
        with pytest.raises(RunError, match=rf"{place} is not a run directory"):
            find_run(tmp_path / place)
    for typo, meant in (("l2", "l02"), ("l02/sed1", "l02/seed1"), ("solitry", "solitary")):
        with pytest.raises(RunError, match=f"; did you mean {tmp_path / meant}"):
            find_runs([tmp_path / typo])
        assert similar_place(tmp_path / typo) == tmp_path / meant
    assert similar_place(tmp_path / "nowhere" / "solitary") is None


def test_a_run_without_its_config_is_not_passed_over(begin, tmp_path):
    begin("many/seed0", "many/seed1")
    run = RunDirectory(tmp_path / "many" / "seed1")
    run.append_generations([{"generation": 0}])
    (run.path / "config.json").unlink()
    with pytest.raises(RunError, match=r"seed1 is damaged: it holds a run's files, but no config\.json"):
        find_runs([tmp_path / "many"])


def test_where_one_run_is_wanted_the_error_names_those_that_are_there(begin, tmp_path):
    begin("study/a/seed0", "study/a/seed1", "study/b/seed0", "study/b/seed1", "many/seed0")
    assert find_run(tmp_path / "many" / "seed0").path == tmp_path / "many" / "seed0"
    expected = r"study is not a run, but holds 4 runs \(a/seed0, a/seed1, b/seed0 and 1 more\); name one of them"
    with pytest.raises(RunError, match=expected):
        find_run(tmp_path / "study")
    with pytest.raises(RunError, match=r"many is not a run, but holds 1 run \(seed0\); name one of them"):
        find_run(tmp_path / "many")
