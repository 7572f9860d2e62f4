"""A locked, full or shared file raises the errors that the ports promise, in time."""

from __future__ import annotations

import hashlib
import resource
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic

import pytest

from domain.errors import OperatorNeeded
from domain.planning.plan import Plan, PutEvent, PutJournalEntry
from domain.ports import Conflict
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
def disk_full(size: int = 1) -> Iterator[None]:
    """Let no file of this process grow beyond a size, so COMMIT fails as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
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


def put_many_users(store: SQLiteStore) -> None:
    for number in range(1_000):
        store.put_user(a_user(f"u{number}"), replaces=None)


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


def test_commit_on_a_full_disk_writes_nothing_and_can_be_repeated(path: Path) -> None:
    with opened(path) as store:
        store.put_user(a_user(), replaces=None)
        with disk_full(), pytest.raises(OperatorNeeded, match="disk"):
            store.commit(creation())
        assert store.get_event("e1") is None
        store.commit(creation())
        store.commit(creation())
        assert store.get_event("e1") == an_event()
        assert store.list_journal("e1", limit=9) == (a_journal_entry(version=1),)


def test_commit_on_a_full_disk_is_not_applied_by_recovery_after_a_crash(
    path: Path, tmp_path: Path
) -> None:
    """Only then is it certain that nothing was written. SQLite reads the log of a process that died."""
    crashed = tmp_path / "crashed.sqlite"
    with opened(path) as store:
        store.put_user(a_user("a"), replaces=None)
        with disk_full(100_000), pytest.raises(OperatorNeeded):
            put_many_users(store)
        stored = len(store.list_users(limit=1_000).items)
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{crashed}{suffix}")
    with opened(crashed) as recovered:
        assert len(recovered.list_users(limit=1_000).items) == stored
        recovered.put_user(a_user("z"), replaces=None)


def test_full_disk_is_said_with_what_to_do_and_passes(path: Path) -> None:
    with opened(path) as store:
        with store._file._connection() as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(OperatorNeeded, match=f"The disk of {path} is full. Free some space"):
            put_many_users(store)
        with store._file._connection() as connection:
            connection.execute("PRAGMA max_page_count = 1000000")
        store.put_user(a_user(), replaces=None)


def test_read_only_file_is_said_at_startup_and_at_each_write(path: Path) -> None:
    with opened(path) as store:
        store.put_user(a_user(), replaces=None)
        with store._file._connection() as connection:
            connection.execute("PRAGMA query_only = ON")
        with pytest.raises(OperatorNeeded, match=f"{path} is read-only. Let Rollcall's user"):
            store.put_user(a_user("b"), replaces=None)
        assert store.get_user("ada") == a_user()


def test_damaged_file_is_said_with_what_to_do(path: Path) -> None:
    with opened(path) as store:
        put_many_users(store)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\0" * (size - 8192))
    with pytest.raises(OperatorNeeded, match=r"damaged.* restore a backup"), opened(path) as store:
        store.list_users(limit=1_000)


def test_startup_on_a_full_disk_raises(path: Path) -> None:
    with opened(path):
        pass
    with disk_full(), pytest.raises(OperatorNeeded, match=str(path)), opened(path):
        pass
    with opened(path):
        pass


def test_failed_commit_blocks_no_one(path: Path) -> None:
    """A connection in the pool has no open transaction, which would hold the file's lock."""
    with opened(path, busy_timeout=0.05) as store:
        store.put_user(a_user(), replaces=None)
        with disk_full(), pytest.raises(OperatorNeeded):
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
