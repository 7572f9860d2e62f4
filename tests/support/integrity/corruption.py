"""Corruption of stored data, by writes that no command would make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.enums import ChangeKind, Deletion, RegistrationStatus
from domain.integrity.violations import FixedViolation, Violation, ViolationKind
from domain.models import (
    Change,
    Event,
    JournalEntry,
    Registration,
    WaitlistEntry,
    block_of,
)
from domain.planning.plan import (
    Action,
    DeleteRegistration,
    DeleteWaitlistEntry,
    Plan,
    PutEvent,
    PutJournalEntry,
    PutRegistration,
    PutWaitlistEntry,
)
from domain.ports import Store
from domain.service import Service
from storage.dynamodb.schema import JOURNAL, REGISTRATIONS
from storage.dynamodb.store import DynamoDBStore
from storage.sqlite.store import SQLiteStore
from tests.support.environment import START, ids, new_event, new_users, start_user_deletion
from tests.support.invariants import Everything, everything_in
from tests.support.memory_store import MemoryStore
from tests.support.stores import without_foreign_keys

NAMES = ("seated1", "seated2", "waitlisted1", "waitlisted2", "waitlisted3")

_plan_ids = ids("corruption")


def lose_entry(store: Store, event_id: str, version: int) -> None:
    """Delete a journal entry."""
    match store:
        case MemoryStore():
            del store.journal[event_id, version]
        case SQLiteStore():
            with store._file.writing() as connection:
                connection.execute(
                    "DELETE FROM journal WHERE event_id = ? AND version = ?",
                    (event_id, version),
                )
        case DynamoDBStore():
            key = {"event_id": {"S": f"T1#{event_id}"}, "version": {"N": str(version)}}
            store._client.delete_item(TableName=store._keys.table_name(JOURNAL), Key=key)


class CorruptibleEvent:
    """Event with two registered and three waitlisted users (tickets 1 to 5), and ways to corrupt it."""

    def __init__(self, service: Service, store: Store, event_id: str = "e1") -> None:
        self.service = service
        self.store = store
        self.event_id = event_id
        new_users(service, *map(self.user_id, NAMES))
        new_event(service, event_id, capacity=2)
        for name in NAMES:
            service.register(event_id, self.user_id(name))

    def user_id(self, name: str) -> str:
        """Return the id of this event's user with that name."""
        return f"{self.event_id}-{name}"

    def corrupt(self, *actions: Action) -> None:
        """Write these actions, whatever they are."""
        with without_foreign_keys(self.store):
            self.store.commit(Plan(_plan_ids(), self.event_id, None, (), actions))

    def event(self, event_id: str | None = None) -> Event:
        """Return a stored event, by default this one."""
        event = self.store.get_event(event_id or self.event_id)
        assert event is not None
        return event

    def rewrite_event(self, values: Mapping[str, object], event_id: str | None = None) -> None:
        """Overwrite values of an event, but not its version."""
        event = self.event(event_id)
        self.corrupt(PutEvent(event.model_copy(update=values), event.version))

    def row(self, name: str) -> Registration:
        """Return a user's registration."""
        user_id = self.user_id(name)
        found = self.store.get_rows(self.event_id, registrations_of=[user_id], users=())
        return found.registrations[user_id]

    def rewrite_row(self, name: str, **values: object) -> None:
        """Overwrite values of a registration."""
        row = self.row(name)
        self.corrupt(PutRegistration(row.model_copy(update=values), row))

    def swap_seat(self, seated: str, waitlisted: str) -> None:
        """Give a registered user's seat to a waitlisted one, whose waitlist entry it takes: counts stay right."""
        gives, gets = self.row(seated), self.row(waitlisted)
        status = RegistrationStatus.WAITLISTED
        left = gives.model_copy(
            update={"status": status, "seated_at": None, "seated_version": None}
        )
        seat = {"status": RegistrationStatus.REGISTERED, "seated_at": START}
        self.corrupt(
            PutRegistration(left, gives),
            PutRegistration(gets.model_copy(update=seat), gets),
            DeleteWaitlistEntry(self.event_id, WaitlistEntry.of(gets)),
            PutWaitlistEntry(self.event_id, WaitlistEntry.of(left)),
        )
        self.rewrite_event({"waitlist_by_block": {0: self.event().waitlist_count}})

    def lose_attendee(self, name: str) -> None:
        """Delete a waitlisted registration with everything that goes with it, but for the journal."""
        event = self.event()
        self.lose_waitlist_entry(name)
        self.lose_row(name)
        left = event.waitlist_count - 1
        self.rewrite_event({"waitlist_count": left, "waitlist_by_block": {0: left}})

    def promote_out_of_order(self, leaving: str, promoted: str) -> None:
        """Commit, with its entry, that a seat goes to someone who is not first on the waitlist."""
        event, leaves, gets = self.event(), self.row(leaving), self.row(promoted)
        version = event.version + 1
        seat = {"status": RegistrationStatus.REGISTERED, "seated_at": START}
        changes = (
            Change(
                kind=ChangeKind.UNREGISTERED,
                user_id=leaves.user_id,
                ticket=leaves.ticket,
                status=leaves.status,
            ),
            Change(kind=ChangeKind.PROMOTED, user_id=gets.user_id, ticket=gets.ticket),
        )
        left = event.waitlist_count - 1
        counts = {"version": version, "waitlist_count": left, "waitlist_by_block": {0: left}}
        entry = JournalEntry(
            event_id=self.event_id,
            version=version,
            plan_id=_plan_ids(),
            at=START,
            changes=changes,
            event_values={},
        )
        self.corrupt(
            PutEvent(event.model_copy(update=counts), event.version),
            DeleteRegistration(leaves),
            PutRegistration(gets.model_copy(update=seat), gets),
            DeleteWaitlistEntry(self.event_id, WaitlistEntry.of(gets)),
            PutJournalEntry(entry),
        )

    def copy_row(self, name: str, **values: object) -> None:
        """Write a copy of a registration, with other values."""
        self.corrupt(PutRegistration(self.row(name).model_copy(update=values), None))

    def lose_row(self, name: str) -> None:
        """Delete only a registration."""
        self.corrupt(DeleteRegistration(self.row(name)))

    def lose_waitlist_entry(self, name: str) -> None:
        """Delete only a waitlist entry."""
        self.corrupt(DeleteWaitlistEntry(self.event_id, WaitlistEntry.of(self.row(name))))

    def add_waitlist_entry(self, ticket: int, name: str, event_id: str | None = None) -> None:
        """Write only a waitlist entry."""
        entry = WaitlistEntry(ticket, self.user_id(name), START)
        self.corrupt(PutWaitlistEntry(event_id or self.event_id, entry))

    def rewrite_waitlist_entry(self, name: str, registered_version: int | None) -> None:
        """Overwrite the version in a waitlist entry."""
        entry = WaitlistEntry.of(self.row(name))
        self.corrupt(DeleteWaitlistEntry(self.event_id, entry))
        new = replace(entry, registered_version=registered_version)
        self.corrupt(PutWaitlistEntry(self.event_id, new))

    def lose_user(self, name: str) -> None:
        """Delete only a user."""
        user_id = self.user_id(name)
        with without_foreign_keys(self.store):
            self.store.delete_user(user_id, start_user_deletion(self.store, user_id))

    def delete_another_event(self) -> str:
        """Delete another event; return its id."""
        event_id = f"{self.event_id}-deleted"
        new_event(self.service, event_id)
        self.service.delete_event(event_id)
        return event_id

    def lose_entry(self, version: int) -> None:
        """Delete a journal entry."""
        lose_entry(self.store, self.event_id, version)

    def add_entry(self, version: int) -> None:
        """Write the newest journal entry again, under a later version."""
        newest = self.store.list_history(self.event_id, limit=1).items[0]
        another = newest.model_copy(update={"version": version, "plan_id": "unknown"})
        self.corrupt(PutJournalEntry(another))

    def set_listed(self, name: str, *, listed: bool) -> None:
        """Add a registration to the roster's index, or remove it; only DynamoDB has this index."""
        assert isinstance(self.store, DynamoDBStore)
        event = {"S": f"T1#{self.event_id}"}
        change: dict[str, Any] = {"UpdateExpression": "REMOVE seated_in"}
        if listed:
            change = {
                "UpdateExpression": "SET seated_in = :event",
                "ExpressionAttributeValues": {":event": event},
            }
        self.store._client.update_item(
            TableName=self.store._keys.table_name(REGISTRATIONS),
            Key={"user_id": {"S": f"T1#{self.user_id(name)}"}, "event_id": event},
            **change,
        )


@dataclass(frozen=True)
class Corruption:
    """Corruption of an event, and the violation that a check must report."""

    do: Callable[[CorruptibleEvent], object]
    kind: ViolationKind
    name: str | None = None
    ticket: int | None = None
    event: str = ""

    def is_reported_in(self, violations: list[Violation], target: CorruptibleEvent) -> bool:
        """Return whether one of the violations has this kind and these ids."""
        return (
            self.kind,
            f"{target.event_id}{self.event}",
            None if self.name is None else target.user_id(self.name),
            self.ticket,
        ) in {
            (violation.kind, violation.event_id, violation.user_id, violation.ticket)
            for violation in violations
        }


def check(service: Service) -> list[Violation]:
    """Return all violations that a check finds."""
    return list(service.check(lambda _: None))


def repair(service: Service) -> list[FixedViolation]:
    """Return everything that a repair fixed."""
    return list(service.repair(lambda _: None))


def assert_fixed(service: Service, store: Store) -> Everything:
    """Assert that a check finds nothing and that R7.5 holds, except for the journal; return what is stored."""
    assert check(service) == []
    found = everything_in(store)
    assert wrong_events(found) == set()
    return found


def wrong_events(found: Everything) -> set[str]:
    """Return the ids of the events that violate R7.5, by counting and without the product's code."""
    ids = {*found.events, *(of for of, _ in found.registrations), *(of for of, _ in found.waitlist)}
    return {event_id for event_id in ids if not _is_sound(event_id, found)}


def _is_sound(event_id: str, found: Everything) -> bool:
    rows = [row for (of, _), row in found.registrations.items() if of == event_id]
    waitlist = [found.waitlist[key] for key in sorted(found.waitlist) if key[0] == event_id]
    event = found.events.get(event_id)
    if event is None or event.deletion is Deletion.DONE:
        has_organizer = event is None or event.organizer_id or not event.co_organizer_ids
        counts = (event.registered_count, event.waitlist_count) if event else (0, 0)
        is_empty = not rows and not waitlist and counts == (0, 0)
        return bool(is_empty and has_organizer and _has_valid_operation(event))
    seated, waitlisted = found.seated(event_id), found.waitlisted(event_id)
    tickets = [row.ticket for row in rows]
    return (
        (event.registered_count, event.waitlist_count) == (len(seated), len(waitlisted))
        and Counter(block_of(entry.ticket) for entry in waitlist) == dict(event.waitlist_by_block)
        and len(seated) <= event.capacity
        and (event.deletion is not None or not waitlisted or len(seated) == event.capacity)
        and waitlist
        == [WaitlistEntry.of(found.registrations[event_id, user_id]) for user_id in waitlisted]
        and len(tickets) == len(set(tickets))
        and all(0 < ticket < event.next_ticket for ticket in tickets)
        and all((row.seated_at is not None) is (row.user_id in seated) for row in rows)
        and {row.user_id for row in rows} <= set(found.users)
        and all(_has_valid_versions(row, event, row.user_id in seated) for row in rows)
        and all(
            entry.registered_version
            in (None, found.registrations[event_id, entry.user_id].registered_version)
            for entry in waitlist
        )
        and not (event.organizer_id is None and event.co_organizer_ids)
        and _has_valid_operation(event)
    )


def _has_valid_versions(row: Registration, event: Event, has_seat: bool) -> bool:
    registered = row.registered_version or 0
    if row.seated_version is None:
        return registered <= event.version
    return has_seat and registered <= row.seated_version <= event.version


def _has_valid_operation(event: Event | None) -> bool:
    if event is None or event.deletion is Deletion.DONE:
        return event is None or (event.capacity_target, event.operation_id) == (None, None)
    if event.deletion is Deletion.IN_PROGRESS:
        return event.capacity_target is None and event.operation_id is not None
    if event.capacity_target is None:
        return event.operation_id is None
    return event.operation_id is not None and event.capacity_target > event.capacity
