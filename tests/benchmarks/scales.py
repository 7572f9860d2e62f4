"""Requests, cost and growing time of each operation, from small events to large ones.

Each size has its own tables, with an event that has free seats and one with half of its attendees on
the waitlist. Operations run in the small and the large one alternately.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, count
from statistics import median

import pytest

from domain.errors import AlreadyRegistered, EventFull
from domain.inputs import EventChanges
from domain.queries.registrations import waitlist_cursor
from domain.service import Service
from storage.dynamodb.store import DynamoDBStore
from storage.sqlite.store import SQLiteStore
from tests.benchmarks.figures import Figure, ratio_of
from tests.benchmarks.units import Units, units_of_requests
from tests.support.builders import a_registration, an_event
from tests.support.dynamodb.large_events import fill, write_events, write_rows, write_users
from tests.support.dynamodb.local import local_client, offer_engine
from tests.support.environment import START, ids, service_on
from tests.support.stores import empty_local, empty_sqlite

SMALLER, NEAR, FAR = (10, 1_000), 100, 100_000
"""Attendees of an event. Costs are reported for `SMALLER` and `FAR`, times compared from `NEAR` to `FAR`."""

FEW, MANY = 10, 10_000
"""Upcoming events in one workspace."""

ROUNDS = 30
AT_MOST = 1.5
"""The most times as long that an operation may take in the larger one."""

SEATED, WAITLISTED, FULL = "seated", "long", "full"
EVENTS_OF_ONE = 100

_numbers = count(1)
_new_id = ids("scale")

Store = SQLiteStore | DynamoDBStore
Act = Callable[[], object]


@dataclass
class Scale:
    """Tables with events of one size."""

    store: Store
    users: int
    service: Service = field(init=False)

    def __post_init__(self) -> None:
        self.service = self.restarted()

    @property
    def last_of_a_block(self) -> str:
        """Return the last user of a waitlist block, whose position costs the most to compute."""
        return f"{WAITLISTED}-{self.users - 1}"

    def restarted(self) -> Service:
        """Return the service of a new process, with an empty cache."""
        return service_on(self.store, new_id=_new_id)

    def newcomer(self) -> str:
        """Return a new user without registrations."""
        user_id = f"newcomer{next(_numbers)}"
        write_users(self.store, [user_id])
        return user_id

    def member(self, event_id: str) -> str:
        """Return a new user who is registered."""
        user_id = self.newcomer()
        self.service.register(event_id, user_id)
        return user_id


def register_seat(at: Scale) -> Act:
    at.member(SEATED)
    newcomer = at.newcomer()
    return lambda: at.service.register(SEATED, newcomer)


def register_seat_uncached(at: Scale) -> Act:
    service, newcomer = at.restarted(), at.newcomer()
    return lambda: service.register(SEATED, newcomer)


def register_on_waitlist(at: Scale) -> Act:
    at.member(WAITLISTED)
    newcomer = at.newcomer()
    return lambda: at.service.register(WAITLISTED, newcomer)


def leave_seat(at: Scale) -> Act:
    member = at.member(SEATED)
    return lambda: at.service.unregister(SEATED, member)


def leave_and_promote(at: Scale) -> Act:
    (first,) = at.store.list_roster(WAITLISTED, limit=1).items
    at.member(WAITLISTED)  # the waitlist keeps its length
    return lambda: at.service.unregister(WAITLISTED, first.user_id)


def leave_waitlist(at: Scale) -> Act:
    member = at.member(WAITLISTED)
    return lambda: at.service.unregister(WAITLISTED, member)


def refused_full(at: Scale) -> Act:
    newcomer = at.newcomer()

    def refused() -> None:
        with pytest.raises(EventFull):
            at.service.register(FULL, newcomer)

    return refused


def refused_already(at: Scale) -> Act:
    def refused() -> None:
        with pytest.raises(AlreadyRegistered):
            at.service.register(WAITLISTED, at.last_of_a_block)

    return refused


def own_list(at: Scale) -> Act:
    return lambda: at.service.list_registrations_of(at.last_of_a_block)


def first_page(at: Scale) -> Act:
    return lambda: at.service.list_registrations_in(WAITLISTED, limit=20)


def page_of_waitlist(at: Scale) -> Act:
    cursor = waitlist_cursor(WAITLISTED, at.users - 3)
    return lambda: at.service.list_registrations_in(WAITLISTED, limit=20, cursor=cursor)


def increase_by_100(at: Scale) -> Act:
    capacity = at.service.get_event(WAITLISTED).capacity + 100
    return lambda: at.service.edit_event(WAITLISTED, EventChanges.of(capacity=capacity))


def delete_user(at: Scale) -> Act:
    user_id, number = at.newcomer(), next(_numbers)
    names = [f"one{number}-{of}" for of in range(EVENTS_OF_ONE)]
    counts = {"capacity": at.users, "registered_count": at.users, "next_ticket": at.users + 1}
    write_events(at.store, (an_event(name, **counts) for name in names))
    write_rows(at.store, (a_registration(user_id, name, at.users) for name in names))
    return lambda: at.service.delete_user(user_id)


FLAT: dict[str, Callable[[Scale], Act]] = {
    "register, a seat; event cached": register_seat,
    "register, a seat; event not cached": register_seat_uncached,
    "register, onto the waitlist": register_on_waitlist,
    "leave a seat, empty waitlist": leave_seat,
    "leave a seat, one promotion": leave_and_promote,
    "leave the waitlist": leave_waitlist,
    "refused: full": refused_full,
    "refused: already waitlisted, with the position": refused_already,
    "own registrations, with the position": own_list,
    "the roster's first page": first_page,
    "a page deep in the waitlist": page_of_waitlist,
}
"""Operations that should cost and take the same in small and large events."""

ONCE: dict[str, Callable[[Scale], Act]] = {
    f"delete a user with {EVENTS_OF_ONE} registrations": delete_user,
    "capacity + 100, 100 promotions": increase_by_100,
}
"""Operations in steps. Their cost grows with what they change, not with the event."""


FILE, LOCAL = "SQLite", "DynamoDB Local"
EMPTY: dict[str, Callable[[], AbstractContextManager[Store]]] = {
    FILE: empty_sqlite,
    LOCAL: lambda: empty_local(is_reused=False),
}


@contextmanager
def scale_of(kind: str, users: int) -> Iterator[Scale]:
    """Yield tables of this kind with events of so many attendees."""
    with EMPTY[kind]() as store:
        fill(store, WAITLISTED, users // 2, users - users // 2, is_whole=False)
        fill(store, SEATED, users, 0, free=1_000, is_whole=False)
        counts = {"capacity": users, "registered_count": users, "has_waitlist": False}
        write_events(store, [an_event(FULL, **counts)])
        yield Scale(store, users)


def scales_of(kind: str, sizes: Iterable[int]) -> Iterator[Scale]:
    """Yield tables of each size, one at a time."""
    for users in sizes:
        with scale_of(kind, users) as scale:
            yield scale


def figures() -> Iterator[Figure]:
    """Yield the cost of each operation, and how much longer it takes in larger tables."""
    end = offer_engine()
    try:
        with scale_of(LOCAL, FAR) as far:
            yield from _costs([*SMALLER, FAR], costs(chain(scales_of(LOCAL, SMALLER), [far])))
            with scale_of(LOCAL, NEAR) as near:
                yield from _growth_with_users(LOCAL, near, far)
        with scale_of(FILE, NEAR) as near, scale_of(FILE, FAR) as far:
            yield from _growth_with_users(FILE, near, far)
        for kind in EMPTY:
            yield from _growth_with_events(kind)
    finally:
        end()


# Costs


def costs(scales: Iterable[Scale]) -> dict[str, list[Units]]:
    """Return the units of each operation on DynamoDB Local, for each size."""
    found: dict[str, list[Units]] = defaultdict(list)
    for scale in scales:
        for name, prepare in (FLAT | ONCE).items():
            act = prepare(scale)
            with units_of_requests(local_client()) as units:
                act()
            found[name].append(units)
    return found


def _costs(sizes: Sequence[int], found: Mapping[str, Sequence[Units]]) -> Iterator[Figure]:
    """Yield the requests, units and price of each operation."""
    users = " / ".join(f"{size:,}" for size in sizes)
    for name, each in found.items():
        limit = each[0].requests.total() if name in FLAT else None
        requests = [units.requests.total() for units in each]
        title = f"{users} people: {name}"
        yield Figure(f"{title}: requests, {_each(requests)}", requests[-1], at_most=limit)
        write, read = ([units.taken[kind] for units in each] for kind in ("write", "read"))
        units_of_each = f"per million, write units {_each(write)}, read units {_each(read)}"
        yield Figure(f"{title}: {units_of_each}", each[-1].dollars_per_million, "dollars")


def _each(values: Sequence[float]) -> str:
    return " / ".join(f"{value:g}" for value in values)


# Growth


def _growth_with_users(kind: str, near: Scale, far: Scale) -> Iterator[Figure]:
    for name, prepare in FLAT.items():
        yield compared(f"{kind}, {NEAR:,} to {FAR:,} people: {name}", prepare, near, far)


def _growth_with_events(kind: str) -> Iterator[Figure]:
    with events_of(kind, FEW) as near, events_of(kind, MANY) as far:
        for name, prepare in AMONG.items():
            yield compared(f"{kind}, {FEW} to {MANY:,} events: {name}", prepare, near, far)
        name = f"{kind}, {FEW} to {MANY:,} events: find by a part of the title (reads them all)"
        yield compared(name, find_by_title, near, far, at_most=None, rounds=3)


def compared(
    name: str,
    prepare: Callable[[Scale], Act],
    near: Scale,
    far: Scale,
    at_most: float | None = AT_MOST,
    rounds: int = ROUNDS,
) -> Figure:
    """Return how many times as long an operation takes in the larger one, by medians of alternating runs."""
    took: dict[int, list[float]] = {0: [], 1: []}
    for _ in range(rounds):
        for end, scale in enumerate((near, far)):
            act = prepare(scale)
            begun = time.perf_counter()
            act()
            took[end].append(time.perf_counter() - begun)
    share = ratio_of(median(took[1]), median(took[0]))
    return Figure(f"{name} ({median(took[1]) * 1000:.2f} ms)", share, "times", at_most=at_most)


@contextmanager
def events_of(kind: str, number: int) -> Iterator[Scale]:
    """Yield tables of this kind with so many upcoming events, an hour apart."""
    with EMPTY[kind]() as store:
        names = [SEATED, *(f"event{of}" for of in range(1, number))]
        write_events(
            store,
            (
                an_event(name, capacity=1_000, starts_at=START + timedelta(days=2, hours=of))
                for of, name in enumerate(names)
            ),
        )
        yield Scale(store, 0)


def own_list_of_ten(at: Scale) -> Act:
    user_id = at.newcomer()
    for name in (SEATED, *(f"event{of}" for of in range(1, 10))):
        at.service.register(name, user_id)
    return lambda: at.service.list_registrations_of(user_id)


def find_by_title(at: Scale) -> Act:
    return lambda: at.service.find_events("vent seat")


AMONG: dict[str, Callable[[Scale], Act]] = {
    "register, a seat": register_seat,
    "leave a seat": leave_seat,
    "own registrations": own_list_of_ten,
    "find by id": lambda at: lambda: at.service.find_events(SEATED),
    "a page of upcoming events": lambda at: lambda: at.service.list_events(upcoming=True, limit=5),
    "a page of organized events": lambda at: (
        lambda: at.service.list_organized("organizer", limit=5)
    ),
}
"""Operations that should take the same among few events and many."""
