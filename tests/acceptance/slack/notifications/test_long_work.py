"""Long work on one event is done in slices of time: clearing marks, 20 in one write, and reading pages (R9.6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.notifications import recipients
from bot.notifications.delivery import LEASE
from bot.notifications.time_slice import TIME_SLICE
from domain.enums import Audience
from domain.execution.leases import Leases
from domain.inputs import AnnouncementDraft, EventChanges
from domain.models import DeliveryState, Page, Registration
from domain.ports import INDEX_LAG, MARKS_PER_SAVE
from playground.web_api.fault_injection import Fault
from storage.sqlite.store import SQLiteStore
from tests.support.environment import run_now
from tests.support.notifications.delivery import POST, promote, undelivered
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, SlackHarness, run_bot


class CountingStore(SQLiteStore):
    """A store that counts the clearing of each mark, and does something before each write that clears some."""

    def __init__(self, path: Path, workspace_id: str) -> None:
        super().__init__(path, workspace_id)
        self.cleared: Counter[tuple[str, int]] = Counter()
        self.at_each: Callable[[str], object] = lambda _: None
        self.at_roster: Callable[[], object] = lambda: None

    def list_roster(self, event_id: str, **page: Any) -> Page[Registration]:
        self.at_roster()
        return super().list_roster(event_id, **page)

    def save_delivery(
        self, delivery: DeliveryState, *, delivered: Sequence[int] = ()
    ) -> DeliveryState:
        if delivered:
            self.at_each(delivery.event_id)
        saved = super().save_delivery(delivery, delivered=delivered)
        self.cleared.update((delivery.event_id, version) for version in delivered)
        return saved


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


@pytest.mark.parametrize(
    "versions",
    [pytest.param(30, marks=pytest.mark.short), pytest.param(2_000, marks=pytest.mark.soak)],
)
def test_late_message_clears_one_mark(harness: SlackHarness, versions: int) -> None:
    """Three messages are late, and the versions since are done: each mark is cleared once."""
    harness.event()
    harness.register(AMARA, BJORN, CHLOE, DIEGO, HARUKI)
    harness.deliver_due()
    for capacity in (3, 4, 5):
        harness.bot.service.edit_event("yoga", EventChanges.of(capacity=capacity))
        harness.api.fail_next(POST, Fault.server_error(503))
        harness.deliver_due(0)
    change(harness, versions)
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
    harness.clock.advance(timedelta(seconds=LEASE))
    harness.deliver_due(65)
    assert len(harness.direct_messages(CHLOE)) == 1
    assert undelivered(harness) == ()


def test_many_marks_are_cleared_in_slices_under_the_lease(harness: SlackHarness) -> None:
    """200 marks take 4 s. Another event's message is sent within 2 s, and no other process gets the lease."""
    store = store_of(harness)
    harness.event()
    harness.event("chess", title="Chess")
    harness.deliver_due()
    change(harness, 200)
    others = Leases(store, harness.clock, holder="another", seconds=LEASE)
    takers: list[object] = []
    began = harness.clock.monotonic()
    sent_after: list[float] = []

    def slow(event_id: str) -> None:
        harness.clock.advance(timedelta(seconds=0.4))
        if event_id != "yoga":
            return
        takers.append(others.take("yoga"))
        if not sent_after and harness.direct_messages(CHLOE):
            sent_after.append(harness.clock.monotonic() - began)

    promote(harness, CHLOE, event_id="chess")
    store.at_each = slow
    harness.deliver_due(10)
    assert len(takers) == 200 / MARKS_PER_SAVE
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
    failures = [OSError("the disk is full")]

    def fail(_: str) -> None:
        if sum(store.cleared.values()) == before + 20 and failures:
            raise failures.pop()

    store.at_each = fail
    harness.deliver_due(20)
    assert undelivered(harness) == ()
    assert sum(store.cleared.values()) <= before + 31
    assert harness.direct_messages(AMARA) == []


def test_audience_without_recipients_is_read_in_slices(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty pages of people with a seat take 12 s. A message to the waitlist, which is empty, delays no other."""
    monkeypatch.setattr(recipients, "PAGE_SIZE", 1)
    harness.event(capacity=40)
    harness.event("chess", title="Chess")
    user_ids = [f"member{number}" for number in range(40)]
    harness.register(*user_ids)
    harness.deliver_due()
    store = store_of(harness)
    reads: list[float] = []
    sent_at: list[float] = []

    def slow() -> None:
        harness.clock.advance(timedelta(seconds=0.3))
        reads.append(harness.clock.monotonic())
        if not sent_at and harness.direct_messages(CHLOE):
            sent_at.append(harness.clock.monotonic())

    draft = AnnouncementDraft.of(text="Sorry", audience=Audience.WAITLISTED)
    harness.bot.service.announce("yoga", draft, request_id="r1")
    harness.deliver_due(0)
    harness.clock.advance(timedelta(seconds=INDEX_LAG))
    store.at_roster = slow
    promote(harness, CHLOE, event_id="chess")
    promoted_at = harness.clock.monotonic()
    harness.deliver_due(1)
    assert len(reads) == 40
    assert sent_at[0] - promoted_at <= 2
    assert undelivered(harness) == ()


def test_store_that_takes_a_whole_slice_for_each_read_delays_messages_only(
    harness: SlackHarness,
) -> None:
    """Found by the simulation: nobody was notified for as long as the store was slow."""
    harness.event()
    harness.register(BJORN, CHLOE)
    store_of(harness).at_roster = lambda: harness.clock.advance(2 * TIME_SLICE)
    harness.bot.service.announce(
        "yoga",
        AnnouncementDraft.of(text="Bring a mat.", audience=Audience.EVERYONE),
        request_id="mat",
    )
    harness.deliver_due(60)
    assert [len(harness.direct_messages(user_id)) for user_id in (BJORN, CHLOE)] == [1, 1]
    assert undelivered(harness) == ()
