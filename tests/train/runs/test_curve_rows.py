"""Rows of a learning curve: every gap in a log is reported."""

import json
import shutil

import pytest

from koki2_train.runs.curve_rows import read_curve_rows
from koki2_train.runs.directory import RunDirectory, RunError, RunWarning


@pytest.fixture
def run(finished, tmp_path):
    shutil.copytree(finished.path, tmp_path / "run")
    return RunDirectory(tmp_path / "run")


def rewrite(run, change):
    lines = (run.path / "generations.jsonl").read_text().splitlines()
    (run.path / "generations.jsonl").write_text("".join(f"{line}\n" for line in change(lines)))


@pytest.mark.filterwarnings("error")
def test_a_whole_log_is_read_in_silence(finished):
    assert read_curve_rows(finished) == finished.read_generations()


@pytest.mark.parametrize(
    ("change", "kept", "problem"),
    [
        (lambda lines: [*lines[:5], lines[5][:20]], 5, "line 6 cannot be read"),
        (lambda lines: [*lines[:2], "???", *lines[3:]], 2, "line 3 cannot be read, and the 3 after it are left out"),
        (lambda lines: [*lines, "[]"], 6, "line 7 cannot be read"),
        (lambda lines: [*lines, '{"generation": 6, "fitness_mean": "high"}'], 6, "line 7 cannot be read"),
        (lambda lines: [*lines, '{"generation": -1}'], 6, "line 7 cannot be read"),
        (lambda lines: [*lines, '{"generation": true}'], 6, "line 7 cannot be read"),
        (lambda lines: [*lines, "[" * 100_000], 6, "line 7 cannot be read"),
        (lambda lines: [lines[0], *lines[3:]], 4, "2 generations before the last one are missing, the first of them 1"),
        (lambda lines: [*lines[:2], *lines[1:]], 7, "1 lines are of generations that are there more than once"),
        (lambda lines: lines[:4], 4, "it ends after 4 of 6 generations; the lines of later generations are missing"),
        (
            lambda lines: [json.dumps({"generation": n, "fitness_mean": 1.0}) for n in range(6)],
            6,
            "lines lack champion_score, fitness_best, fitness_median, pass_rate",
        ),
    ],
)
def test_what_is_missing_is_told(run, change, kept, problem):
    rewrite(run, change)
    with pytest.warns(RunWarning) as warned:
        assert len(read_curve_rows(run)) == kept
    messages = [str(each.message) for each in warned]
    assert any(message.startswith(f"{run}/generations.jsonl: {problem}") for message in messages), messages


def test_an_unfinished_run_is_told(run):
    (run.path / "config.json").write_text(json.dumps(run.read_trial().with_generations(9).to_dict()))
    with pytest.warns(RunWarning, match=r"generations\.jsonl: it ends after 6 of 9 generations; the run is unfinished"):
        read_curve_rows(run)


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "has no generations yet"), ("", "has no generations yet"), ("\x00\x01", "cannot be read")],
)
def test_a_log_without_one_generation_is_rejected(run, text, message):
    (run.path / "generations.jsonl").unlink()
    if text is not None:
        (run.path / "generations.jsonl").write_text(text)
    with pytest.raises(RunError, match=rf"generations\.jsonl {message}"):
        read_curve_rows(run)
