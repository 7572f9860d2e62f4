"""A message to many while the index of the roster lags behind the waitlist (R9.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from domain.enums import Audience
from domain.inputs import AnnouncementDraft
from domain.models import Page, Registration
from domain.ports import INDEX_LAG
from storage.sqlite.store import SQLiteStore
from tests.support.environment import run_now
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, SlackHarness, run_bot


class LaggingStore(SQLiteStore):
    """Store whose roster does not show these users yet, as DynamoDB's index may do for `INDEX_LAG`."""

    unseen: frozenset[str] = frozenset()

    def list_roster(
        self, event_id: str, *, limit: int | None, cursor: str | None = None
    ) -> Page[Registration]:
        page = super().list_roster(event_id, limit=limit, cursor=cursor)
        return replace(
            page, items=tuple(row for row in page.items if row.user_id not in self.unseen)
        )


@pytest.fixture
def harness(server: tuple[object, str], tmp_path: Path) -> Iterator[SlackHarness]:
    with run_bot(server, LaggingStore, tmp_path / "rollcall.sqlite", run_now) as harness:
        yield harness


@pytest.mark.parametrize("audience", [Audience.EVERYONE, Audience.WAITLISTED])
def test_attendee_promoted_right_before_the_delivery_is_notified(
    harness: SlackHarness, audience: Audience
) -> None:
    """The waitlist no longer has them, and the index doesn't have them yet."""
    harness.event(capacity=1)
    harness.register(BJORN, CHLOE, DIEGO)
    harness.deliver_due()
    announce(harness, audience)
    harness.deliver_due(0)  # sees the entry
    harness.clock.advance(INDEX_LAG)
    harness.bot.service.unregister("yoga", BJORN)
    store = cast("LaggingStore", harness.store)
    store.unseen = frozenset({CHLOE})
    harness.deliver_due(INDEX_LAG - 1)
    store.unseen = frozenset()
    harness.deliver_due(INDEX_LAG)
    for user_id in (CHLOE, DIEGO):
        received = [one for one in harness.direct_messages(user_id) if "Bring water" in one]
        assert len(received) == 1


def test_announcement_waits_for_the_index_once_if_nothing_changes(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(BJORN, CHLOE)
    harness.deliver_due()
    announce(harness, Audience.EVERYONE)
    harness.deliver_due(0)
    harness.clock.advance(INDEX_LAG)
    harness.deliver_due(0)
    for user_id in (BJORN, CHLOE):
        assert len(harness.direct_messages(user_id)) == 1


def announce(harness: SlackHarness, audience: Audience) -> None:
    draft = AnnouncementDraft.of(text="Bring water", audience=audience)
    harness.bot.service.announce("yoga", draft, request_id="r1")
