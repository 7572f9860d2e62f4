"""What must hold (R7.5, and the design's own rules), said once for each: of an event, a registration, a place.

Pure functions over what was read at one moment; `domain.integrity.checker` sees to that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from domain.enums import Deletion, RegistrationStatus
from domain.integrity.live_count import Count
from domain.integrity.violations import Violation, ViolationKind
from domain.models import Event, Registration, WaitlistEntry


def event_violations(count: Count) -> Iterator[Violation]:
    """Yield what is wrong with an event's numbers, given the count of its registrations."""
    event = count.event

    def violation(kind: ViolationKind, stored: object, expected: object) -> Violation:
        return Violation(kind, event.event_id, stored=str(stored), expected=str(expected))

    if event.registered_count != count.registered:
        yield violation(ViolationKind.REGISTERED_COUNT, event.registered_count, count.registered)
    if event.waitlist_count != count.waiting:
        # The line's own breaches are told apart, and mended first.
        expected = f"{count.waiting}, as stand in line"
        yield violation(ViolationKind.WAITLIST_COUNT, event.waitlist_count, expected)
    if dict(event.waitlist_by_block) != count.blocks:
        yield violation(ViolationKind.BLOCK_COUNTS, dict(event.waitlist_by_block), count.blocks)
    if count.registered > event.capacity:
        yield violation(ViolationKind.OVER_CAPACITY, count.registered, f"at most {event.capacity}")
    if event.deletion is None and count.waiting and count.registered < event.capacity:
        yield violation(ViolationKind.FREE_SEAT, f"{event.capacity - count.registered} free", 0)
    if count.last_ticket >= event.next_ticket:
        yield violation(ViolationKind.NEXT_TICKET, event.next_ticket, f"above {count.last_ticket}")
    if _marks(event) != sound_marks(event):
        yield violation(
            ViolationKind.OPERATION, _marks_text(*_marks(event)), _marks_text(*sound_marks(event))
        )


Marks = tuple[int | None, str | None]
"""An event's `capacity_target` and `operation_id`."""

ANY_OPERATION = "a new id"
"""Stands for an id that a repair is to mint."""


def _marks(event: Event) -> Marks:
    return event.capacity_target, event.operation_id


def sound_marks(event: Event) -> Marks:
    """Return what an event's marks of unfinished work should be: both of a raise, or a deletion's, or none."""
    operation = event.operation_id or ANY_OPERATION
    if event.deletion is Deletion.DONE:
        return None, None
    if event.deletion is Deletion.MARKED:
        return None, operation
    if event.capacity_target is not None and event.capacity_target > event.capacity:
        return event.capacity_target, operation
    return None, None


def _marks_text(target: int | None, operation: str | None) -> str:
    return f"target {target}, operation {operation}"


@dataclass(frozen=True, slots=True)
class RegistrationContext:
    """What belongs to a registration, as it was read."""

    event: Event | None
    has_user: bool
    place: WaitlistEntry | None
    """What stands in line at its ticket; read for one that waits."""
    is_listed: bool
    """Whether the roster lists it."""
    holders: tuple[Registration, ...]
    """Other registrations in the event with the same ticket."""


def registration_violations(row: Registration, around: RegistrationContext) -> Iterator[Violation]:
    """Yield what is wrong with a registration."""

    def violation(kind: ViolationKind, stored: object, expected: object) -> Violation:
        return Violation(kind, row.event_id, row.user_id, row.ticket, str(stored), str(expected))

    if around.event is None or around.event.deletion is Deletion.DONE:
        yield violation(ViolationKind.NO_EVENT, "without event", "of an event")
        return
    if not around.has_user:
        yield violation(ViolationKind.NO_USER, "without user", "a user's")
    if row.ticket < 1:
        yield violation(ViolationKind.BAD_TICKET, row.ticket, "1 or more")
    elif seniors := [holder.user_id for holder in around.holders if keeps_ticket(holder, row)]:
        yield violation(ViolationKind.SHARED_TICKET, f"also {', '.join(seniors)}'s", "its own")
    elif row.status is RegistrationStatus.WAITLISTED and around.place != WaitlistEntry.of(row):
        yield violation(ViolationKind.NOT_ON_WAITLIST, "without its place", "in line")
    for holder in around.holders:
        if {holder.status, row.status} == set(RegistrationStatus) and keeps_ticket(row, holder):
            # Only here: who has a seat does not look into the line.
            shared = violation(ViolationKind.SHARED_TICKET, f"also {row.user_id}'s", "its own")
            yield replace(shared, user_id=holder.user_id)
    has_seat = row.status is RegistrationStatus.REGISTERED
    if (row.seated_at is not None) is not has_seat:
        yield violation(ViolationKind.SEATED_AT, row.seated_at, "a time" if has_seat else None)
    if around.is_listed is not has_seat:
        listed = {True: "on the roster", False: "not on the roster"}
        yield violation(ViolationKind.ROSTER, listed[around.is_listed], listed[has_seat])


def waitlist_entry_violations(
    event: Event | None, event_id: str, place: WaitlistEntry, row: Registration | None
) -> Iterator[Violation]:
    """Yield what is wrong with a place in line, given its user's registration."""
    waits = row is not None and row.status is RegistrationStatus.WAITLISTED
    if event is None or event.deletion is Deletion.DONE:
        stored = "without event"
    elif not waits or row is None or WaitlistEntry.of(row) != place:
        stored = "without registration"
    else:
        return
    yield Violation(
        ViolationKind.STRAY_WAITLIST_ENTRY,
        event_id,
        place.user_id,
        place.ticket,
        stored,
        "one's who waits",
    )


def keeps_ticket(holder: Registration, row: Registration) -> bool:
    """Whether another keeps the ticket that both have.

    Who waits before who sits, for a ticket is a place in line; of two who sit the one who came first.
    Of two who wait the other, for it was found by its place.
    """
    if holder.status is row.status is RegistrationStatus.WAITLISTED:
        return True
    return _seniority(holder) < _seniority(row)


def _seniority(row: Registration) -> tuple[object, ...]:
    return row.status is RegistrationStatus.REGISTERED, row.registered_at, row.user_id
