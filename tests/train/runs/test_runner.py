"""Runs that are stopped and killed at any moment, and end as if nothing had happened."""

import itertools
import json
import random
import signal
import time
from types import SimpleNamespace

import pytest

from koki2_train.runs import chunks, runner
from koki2_train.runs.directory import RunDirectory, RunError
from koki2_train.storage import checkpoint

GENERATIONS = 600


@pytest.fixture(scope="module")
def patient(tiny):
    """An experiment of many small generations."""
    return tiny.with_settings({"generations": GENERATIONS})


@pytest.fixture(scope="module")
def undisturbed(patient, run_tiny, outcome, tmp_path_factory):
    run, _ = run_tiny(patient, tmp_path_factory.mktemp("undisturbed") / "run", checkpoint_seconds=1e9)
    return outcome(run)


@pytest.fixture(scope="module")
def short(patient):
    return patient.with_settings({"generations": 6})


@pytest.fixture(scope="module")
def short_undisturbed(short, run_tiny, outcome, tmp_path_factory):
    run, result = run_tiny(short, tmp_path_factory.mktemp("undisturbed") / "run")
    assert (result.generations, result.interrupted, result.stop_asked) == (6, False, False)
    return outcome(run)


@pytest.fixture
def start_process(python, tiny_flags):
    """Starts `evolve` on the patient experiment in another process."""
    started = []

    def start(path, *more):
        flags = [*tiny_flags, "--generations", GENERATIONS, "--devices", 1, "--log-every", 2]
        process = python("-m", "koki2_train", "evolve", "L1.0", "--out", path, *flags, "--checkpoint-seconds", 0, *more)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def count_rows(path):
    file = path / "generations.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0


def wait_for_rows(process, path, count):
    deadline = time.monotonic() + 120
    while count_rows(path) < count and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    assert process.poll() is None, process.communicate()
    assert time.monotonic() < deadline


@pytest.mark.parametrize("kills", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_run_that_is_killed_and_interrupted_ends_with_the_same_bits(
    kills, patient, undisturbed, run_tiny, outcome, start_process, tmp_path
):
    path, rng = tmp_path / "run", random.Random(time.time_ns())
    for attempt in range(kills):
        process = start_process(path, *(["--resume"] if attempt else []))
        wait_for_rows(process, path, count_rows(path) + rng.randint(1, 25))
        time.sleep(rng.uniform(0.0, 0.02))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert 0 < count_rows(path) < GENERATIONS

    process, killed_at = start_process(path, "--resume", "--json"), count_rows(path)
    wait_for_rows(process, path, killed_at + 4)
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(RunError, match="in use by another process"):
        run_tiny(patient, path, resume=True)
    process.send_signal(signal.SIGCONT)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    told = json.loads(out)["runs"][0]
    assert told["interrupted"] is True
    assert killed_at < told["generations"] < GENERATIONS
    run = RunDirectory(path)
    assert run.load_checkpoint()[1]["generation"] == count_rows(path) == told["generations"], "everything is saved"
    run.load_champion()

    _, result = run_tiny(patient, path, resume=True, checkpoint_seconds=1e9)
    assert result.generations == GENERATIONS
    after = outcome(run)
    assert [row["generation"] for row in after.rows] == list(range(GENERATIONS)), "every generation once"
    assert after == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize(("delay", "number"), [(0.0, signal.SIGINT), (2.0, signal.SIGTERM)])
def test_a_signal_at_the_beginning_ends_the_process_in_one_line(start_process, tmp_path, number, delay):
    """While it compiles, or a little before or after."""
    process = start_process(tmp_path / "run", "--no-compilation-cache")
    while not (tmp_path / "run" / "manifest.json").exists():
        time.sleep(0.01)
        assert process.poll() is None
    time.sleep(delay)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "terminate called" not in err


class Signals:
    """An observer that sends this process a signal after some chunks."""

    def __init__(self, *chunks, number=signal.SIGINT):
        self.chunks, self.number, self.seen = chunks, number, 0

    def __call__(self, rows):
        self.seen += 1
        for chunk in self.chunks:
            if chunk == self.seen:
                signal.raise_signal(self.number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_after_its_chunk(short, short_undisturbed, run_tiny, outcome, tmp_path, number):
    run, result = run_tiny(short, tmp_path, observer=Signals(2, number=number), checkpoint_seconds=1e9)
    assert (result.generations, result.interrupted) == (3, True)
    assert run.load_checkpoint()[1]["generation"] == 3
    assert json.loads((tmp_path / "manifest.json").read_text())["invocations"][0]["interrupted"] is True
    _, result = run_tiny(short, tmp_path, resume=True)
    assert (result.generations, result.interrupted) == (6, False)
    assert outcome(run) == short_undisturbed


def test_a_signal_in_the_last_chunk_interrupts_nothing(short, short_undisturbed, run_tiny, outcome, tmp_path):
    run, result = run_tiny(short, tmp_path, observer=Signals(4))
    assert (result.generations, result.interrupted, result.stop_asked) == (6, False, True)
    assert outcome(run) == short_undisturbed


@pytest.mark.parametrize("chunk", [1, 2])
def test_a_second_signal_ends_a_run_at_once(short, short_undisturbed, run_tiny, outcome, tmp_path, chunk):
    with pytest.raises(KeyboardInterrupt):
        run_tiny(short, tmp_path, observer=Signals(chunk, chunk))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    run, _ = run_tiny(short, tmp_path, resume=True)
    assert outcome(run) == short_undisturbed


def test_a_signal_while_it_compiles_ends_a_run_before_its_first_generation(
    short, short_undisturbed, run_tiny, outcome, tmp_path, monkeypatch
):
    compiled_steps = runner.compiled_steps

    def interrupted(*arguments):
        if not stop_asked:
            stop_asked.append(signal.raise_signal(signal.SIGINT))
        return compiled_steps(*arguments)

    stop_asked = []
    monkeypatch.setattr(runner, "compiled_steps", interrupted)
    run, result = run_tiny(short, tmp_path)
    assert (result.generations, result.interrupted, result.champion_score) == (0, True, None)
    assert run.read_generations() == []
    monkeypatch.undo()
    run_tiny(short, tmp_path, resume=True)
    assert outcome(run) == short_undisturbed


def test_chunks_are_short_where_generations_are_long(short, short_undisturbed, run_tiny, outcome, tmp_path):
    sizes = []
    run, _ = run_tiny(short, tmp_path, chunk_seconds=0.0, observer=lambda rows: sizes.append(len(rows)))
    assert sizes == [1] * 6
    assert outcome(run) == short_undisturbed


def test_checkpoints_are_taken_by_time_and_at_the_end(tiny, run_tiny, tmp_path, monkeypatch):
    """Every chunk takes 4 seconds by this clock; they end after 1, 3, 5, … generations."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(chunks, "time", SimpleNamespace(monotonic=lambda: clock.now))
    seen = []

    def tick(rows):
        clock.now += 4
        seen.append([int(path.stem) for path in checkpoint.newest_first(tmp_path / "checkpoints")])

    run_tiny(tiny.with_settings({"generations": 14}), tmp_path, observer=tick, checkpoint_seconds=10)
    assert seen == [[], [], [], [5], [5], [5], [11, 5], [11, 5]]
    assert [int(path.stem) for path in checkpoint.newest_first(tmp_path / "checkpoints")] == [14, 11, 5]


def test_rows_tell_time_and_steps_over_all_invocations(short, run_tiny, tmp_path):
    run, first = run_tiny(short.with_settings({"generations": 4}), tmp_path)
    _, second = run_tiny(short, tmp_path, resume=True)
    rows = run.read_generations()
    assert [row["env_steps"] for row in rows] == [short.env_steps(n) for n in range(1, 7)]
    assert second.env_steps == short.env_steps(6)
    assert all(a["seconds"] <= b["seconds"] for a, b in itertools.pairwise(rows))
    assert second.seconds > rows[3]["seconds"] > 0
    assert first.seconds > 0
    expected = {"fitness_best", "fitness_mean", "fitness_median", "pass_rate", "champion_score", "env_steps", "seconds"}
    assert expected <= rows[0].keys()
    assert rows[0]["champion_score"] is None
    assert isinstance(rows[1]["champion_score"], float)
    assert rows[-1]["champion_score"] <= second.champion_score
