"""The tool that kills a run at every moment: the run survives it, and what differs or is lost is seen."""

import json
import random
import signal
import sys
from pathlib import Path

import pytest

from koki2_train.runs.directory import RunDirectory
from koki2_train.storage import generation_log

TOOLS = Path(__file__).parents[3] / "tools"


@pytest.fixture(scope="module")
def tool():
    sys.path.insert(0, str(TOOLS))
    import kill_and_resume

    yield kill_and_resume
    sys.path.remove(str(TOOLS))


@pytest.mark.slow
def test_a_run_that_is_killed_at_many_moments_ends_with_the_same_bits(python, tool):
    process = python(TOOLS / "kill_and_resume.py", "--kills", 7, "--json")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, (out, err)
    seen = json.loads(out)
    assert seen["kills"] == dict.fromkeys(tool.FIRST, 1)
    assert (seen["lost"], seen["damaged"], seen["left_at_the_end"]) == (0, 0, [])
    assert (seen["half_lines"] >= 1, seen["half_files"] >= 3) == (True, True)
    assert list(seen["equal"].values()) == [True] * 3


def test_every_kind_of_moment_is_in_a_run_of_50(tool):
    plan = tool.PLAN[:50]
    assert len(plan) == 50
    assert set(tool.MOMENTS) < set(plan)
    assert plan.count(tool.RUNNING) >= 10
    assert plan.count(tool.RESUMING) >= 4


def test_what_differs_is_seen(tool, finished, tiny, run_tiny, tmp_path):
    run, _ = run_tiny(tiny, tmp_path / "run")
    assert tool.compare(finished, run) == dict.fromkeys(
        ("best_genome.npz", "newest checkpoint", "generations.jsonl"), True
    )
    other, _ = run_tiny(tiny, tmp_path / "other", seed=1)
    assert not any(tool.compare(finished, other).values())
    rows = run.read_generations()
    generation_log.write_rows(run.path / "generations.jsonl", [*rows[:3], *rows[2:]])
    assert list(tool.compare(finished, run).values()) == [True, True, False]


def test_the_overseer_sees_what_a_kill_left(tool, finished, tmp_path):
    victim = tool.Victim(finished.path, 6, tmp_path, random.Random(0))
    victim.look_over()
    assert (victim.saved, victim.tally) == (6, tool.Tally())
    path = tmp_path / "run"
    (path / "checkpoints").mkdir(parents=True)
    (path / "checkpoints" / "00000003.ckpt").write_bytes(b"half")
    (path / "checkpoints" / ".00000004.ckpt.x.part").write_bytes(b"half")
    (path / "generations.jsonl").write_text('{"generation": 0}\n{"gen')
    victim.run = RunDirectory(path)
    victim.look_over()
    expected = tool.Tally(half_files={".00000004.ckpt.x.part"}, half_lines=1, run_again=1, lost=6, damaged=1)
    assert (victim.saved, victim.tally) == (0, expected)


@pytest.mark.slow
def test_a_mortal_leaves_half_a_file_where_an_orderly_end_would_tidy_up(python, tiny_flags, tmp_path):
    flags = ["evolve", "L1.0", "--out", tmp_path / "run", *tiny_flags, "--devices", 1, "--checkpoint-seconds", 0]
    process = python(TOOLS / "mortal.py", "checkpoint: half written", 2, *flags)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    first, half = sorted((tmp_path / "run" / "checkpoints").iterdir(), key=lambda path: path.suffix)
    assert first.suffix == ".ckpt"
    assert half.suffix == ".part"
    assert 0 < half.stat().st_size < first.stat().st_size
