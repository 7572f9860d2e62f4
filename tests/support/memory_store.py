"""In-memory store, which carries out a plan literally, one action after the other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from copy import copy
from datetime import datetime
from typing import TypeVar, assert_never, cast

from domain.enums import RegistrationStatus
from domain.errors import Invalid
from domain.models import (
    DueEvent,
    Event,
    JournalEntry,
    ListedEvent,
    Page,
    Registration,
    User,
    WaitlistEntry,
)
from domain.planning.plan import (
    Action,
    CheckRegistration,
    CheckUser,
    CreateUser,
    DeleteRegistration,
    DeleteWaitlistEntry,
    Plan,
    PutBatchResults,
    PutEvent,
    PutJournalEntry,
    PutRegistration,
    PutWaitlistEntry,
)
from domain.ports import Conflict, Rows
from domain.queued import BatchResults

T = TypeVar("T")


class MemoryStore:
    """`domain.ports.Store` for one thread. It checks every action's condition, and that no key is written twice."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}
        self.users: dict[str, User] = {}
        self.registrations: dict[tuple[str, str], Registration] = {}
        self.waitlist: dict[tuple[str, int], WaitlistEntry] = {}
        self.journal: dict[tuple[str, int], JournalEntry] = {}
        self.batches: dict[tuple[str, int], BatchResults] = {}

    def commit(self, plan: Plan) -> None:
        keys = [_key(action) for action in plan.actions]
        assert len(keys) == len(set(keys)), "DynamoDB refuses two actions on one item"
        assert len(keys) <= 100, "DynamoDB refuses more than 100 actions"
        before = [copy(table) for table in self._tables()]
        try:
            for action in plan.actions:
                self._apply(action)
        except Conflict:
            for table, saved in zip(self._tables(), before, strict=True):
                table.clear()
                table.update(saved)
            raise

    def _tables(self) -> tuple[dict[object, object], ...]:
        return (
            cast("dict[object, object]", self.events),
            cast("dict[object, object]", self.users),
            cast("dict[object, object]", self.registrations),
            cast("dict[object, object]", self.waitlist),
            cast("dict[object, object]", self.journal),
            cast("dict[object, object]", self.batches),
        )

    def _apply(self, action: Action) -> None:
        match action:
            case PutEvent(event, replaces):
                stored = self.events.get(event.event_id)
                _require((stored and stored.version) == replaces)
                self.events[event.event_id] = event
            case PutRegistration(row, replaces):
                key = (row.event_id, row.user_id)
                _require(_same(self.registrations.get(key), replaces))
                self.registrations[key] = row
            case DeleteRegistration(row):
                key = (row.event_id, row.user_id)
                _require(_same(self.registrations.get(key), row))
                del self.registrations[key]
            case PutWaitlistEntry(event_id, entry):
                _require((event_id, entry.ticket) not in self.waitlist)
                self.waitlist[event_id, entry.ticket] = entry
            case DeleteWaitlistEntry(event_id, entry):
                stored_entry = self.waitlist.pop((event_id, entry.ticket), None)
                _require(stored_entry is not None and stored_entry.user_id == entry.user_id)
            case CheckUser(user_id, may_be_missing):
                user = self.users.get(user_id)
                _require(may_be_missing if user is None else user.deletion_id is None)
            case CheckRegistration(row):
                _require(_same(self.registrations.get((row.event_id, row.user_id)), row))
            case CreateUser(created):
                _require(created.user_id not in self.users)
                self.users[created.user_id] = created
            case PutJournalEntry(entry, _):
                _require((entry.event_id, entry.version) not in self.journal)
                self.journal[entry.event_id, entry.version] = entry
            case PutBatchResults(batch):
                self.batches[batch.event_id, batch.slot] = batch
            case _:
                assert_never(action)

    def get_event(self, event_id: str) -> Event | None:
        return self.events.get(event_id)

    def get_events(self, event_ids: Collection[str]) -> dict[str, Event]:
        return {
            event_id: self.events[event_id] for event_id in event_ids if event_id in self.events
        }

    def list_events(
        self,
        *,
        starting_from: datetime | None,
        limit: int,
        cursor: str | None = None,
        organizer_id: str | None = None,
    ) -> Page[ListedEvent]:
        page = _page(
            [
                event
                for event in self._shown(organizer_id)
                if starting_from is None or event.starts_at >= starting_from
            ],
            limit,
            cursor,
            lambda event: [event.starts_at.isoformat(), event.event_id],
        )
        return Page(tuple(map(ListedEvent.of, page.items)), page.next_cursor)

    def list_running_events(
        self,
        *,
        since: datetime,
        limit: int,
        cursor: str | None = None,
        organizer_id: str | None = None,
    ) -> Page[ListedEvent]:
        page = _page(
            [
                event
                for event in self._shown(organizer_id)
                if event.starts_at < since and event.ends_at is not None and event.ends_at >= since
            ],
            limit,
            cursor,
            lambda event: [event.over_at.isoformat(), event.event_id],
        )
        return Page(tuple(map(ListedEvent.of, page.items)), page.next_cursor)

    def _shown(self, organizer_id: str | None) -> list[Event]:
        return [
            event
            for event in self.events.values()
            if event.deletion is None
            and event.series is None
            and (organizer_id is None or event.is_organizer(organizer_id))
        ]

    def list_series(
        self, *, limit: int, cursor: str | None = None, organizer_id: str | None = None
    ) -> Page[ListedEvent]:
        page = _page(
            [
                one
                for one in self.events.values()
                if one.series is not None
                and one.deletion is None
                and (organizer_id is None or one.is_organizer(organizer_id))
            ],
            limit,
            cursor,
            lambda event: [event.starts_at.isoformat(), event.event_id],
        )
        return Page(tuple(map(ListedEvent.of, page.items)), page.next_cursor)

    def list_unfinished_events(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        unfinished = [event.event_id for event in self.events.values() if event.is_unfinished]
        return _page(unfinished, limit, cursor, lambda event_id: [event_id])

    def list_due_events(self, *, limit: int, cursor: str | None = None) -> Page[DueEvent]:
        due = [
            DueEvent(event.event_id, event.next_due_at)
            for event in self.events.values()
            if event.next_due_at is not None
        ]
        return _page(due, limit, cursor, lambda one: [one.due_at.isoformat(), one.event_id])

    def get_rows(
        self, event_id: str, *, registrations_of: Collection[str], users: Collection[str]
    ) -> Rows:
        return Rows(
            {user_id: self.users[user_id] for user_id in users if user_id in self.users},
            {
                user_id: self.registrations[event_id, user_id]
                for user_id in registrations_of
                if (event_id, user_id) in self.registrations
            },
        )

    def get_waitlist(
        self, event_id: str, *, after: int = 0, until: int | None = None, limit: int | None
    ) -> tuple[WaitlistEntry, ...]:
        entries = sorted(
            (
                entry
                for (of, ticket), entry in self.waitlist.items()
                if of == event_id and after < ticket and (until is None or ticket <= until)
            ),
            key=lambda entry: entry.ticket,
        )
        return tuple(entries[:limit])

    def count_entries_before(
        self, event_id: str, entry: WaitlistEntry, *, after: int
    ) -> int | None:
        entries = self.get_waitlist(
            event_id, after=after, until=entry.ticket, limit=len(self.waitlist)
        )
        return len(entries) - 1 if entries and entries[-1].user_id == entry.user_id else None

    def list_roster(
        self, event_id: str, *, limit: int | None, cursor: str | None = None
    ) -> Page[Registration]:
        rows = [
            row
            for row in self.registrations.values()
            if row.event_id == event_id and row.status is RegistrationStatus.REGISTERED
        ]
        return _page(rows, limit, cursor, lambda row: [row.ticket, row.user_id])

    def get_last_seated(self, event_id: str, *, limit: int) -> tuple[Registration, ...]:
        rows = [
            row
            for row in self.registrations.values()
            if row.event_id == event_id and row.status is RegistrationStatus.REGISTERED
        ]
        return tuple(sorted(rows, key=lambda row: -row.ticket)[:limit])

    def get_events_and_registrations(
        self, event_ids: Collection[str], user_id: str
    ) -> tuple[dict[str, Event], tuple[Registration, ...]]:
        return self.get_events(event_ids), self.get_registrations_of(user_id)

    def get_registrations_of(self, user_id: str) -> tuple[Registration, ...]:
        return tuple(row for row in self.registrations.values() if row.user_id == user_id)

    def get_journal_entry(self, event_id: str, version: int) -> JournalEntry | None:
        return self.journal.get((event_id, version))

    def list_journal(
        self, event_id: str, *, after: int = 0, limit: int
    ) -> tuple[JournalEntry, ...]:
        return tuple(entry for entry in self._entries(event_id) if entry.version > after)[:limit]

    def list_history(
        self, event_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[JournalEntry]:
        return _page(self._entries(event_id), limit, cursor, lambda entry: [-entry.version])

    def _entries(self, event_id: str) -> list[JournalEntry]:
        entries = (entry for entry in self.journal.values() if entry.event_id == event_id)
        return sorted(entries, key=lambda entry: entry.version)

    def delete_old_entries(self, now: datetime, *, limit: int) -> int:
        return 0  # as DynamoDB: it is not asked to

    def get_user(self, user_id: str) -> User | None:
        return self.users.get(user_id)

    def list_users(self, *, limit: int | None, cursor: str | None = None) -> Page[User]:
        return _page(self.users.values(), limit, cursor, lambda user: [user.name, user.user_id])

    def list_unfinished_users(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        unfinished = [user.user_id for user in self.users.values() if user.deletion_id]
        return _page(unfinished, limit, cursor, lambda user_id: [user_id])

    def put_user(self, user: User, *, replaces: str | None) -> None:
        stored = self.users.get(user.user_id)
        _require((stored and stored.revision) == replaces and not (stored and stored.deletion_id))
        self.users[user.user_id] = user

    def start_user_deletion(self, user_id: str, deletion_id: str, *, revision: str) -> str | None:
        stored = self.users.get(user_id)
        if stored is None or stored.revision != revision:
            return None
        self.users[user_id] = stored.model_copy(
            update={"deletion_id": stored.deletion_id or deletion_id}
        )
        return self.users[user_id].deletion_id

    def delete_user(self, user_id: str, deletion_id: str) -> None:
        stored = self.users.get(user_id)
        _require(stored is not None and stored.deletion_id == deletion_id)
        del self.users[user_id]

    def scan_events(
        self, *, limit: int, cursor: str | None = None, organizer_id: str | None = None
    ) -> Page[Event]:
        events = (
            event
            for event in self.events.values()
            if organizer_id is None or event.is_organizer(organizer_id)
        )
        return _page(events, limit, cursor, lambda event: [event.event_id])

    def scan_registrations(self, *, limit: int, cursor: str | None = None) -> Page[Registration]:
        return _page(
            self.registrations.values(), limit, cursor, lambda row: [row.user_id, row.event_id]
        )

    def find_on_roster(self, event_id: str, ticket: int) -> tuple[Registration, ...]:
        roster = self.list_roster(event_id, limit=10_000).items
        return tuple(row for row in roster if row.ticket == ticket)

    def scan_waitlist(
        self, *, limit: int, cursor: str | None = None
    ) -> Page[tuple[str, WaitlistEntry]]:
        entries = [(of, entry) for (of, _), entry in self.waitlist.items()]
        return _page(entries, limit, cursor, lambda pair: [pair[0], pair[1].ticket])


def _require(condition: bool) -> None:
    if not condition:
        raise Conflict


def _same(stored: Registration | None, expected: Registration | None) -> bool:
    if stored is None or expected is None:
        return stored is expected
    return (stored.ticket, stored.status) == (expected.ticket, expected.status)


_KEYS: dict[type, Callable[..., object]] = {
    PutEvent: lambda action: action.event.event_id,
    PutRegistration: lambda action: (action.registration.event_id, action.registration.user_id),
    DeleteRegistration: lambda action: (action.registration.event_id, action.registration.user_id),
    CheckRegistration: lambda action: (action.registration.event_id, action.registration.user_id),
    PutWaitlistEntry: lambda action: action.entry.ticket,
    DeleteWaitlistEntry: lambda action: action.entry.ticket,
    CheckUser: lambda action: action.user_id,
    CreateUser: lambda action: action.user.user_id,
    PutJournalEntry: lambda action: (action.entry.event_id, action.entry.version),
    PutBatchResults: lambda action: (action.batch.event_id, action.batch.slot),
}


def _key(action: Action) -> tuple[str, object]:
    table = re.sub("^(Put|Delete|Check|Create)", "", type(action).__name__)
    return table, _KEYS[type(action)](action)


Key = Callable[[T], list[str | int]]


def _page(items: Iterable[T], limit: int | None, cursor: str | None, key: Key[T]) -> Page[T]:
    """Return a page of a list in order of a key; the cursor's own item may be gone by now."""
    ordered = sorted(items, key=key)
    limit = len(ordered) if limit is None else limit
    if cursor is not None:
        ended_at = _from_cursor(cursor)
        ordered = [item for item in ordered if key(item) > ended_at]
    if len(ordered) <= limit:
        return Page(tuple(ordered))
    return Page(tuple(ordered[:limit]), json.dumps(key(ordered[limit - 1])))


def _from_cursor(cursor: str) -> list[str | int]:
    try:
        ended_at = json.loads(cursor)
    except ValueError:
        ended_at = None
    if not isinstance(ended_at, list):
        raise Invalid("cursor", "must be one that this list gave out")
    return ended_at
