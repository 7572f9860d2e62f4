"""What sets a breach right: pure functions from what was found to what is to be written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain.commands import ApplyFix
from domain.enums import RegistrationStatus
from domain.integrity.invariants import ANY_OPERATION, sound_marks
from domain.integrity.live_count import Count
from domain.integrity.violations import ViolationKind
from domain.models import Event, Registration, WaitlistEntry, block_of
from domain.ports import NewId

FIELDS: Mapping[ViolationKind, tuple[str, ...]] = {
    ViolationKind.REGISTERED_COUNT: ("registered_count",),
    ViolationKind.WAITLIST_COUNT: ("waitlist_count",),
    ViolationKind.BLOCK_COUNTS: ("waitlist_by_block",),
    ViolationKind.OVER_CAPACITY: ("capacity",),
    ViolationKind.NEXT_TICKET: ("next_ticket",),
    ViolationKind.OPERATION: ("capacity_target", "operation_id"),
}
"""Which of an event's fields are set where it is wrong."""


def new_numbers(count: Count, new_id: NewId) -> dict[str, object]:
    """Return an event's numbers as the count has them; who has a seat keeps it, and the capacity follows."""
    event = count.event.model_copy(update={"capacity": max(count.event.capacity, count.registered)})
    target, operation_id = sound_marks(event)
    return {
        "registered_count": count.registered,
        "waitlist_count": count.waiting,
        "waitlist_by_block": count.blocks,
        "capacity": event.capacity,
        "next_ticket": max(event.next_ticket, count.last_ticket + 1),
        "capacity_target": target,
        "operation_id": new_id() if operation_id == ANY_OPERATION else operation_id,
    }


def go_beyond(last: int) -> Callable[[Event], ApplyFix | None]:
    """Return what takes an event's version beyond one that its history has already."""
    return lambda event: ApplyFix(event.version, above=last) if event.version < last else None


def with_valid_seated_at(row: Registration) -> Registration:
    """Return a registration with a time of its seat if it has one, and with none if it waits."""
    has_seat = row.status is RegistrationStatus.REGISTERED
    seated_at = (row.seated_at or row.registered_at) if has_seat else None
    return row.model_copy(update={"seated_at": seated_at})


def without(event: Event, row: Registration, place: WaitlistEntry | None) -> ApplyFix:
    """Return what takes a registration out, and its own place if that is what stands at its ticket."""
    numbers: dict[str, Any] = {}
    if row.status is RegistrationStatus.REGISTERED:
        numbers["registered_count"] = max(0, event.registered_count - 1)
    else:
        numbers["waitlist_count"] = max(0, event.waitlist_count - 1)
        numbers["waitlist_by_block"] = _moved(event, {row.ticket: -1})
    drop = (place,) if place == WaitlistEntry.of(row) else ()
    return ApplyFix(event.version, numbers, rows=((row, None),), drop=drop)


def with_new_ticket(count: Count, row: Registration, place: WaitlistEntry | None) -> ApplyFix:
    """Return what gives a registration the event's next ticket: one that waits goes to the line's end."""
    event = count.event
    ticket = max(event.next_ticket, count.last_ticket + 1)
    new = row.model_copy(update={"ticket": ticket})
    numbers: dict[str, Any] = {"next_ticket": ticket + 1}
    if row.status is RegistrationStatus.REGISTERED:
        return ApplyFix(event.version, numbers, rows=((row, new),))
    drop = (place,) if place == WaitlistEntry.of(row) else ()
    by = {ticket: 1} | ({row.ticket: -1} if drop else {})
    numbers["waitlist_by_block"] = _moved(event, by)
    return ApplyFix(event.version, numbers, ((row, new),), (WaitlistEntry.of(new),), drop)


def _moved(event: Event, by: Mapping[int, int]) -> dict[int, int]:
    blocks = dict(event.waitlist_by_block)
    for ticket, number in by.items():
        block = block_of(ticket)
        blocks[block] = max(0, blocks.get(block, 0) + number)
    return {block: number for block, number in blocks.items() if number}
