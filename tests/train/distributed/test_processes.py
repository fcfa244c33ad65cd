"""Several processes: invalid addresses are rejected in one line, and what differs is detected."""

import re

import numpy as np
import pytest

from koki2_train.distributed.leader import DriftError, Leader, fingerprint, last_of, pack, unpack
from koki2_train.distributed.processes import ClusterAddress

HERE = ("--coordinator", "localhost:4321")
TWO = ("--num-processes", 2)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (HERE, "--coordinator goes with --distributed"),
        (("--join-seconds", 5), "--join-seconds goes with --distributed"),
        (("--distributed", *HERE, *TWO), "--process-id is missing"),
        (("--distributed", *TWO, "--process-id", 0), "--coordinator is missing"),
        (("--distributed", *HERE, *TWO, "--process-id", 2), "--process-id must be 0 to 1, got 2"),
        (("--distributed", *HERE, *TWO, "--process-id", -1), "--process-id must be 0 to 1, got -1"),
        (
            ("--distributed", *HERE, "--num-processes", 0, "--process-id", 0),
            "--num-processes must be at least 1, got 0",
        ),
        (("--distributed", "--coordinator", "localhost", *TWO, "--process-id", 0), "HOST:PORT .* got 'localhost'"),
        (("--distributed", "--coordinator", "here:99999", *TWO, "--process-id", 0), "HOST:PORT .* got 'here:99999'"),
        (("--distributed", "--coordinator", "no.invalid:1", *TWO, "--process-id", 0), "host 'no.invalid' is not known"),
    ],
)
def test_invalid_flags_are_rejected_in_one_line(cli, tmp_path, flags, message):
    result = cli("evolve", "L0.0", "--out", tmp_path / "run", *flags)
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert re.search(message, result.err)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("process", [0, 1])
def test_a_process_that_waits_in_vain_ends_with_one_line(python, tmp_path, process):
    flags = ("--distributed", "--coordinator", "localhost:4321", *TWO, "--process-id", process, "--join-seconds", 2)
    started = python("-m", "koki2_train", "evolve", "L0.0", "--out", tmp_path / "run", *flags)
    out, err = started.communicate(timeout=60)
    assert (started.returncode, out) == (1, "")
    assert err == "koki2-train: --distributed: not all processes joined at localhost:4321 in 2 s\n"
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_without_a_cluster_an_address_is_needed(python, tmp_path):
    started = python("-m", "koki2_train", "evolve", "L0.0", "--out", tmp_path / "run", "--distributed")
    _, err = started.communicate(timeout=60)
    assert started.returncode == 2
    assert err.count("\n") == 1
    assert "no cluster here" in err
    assert "give coordinator" in err


def test_a_cluster_is_asked_if_nothing_is_given():
    assert ClusterAddress().coordinator is None
    assert ClusterAddress("[::1]:99", 2, 1).num_processes == 2


def said(*rows):
    """What processes say before a chunk: order, generation, whether to stop, fingerprint of their state."""
    return np.asarray(rows, np.int32)


def test_a_chunk_is_empty_once_any_process_was_asked_to_stop():
    assert last_of(said((1, 9, 0, 5), (0, 0, 0, 5))) == 9
    assert last_of(said((1, 9, 0, 5), (0, 0, 1, 5))) == 0


def test_states_that_differ_are_rejected():
    with pytest.raises(DriftError, match="process 1 computed other numbers"):
        last_of(said((1, 9, 0, 5), (0, 0, 0, 6)))
    zero, one = np.zeros(3, np.float32), np.asarray([0.0, 0.0, 1e-45], np.float32)
    assert len({fingerprint([zero]), fingerprint([one]), fingerprint([-zero])}) == 3


def test_a_message_keeps_every_bit(tiny):
    leaves = [np.asarray(x) for x in (np.float32(-0.0), np.full(3, np.nan, np.float32), np.int32(7))]
    words, unpacked = unpack(pack({"experiment": tiny.to_dict()}, leaves))
    assert type(tiny).from_dict(words["experiment"]) == tiny
    assert [leaf.tobytes() for leaf in unpacked] == [leaf.tobytes() for leaf in leaves]
    assert [leaf.shape for leaf in unpacked] == [(), (3,), ()]


def test_a_leader_without_followers_decides_alone():
    leader = Leader()
    assert leader.advance(7, []) == 7
    assert leader.stop_asked is False
