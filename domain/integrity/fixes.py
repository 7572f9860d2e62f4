"""Pure functions that turn a violation into the fix for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain.commands import ApplyFix
from domain.enums import RegistrationStatus
from domain.integrity.invariants import (
    ANY_OPERATION_ID,
    has_valid_seated_version,
    valid_operation,
    valid_organizers,
)
from domain.integrity.live_count import Count
from domain.integrity.violations import ViolationKind
from domain.models import Event, Registration, WaitlistEntry, block_of
from domain.ports import NewId

EVENT_FIELDS: Mapping[ViolationKind, tuple[str, ...]] = {
    ViolationKind.REGISTERED_COUNT: ("registered_count",),
    ViolationKind.WAITLIST_COUNT: ("waitlist_count",),
    ViolationKind.BLOCK_COUNTS: ("waitlist_by_block",),
    ViolationKind.OVER_CAPACITY: ("capacity",),
    ViolationKind.NEXT_TICKET: ("next_ticket",),
    ViolationKind.OPERATION: ("capacity_target", "operation_id"),
    ViolationKind.ORGANIZERS: ("organizer_id", "co_organizer_ids"),
}
"""The fields of an event that fix each kind of violation."""


def fixed_event_values(count: Count, new_id: NewId) -> dict[str, object]:
    """Return an event's values by the count. All seats are kept, so the capacity may grow."""
    event = count.event.model_copy(update={"capacity": max(count.event.capacity, count.registered)})
    target, operation_id = valid_operation(event)
    organizer_id, co_organizer_ids = valid_organizers(event)
    return {
        "registered_count": count.registered,
        "waitlist_count": count.waitlisted,
        "waitlist_by_block": count.blocks,
        "capacity": event.capacity,
        "next_ticket": max(event.next_ticket, count.last_ticket + 1),
        "capacity_target": target,
        "operation_id": new_id() if operation_id == ANY_OPERATION_ID else operation_id,
        "organizer_id": organizer_id,
        "co_organizer_ids": co_organizer_ids,
    }


def raise_version_above(version: int) -> Callable[[Event], ApplyFix | None]:
    """Return what makes the fix that takes an event above a version that its journal has already."""

    def make(event: Event) -> ApplyFix | None:
        if event.version >= version:
            return None
        return ApplyFix(event.version, min_version=version)

    return make


def with_valid_seat(registration: Registration) -> Registration:
    """Return a registration that has the time and version of its seat exactly if it has one.

    Without a version, its time decides who is notified.
    """
    if registration.status is not RegistrationStatus.REGISTERED:
        return registration.model_copy(update={"seated_at": None, "seated_version": None})
    if not has_valid_seated_version(registration):
        registration = registration.model_copy(update={"seated_version": None})
    if registration.seated_at is not None:
        return registration
    seat = {
        "seated_at": registration.registered_at,
        "seated_version": registration.seated_version or registration.registered_version,
    }
    return registration.model_copy(update=seat)


def delete_registration(
    event: Event, registration: Registration, entry: WaitlistEntry | None
) -> ApplyFix:
    """Return what deletes a registration, and the waitlist entry with its ticket if it is its own."""
    values: dict[str, Any] = {}
    if registration.status is RegistrationStatus.REGISTERED:
        values["registered_count"] = max(0, event.registered_count - 1)
    else:
        values["waitlist_count"] = max(0, event.waitlist_count - 1)
        values["waitlist_by_block"] = _changed_blocks(event, {registration.ticket: -1})
    drop = (entry,) if entry == WaitlistEntry.of(registration) else ()
    return ApplyFix(event.version, values, registrations=((registration, None),), drop=drop)


def give_new_ticket(
    count: Count, registration: Registration, entry: WaitlistEntry | None
) -> ApplyFix:
    """Return what gives a registration the event's next ticket: the end of the waitlist, if waitlisted."""
    event = count.event
    ticket = max(event.next_ticket, count.last_ticket + 1)
    new = registration.model_copy(update={"ticket": ticket})
    values: dict[str, Any] = {"next_ticket": ticket + 1}
    if registration.status is RegistrationStatus.REGISTERED:
        return ApplyFix(event.version, values, registrations=((registration, new),))
    drop = (entry,) if entry == WaitlistEntry.of(registration) else ()
    by_ticket = {ticket: 1} | ({registration.ticket: -1} if drop else {})
    values["waitlist_by_block"] = _changed_blocks(event, by_ticket)
    add = (WaitlistEntry.of(new),)
    return ApplyFix(event.version, values, ((registration, new),), add, drop)


def _changed_blocks(event: Event, by_ticket: Mapping[int, int]) -> dict[int, int]:
    blocks = dict(event.waitlist_by_block)
    for ticket, change in by_ticket.items():
        block = block_of(ticket)
        blocks[block] = max(0, blocks.get(block, 0) + change)
    return {block: count for block, count in blocks.items() if count}
