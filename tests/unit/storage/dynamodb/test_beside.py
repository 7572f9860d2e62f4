"""Reads beside others: at the same time if a thread is free, and else one after the other."""

from __future__ import annotations

import threading

import pytest

from storage.dynamodb.beside import THREADS, BesideReads

SECONDS = 60.0
"""After which a test gives up."""


def test_read_runs_beside_its_callers() -> None:
    both = threading.Barrier(2, timeout=SECONDS)
    result = BesideReads().start(lambda: both.wait() >= 0)
    both.wait()
    assert result()


def test_error_of_the_read_is_raised() -> None:
    def read() -> None:
        raise ValueError("damaged")

    result = BesideReads().start(read)
    with pytest.raises(ValueError, match="damaged"):
        result()


def test_read_that_found_no_free_thread_runs_in_its_callers() -> None:
    beside, go = BesideReads(), threading.Event()
    busy = [beside.start(lambda: go.wait(SECONDS)) for _ in range(THREADS)]
    result = beside.start(threading.get_ident)
    assert result() == threading.get_ident()
    go.set()
    assert all(wait() for wait in busy)


def test_without_threads_the_caller_reads() -> None:
    beside = BesideReads()
    beside._pool.shutdown()
    assert beside.start(threading.get_ident)() == threading.get_ident()
