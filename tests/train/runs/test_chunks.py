"""The host loop, fed with a session that computes nothing."""

import itertools
from types import SimpleNamespace

import pytest

from koki2_train.runs import chunks
from koki2_train.runs.chunks import RunOptions, run_chunks


class FakeSession:
    """Takes some seconds for every generation, by a clock that stands still otherwise."""

    def __init__(self, monkeypatch, seconds=1.0, done=0, saved=None):
        self.done, self.saved, self.seconds, self.now = done, saved, seconds, 0.0
        self.asked, self.saves = [], []
        monkeypatch.setattr(chunks, "time", SimpleNamespace(monotonic=lambda: self.now))

    def advance(self, last):
        self.asked.append(last)
        self.now += self.seconds * max(0, last - self.done)
        self.done = max(self.done, last)

    def save(self):
        self.saved = self.done
        self.saves.append(self.done)


def never():
    return False


def run(session, target, stop_asked=never, **options):
    run_chunks(session, target, RunOptions(1, **options), stop_asked)
    return session


def test_it_compiles_first_and_then_takes_as_many_generations_as_it_may(monkeypatch):
    session = run(FakeSession(monkeypatch, seconds=0.0), 10, log_every=4)
    assert session.asked == [0, 1, 5, 9, 10]
    assert session.saves == [10]


def test_chunks_last_as_long_as_they_should_but_hold_one_generation_at_least(monkeypatch):
    assert run(FakeSession(monkeypatch, 1.0), 8, log_every=100, chunk_seconds=3.0).asked == [0, 1, 4, 7, 8]
    assert run(FakeSession(monkeypatch, 9.0), 3, log_every=100, chunk_seconds=3.0).asked == [0, 1, 2, 3]


def test_checkpoints_are_saved_by_time_and_at_the_end(monkeypatch):
    session = run(FakeSession(monkeypatch, 4.0), 7, chunk_seconds=0.0, checkpoint_seconds=10.0)
    assert session.saves == [3, 6, 7]
    assert run(FakeSession(monkeypatch, 4.0), 3, chunk_seconds=0.0, checkpoint_seconds=0.0).saves == [1, 2, 3]


@pytest.mark.parametrize(("done", "saved", "saves"), [(5, 5, []), (5, None, [5]), (0, None, [0])])
def test_a_session_with_nothing_to_do_is_saved_unless_it_is_already(monkeypatch, done, saved, saves):
    session = run(FakeSession(monkeypatch, done=done, saved=saved), done)
    assert (session.asked, session.saves) == ([0], saves)


def test_it_stops_after_the_chunk_in_which_it_was_asked_to_and_saves(monkeypatch):
    asked = itertools.chain([False, False], itertools.repeat(True))
    session = run(FakeSession(monkeypatch), 9, stop_asked=lambda: next(asked), log_every=2, chunk_seconds=9.0)
    assert (session.done, session.saves) == (3, [3])


def test_it_ends_where_a_session_is_kept_from_advancing(monkeypatch):
    """As a leader does whose follower was asked to stop: the chunk is empty."""
    session = FakeSession(monkeypatch)
    stopped = []
    session.advance = lambda last: stopped.append(last)
    run(session, 5, stop_asked=lambda: len(stopped) > 1)
    assert (stopped, session.done) == ([0, 1], 0)
