"""The SQLite file and its write-ahead log are readable by their owner only (R10.6)."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from storage.sqlite import ownership
from storage.sqlite.store import SQLiteStore
from tests.support.builders import a_user


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rollcall.sqlite"


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(path: Path) -> dict[str, int]:
    """Return the permissions of the file and its log, by name."""
    return {
        file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.glob(f"{path.name}*")
    }


ALONE = {f"rollcall.sqlite{suffix}": 0o600 for suffix in ("", "-wal", "-shm")}


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_new_file_and_its_log_are_their_owners_whatever_the_umask(path: Path, mask: int) -> None:
    with umask(mask), closing(SQLiteStore(path, "T1")) as store:
        store.put_user(a_user(), replaces=None)
        assert modes(path) == ALONE


def test_link_to_a_file_that_does_not_exist_yet_is_followed(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere.sqlite"))
    with umask(0), closing(SQLiteStore(path, "T1")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.is_symlink()


def test_creation_is_logged_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        SQLiteStore(path, "T1").close()
        SQLiteStore(path, "T1").close()
    assert caplog.messages == [f"created {path}"]


def test_file_that_others_can_read_becomes_its_owners(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As an earlier version created it, and with the log that a crash left."""
    with closing(SQLiteStore(path, "T1")) as first:
        first.put_user(a_user(), replaces=None)
        for file in path.parent.iterdir():
            file.chmod(0o644)
        with closing(SQLiteStore(path, "T1")) as store:
            assert modes(path) == ALONE
            assert store.get_user("ada") == a_user()
    assert f"others could read {path} (mode 644): only its owner can now" in caplog.messages


def test_file_whose_mode_cannot_be_changed_gives_a_warning(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user owns it, or the file system has no modes."""
    SQLiteStore(path, "T1").close()
    path.chmod(0o640)
    monkeypatch.setattr(ownership, "_OTHERS", 0)  # what is taken away: nothing
    monkeypatch.setattr(ownership, "_others_can", lambda file: file == path)
    SQLiteStore(path, "T1").close()
    assert f"others can read {path}. Run: chmod 600 {path}" in caplog.messages


def test_file_that_must_exist_keeps_its_mode(path: Path) -> None:
    """`rollcall check` changes nothing."""
    SQLiteStore(path, "T1").close()
    path.chmod(0o640)
    SQLiteStore(path, "T1", must_exist=True).close()
    assert modes(path) == {path.name: 0o640}


def test_deleted_file_is_not_created_again(path: Path) -> None:
    """A file that is gone while the bot runs is an error, not an empty database."""
    with closing(SQLiteStore(path, "T1")) as store:
        store.close()
        path.unlink()
        with pytest.raises(sqlite3.OperationalError, match="unable to open"):
            store._file._connect()
        assert not path.exists()


def test_log_of_a_file_behind_a_link_becomes_its_owners(path: Path) -> None:
    """SQLite keeps the log beside the file itself, not beside the link."""
    folder = path.parent / "disk"
    folder.mkdir()
    real = folder / "rollcall.sqlite"
    path.symlink_to(real)
    with closing(SQLiteStore(path, "T1")) as first:
        first.put_user(a_user(), replaces=None)
        for file in folder.iterdir():
            file.chmod(0o644)
        with closing(SQLiteStore(path, "T1")):
            assert modes(real) == ALONE
