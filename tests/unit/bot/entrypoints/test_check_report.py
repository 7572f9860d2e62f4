"""What `rollcall check` shows: on a terminal how far it is, and lines that stay for what it found."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.entrypoints import check_report
from bot.entrypoints.check_report import Screen, check
from domain.ports import Unavailable
from storage.sqlite.store import SQLiteStore
from tests.support.environment import service_on
from tests.support.integrity.corruption import Scene
from tests.support.stores import empty_sqlite


def shown(text: str) -> list[str]:
    """Return a terminal's lines, as they stand at the end: each carriage return writes over what was there."""
    lines: list[str] = []
    for line in text.split("\n"):
        cells: list[str] = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        lines.append("".join(cells).rstrip())
    return lines


def run(*, repair: bool, terminal: bool) -> tuple[bool, str]:
    """Check an event with a wrong count and a stray place; return the verdict, and what the screen was sent."""
    screen = StringIO()
    with empty_sqlite() as store:
        service = service_on(store)
        scene = Scene(service, store)
        scene.rewrite_event({"registered_count": 1})
        scene.add_place(99, "nobody")
        sound = check(service, Screen(screen, screen if terminal else None), repair=repair)
    return sound, screen.getvalue()


def test_each_breach_is_a_line_with_its_ids() -> None:
    sound, text = run(repair=False, terminal=False)
    assert not sound
    *lines, last = text.splitlines()
    assert "breach: registered_count, event e1: is 1, should be 2" in lines
    stray = "stray_waitlist_entry, event e1, user e1-nobody, ticket 99"
    assert f"breach: {stray}: is without a registration, should be of a waitlisted user" in lines
    counts = "events: 1, registrations: 5, places in line: 4"
    assert last == f"{counts}, breaches: {len(lines)}"


def test_a_repair_says_what_was_and_what_is_now_and_ends_with_a_check() -> None:
    sound, text = run(repair=True, terminal=False)
    assert sound
    assert text.splitlines() == [
        "mended: stray_waitlist_entry, event e1, user e1-nobody, ticket 99:"
        " was without a registration, is now deleted",
        "mended: registered_count, event e1: was 1, is now 2",
        "events: 1, registrations: 5, places in line: 3, mended: 2, breaches: 0",
    ]


def test_a_terminal_shows_the_progress_and_then_only_what_was_found() -> None:
    _, plain = run(repair=True, terminal=False)
    _, text = run(repair=True, terminal=True)
    assert "\rreading: events: 1, registrations: 5, places in line: 3, rows counted: 5" in text
    assert shown(text) == plain.split("\n")


@pytest.fixture
def stored(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a file with an event in it."""
    store = SQLiteStore(tmp_path / "rollcall.sqlite", "T1")
    Scene(service_on(store), store)
    store.close()
    return {"ROLLCALL_STORE": f"sqlite:{tmp_path / 'rollcall.sqlite'}"}


def ending(error: BaseException) -> object:
    def check(*_: object, **__: object) -> bool:
        raise error

    return check


def test_a_store_that_does_not_answer_is_neither_sound_nor_a_breach(
    stored: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_report, "check", ending(Unavailable("locked")))
    assert main(["check", "--workspace", "T1"], stored) == 2
    assert "The store does not answer, and the check is not done: locked" in capsys.readouterr().err


def test_a_check_that_is_stopped_has_found_nothing_out(
    stored: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C must not look like sound data to a script."""
    monkeypatch.setattr(check_report, "check", ending(KeyboardInterrupt()))
    assert main(["check", "--workspace", "T1"], stored) == 130
    assert "stopped: the check is not done" in capsys.readouterr().err


def test_help_says_what_each_exit_status_means(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for status in ("0: nothing", "1: something", "2: it could not be found out", "130: stopped"):
        assert status in text
