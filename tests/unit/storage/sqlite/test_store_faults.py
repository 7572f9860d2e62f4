"""A locked, full or shared file raises the errors that the ports promise, in time."""

from __future__ import annotations

import hashlib
import resource
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic

import pytest

from domain.planning.plan import Plan, PutEvent, PutJournalEntry
from domain.ports import AnswerLost, Conflict
from storage.sqlite.store import SQLiteStore
from tests.support.builders import a_journal_entry, a_user, an_event


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rollcall.sqlite"


@contextmanager
def opened(path: Path, busy_timeout: float = 1.5) -> Iterator[SQLiteStore]:
    with closing(SQLiteStore(path, "T1", busy_timeout=busy_timeout)) as store:
        yield store


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file's write lock, as another process would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def disk_full() -> Iterator[None]:
    """Let no file of this process grow, so COMMIT fails as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def creation(plan_id: str = "p1") -> Plan:
    event = an_event()
    return Plan(
        plan_id,
        "e1",
        event,
        (),
        (PutEvent(event, None), PutJournalEntry(a_journal_entry(version=1))),
    )


def test_writer_waits_no_longer_than_the_busy_timeout_in_all(path: Path) -> None:
    """The waits for other threads and for other processes share one timeout (R8.12)."""
    with opened(path, busy_timeout=0.8) as store, locked(path):
        another_thread_writes = store._file._writing
        another_thread_writes.acquire()
        release = threading.Timer(0.3, another_thread_writes.release)
        release.start()
        began = monotonic()
        with pytest.raises(Conflict):
            store.put_user(a_user(), replaces=None)
        waited = monotonic() - began
        release.join()
    assert waited < 1


def test_commit_that_fails_midway_is_an_answer_lost_and_can_be_repeated(
    path: Path,
) -> None:
    with opened(path) as store:
        store.put_user(a_user(), replaces=None)
        with disk_full(), pytest.raises(AnswerLost):
            store.commit(creation())
        store.commit(creation())
        store.commit(creation())
        assert store.get_event("e1") == an_event()
        assert store.list_journal("e1", limit=9) == (a_journal_entry(version=1),)


def test_failed_commit_blocks_no_one(path: Path) -> None:
    """A connection in the pool has no open transaction, which would hold the file's lock."""
    with opened(path, busy_timeout=0.05) as store:
        store.put_user(a_user(), replaces=None)
        with disk_full(), pytest.raises(AnswerLost):
            store.put_user(a_user("b"), replaces=None)
        store.put_user(a_user("c"), replaces=None)
        with opened(path, busy_timeout=0.05) as other:
            other.put_user(a_user("d"), replaces=None)
        assert not any(connection.in_transaction for connection in store._file._idle)


def test_repeat_of_an_applied_plan_returns(path: Path) -> None:
    """R8.13: the journal entry of its version has the plan's id."""
    with opened(path) as store:
        store.commit(creation())
        store.commit(creation())
        with pytest.raises(Conflict):
            store.commit(
                Plan(
                    "other",
                    "e1",
                    an_event(),
                    (),
                    (
                        PutEvent(an_event(), None),
                        PutJournalEntry(a_journal_entry(version=1, plan_id="other")),
                    ),
                )
            )


def test_database_of_another_program_is_left_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "songs.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    before = hashlib.sha256(path.read_bytes()).digest()
    with pytest.raises(ValueError, match="a database of another program"):
        SQLiteStore(path, "T1")
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_new_file_opened_by_many_threads_is_set_up_once(path: Path) -> None:
    barrier = threading.Barrier(8)

    def open_and_write(number: int) -> None:
        barrier.wait()
        with opened(path) as store:
            store.put_user(a_user(f"u{number}"), replaces=None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(open_and_write, range(8)))
    with opened(path) as store:
        assert len(store.list_users(limit=9).items) == 8
