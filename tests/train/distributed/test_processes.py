"""Several processes: those that cannot join are rejected in one line, and differences are noticed."""

import re
import socket

import numpy as np
import pytest

from koki2_train.distributed.leader import DriftError, Leader, fingerprint, last_of, pack, unpack
from koki2_train.distributed.processes import ClusterAddress, JoinError, join
from koki2_train.experiment import Trial

HERE, THERE = "localhost:4321", "[::1]:99"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ((HERE, 2, None), "process_id is missing"),
        ((None, 2, 0), "coordinator is missing"),
        ((HERE, None, 0), "num_processes is missing"),
        ((HERE, 2, 2), "process_id must be 0 to 1, got 2"),
        ((HERE, 2, -1), "process_id must be 0 to 1, got -1"),
        ((HERE, 0, 0), "num_processes must be at least 1, got 0"),
        (("localhost", 2, 0), "HOST:PORT .* got 'localhost'"),
        (("here:99999", 2, 0), "HOST:PORT .* got 'here:99999'"),
        (("no.invalid:1", 2, 0), "host 'no.invalid' is not known"),
    ],
)
def test_an_invalid_address_is_rejected_by_name(address, message):
    with pytest.raises(ValueError, match=message):
        ClusterAddress(*address)


def test_the_command_line_rejects_it_in_one_line(cli, tmp_path):
    """In the words of its flags, and also flags that need --distributed."""
    for flags, words in (
        (("--coordinator", HERE), "--coordinator goes with --distributed"),
        (("--join-seconds", 5), "--join-seconds goes with --distributed"),
        (("--distributed", "--coordinator", HERE, "--num-processes", 2), "process.id is missing"),
        (
            ("--distributed", "--coordinator", "here", "--num-processes", 2, "--process-id", 0),
            "HOST:PORT .* got 'here'",
        ),
    ):
        result = cli("evolve", "L0.0", "--out", tmp_path / "run", *flags)
        assert result.code == 2
        assert result.err.count("\n") == 1
        assert re.search(words, result.err), result.err
        assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("process", [0, 1])
def test_a_process_that_waits_in_vain_says_so_in_one_line(python, tmp_path, process):
    flags = ("--distributed", "--coordinator", HERE, "--num-processes", 2, "--process-id", process, "--join-seconds", 2)
    started = python("-m", "koki2_train", "evolve", "L0.0", "--out", tmp_path / "run", *flags)
    out, err = started.communicate(timeout=60)
    assert (started.returncode, out) == (1, "")
    assert err.count("\n") == 1
    assert f"not all processes joined at {HERE} in 2 s" in err
    assert not (tmp_path / "run").exists()


def test_a_taken_port_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        address = ClusterAddress(f"localhost:{port}", 2, 0)
        with pytest.raises(JoinError, match=f"port {port} of coordinator localhost:{port}: Address already in use"):
            join(address, None, pytest.fail)


@pytest.mark.slow
def test_without_a_cluster_the_address_must_be_given(python, tmp_path):
    started = python("-m", "koki2_train", "evolve", "L0.0", "--out", tmp_path / "run", "--distributed")
    _, err = started.communicate(timeout=60)
    assert started.returncode == 2
    assert err.count("\n") == 1
    assert "no cluster here" in err
    assert "coordinator" in err


def test_a_cluster_is_asked_where_nothing_is_given():
    assert ClusterAddress().coordinator is None
    assert ClusterAddress(THERE, 2, 1).num_processes == 2


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
    words, unpacked = unpack(pack({"trial": Trial(tiny, 3).to_dict()}, leaves))
    assert Trial.from_dict(words["trial"]) == Trial(tiny, 3)
    assert [leaf.tobytes() for leaf in unpacked] == [leaf.tobytes() for leaf in leaves]
    assert [leaf.shape for leaf in unpacked] == [(), (3,), ()]


def test_a_leader_without_followers_decides_alone():
    leader = Leader()
    assert leader.advance(7, []) == 7
    assert leader.stop_asked is False
