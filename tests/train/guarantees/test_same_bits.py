"""The same bits on any number of devices and processes, and through their interruption and death."""

import json
import signal
import socket
import time

import numpy as np
import pytest

from koki2_train.runs.directory import RunDirectory

MANY = 400  # generations: enough to be met in the middle


@pytest.fixture
def evolve(python, tiny_flags, tmp_path):
    """Starts the tiny experiment on one process, or on several with two devices each."""
    started = []

    def start(path, devices, *more, processes=1):
        command = ["-m", "koki2_train", "evolve", "L1.0", "--out", path, "--devices", devices, "--log-every", 2]
        command += [*tiny_flags, "--json", *more]
        if processes > 1:
            command += ["--distributed", "--coordinator", f"localhost:{free_port()}", "--num-processes", processes]
        group = [python(*command, *(["--process-id", i] if processes > 1 else [])) for i in range(processes)]
        started.extend(group)
        return group

    yield start
    for process in started:
        process.kill()
        process.communicate()


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def wait_for_rows(group, path, count):
    """Until a run of these processes has so many generations on the disk."""
    file, deadline = path / "generations.jsonl", time.monotonic() + 120
    while not file.exists() or file.read_bytes().count(b"\n") < count:
        assert all(process.poll() is None for process in group), [process.communicate() for process in group]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def devices_of(path):
    return len(json.loads((path / "manifest.json").read_text())["invocations"][-1]["devices"])


def finish(group, code=0):
    """What each process prints, once all have ended with the exit code."""
    printed = [process.communicate(timeout=300) for process in group]
    assert [process.returncode for process in group] == [code] * len(group), printed
    return [out for out, _ in printed]


def test_more_devices(evolve, finished, outcome, tmp_path):
    """Six genomes in training and two in validation: on 4 devices padding, and shares of one."""
    expected = outcome(finished)
    assert len(expected.rows) == 6
    assert 0 < np.mean([row["pass_rate"] for row in expected.rows]) < 1
    finish(evolve(tmp_path / "run", 4))
    assert devices_of(tmp_path / "run") == 4
    assert outcome(RunDirectory(tmp_path / "run")) == expected


def test_two_processes(evolve, finished, outcome, tmp_path):
    """Process 0 alone prints, one JSON object, and writes; process 1 has a folder of its own and leaves it alone."""
    group = evolve(tmp_path / "run", 2, processes=2)
    told, silence = finish(group)
    assert json.loads(told)["runs"][0]["generations"] == 6
    assert silence == ""
    assert devices_of(tmp_path / "run") == 4
    assert outcome(RunDirectory(tmp_path / "run")) == outcome(finished)


@pytest.mark.slow
def test_more_devices_than_genomes_divide_over(evolve, tiny, run_tiny, outcome, tmp_path):
    """Ten genomes over eight devices: five of them have two, three have only copies."""
    expected, _ = run_tiny(tiny.with_settings({"pop_size": 10}), tmp_path / "one")
    finish(evolve(tmp_path / "eight", 8, "--pop-size", 10))
    assert devices_of(tmp_path / "eight") == 8
    assert outcome(RunDirectory(tmp_path / "eight")) == outcome(expected)


@pytest.fixture(scope="module")
def long_undisturbed(tiny, run_tiny, outcome, tmp_path_factory):
    """The run that is stopped in the middle below, on one device and left alone."""
    path = tmp_path_factory.mktemp("undisturbed") / "run"
    run, _ = run_tiny(tiny.with_settings({"generations": MANY}), path, checkpoint_seconds=1e9)
    return outcome(run)


@pytest.mark.slow
def test_a_signal_to_a_follower_ends_all_after_the_same_chunk(
    evolve, tiny, run_tiny, long_undisturbed, outcome, tmp_path
):
    path = tmp_path / "run"
    group = evolve(path, 2, "--generations", MANY, processes=2)
    wait_for_rows(group, path, 3)
    group[1].send_signal(signal.SIGTERM)
    told = json.loads(finish(group, code=130)[0])["runs"][0]
    assert told["interrupted"] is True
    assert 3 <= told["generations"] < MANY
    assert RunDirectory(path).read_generations()[-1]["generation"] == told["generations"] - 1
    run, _ = run_tiny(tiny.with_settings({"generations": MANY}), path, resume=True, checkpoint_seconds=1e9)
    assert outcome(run) == long_undisturbed


@pytest.mark.slow
def test_a_process_that_dies_ends_the_others_and_loses_nothing(
    evolve, tiny, run_tiny, long_undisturbed, outcome, tmp_path
):
    path = tmp_path / "run"
    leader, follower = evolve(path, 2, "--generations", MANY, "--checkpoint-seconds", 0, processes=2)
    wait_for_rows([leader, follower], path, 3)
    follower.kill()
    out, error = leader.communicate(timeout=150)
    assert (leader.returncode, out) == (1, "")
    assert "another process has died" in error
    assert "Traceback" not in error
    run, _ = run_tiny(tiny.with_settings({"generations": MANY}), path, resume=True, checkpoint_seconds=1e9)
    assert outcome(run) == long_undisturbed
