"""Corruptions of one event, each with the violation that a check has to name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from domain.enums import Deletion, RegistrationStatus
from domain.integrity.violations import ViolationKind
from tests.support.environment import START
from tests.support.integrity.corruption import Corruption, Scene

K = ViolationKind


def rewritten(kind: ViolationKind, **values: object) -> Corruption:
    """Return the corruption of values of the event."""
    return Corruption(lambda scene: scene.rewrite_event(values), kind)


def in_row(kind: ViolationKind, name: str, found_at: int, **values: object) -> Corruption:
    """Return the corruption of a registration's values, and the ticket that it is named with."""
    return Corruption(lambda scene: scene.rewrite_row(name, **values), kind, name, found_at)


def in_history(kind: ViolationKind, do: Callable[[Scene], object]) -> Corruption:
    return Corruption(do, kind)


def in_line(
    kind: ViolationKind, name: str, ticket: int, *do: Callable[[Scene], object]
) -> Corruption:
    return Corruption(lambda scene: [one(scene) for one in do], kind, name, ticket)


def buried(scene: Scene, **values: object) -> None:
    scene.rewrite_event(values, scene.bury_another())


NUMBERS = {
    "too few registered": rewritten(K.REGISTERED_COUNT, registered_count=1),
    "too many registered": rewritten(K.REGISTERED_COUNT, registered_count=7),
    "fewer than none registered": rewritten(K.REGISTERED_COUNT, registered_count=-1),
    "too many waiting": rewritten(K.WAITLIST_COUNT, waitlist_count=7),
    "nobody waiting": rewritten(K.WAITLIST_COUNT, waitlist_count=0),
    "fewer than none waiting": rewritten(K.WAITLIST_COUNT, waitlist_count=-4),
    "wrong blocks": rewritten(K.BLOCK_COUNTS, waitlist_by_block={0: 1, 4: 2}),
    "no blocks": rewritten(K.BLOCK_COUNTS, waitlist_by_block={}),
    "a capacity too small": rewritten(K.OVER_CAPACITY, capacity=1),
    "free seats": rewritten(K.FREE_SEAT, capacity=4),
    "a ticket to be given twice": rewritten(K.NEXT_TICKET, next_ticket=4),
    "a raise with no operation": rewritten(K.OPERATION, capacity_target=5),
    "an operation with no raise": rewritten(K.OPERATION, operation_id="lost"),
    "a raise to what is so": rewritten(K.OPERATION, capacity_target=2, operation_id="o"),
    "a deletion with no operation": rewritten(K.OPERATION, deletion=Deletion.IN_PROGRESS),
    "a tombstone that is unfinished": Corruption(
        lambda scene: buried(scene, operation_id="o"), K.OPERATION, event="-buried"
    ),
    "a tombstone that counts": Corruption(
        lambda scene: buried(scene, registered_count=1), K.REGISTERED_COUNT, event="-buried"
    ),
    "a seat lost": in_history(K.REGISTERED_COUNT, lambda scene: scene.lose_row("seated1")),
}
HISTORY = {
    "the first entry lost": in_history(K.MISSING_JOURNAL_ENTRY, lambda scene: scene.lose_entry(1)),
    "an entry lost": in_history(K.MISSING_JOURNAL_ENTRY, lambda scene: scene.lose_entry(3)),
    "the last entry lost": in_history(K.MISSING_JOURNAL_ENTRY, lambda scene: scene.lose_entry(6)),
    "the next entry there already": in_history(K.JOURNAL_AHEAD, lambda scene: scene.add_entry(7)),
    "a later entry there already": in_history(K.JOURNAL_AHEAD, lambda scene: scene.add_entry(9)),
}
LINE = {
    "a registration lost": in_line(
        K.STRAY_WAITLIST_ENTRY, "waiting2", 4, lambda scene: scene.lose_row("waiting2")
    ),
    "a place lost": in_line(
        K.NOT_ON_WAITLIST, "waiting2", 4, lambda scene: scene.lose_place("waiting2")
    ),
    "a place of nobody": in_line(
        K.STRAY_WAITLIST_ENTRY, "nobody", 99, lambda scene: scene.add_place(99, "nobody")
    ),
    "a place of nobody, first in line": in_line(
        K.STRAY_WAITLIST_ENTRY, "nobody", 1, lambda scene: scene.add_place(1, "nobody")
    ),
    "a second place": in_line(
        K.STRAY_WAITLIST_ENTRY, "waiting1", 9, lambda scene: scene.add_place(9, "waiting1")
    ),
    "a place of who has a seat": in_line(
        K.STRAY_WAITLIST_ENTRY, "seated1", 9, lambda scene: scene.add_place(9, "seated1")
    ),
    "a place of another time": in_row(
        K.NOT_ON_WAITLIST, "waiting1", 3, registered_at=START - timedelta(days=1)
    ),
    "a place taken by another": in_line(
        K.NOT_ON_WAITLIST,
        "waiting2",
        4,
        lambda scene: scene.lose_place("waiting2"),
        lambda scene: scene.add_place(4, "nobody"),
    ),
    "a place in no event": Corruption(
        lambda scene: scene.add_place(99, "nobody", f"{scene.event_id}-gone"),
        K.STRAY_WAITLIST_ENTRY,
        "nobody",
        99,
        event="-gone",
    ),
    "a place in a deleted event": Corruption(
        lambda scene: scene.add_place(99, "nobody", scene.bury_another()),
        K.STRAY_WAITLIST_ENTRY,
        "nobody",
        99,
        event="-buried",
    ),
}
REGISTRATIONS = {
    "of no event": Corruption(
        lambda scene: scene.copy_row("seated1", event_id=f"{scene.event_id}-gone"),
        K.NO_EVENT,
        "seated1",
        1,
        event="-gone",
    ),
    "of a deleted event": Corruption(
        lambda scene: scene.copy_row("seated1", event_id=scene.bury_another()),
        K.NO_EVENT,
        "seated1",
        1,
        event="-buried",
    ),
    "of a lost user with a seat": Corruption(
        lambda scene: scene.lose_user("seated1"), K.NO_USER, "seated1", 1
    ),
    "of a lost user who waits": Corruption(
        lambda scene: scene.lose_user("waiting2"), K.NO_USER, "waiting2", 4
    ),
    "two seats with one ticket": in_row(K.SHARED_TICKET, "seated2", 1, ticket=1),
    "a seat with a waiting one's ticket": in_row(K.SHARED_TICKET, "seated2", 4, ticket=4),
    "a waiting one with another's ticket": in_row(K.SHARED_TICKET, "waiting2", 3, ticket=3),
    "a waiting one with a senior's ticket": in_row(
        K.SHARED_TICKET, "waiting2", 3, ticket=3, registered_at=START - timedelta(days=1)
    ),
    "a waiting one with a seat's ticket": Corruption(
        lambda scene: scene.rewrite_row("waiting2", ticket=1), K.SHARED_TICKET, "seated1", 1
    ),
    "a seat with no proper ticket": in_row(K.BAD_TICKET, "seated2", 0, ticket=0),
    "a waiting one with no proper ticket": in_row(K.BAD_TICKET, "waiting3", -5, ticket=-5),
    "a ticket that was never given": in_row(K.NOT_ON_WAITLIST, "waiting3", 50, ticket=50),
    "a waiting one with a time of its seat": in_row(K.SEATED_AT, "waiting1", 3, seated_at=START),
    "a seat since never": in_row(K.SEATED_AT, "seated1", 1, seated_at=None),
    "one who sat, and waits": in_row(
        K.NOT_ON_WAITLIST, "seated2", 2, status=RegistrationStatus.WAITLISTED, seated_at=None
    ),
    "one who waited, and sits": in_row(
        K.SEATED_AT, "waiting1", 3, status=RegistrationStatus.REGISTERED
    ),
}
CORRUPTIONS = {**NUMBERS, **HISTORY, **LINE, **REGISTRATIONS}
ON_DYNAMODB = {
    "a seat that the roster does not list": Corruption(
        lambda scene: scene.set_listed("seated2", listed=False), K.ROSTER, "seated2", 2
    ),
    "a waiting one that the roster lists": Corruption(
        lambda scene: scene.set_listed("waiting1", listed=True), K.ROSTER, "waiting1", 3
    ),
}
