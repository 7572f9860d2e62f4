"""A store that only its operator can repair: one line in the log, and a sentence at once for everyone (R10.6)."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.entrypoints.settings import Settings
from bot.entrypoints.startup_errors import StartupError
from bot.entrypoints.stores import open_store
from bot.notifications.delivery import LEASE
from bot.slack.error_messages import SENTENCES
from bot.store_alarm import REPEAT_AFTER, watched
from domain.errors import OperatorNeeded
from domain.models import DeliveryState, Event
from domain.ports import UnreadableRow
from playground.demo.seed import RANDOM
from storage.sqlite.store import SQLiteStore
from tests.support.environment import ManualClock, run_now
from tests.support.notifications.workers import DeliveryScene, delivery_scene
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, SlackHarness, reply, run_bot

SENTENCE = SENTENCES[OperatorNeeded](None)


class FailingDisk(SQLiteStore):
    """A file whose disk a test can fill. SQLite then refuses to write, and its reads go on."""

    def fill(self, *, is_full: bool = True) -> None:
        for connection in self._file._idle:
            connection.execute(f"PRAGMA query_only = {int(is_full)}")


def watched_store(path: Path, workspace_id: str) -> SQLiteStore:
    return watched(FailingDisk(path, workspace_id), ManualClock())


@pytest.fixture
def failing(server: tuple[object, str], tmp_path: Path) -> Iterator[SlackHarness]:
    with run_bot(server, watched_store, tmp_path / "rollcall.sqlite", run_now) as harness:
        yield harness


def disk(harness: SlackHarness) -> FailingDisk:
    return harness.store  # type: ignore[return-value]


def test_everyone_hears_at_once_that_nothing_changed_and_the_log_says_it_once(
    failing: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    failing.event()
    disk(failing).fill()
    began = failing.clock.monotonic()
    for user_id in (BJORN, CHLOE, DIEGO):
        assert SENTENCE in reply(failing.slack.command(user_id, RANDOM, "/register", "yoga"))
    assert failing.clock.monotonic() == began
    (line,) = (one for one in caplog.records if one.levelno >= logging.WARNING)
    assert line.levelno == logging.CRITICAL
    assert "is read-only. Let Rollcall's user write the file" in line.getMessage()
    disk(failing).fill(is_full=False)
    failing.slack.command(BJORN, RANDOM, "/register", "yoga")
    assert failing.assert_invariants().seated("yoga") == [BJORN]


def test_nothing_is_sent_while_it_could_not_be_marked_as_sent(
    failing: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """Otherwise the same message would go out every 15 seconds."""
    failing.event(capacity=1)
    for user_id in (BJORN, CHLOE):
        failing.register(user_id)
    failing.deliver_due()
    failing.bot.service.unregister("yoga", BJORN)
    disk(failing).fill()
    caplog.clear()
    for _ in range(5):
        failing.deliver_due(15)
    assert failing.direct_messages(CHLOE) == []
    assert [one.levelname for one in caplog.records if one.levelno >= logging.WARNING] in (
        [],
        ["CRITICAL"],
    )
    disk(failing).fill(is_full=False)
    failing.deliver_due(15)
    assert len(failing.direct_messages(CHLOE)) == 1


def full(*_: object, **__: object) -> None:
    """Stand for one method on a full disk. `FailingDisk` would refuse every write, also that of the lease."""
    raise OperatorNeeded("the disk is full")


def test_message_is_not_repeated_while_only_the_lease_can_be_written(
    failing: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing.event(capacity=1)
    failing.register(BJORN, CHLOE)
    failing.deliver_due()
    failing.bot.service.unregister("yoga", BJORN)

    with monkeypatch.context() as progress:
        progress.setattr(disk(failing), "save_delivery", full)
        for _ in range(5):
            failing.deliver_due(15)
        assert len(failing.direct_messages(CHLOE)) == 1
    failing.deliver_due(15)
    assert len(failing.direct_messages(CHLOE)) == 1
    assert failing.store.get_undelivered("yoga") == ()


def test_message_that_could_not_be_marked_is_marked_before_another_event_is_delivered(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by the simulation: with a slow Slack, the other event took longer than the lease lasted."""
    with delivery_scene(harness, "sqlite") as scene:
        first, second = scene.worker("first"), scene.worker("second")
        event, slow = (scene.event(BJORN, CHLOE, capacity=1) for _ in range(2))
        scene.service.unregister(event.event_id, BJORN)
        with monkeypatch.context() as progress:
            progress.setattr(scene.store, "save_delivery", full)
            with pytest.raises(OperatorNeeded):
                first.process_event(event.event_id)
        second.process_event(event.event_id)  # it sees the lease
        first.process_event(slow.event_id)
        harness.clock.advance(LEASE)
        scene.run(second, event.event_id)
        assert scene.received(event)[CHLOE] == ["promoted"]
        assert event.event_id not in scene.undelivered()


def two_promotions(scene: DeliveryScene) -> tuple[Event, Event]:
    """Create two events, and have Chloé promoted in each."""
    event, other = (scene.event(BJORN, CHLOE, capacity=1) for _ in range(2))
    for one in (event, other):
        scene.service.unregister(one.event_id, BJORN)
    return event, other


def test_nothing_is_sent_for_another_event_until_it_is_marked(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    with delivery_scene(harness, "sqlite") as scene:
        worker = scene.worker("first")
        event, other = two_promotions(scene)
        with monkeypatch.context() as progress:
            progress.setattr(scene.store, "save_delivery", full)
            for event_id in (event.event_id, other.event_id):
                with pytest.raises(OperatorNeeded):
                    worker.process_event(event_id)
        assert CHLOE not in scene.received(other)


def test_event_whose_progress_cannot_be_stored_holds_up_no_other(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row is damaged, for example. Only what the operator must end concerns all events."""
    with delivery_scene(harness, "sqlite") as scene:
        worker = scene.worker("first")
        event, other = two_promotions(scene)
        save = scene.store.save_delivery

        def save_other(delivery: DeliveryState, *, delivered: Sequence[int] = ()) -> DeliveryState:
            if delivery.event_id == event.event_id:
                raise UnreadableRow("damaged")
            return save(delivery, delivered=delivered)

        monkeypatch.setattr(scene.store, "save_delivery", save_other)
        with pytest.raises(UnreadableRow):
            worker.process_event(event.event_id)
        scene.run(worker, other.event_id)
        assert scene.received(other)[CHLOE] == ["promoted"]


def test_fault_that_lasts_is_said_again(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    clock = ManualClock()
    file = FailingDisk(tmp_path / "rollcall.sqlite", "T1")
    file.fill()
    store = watched(file, clock)
    for _ in range(3):
        with pytest.raises(OperatorNeeded):
            store.mark_delivered("e1", 1)
    assert len(caplog.records) == 1
    clock.advance(timedelta(seconds=REPEAT_AFTER))
    with pytest.raises(OperatorNeeded):
        store.mark_delivered("e1", 1)
    assert len(caplog.records) == 2


def test_second_fault_is_said_although_the_first_was_just_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Faulty:
        faults = iter(["Full. (at 1)", "Full. (at 2)", "Damaged. (at 3)"])

        def get_event(self, _: str) -> None:
            raise OperatorNeeded(next(self.faults))

    store: Any = watched(cast("SQLiteStore", Faulty()), ManualClock())
    for _ in range(3):
        with pytest.raises(OperatorNeeded):
            store.get_event("e1")
    assert [text.rpartition("asks. ")[2] for text in caplog.messages] == [
        "Full. (at 1)",
        "Damaged. (at 3)",
    ]


def test_start_on_a_file_that_cannot_be_written_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rollcall.sqlite"
    SQLiteStore(path, "T1").close()

    def read_only(*args: object, **kwargs: object) -> sqlite3.Connection:
        connection = connect(*args, **kwargs)  # type: ignore[call-overload]
        connection.execute("PRAGMA query_only = ON")
        return connection  # type: ignore[no-any-return]

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", read_only)
    with (
        pytest.raises(StartupError, match=f"{path} is read-only. Let Rollcall's user write"),
        open_store(Settings(store=f"sqlite:{path}"), "T1"),
    ):
        pass
