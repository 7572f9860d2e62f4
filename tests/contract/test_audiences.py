"""Audiences as committed, with two processes whose clocks are apart, on every store (R9.4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.notifications.recipients import recipients_of
from domain.enums import Audience
from domain.inputs import AnnouncementDraft, EventChanges
from domain.models import JournalEntry, Notification, WaitlistEntry
from domain.planning.plan import DeleteWaitlistEntry, PutRegistration, PutWaitlistEntry
from domain.ports import Clock, Store
from domain.service import Service
from tests.support.builders import commit
from tests.support.environment import (
    START,
    ApartClock,
    ManualClock,
    ids,
    new_event,
    new_users,
    service_on,
)
from tests.support.stores import AnyStore

USERS = ("ada", "ben", "cem", "dora", "eve")

apart = pytest.mark.parametrize(
    "by",
    [
        timedelta(minutes=-10),
        timedelta(seconds=-0.5),
        timedelta(seconds=0.5),
        timedelta(minutes=10),
    ],
    ids=["10 min behind", "0.5 s behind", "0.5 s ahead", "10 min ahead"],
)

Notify = Callable[[Service, ManualClock], object]


def announce(audience: Audience) -> Notify:
    draft = AnnouncementDraft(text="Bring water", audience=audience)
    return lambda service, _: service.announce("e1", draft, request_id="r1")


def remind(service: Service, clock: ManualClock) -> None:
    clock.advance(timedelta(days=1))
    service.sweep()


TO_EVERYONE: dict[str, Notify] = {
    "canceled": lambda service, _: service.cancel_event("e1"),
    "moved": lambda service, _: service.edit_event("e1", EventChanges.of(location="Room 2")),
    "announcement": announce(Audience.EVERYONE),
}
TO_WAITLISTED: dict[str, Notify] = {
    "closed": lambda service, _: service.close_event("e1"),
    "announcement": announce(Audience.WAITLISTED),
}
TO_REGISTERED: dict[str, Notify] = {
    "reminder": remind,
    "announcement": announce(Audience.REGISTERED),
}


class Processes:
    """Two services on one store. `there` has a clock that is apart from the one of `here`."""

    def __init__(self, store: AnyStore, by: timedelta) -> None:
        self.store = store
        self.clock = ManualClock()
        self.here = self.service(self.clock, "here")
        self.there = self.service(ApartClock(self.clock, by), "there")
        new_event(self.here, capacity=2, reminders=(24 * 60,), starts_at=START + timedelta(days=2))
        new_users(self.here, *USERS)

    def service(self, clock: Clock, name: str, store: Store | None = None) -> Service:
        return service_on(store or self.store, clock=clock, new_id=ids(name))

    def recipients(self) -> list[str]:
        """Return the recipients of the event's only notification to an audience."""
        ((entry, notification),) = self._notifications()
        found = recipients_of(self.store, entry, notification.audience, after=None)
        return [user_id for user_id, _ in found]

    def _notifications(self) -> list[tuple[JournalEntry, Notification]]:
        return [
            (entry, notification)
            for entry in self.store.list_journal("e1", limit=100)
            for notification in entry.notifications
            if notification.user_id is None
        ]


@apart
@pytest.mark.parametrize("notify", TO_EVERYONE.values(), ids=TO_EVERYONE)
def test_everyone_registered_before_is_notified_and_no_one_registered_after(
    store: AnyStore, by: timedelta, notify: Notify
) -> None:
    """The other process's clock says otherwise about one of them."""
    processes = Processes(store, by)
    for user_id in ("ada", "ben", "cem"):
        processes.there.register("e1", user_id)
    notify(processes.here, processes.clock)
    if processes.here.get_event("e1").status == "open":
        processes.there.register("e1", "dora")
    assert sorted(processes.recipients()) == ["ada", "ben", "cem"]


@apart
@pytest.mark.parametrize("notify", TO_WAITLISTED.values(), ids=TO_WAITLISTED)
def test_whoever_was_waitlisted_is_notified_also_with_a_seat_by_now(
    store: AnyStore, by: timedelta, notify: Notify
) -> None:
    processes = Processes(store, by)
    for user_id in ("ada", "ben", "cem", "dora", "eve"):
        processes.there.register("e1", user_id)
    processes.there.unregister("e1", "ada")  # a seat for cem
    notify(processes.here, processes.clock)
    processes.there.unregister("e1", "ben")  # a seat for dora
    assert sorted(processes.recipients()) == ["dora", "eve"]


@apart
@pytest.mark.parametrize("notify", TO_REGISTERED.values(), ids=TO_REGISTERED)
def test_whoever_had_a_seat_is_notified(store: AnyStore, by: timedelta, notify: Notify) -> None:
    processes = Processes(store, by)
    for user_id in ("ada", "ben", "cem", "dora"):
        processes.there.register("e1", user_id)
    processes.there.unregister("e1", "ada")  # a seat for cem
    notify(processes.here, processes.clock)
    processes.there.unregister("e1", "ben")  # a seat for dora
    assert sorted(processes.recipients()) == ["cem"]


class SlowToRead:
    """A store whose next read of an event takes a second, in which something happens."""

    def __init__(self, store: Store, meanwhile: Callable[[], object]) -> None:
        self._store = store
        self._meanwhile: Callable[[], object] | None = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def get_event(self, event_id: str) -> Any:
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return self._store.get_event(event_id)


@pytest.mark.parametrize("notify", TO_EVERYONE.values(), ids=TO_EVERYONE)
def test_registration_during_the_notifiers_slow_read_is_notified(
    store: AnyStore, notify: Notify
) -> None:
    """No clock is wrong: the notifier took the time, read slowly, and committed after the registration."""
    processes = Processes(store, timedelta())
    processes.there.register("e1", "ada")

    def meanwhile() -> None:
        processes.clock.advance(1.0)
        processes.there.register("e1", "ben")

    slow = cast(Store, SlowToRead(store, meanwhile))
    notify(processes.service(processes.clock, "slow", slow), processes.clock)
    assert sorted(processes.recipients()) == ["ada", "ben"]


@apart
def test_many_promotions_of_a_capacity_increase_count_from_their_commit(
    store: AnyStore, by: timedelta
) -> None:
    processes = Processes(store, by)
    for user_id in USERS:
        processes.there.register("e1", user_id)
    processes.there.edit_event("e1", EventChanges.of(capacity=4))
    announce(Audience.REGISTERED)(processes.here, processes.clock)
    processes.there.edit_event("e1", EventChanges.of(capacity=5))
    assert sorted(processes.recipients()) == ["ada", "ben", "cem", "dora"]


def test_new_ticket_of_a_repair_changes_no_audience(store: AnyStore) -> None:
    """A repair gives a new ticket to one of two registrations with the same one."""
    processes = Processes(store, timedelta())
    processes.here.register("e1", "ada")
    announce(Audience.REGISTERED)(processes.here, processes.clock)
    (registration,) = store.get_registrations_of("ada")
    commit(store, PutRegistration(registration.model_copy(update={"ticket": 99}), registration))
    assert processes.recipients() == ["ada"]


def test_rows_of_an_earlier_rollcall_count_from_their_times(store: AnyStore) -> None:
    """They have no versions, and a promotion by this one gives them that of the seat."""
    processes = Processes(store, timedelta())
    for user_id in ("ada", "ben", "cem", "dora"):
        processes.here.register("e1", user_id)
        without_versions(store, user_id)
    processes.here.unregister("e1", "ada")  # a seat for cem
    processes.clock.advance(1.0)
    announce(Audience.REGISTERED)(processes.here, processes.clock)
    processes.clock.advance(1.0)
    processes.here.register("e1", "eve")
    without_versions(store, "eve")
    processes.here.unregister("e1", "ben")  # a seat for dora
    assert sorted(processes.recipients()) == ["cem"]
    processes.here.cancel_event("e1")
    entry = store.list_journal("e1", limit=100)[-1]
    everyone = [user_id for user_id, _ in recipients_of(store, entry, after=None)]
    assert sorted(everyone) == ["cem", "dora", "eve"]


def without_versions(store: Store, user_id: str) -> None:
    """Write a registration, and its waitlist entry, as an earlier Rollcall did."""
    (row,) = store.get_registrations_of(user_id)
    old = row.model_copy(update={"registered_version": None, "seated_version": None})
    commit(store, PutRegistration(old, row))
    if row.seated_at is None:
        commit(store, DeleteWaitlistEntry("e1", WaitlistEntry.of(row)))
        commit(store, PutWaitlistEntry("e1", WaitlistEntry.of(old)))


def test_attendees_promoted_between_two_slices_of_a_delivery_are_not_skipped(
    store: AnyStore,
) -> None:
    """Their tickets lie between those read on the waitlist before and after the pause."""
    service = Processes(store, timedelta()).here
    service.edit_event("e1", EventChanges.of(capacity=1))
    for user_id in USERS:
        service.register("e1", user_id)
    service.announce(
        "e1", AnnouncementDraft(text="Bring water", audience=Audience.EVERYONE), request_id="r1"
    )
    entry = store.list_journal("e1", limit=100)[-1]
    first, cursor = next(recipients_of(store, entry, after=None))
    service.edit_event("e1", EventChanges.of(capacity=4))
    service.sweep()
    rest = [user_id for user_id, _ in recipients_of(store, entry, after=cursor)]
    assert sorted([first, *rest]) == sorted(USERS)
