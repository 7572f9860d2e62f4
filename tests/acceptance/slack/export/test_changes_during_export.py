"""The event changes while its attendees are read for an export: everybody is listed, and once (R6.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.blocks.ids import ActionId
from domain.models import Page, Registration
from domain.ports import Clock
from storage.sqlite.store import SQLiteStore
from tests.support.environment import run_now
from tests.support.slack.exports import exported
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, PRIYA, SlackHarness, run_bot
from tests.support.slack.modals import manage_modal, press

READS = ("get_waitlist", "list_roster")
"""The reads of an export, of which each returns all attendees here."""


class ObservedStore(SQLiteStore):
    """A store that makes a change before or after one read, and whose roster lags by a second as an index does."""

    clock: Clock
    read = ""
    before: Callable[[], object] | None = None
    after: Callable[[], object] | None = None

    def get_waitlist(self, event_id: str, **page: Any) -> Any:
        return self._around(
            "get_waitlist", lambda: super(ObservedStore, self).get_waitlist(event_id, **page)
        )

    def list_roster(self, event_id: str, **page: Any) -> Page[Registration]:
        page_of_roster: Page[Registration] = self._around(
            "list_roster", lambda: super(ObservedStore, self).list_roster(event_id, **page)
        )
        since = self.clock.now() - timedelta(seconds=1)
        return Page(tuple(row for row in page_of_roster.items if _seated(row) < since))

    def _around(self, read: str, work: Callable[[], Any]) -> Any:
        if read != self.read:
            return work()
        self.read = ""
        if self.before is not None:
            self.before()
        found = work()
        if self.after is not None:
            self.after()
        return found


def _seated(row: Registration) -> datetime:
    assert row.seated_at is not None
    return row.seated_at


@pytest.fixture
def harness(server: tuple[Any, str], tmp_path: Path) -> Iterator[SlackHarness]:
    with run_bot(server, ObservedStore, tmp_path / "rollcall.sqlite", run_now) as harness:
        store_of(harness).clock = harness.clock
        yield harness


def store_of(harness: SlackHarness) -> ObservedStore:
    assert isinstance(harness.store, ObservedStore)
    return harness.store


def prepare(harness: SlackHarness) -> None:
    """Amara and Björn have a seat, Chloé, Diego and Priya wait."""
    harness.event()
    harness.register(AMARA, BJORN, CHLOE, DIEGO, PRIYA)
    harness.deliver_due()
    manage_modal(harness, AMARA)
    press(harness, ActionId.EXPORT, AMARA)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("read", READS)
def test_promoted_attendee_is_listed_once(harness: SlackHarness, read: str, moment: str) -> None:
    """Björn leaves, and Chloé gets his seat. Those who stay are listed, whenever that happens."""
    prepare(harness)
    store = store_of(harness)
    store.read = read
    setattr(store, moment, lambda: harness.bot.service.unregister("yoga", BJORN))
    harness.deliver_due(6)
    listed = [row for row in exported(harness, AMARA) if row[3] != BJORN]
    assert sorted(row[3] for row in listed) == sorted([AMARA, CHLOE, DIEGO, PRIYA])
    positions = [int(row[1]) for row in listed if row[0] == "waitlisted"]
    assert positions == list(range(1, len(positions) + 1))


@pytest.mark.parametrize("read", READS)
def test_attendee_who_returns_to_the_waitlist_is_listed_once(
    harness: SlackHarness, read: str
) -> None:
    prepare(harness)

    def leave_and_return() -> None:
        harness.bot.service.unregister("yoga", CHLOE)
        harness.bot.service.register("yoga", CHLOE)

    store = store_of(harness)
    store.read, store.after = read, leave_and_return
    harness.deliver_due(6)
    assert sorted(row[3] for row in exported(harness, AMARA)) == sorted(
        [AMARA, BJORN, CHLOE, DIEGO, PRIYA]
    )
