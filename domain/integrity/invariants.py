"""The invariants (R7.5 and the design's own rules) of an event, a registration and a waitlist entry.

Pure functions over what was read at one moment; `domain.integrity.checker` takes care of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from domain.enums import Deletion, RegistrationStatus
from domain.integrity.live_count import Count
from domain.integrity.violations import Violation, ViolationKind
from domain.models import Event, Registration, WaitlistEntry


def event_violations(count: Count, now: datetime) -> Iterator[Violation]:
    """Yield what is wrong with an event's counts, given the count of its registrations.

    `now` is a time after the count: from the event's start on, seats may stay free (R4.7).
    """
    event = count.event

    def violation(kind: ViolationKind, stored: object, expected: object) -> Violation:
        return Violation(kind, event.event_id, stored=str(stored), expected=str(expected))

    if event.registered_count != count.registered:
        yield violation(ViolationKind.REGISTERED_COUNT, event.registered_count, count.registered)
    if event.waitlist_count != count.waitlisted:
        # Violations of the waitlist itself are reported apart, and fixed first.
        expected = f"{count.waitlisted}, as on the waitlist"
        yield violation(ViolationKind.WAITLIST_COUNT, event.waitlist_count, expected)
    if dict(event.waitlist_by_block) != count.blocks:
        yield violation(ViolationKind.BLOCK_COUNTS, dict(event.waitlist_by_block), count.blocks)
    seats = 0 if event.series else event.capacity  # nobody has a seat in a series
    if count.registered > seats:
        yield violation(ViolationKind.OVER_CAPACITY, count.registered, f"at most {seats}")
    may_promote = event.deletion is None and not event.has_started(now)
    if may_promote and count.waitlisted and count.registered < seats:
        yield violation(ViolationKind.FREE_SEAT, f"{seats - count.registered} free", 0)
    if count.last_ticket >= event.next_ticket:
        yield violation(ViolationKind.NEXT_TICKET, event.next_ticket, f"above {count.last_ticket}")
    stored, valid = _operation(event), valid_operation(event)
    if stored != valid:
        yield violation(ViolationKind.OPERATION, _operation_text(stored), _operation_text(valid))
    organizer_id, _ = valid_organizers(event)
    if event.organizer_id != organizer_id:
        yield violation(ViolationKind.ORGANIZERS, event.organizer_id, organizer_id)


Operation = tuple[int | None, str | None]
"""An event's `capacity_target` and `operation_id`."""

ANY_OPERATION_ID = "a new id"
"""Stands for an id that a repair generates."""


def _operation(event: Event) -> Operation:
    return event.capacity_target, event.operation_id


def valid_operation(event: Event) -> Operation:
    """Return what an event's operation should be: a capacity increase, a deletion, or none."""
    operation_id = event.operation_id or ANY_OPERATION_ID
    if event.deletion is Deletion.DONE:
        return None, None
    if event.deletion is Deletion.IN_PROGRESS:
        return None, operation_id
    if event.capacity_target is not None and event.capacity_target > event.capacity:
        return event.capacity_target, operation_id
    return None, None


def valid_organizers(event: Event) -> tuple[str | None, tuple[str, ...]]:
    """Return who should organize an event, and the co-organizers: without an organizer, the first of them."""
    if event.organizer_id is None and event.co_organizer_ids:
        return event.co_organizer_ids[0], event.co_organizer_ids[1:]
    return event.organizer_id, event.co_organizer_ids


def _operation_text(operation: Operation) -> str:
    target, operation_id = operation
    return f"target {target}, operation {operation_id}"


@dataclass(frozen=True, slots=True)
class RegistrationContext:
    """The data read to check a registration."""

    event: Event | None
    has_user: bool
    entry: WaitlistEntry | None
    """The waitlist entry with its ticket; read for a waitlisted registration."""
    is_on_roster: bool
    same_ticket: tuple[Registration, ...]
    """Other registrations in the event with the same ticket."""


def registration_violations(
    registration: Registration, context: RegistrationContext
) -> Iterator[Violation]:
    """Yield what is wrong with a registration."""
    if context.event is None or context.event.deletion is Deletion.DONE:
        yield _violation(registration, ViolationKind.NO_EVENT, "without an event", "of an event")
        return
    if not context.has_user:
        yield _violation(registration, ViolationKind.NO_USER, "without a user", "of a user")
    yield from _ticket_violations(registration, context)
    has_seat = registration.status is RegistrationStatus.REGISTERED
    if (registration.seated_at is not None) is not has_seat:
        expected = "a time" if has_seat else None
        yield _violation(registration, ViolationKind.SEATED_AT, registration.seated_at, expected)
    yield from _version_violations(registration, context.event)
    if context.is_on_roster is not has_seat:
        texts = {True: "on the roster", False: "not on the roster"}
        stored, expected = texts[context.is_on_roster], texts[has_seat]
        yield _violation(registration, ViolationKind.ROSTER, stored, expected)


def _version_violations(registration: Registration, event: Event) -> Iterator[Violation]:
    """Yield what is wrong with the versions that decide who is notified (R9.4)."""
    stored, last = registration.seated_version, newest_version(registration)
    if not has_valid_seated_version(registration):
        yield _violation(registration, ViolationKind.SEATED_VERSION, stored, None)
    if last > event.version:
        expected = f"at most {event.version}, its event's version"
        yield _violation(registration, ViolationKind.VERSION_AHEAD, f"of version {last}", expected)


def has_valid_seated_version(registration: Registration) -> bool:
    """Return whether a registration with a version of its seat has a seat, and not since before it was made."""
    if registration.seated_version is None:
        return True
    has_seat = registration.status is RegistrationStatus.REGISTERED
    return has_seat and registration.seated_version >= (registration.registered_version or 0)


def newest_version(registration: Registration) -> int:
    """Return the newest event version that a registration names, 0 if it names none."""
    return max(registration.registered_version or 0, registration.seated_version or 0)


def repeats(entry: WaitlistEntry | None, registration: Registration) -> bool:
    """Return whether a waitlist entry is that of the registration, also in what decides who is notified."""
    return (
        entry is not None
        and entry == WaitlistEntry.of(registration)
        and entry.registered_version in (None, registration.registered_version)
    )


def _ticket_violations(
    registration: Registration, context: RegistrationContext
) -> Iterator[Violation]:
    keepers = [one.user_id for one in context.same_ticket if keeps_ticket(one, registration)]
    is_waitlisted = registration.status is RegistrationStatus.WAITLISTED
    if registration.ticket < 1:
        yield _violation(registration, ViolationKind.BAD_TICKET, registration.ticket, "1 or more")
    elif keepers:
        stored = f"shared with {', '.join(keepers)}"
        yield _violation(registration, ViolationKind.SHARED_TICKET, stored, "its own")
    elif is_waitlisted and not repeats(context.entry, registration):
        kind = ViolationKind.NOT_ON_WAITLIST
        yield _violation(registration, kind, "without a waitlist entry", "on the waitlist")
    for other in context.same_ticket:
        is_other_status = {other.status, registration.status} == set(RegistrationStatus)
        if is_other_status and keeps_ticket(registration, other):
            # Only found here: the check of a registered user does not read the waitlist.
            stored = f"shared with {registration.user_id}"
            shared = _violation(registration, ViolationKind.SHARED_TICKET, stored, "its own")
            yield replace(shared, user_id=other.user_id)


def _violation(
    registration: Registration, kind: ViolationKind, stored: object, expected: object
) -> Violation:
    return Violation(
        kind,
        registration.event_id,
        registration.user_id,
        registration.ticket,
        str(stored),
        str(expected),
    )


def waitlist_entry_violations(
    event: Event | None, event_id: str, entry: WaitlistEntry, registration: Registration | None
) -> Iterator[Violation]:
    """Yield what is wrong with a waitlist entry, given its user's registration."""
    is_waitlisted = (
        registration is not None and registration.status is RegistrationStatus.WAITLISTED
    )
    if event is None or event.deletion is Deletion.DONE:
        stored = "without an event"
    elif not is_waitlisted or registration is None or WaitlistEntry.of(registration) != entry:
        stored = "without a registration"
    else:
        return
    kind = ViolationKind.STRAY_WAITLIST_ENTRY
    expected = "of a waitlisted user"
    yield Violation(kind, event_id, entry.user_id, entry.ticket, stored, expected)


def keeps_ticket(other: Registration, registration: Registration) -> bool:
    """Return whether the other one keeps a ticket that both have.

    A waitlisted registration keeps it before a registered one, because a ticket determines a
    position. The earlier of two registered ones keeps it. If both are waitlisted, the other one does:
    it was found by its waitlist entry.
    """
    if other.status is registration.status is RegistrationStatus.WAITLISTED:
        return True
    return _seniority(other) < _seniority(registration)


def _seniority(registration: Registration) -> tuple[object, ...]:
    is_registered = registration.status is RegistrationStatus.REGISTERED
    return is_registered, registration.registered_at, registration.user_id
