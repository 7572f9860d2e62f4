"""Clearing undelivered marks: one write for each entry, in slices of time (R9.6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.notifications.lease import LEASE
from domain.inputs import EventChanges
from playground.web_api.fault_injection import Fault
from storage.sqlite.store import SQLiteStore
from tests.support.environment import run_now
from tests.support.notifications.delivery import POST, promote, undelivered
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, SlackHarness, run_bot


class CountingStore(SQLiteStore):
    """A store that counts the clearing of each mark, and does something at each."""

    def __init__(self, path: Path, workspace_id: str) -> None:
        super().__init__(path, workspace_id)
        self.cleared: Counter[tuple[str, int]] = Counter()
        self.at_each: Callable[[str], object] = lambda _: None

    def mark_delivered(self, event_id: str, version: int) -> None:
        super().mark_delivered(event_id, version)
        self.cleared[event_id, version] += 1
        self.at_each(event_id)


@pytest.fixture
def harness(server: tuple[Any, str], tmp_path: Path) -> Iterator[SlackHarness]:
    with run_bot(server, CountingStore, tmp_path / "rollcall.sqlite", run_now) as harness:
        yield harness


def store_of(harness: SlackHarness) -> CountingStore:
    assert isinstance(harness.store, CountingStore)
    return harness.store


def change(harness: SlackHarness, times: int, event_id: str = "yoga") -> None:
    for number in range(times):
        changes = EventChanges.of(description=f"Changed for the {number}th time")
        harness.bot.service.edit_event(event_id, changes)


def test_late_message_clears_one_mark(harness: SlackHarness) -> None:
    """Three messages are late, and 30 later versions are done: each mark is cleared once."""
    harness.event()
    harness.register(AMARA, BJORN, CHLOE, DIEGO, HARUKI)
    harness.deliver_due()
    for capacity in (3, 4, 5):
        harness.bot.service.edit_event("yoga", EventChanges.of(capacity=capacity))
        harness.api.fail_next(POST, Fault.server_error(503))
        harness.deliver_due(0)
    change(harness, 30)
    harness.deliver_due(3)
    assert undelivered(harness) == ("yoga",)
    harness.deliver_due(30)
    assert undelivered(harness) == ()
    version = harness.bot.service.get_event("yoga").version
    assert store_of(harness).cleared == Counter(dict.fromkeys(_versions(version), 1))


def _versions(last: int) -> list[tuple[str, int]]:
    return [("yoga", version) for version in range(1, last + 1)]


def test_crash_between_a_late_message_and_its_mark_leaves_no_mark(harness: SlackHarness) -> None:
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.server_error(503))
    harness.deliver_due(1)

    def die(_: str) -> None:
        raise KeyboardInterrupt

    store = store_of(harness)
    store.at_each = die
    harness.clock.advance(timedelta(seconds=5))
    with pytest.raises(KeyboardInterrupt):
        harness.bot.notification_worker.process_event("yoga")
    store.at_each = lambda _: None
    harness.clock.advance(LEASE)
    harness.deliver_due(65)
    assert len(harness.direct_messages(CHLOE)) == 1
    assert undelivered(harness) == ()


def test_many_marks_are_cleared_in_slices_under_the_lease(harness: SlackHarness) -> None:
    """200 marks take 40 s. Another event's message is sent within 2 s, and no other process gets the lease."""
    store = store_of(harness)
    harness.event()
    harness.event("chess", title="Chess")
    harness.deliver_due()
    change(harness, 200)
    takers: list[object] = []
    began = harness.clock.monotonic()
    sent_after: list[float] = []

    def slow(event_id: str) -> None:
        harness.clock.advance(timedelta(seconds=0.2))
        if event_id != "yoga":
            return
        now = harness.clock.now()
        takers.append(store.take_lease("yoga", holder="another", now=now, until=now + LEASE))
        if not sent_after and harness.direct_messages(CHLOE):
            sent_after.append(harness.clock.monotonic() - began)

    promote(harness, CHLOE, event_id="chess")
    store.at_each = slow
    harness.deliver_due(10)
    assert len(takers) == 200
    assert set(takers) == {None}
    assert sent_after[0] <= 2
    assert undelivered(harness) == ()
    assert max(store.cleared.values()) == 1


def test_progress_of_clearing_survives_a_failure(harness: SlackHarness) -> None:
    """A store that fails in the middle does not make the marks before it be cleared again."""
    store = store_of(harness)
    harness.event()
    harness.deliver_due()
    change(harness, 30)
    before = sum(store.cleared.values())

    def fail(_: str) -> None:
        if sum(store.cleared.values()) == before + 20:
            raise OSError("the disk is full")

    store.at_each = fail
    harness.deliver_due(20)
    assert undelivered(harness) == ()
    assert sum(store.cleared.values()) <= before + 31
    assert harness.direct_messages(AMARA) == []
