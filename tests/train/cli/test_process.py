"""The process of the command line: streams that break, names that cannot be encoded, signals at any moment."""

import io
import os
import signal
import sys
import threading
import time

import pytest

from koki2_train.cli import progress, streams
from koki2_train.cli.main import main
from koki2_train.cli.output import in_thousands
from koki2_train.runtime.signals import STOPPING, StopRequest


@pytest.fixture
def broken_pipe():
    """The end of a pipe without a reader."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


def test_a_broken_stream_takes_everything_and_remembers(broken_pipe):
    file = streams.LossyFile(broken_pipe, "w", closefd=False)
    with io.TextIOWrapper(io.BufferedWriter(file), "utf-8", line_buffering=True) as stream:
        for _ in range(3):
            print("x" * 100_000, file=stream)
    assert isinstance(file.error, BrokenPipeError)


def test_a_stream_that_does_not_block_gets_everything():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    received = []

    def read():
        time.sleep(0.05)
        while part := os.read(reading, 65536):
            received.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    assert streams.LossyFile(writing, "w", closefd=False).write(b"x" * 1_000_000) == 1_000_000
    os.close(writing)
    reader.join(10)
    assert len(b"".join(received)) == 1_000_000


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", "1 +- 2 ... x - -> \\xef\\U0001f642\\udcff"),
        ("latin-1", "1 ± 2 ... × - -> ï\\U0001f642\\udcff"),
        ("cp437", "1 ± 2 ... x - -> ï\\U0001f642\\udcff"),
        ("utf-8", "1 ± 2 … × – → ï🙂\\udcff"),
    ],
)
def test_what_an_encoding_lacks_is_written_as_something_like_it(monkeypatch, encoding, expected):
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    streams.substitute_unencodable()
    print("1 ± 2 … × – → ï🙂\udcff", end="", flush=True)
    assert stream.buffer.getvalue().decode(encoding) == expected


def shell(python, script):
    """Runs a script in which ``k2`` is the command line."""
    process = python(
        "-c",
        "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1], shell=True, executable='/bin/bash').returncode)",
        f'k2() {{ "{sys.executable}" -m koki2_train "$@"; }}; {script}',
    )
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_output_that_is_lost_is_said_in_the_exit_code(python):
    assert shell(python, "k2 ladder > /dev/full") == (
        1, "", "koki2-train: standard output: No space left on device\n",
    )  # fmt: skip
    assert shell(python, "k2 ladder 2>&- >&-") == (0, "", "")
    assert shell(python, "k2 ladder L7 2> /dev/full") == (2, "", "")
    assert shell(python, "set -o pipefail; (sleep 0.1; k2 ladder L0.0 --json) | true") == (141, "", "")


def test_a_run_whose_reader_is_gone_is_finished(python, tiny_flags, broken_pipe, tmp_path):
    flags = [*tiny_flags, "--devices", "1", "--log-every", "2"]  # programs of other tests
    command = ["-m", "koki2_train", "evolve", "L1.0", "--out", tmp_path / "many", "--seeds", "0:2", *flags]
    process = python(*command, stdout=broken_pipe, stderr=broken_pipe)
    assert process.wait(120) == 141
    assert all((tmp_path / "many" / f"seed{seed}" / "best_genome.npz").exists() for seed in (0, 1))


IN_COMPILED_CODE = """
import hashlib, sys, threading
from koki2_train.cli import process
from koki2_train.runtime.signals import StopRequest

def announce(inside):
    inside.acquire()
    print("begun", flush=True)

def compute(*_):
    inside = threading.Lock()
    inside.acquire()
    threading.Thread(target=announce, args=(inside,)).start()
    sys.setswitchinterval(1e6)  # from here on the other thread runs only where this one waits or is in compiled code
    with StopRequest():
        inside.release()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)  # as XLA: takes no signals, and lets other threads work

process.main = compute
process.run_process()
"""


def test_compiled_code_is_interrupted_by_the_second_signal_and_the_first_is_answered(python):
    process = python("-c", IN_COMPILED_CODE)
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    assert process.stderr.readline().startswith("stopping after what is being compiled")
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 130
    assert process.communicate() == ("", "koki2-train: interrupted\n")


def test_requests_to_stop_belong_to_the_main_thread_and_an_ignored_hang_up_stays_ignored(monkeypatch):
    handlers = [signal.getsignal(number) for number in STOPPING]

    def inside():
        with StopRequest() as stop:
            assert not stop.asked
            assert [signal.getsignal(number) for number in STOPPING] == handlers

    failed = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert not failed
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopRequest() as stop:
            assert StopRequest.current is stop
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, handlers[STOPPING.index(signal.SIGHUP)])
    assert StopRequest.current is None


def test_jax_that_cannot_start_is_one_line_that_names_the_variable(cli, monkeypatch):
    def fail(*_):
        raise AssertionError

    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    monkeypatch.setattr("koki2_train.evaluation.HeldOutLives.evaluate_policy", fail)
    with pytest.raises(AssertionError):
        main(["baseline", "L0.0"])  # a bug is shown as one
    monkeypatch.setattr("jax.devices", fail)
    result = cli("baseline", "L0.0")
    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)
    assert result.err.startswith("koki2-train: JAX cannot start: it finds no device")
    assert "JAX_PLATFORMS=cuda" in result.err


def test_a_removed_working_directory_is_no_traceback(cli, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert cli("ladder").code == 0
    monkeypatch.chdir(tmp_path)


# Progress


def row(generation, env_steps):
    return {
        "generation": generation, "fitness_mean": 1.0, "fitness_best": 2.0, "champion_score": 3.0, "pass_rate": 0.5,
        "non_finite": 7, "env_steps": env_steps,
    }  # fmt: skip


def test_lines_come_at_intervals_and_the_first_says_that_it_compiles(capsys, monkeypatch):
    monkeypatch.setattr(progress, "NOTICE_SECONDS", 0.0)
    with progress.progress("run", 3) as observe:
        time.sleep(0.05)
        for generation in range(3):
            observe([row(generation, 0)])
    state = "mean 1.0  best 2.0  champion 3.0  viable 50%  not finite 7"
    assert capsys.readouterr().err.splitlines() == ["run: compiling …", f"run 1/3 {state}", f"run 3/3 {state}"]


def test_a_bar_shows_whole_numbers_or_none():
    assert progress._state(row(0, 0), 24) == "mean 1.0  best 2.0"
    assert progress._state(row(0, 0), -5) == ""


def test_speed_leaves_out_what_was_before_the_first_chunk(monkeypatch):
    times = iter([10.0, 12.0, 14.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    speed = progress.Speedometer()
    assert str(speed) == "– steps/s"
    speed.observe(500)
    assert str(speed) == "– steps/s"
    speed.observe(2500)
    speed.observe(6500)
    assert str(speed) == "1.50 k steps/s"


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0.5, "0.50"), (640, "640"), (999.6, "1.00 k"), (12345.0, "12.3 k"), (4.56e6, "4.56 M"), (7.7e11, "770 G")],
)
def test_units_follow_the_size(rate, text):
    assert in_thousands(rate) == text
