"""Corruptions of one event, each with the violation that a check must report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from domain.enums import Deletion, EventStatus, RegistrationStatus
from domain.integrity.violations import ViolationKind
from tests.support.environment import START
from tests.support.integrity.corruption import CorruptibleEvent, Corruption

K = ViolationKind


def rewritten(kind: ViolationKind, **values: object) -> Corruption:
    """Return a corruption of the event's values."""
    return Corruption(lambda target: target.rewrite_event(values), kind)


def in_row(kind: ViolationKind, name: str, found_at: int, **values: object) -> Corruption:
    """Return a corruption of a registration's values; `found_at` is the ticket in the violation."""
    return Corruption(lambda target: target.rewrite_row(name, **values), kind, name, found_at)


def in_history(kind: ViolationKind, do: Callable[[CorruptibleEvent], object]) -> Corruption:
    """Return a corruption without a user in its violation."""
    return Corruption(do, kind)


def in_waitlist(
    kind: ViolationKind, name: str, ticket: int, *do: Callable[[CorruptibleEvent], object]
) -> Corruption:
    return Corruption(lambda target: [one(target) for one in do], kind, name, ticket)


def deleted_event(target: CorruptibleEvent, **values: object) -> None:
    target.rewrite_event(values, target.delete_another_event())


NUMBERS = {
    "too few registered": rewritten(K.REGISTERED_COUNT, registered_count=1),
    "too many registered": rewritten(K.REGISTERED_COUNT, registered_count=7),
    "negative registered count": rewritten(K.REGISTERED_COUNT, registered_count=-1),
    "too many waitlisted": rewritten(K.WAITLIST_COUNT, waitlist_count=7),
    "no one waitlisted": rewritten(K.WAITLIST_COUNT, waitlist_count=0),
    "negative waitlist count": rewritten(K.WAITLIST_COUNT, waitlist_count=-4),
    "wrong blocks": rewritten(K.BLOCK_COUNTS, waitlist_by_block={0: 1, 4: 2}),
    "no blocks": rewritten(K.BLOCK_COUNTS, waitlist_by_block={}),
    "a capacity too small": rewritten(K.OVER_CAPACITY, capacity=1),
    "free seats": rewritten(K.FREE_SEAT, capacity=4),
    "a ticket to be given twice": rewritten(K.NEXT_TICKET, next_ticket=4),
    "a capacity target without an operation": rewritten(K.OPERATION, capacity_target=5),
    "an operation without a capacity target": rewritten(K.OPERATION, operation_id="lost"),
    "a capacity target equal to the capacity": rewritten(
        K.OPERATION, capacity_target=2, operation_id="o"
    ),
    "a deletion without an operation": rewritten(K.OPERATION, deletion=Deletion.IN_PROGRESS),
    "a deleted event with an operation": Corruption(
        lambda target: deleted_event(target, operation_id="o"), K.OPERATION, event="-deleted"
    ),
    "a deleted event with a count": Corruption(
        lambda target: deleted_event(target, registered_count=1),
        K.REGISTERED_COUNT,
        event="-deleted",
    ),
    "co-organizers without an organizer": rewritten(
        K.ORGANIZERS, organizer_id=None, co_organizer_ids=("ada", "bob")
    ),
    "a seat lost": in_history(K.REGISTERED_COUNT, lambda target: target.lose_row("seated1")),
}
HISTORY = {
    "the first entry lost": in_history(
        K.MISSING_JOURNAL_ENTRY, lambda target: target.lose_entry(1)
    ),
    "an entry lost": in_history(K.MISSING_JOURNAL_ENTRY, lambda target: target.lose_entry(3)),
    "the last entry lost": in_history(K.MISSING_JOURNAL_ENTRY, lambda target: target.lose_entry(6)),
    "the next journal entry written already": in_history(
        K.JOURNAL_AHEAD, lambda target: target.add_entry(7)
    ),
    "a later journal entry written already": in_history(
        K.JOURNAL_AHEAD, lambda target: target.add_entry(9)
    ),
}
WAITLIST = {
    "a registration lost": in_waitlist(
        K.STRAY_WAITLIST_ENTRY, "waitlisted2", 4, lambda target: target.lose_row("waitlisted2")
    ),
    "a waitlist entry lost": in_waitlist(
        K.NOT_ON_WAITLIST,
        "waitlisted2",
        4,
        lambda target: target.lose_waitlist_entry("waitlisted2"),
    ),
    "an entry of no user": in_waitlist(
        K.STRAY_WAITLIST_ENTRY, "nobody", 99, lambda target: target.add_waitlist_entry(99, "nobody")
    ),
    "an entry of no user, first on the waitlist": in_waitlist(
        K.STRAY_WAITLIST_ENTRY, "nobody", 1, lambda target: target.add_waitlist_entry(1, "nobody")
    ),
    "a second waitlist entry": in_waitlist(
        K.STRAY_WAITLIST_ENTRY,
        "waitlisted1",
        9,
        lambda target: target.add_waitlist_entry(9, "waitlisted1"),
    ),
    "a waitlist entry of a registered user": in_waitlist(
        K.STRAY_WAITLIST_ENTRY, "seated1", 9, lambda target: target.add_waitlist_entry(9, "seated1")
    ),
    "a waitlist entry of another time": in_row(
        K.NOT_ON_WAITLIST, "waitlisted1", 3, registered_at=START - timedelta(days=1)
    ),
    "a waitlist entry replaced by another": in_waitlist(
        K.NOT_ON_WAITLIST,
        "waitlisted2",
        4,
        lambda target: target.lose_waitlist_entry("waitlisted2"),
        lambda target: target.add_waitlist_entry(4, "nobody"),
    ),
    "a waitlist entry of another version": in_waitlist(
        K.NOT_ON_WAITLIST,
        "waitlisted2",
        4,
        lambda target: target.rewrite_waitlist_entry("waitlisted2", 9),
    ),
    "a waitlist entry in no event": Corruption(
        lambda target: target.add_waitlist_entry(99, "nobody", f"{target.event_id}-gone"),
        K.STRAY_WAITLIST_ENTRY,
        "nobody",
        99,
        event="-gone",
    ),
    "a waitlist entry in a deleted event": Corruption(
        lambda target: target.add_waitlist_entry(99, "nobody", target.delete_another_event()),
        K.STRAY_WAITLIST_ENTRY,
        "nobody",
        99,
        event="-deleted",
    ),
}
REGISTRATIONS = {
    "a registration in no event": Corruption(
        lambda target: target.copy_row("seated1", event_id=f"{target.event_id}-gone"),
        K.NO_EVENT,
        "seated1",
        1,
        event="-gone",
    ),
    "a registration in a deleted event": Corruption(
        lambda target: target.copy_row("seated1", event_id=target.delete_another_event()),
        K.NO_EVENT,
        "seated1",
        1,
        event="-deleted",
    ),
    "a registered user lost": Corruption(
        lambda target: target.lose_user("seated1"), K.NO_USER, "seated1", 1
    ),
    "a waitlisted user lost": Corruption(
        lambda target: target.lose_user("waitlisted2"), K.NO_USER, "waitlisted2", 4
    ),
    "two seats with one ticket": in_row(K.SHARED_TICKET, "seated2", 1, ticket=1),
    "a seat with the ticket of a waitlisted user": in_row(K.SHARED_TICKET, "seated2", 4, ticket=4),
    "a waitlisted user with another's ticket": in_row(K.SHARED_TICKET, "waitlisted2", 3, ticket=3),
    "a waitlisted user with a ticket and an earlier time": in_row(
        K.SHARED_TICKET, "waitlisted2", 3, ticket=3, registered_at=START - timedelta(days=1)
    ),
    "a waitlisted user with the ticket of a seat": Corruption(
        lambda target: target.rewrite_row("waitlisted2", ticket=1), K.SHARED_TICKET, "seated1", 1
    ),
    "a seat with an invalid ticket": in_row(K.BAD_TICKET, "seated2", 0, ticket=0),
    "a waitlisted user with an invalid ticket": in_row(K.BAD_TICKET, "waitlisted3", -5, ticket=-5),
    "a ticket that was never given": in_row(K.NOT_ON_WAITLIST, "waitlisted3", 50, ticket=50),
    "a waitlisted user with a seat time": in_row(K.SEATED_AT, "waitlisted1", 3, seated_at=START),
    "a seat without a seat time": in_row(K.SEATED_AT, "seated1", 1, seated_at=None),
    "a waitlisted user with a version of a seat": in_row(
        K.SEATED_VERSION, "waitlisted1", 3, seated_version=5
    ),
    "a seat of a version before the registration": in_row(
        K.SEATED_VERSION, "seated2", 2, seated_version=1
    ),
    "a seat of a version that its event has not reached": in_row(
        K.VERSION_AHEAD, "seated2", 2, seated_version=9
    ),
    "a registration of a version that its event has not reached": in_row(
        K.VERSION_AHEAD, "seated1", 1, registered_version=7, seated_version=8
    ),
    "a waitlisted user of a version that the event has not reached": in_row(
        K.VERSION_AHEAD, "waitlisted3", 5, registered_version=120
    ),
    "a seat turned into a waitlist entry": in_row(
        K.NOT_ON_WAITLIST, "seated2", 2, status=RegistrationStatus.WAITLISTED, seated_at=None
    ),
    "a waitlist entry turned into a seat": in_row(
        K.SEATED_AT, "waitlisted1", 3, status=RegistrationStatus.REGISTERED
    ),
}
ONLY_BY_REPLAY = {
    "a title that no one gave": rewritten(K.JOURNAL_EVENT, title="Another"),
    "an event that no one closed": rewritten(K.JOURNAL_EVENT, status=EventStatus.CLOSED),
    "a waitlist that no one turned off": rewritten(K.JOURNAL_EVENT, has_waitlist=False),
    "tickets that no one got": rewritten(K.JOURNAL_EVENT, next_ticket=9),
    "a seat taken from one for another": in_waitlist(
        K.JOURNAL_REGISTRATION,
        "seated2",
        2,
        lambda target: target.swap_seat("seated2", "waitlisted1"),
    ),
    "an attendee lost with every trace but the journal": in_waitlist(
        K.JOURNAL_REGISTRATION, "waitlisted2", 4, lambda target: target.lose_attendee("waitlisted2")
    ),
    "a promotion out of order": in_waitlist(
        K.JOURNAL_RULE,
        "waitlisted2",
        4,
        lambda target: target.promote_out_of_order("seated1", "waitlisted2"),
    ),
}
"""Corruptions that no other part of a check notices."""
CORRUPTIONS = {**NUMBERS, **HISTORY, **WAITLIST, **REGISTRATIONS, **ONLY_BY_REPLAY}
ON_DYNAMODB = {
    "a seat that the roster does not list": Corruption(
        lambda target: target.set_listed("seated2", listed=False), K.ROSTER, "seated2", 2
    ),
    "a waitlisted user whom the roster lists": Corruption(
        lambda target: target.set_listed("waitlisted1", listed=True), K.ROSTER, "waitlisted1", 3
    ),
}
