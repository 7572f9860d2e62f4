"""Checker of the data invariants (R7.5). It counts rows and shares no code with the product."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from domain.enums import ChangeKind, RegistrationStatus
from domain.models import Event, JournalEntry, Page, Registration, User, WaitlistEntry, block_of
from domain.ports import Store

T = TypeVar("T")


@dataclass(frozen=True)
class Everything:
    """Everything that a store holds of its workspace. Two of them are equal if nothing was written in between."""

    events: dict[str, Event]
    users: dict[str, User]
    registrations: dict[tuple[str, str], Registration]
    waitlist: dict[tuple[str, int], WaitlistEntry]
    journal: dict[str, tuple[JournalEntry, ...]]

    def seated(self, event_id: str) -> list[str]:
        """Return the users who have a seat, in order of tickets."""
        return self._users(event_id, RegistrationStatus.REGISTERED)

    def waitlisted(self, event_id: str) -> list[str]:
        """Return the waitlisted users, in order of positions."""
        return self._users(event_id, RegistrationStatus.WAITLISTED)

    def _users(self, event_id: str, status: RegistrationStatus) -> list[str]:
        rows = [
            row
            for row in self.registrations.values()
            if row.event_id == event_id and row.status is status
        ]
        return [row.user_id for row in sorted(rows, key=lambda row: row.ticket)]


def everything_in(store: Store) -> Everything:
    """Read everything that the store holds."""
    events = {event.event_id: event for event in _all(store.scan_events)}
    return Everything(
        events,
        {user.user_id: user for user in _all(store.list_users)},
        {(row.event_id, row.user_id): row for row in _all(store.scan_registrations)},
        {(event_id, entry.ticket): entry for event_id, entry in _all(store.scan_waitlist)},
        {event_id: store.list_journal(event_id, limit=10_000) for event_id in events},
    )


def _all(read: Callable[..., Page[T]]) -> Iterator[T]:
    page = read(limit=200)
    yield from page.items
    while page.next_cursor is not None:
        page = read(limit=200, cursor=page.next_cursor)
        yield from page.items


def assert_invariants(store: Store) -> Everything:
    """Assert R7.5 for every event; return what the store holds.

    The waitlist must match the registrations, and the journal must lead to the same state.
    """
    found = everything_in(store)
    for event in found.events.values():
        assert_event(event, found)
    for row in found.registrations.values():
        assert row.event_id in found.events, f"{row} has no event"
        assert row.user_id in found.users, f"{row} has no user"
    return found


def assert_event(event: Event, found: Everything) -> None:
    seated, waitlisted = found.seated(event.event_id), found.waitlisted(event.event_id)
    assert event.registered_count == len(seated)
    assert event.waitlist_count == len(waitlisted)
    assert event.registered_count <= event.capacity
    journal = found.journal[event.event_id]
    # From the start on, a seat given up stays free (R4.7). The clock of the commit decides.
    if event.deletion is None and not (journal and journal[-1].at >= event.starts_at):
        assert not waitlisted or event.free_seats == 0, "a free seat while someone is waitlisted"
    entries = sorted(
        (entry for (of, _), entry in found.waitlist.items() if of == event.event_id),
        key=lambda entry: entry.ticket,
    )
    assert [entry.user_id for entry in entries] == waitlisted
    assert all(entry.ticket < event.next_ticket for entry in entries)
    assert Counter(block_of(entry.ticket) for entry in entries) == dict(event.waitlist_by_block)
    assert [entry.version for entry in journal] == list(range(1, event.version + 1))
    assert replay(journal) == (set(seated), waitlisted)
    assert event.organizer_id is not None or not event.co_organizer_ids
    _assert_versions(event, found, entries)


def _assert_versions(event: Event, found: Everything, entries: list[WaitlistEntry]) -> None:
    """Assert that the versions in the rows, which decide who is notified (R9.4), are those of the journal.

    Rows that an earlier Rollcall wrote have none.
    """
    entered, seated = versions_in(found.journal[event.event_id])
    for row in found.registrations.values():
        if row.event_id == event.event_id:
            assert row.registered_version in (None, entered[row.user_id]), row
            assert row.seated_version in (None, seated.get(row.user_id)), row
    for entry in entries:
        assert entry.registered_version in (None, entered[entry.user_id]), entry


def versions_in(entries: tuple[JournalEntry, ...]) -> tuple[dict[str, int], dict[str, int]]:
    """Return the version that registered each attendee, and the one that gave the seat, from the journal."""
    entered: dict[str, int] = {}
    seated: dict[str, int] = {}
    for entry in entries:
        for change in entry.changes:
            user_id = change.user_id or ""
            if change.kind in (ChangeKind.REGISTERED, ChangeKind.WAITLISTED):
                entered[user_id] = entry.version
            if change.kind in (ChangeKind.REGISTERED, ChangeKind.PROMOTED):
                seated[user_id] = entry.version
            if change.kind is ChangeKind.UNREGISTERED:
                seated.pop(user_id, None)
    return entered, seated


def replay(entries: tuple[JournalEntry, ...]) -> tuple[set[str], list[str]]:
    """Return the users with a seat and the waitlisted users, in order, from the journal alone."""
    seated: set[str] = set()
    waitlisted: list[str] = []
    for change in (change for entry in entries for change in entry.changes):
        user_id = change.user_id or ""
        match change.kind:
            case ChangeKind.REGISTERED:
                seated.add(user_id)
            case ChangeKind.WAITLISTED:
                waitlisted.append(user_id)
            case ChangeKind.PROMOTED:
                assert waitlisted.pop(0) == user_id, "promoted out of order"
                seated.add(user_id)
            case ChangeKind.UNREGISTERED if user_id in seated:
                seated.remove(user_id)
            case ChangeKind.UNREGISTERED:
                waitlisted.remove(user_id)
            case _:
                pass
    return seated, waitlisted
