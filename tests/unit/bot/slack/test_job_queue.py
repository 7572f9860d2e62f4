"""Background jobs: in order for each key, again after a pause, bounded, and drained at the end."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from bot.slack.job_queue import DRAIN_PAUSE, Job, JobQueue
from tests.support.environment import ManualClock


def queue(clock: ManualClock, *, threads: int = 0, limit: int = 100) -> JobQueue:
    return JobQueue("test", clock, threads=threads, limit=limit)


def noting(done: list[str], name: str, *pauses: float) -> Job:
    """Return a job that notes each attempt and pauses after the first ones."""
    left = list(pauses)

    def attempt() -> float | None:
        done.append(name)
        return left.pop(0) if left else None

    return attempt


def test_job_is_attempted_again_after_its_pause() -> None:
    clock, done = ManualClock(), list[str]()
    jobs = queue(clock)
    jobs.submit("ann", noting(done, "a", 5.0))
    jobs.run_due_jobs()
    clock.advance(timedelta(seconds=4.9))
    jobs.run_due_jobs()
    assert done == ["a"]
    clock.advance(timedelta(seconds=0.1))
    jobs.run_due_jobs()
    assert (done, len(jobs)) == (["a", "a"], 0)


def test_jobs_of_one_key_keep_their_order_and_delay_no_other() -> None:
    clock, done = ManualClock(), list[str]()
    jobs = queue(clock)
    jobs.submit("ann", noting(done, "first", 5.0))
    jobs.submit("ann", noting(done, "second"))
    jobs.submit("bo", noting(done, "other"))
    jobs.run_due_jobs()
    assert done == ["first", "other"]
    clock.advance(timedelta(seconds=5))
    jobs.run_due_jobs()
    assert done == ["first", "other", "first", "second"]


def test_job_that_waits_stands_for_later_ones() -> None:
    done = list[str]()
    jobs = queue(ManualClock())
    for name in ("running", "waiting", "left out"):
        jobs.submit("home", noting(done, name), coalesce=True)
    jobs.run_due_jobs()
    assert done == ["running", "waiting"]


def test_failed_job_is_logged_and_the_next_one_runs(caplog: pytest.LogCaptureFixture) -> None:
    done = list[str]()
    jobs = queue(ManualClock())
    jobs.submit("ann", lambda: 1 / 0)
    jobs.submit("ann", noting(done, "next"))
    jobs.run_due_jobs()
    assert done == ["next"]
    assert "ZeroDivisionError" in caplog.text


def test_full_queue_takes_no_more_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    done = list[str]()
    jobs = queue(ManualClock(), limit=2)
    taken = [jobs.submit(key, noting(done, key)) for key in ("a", "b", "c", "d")]
    assert taken == [True, True, False, False]
    assert [record.getMessage() for record in caplog.records] == [
        "test: 2 are pending, and no more are taken"
    ]
    jobs.run_due_jobs()
    assert jobs.submit("e", noting(done, "e"))


def test_slow_jobs_run_at_the_same_time() -> None:
    together = threading.Barrier(4, timeout=30)
    jobs = queue(ManualClock(), threads=4)

    def meet() -> None:
        together.wait()

    for key in "abcd":
        assert jobs.submit(key, meet)
    assert jobs.drain(30) == []


def test_drain_shortens_pauses() -> None:
    """A minute's pause would be longer than the stop may take."""
    clock, done = ManualClock(), list[str]()
    jobs = queue(clock)
    jobs.submit("ann", noting(done, "a", 60.0, 60.0))
    jobs.run_due_jobs()
    jobs.shorten_pauses()
    for _ in range(2):
        clock.advance(timedelta(seconds=DRAIN_PAUSE))
        jobs.run_due_jobs()
    assert (done, len(jobs)) == (["a", "a", "a"], 0)


def test_drained_queue_says_what_is_left_and_takes_no_more() -> None:
    jobs = queue(ManualClock())
    jobs.submit("ann", noting([], "a", 60.0))
    assert len(jobs.drain(0)) == 1
    assert not jobs.submit("bo", noting([], "b"))


def test_queue_without_a_thread_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot_start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", cannot_start)
    jobs = queue(ManualClock(), threads=4)
    assert not jobs.submit("ann", lambda: None)
    assert len(jobs) == 0
