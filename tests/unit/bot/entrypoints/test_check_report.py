"""The report of `rollcall check`: a line per finding, and the progress on a terminal."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest

from bot.entrypoints import check_report, stores
from bot.entrypoints.check_report import Screen, check
from bot.entrypoints.cli import main
from domain.integrity.violations import ViolationKind
from domain.ports import Unavailable
from storage.sqlite.store import SQLiteStore
from tests.support.environment import service_on
from tests.support.integrity.corruption import CorruptibleEvent
from tests.support.stores import empty_sqlite


def shown(text: str) -> list[str]:
    """Return the lines that a terminal shows in the end. Text after a carriage return overwrites the line."""
    lines: list[str] = []
    for line in text.split("\n"):
        cells: list[str] = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        lines.append("".join(cells).rstrip())
    return lines


STRAY = f"{ViolationKind.STRAY_WAITLIST_ENTRY.value}, event e1, user e1-nobody, ticket 99"


def run(*, repair: bool, terminal: bool) -> tuple[bool, str]:
    """Check an event with a wrong count and a stray waitlist entry. Return the verdict and the output."""
    output = StringIO()
    with empty_sqlite() as store:
        service = service_on(store)
        target = CorruptibleEvent(service, store)
        target.rewrite_event({"registered_count": 1})
        target.add_waitlist_entry(99, "nobody")
        sound = check(service, Screen(output, output if terminal else None), repair=repair)
    return sound, output.getvalue()


def test_each_violation_is_a_line_with_its_ids() -> None:
    sound, text = run(repair=False, terminal=False)
    assert not sound
    *lines, last = text.splitlines()
    assert "violation: registered_count, event e1: is 1, should be 2" in lines
    assert any(line.startswith(f"violation: {STRAY}: is ") for line in lines)
    counts = "events: 1, registrations: 5, waitlist entries: 4"
    assert last == f"{counts}, violations: {len(lines)}"


def test_repair_reports_each_fix_and_ends_with_a_check() -> None:
    sound, text = run(repair=True, terminal=False)
    assert sound
    stray, count, last = text.splitlines()
    assert stray.startswith(f"fixed: {STRAY}: was ")
    assert stray.endswith(", is now deleted")
    assert count == "fixed: registered_count, event e1: was 1, is now 2"
    assert last == "events: 1, registrations: 5, waitlist entries: 3, fixed: 2, violations: 0"


def test_terminal_shows_progress_and_finally_only_the_findings() -> None:
    _, plain = run(repair=True, terminal=False)
    _, text = run(repair=True, terminal=True)
    assert "\rreading: events: 1, registrations: 5, waitlist entries: 3, rows recounted: 5" in text
    assert shown(text) == plain.split("\n")


@pytest.fixture
def stored(tmp_path: Path) -> dict[str, str]:
    """Return an environment whose store is a file with one event."""
    store = SQLiteStore(tmp_path / "rollcall.sqlite", "T1")
    CorruptibleEvent(service_on(store), store)
    store.close()
    return {"ROLLCALL_STORE": f"sqlite:{tmp_path / 'rollcall.sqlite'}"}


def failing_with(error: BaseException) -> object:
    def check(*_: object, **__: object) -> bool:
        raise error

    return check


def test_store_that_does_not_respond_ends_the_check_with_2(
    stored: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_report, "check", failing_with(Unavailable("locked")))
    assert main(["check", "--workspace", "T1"], stored) == 2
    assert "The check did not finish: the store does not respond: locked" in capsys.readouterr().err


def test_stopped_check_ends_with_130(
    stored: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script must not take Ctrl-C for sound data."""
    monkeypatch.setattr(check_report, "check", failing_with(KeyboardInterrupt()))
    assert main(["check", "--workspace", "T1"], stored) == 130
    assert "`rollcall check` did not finish" in capsys.readouterr().err


def test_check_stopped_before_it_reads_ends_with_130(
    stored: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while Slack does not respond."""
    monkeypatch.setattr(stores, "open_store_to_check", failing_with(KeyboardInterrupt()))
    assert main(["check", "--workspace", "T1"], stored) == 130


def test_check_of_unreadable_data_ends_with_2(
    stored: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(stored["ROLLCALL_STORE"].removeprefix("sqlite:"))) as file:
        file.execute("UPDATE events SET body = '{}'")
        file.commit()
    assert main(["check", "--workspace", "T1"], stored) == 2
    said = capsys.readouterr().err
    assert "The check did not finish: the row of events with event_id e1 can't be read: " in said
    assert "pydantic" not in said


def test_check_of_a_locked_file_ends_with_2(
    stored: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = SQLiteStore.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "busy_timeout", 0.01)
    path = stored["ROLLCALL_STORE"].removeprefix("sqlite:")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        assert main(["check", "--workspace", "T1"], stored) == 2
    assert "another process is using" in capsys.readouterr().err


def test_help_explains_each_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for status in ("0: no violations", "1: violations", "2: the check could", "130: Ctrl-C"):
        assert status in text
