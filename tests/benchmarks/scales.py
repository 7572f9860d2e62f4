"""What operations ask of DynamoDB, what that costs, and how their time grows, from the smallest to the largest.

Each size has tables of its own, with an event in which all have a seat and some are free, and one in
which half are in line. An operation is done in the small and in the large ones, in turns.
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
from domain.queries import waitlist_cursor
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
"""People in an event: costs are told of the smaller and the far one, times compared between near and far."""

FEW, MANY = 10, 10_000
"""Events to come, all in one workspace."""

ROUNDS = 30
AT_MOST = 1.5
"""How many times as long an operation may take at the far end."""

SEATED, LINE, FULL = "seated", "line", "full"
EVENTS_OF_ONE = 100

_numbers = count(1)
_new_id = ids("scale")

Store = SQLiteStore | DynamoDBStore
Act = Callable[[], object]


@dataclass
class Scale:
    """Tables with so many people in an event."""

    store: Store
    people: int
    service: Service = field(init=False)

    def __post_init__(self) -> None:
        self.service = self.restarted()

    @property
    def last_of_a_block(self) -> str:
        """Return who waits with the most before them in their block: their position is the dearest."""
        return f"{LINE}-{self.people - 1}"

    def restarted(self) -> Service:
        """Return a process that knows of no event yet."""
        return service_on(self.store, new_id=_new_id)

    def newcomer(self) -> str:
        """Return somebody who is in no event."""
        user_id = f"newcomer{next(_numbers)}"
        write_users(self.store, [user_id])
        return user_id

    def member(self, event_id: str) -> str:
        """Return a newcomer who has registered."""
        user_id = self.newcomer()
        self.service.register(event_id, user_id)
        return user_id


def register_seat(at: Scale) -> Act:
    at.member(SEATED)
    newcomer = at.newcomer()
    return lambda: at.service.register(SEATED, newcomer)


def register_seat_unknown(at: Scale) -> Act:
    service, newcomer = at.restarted(), at.newcomer()
    return lambda: service.register(SEATED, newcomer)


def register_line(at: Scale) -> Act:
    at.member(LINE)
    newcomer = at.newcomer()
    return lambda: at.service.register(LINE, newcomer)


def leave_seat(at: Scale) -> Act:
    member = at.member(SEATED)
    return lambda: at.service.unregister(SEATED, member)


def leave_and_promote(at: Scale) -> Act:
    (first,) = at.store.list_roster(LINE, limit=1).items
    at.member(LINE)  # the line keeps its length
    return lambda: at.service.unregister(LINE, first.user_id)


def leave_line(at: Scale) -> Act:
    member = at.member(LINE)
    return lambda: at.service.unregister(LINE, member)


def refused_full(at: Scale) -> Act:
    newcomer = at.newcomer()

    def refused() -> None:
        with pytest.raises(EventFull):
            at.service.register(FULL, newcomer)

    return refused


def refused_already(at: Scale) -> Act:
    def refused() -> None:
        with pytest.raises(AlreadyRegistered):
            at.service.register(LINE, at.last_of_a_block)

    return refused


def own_list(at: Scale) -> Act:
    return lambda: at.service.list_registrations_of(at.last_of_a_block)


def first_page(at: Scale) -> Act:
    return lambda: at.service.list_registrations_in(LINE, limit=20)


def page_in_line(at: Scale) -> Act:
    cursor = waitlist_cursor(LINE, at.people - 3)
    return lambda: at.service.list_registrations_in(LINE, limit=20, cursor=cursor)


def raise_by_100(at: Scale) -> Act:
    capacity = at.service.get_event(LINE).capacity + 100
    return lambda: at.service.edit_event(LINE, EventChanges.of(capacity=capacity))


def delete_user(at: Scale) -> Act:
    user_id, number = at.newcomer(), next(_numbers)
    names = [f"one{number}-{of}" for of in range(EVENTS_OF_ONE)]
    counts = {"capacity": at.people, "registered_count": at.people, "next_ticket": at.people + 1}
    write_events(at.store, (an_event(name, **counts) for name in names))
    write_rows(at.store, (a_registration(user_id, name, at.people) for name in names))
    return lambda: at.service.delete_user(user_id)


FLAT: dict[str, Callable[[Scale], Act]] = {
    "register, a seat; the event is known": register_seat,
    "register, a seat; the event is not known": register_seat_unknown,
    "register, into the line": register_line,
    "leave a seat, nobody waits": leave_seat,
    "leave a seat, the next is promoted": leave_and_promote,
    "leave the line": leave_line,
    "refused: full": refused_full,
    "refused: waits already, with the position": refused_already,
    "one's own list, with the position": own_list,
    "the roster's first page": first_page,
    "a page deep in the line": page_in_line,
}
"""Operations that are to cost and take the same in the smallest and the largest event."""

ONCE: dict[str, Callable[[Scale], Act]] = {
    f"delete a user with {EVENTS_OF_ONE} registrations": delete_user,
    "capacity + 100, each seat to the next in line": raise_by_100,
}
"""Operations in steps: their cost is told, and grows with what they change, not with the event."""


FILE, LOCAL = "SQLite", "DynamoDB Local"
EMPTY: dict[str, Callable[[], AbstractContextManager[Store]]] = {
    FILE: empty_sqlite,
    LOCAL: lambda: empty_local(is_reused=False),
}


@contextmanager
def scale_of(kind: str, people: int) -> Iterator[Scale]:
    """Give tables of this kind with so many people in their events."""
    with EMPTY[kind]() as store:
        fill(store, LINE, people // 2, people - people // 2, is_whole=False)
        fill(store, SEATED, people, 0, free=1_000, is_whole=False)
        counts = {"capacity": people, "registered_count": people, "has_waitlist": False}
        write_events(store, [an_event(FULL, **counts)])
        yield Scale(store, people)


def scales_of(kind: str, sizes: Iterable[int]) -> Iterator[Scale]:
    """Yield tables of each size, each while it is looked at."""
    for people in sizes:
        with scale_of(kind, people) as scale:
            yield scale


def figures() -> Iterator[Figure]:
    """Yield what each operation costs, and how many times as long it takes at the far end."""
    end = offer_engine()
    try:
        with scale_of(LOCAL, FAR) as far:
            yield from _costs([*SMALLER, FAR], costs(chain(scales_of(LOCAL, SMALLER), [far])))
            with scale_of(LOCAL, NEAR) as near:
                yield from _growth_with_people(LOCAL, near, far)
        with scale_of(FILE, NEAR) as near, scale_of(FILE, FAR) as far:
            yield from _growth_with_people(FILE, near, far)
        for kind in EMPTY:
            yield from _growth_with_events(kind)
    finally:
        end()


# Costs


def costs(scales: Iterable[Scale]) -> dict[str, list[Units]]:
    """Return what each operation takes in DynamoDB Local, in an event of each size."""
    found: dict[str, list[Units]] = defaultdict(list)
    for scale in scales:
        for name, prepare in (FLAT | ONCE).items():
            act = prepare(scale)
            with units_of_requests(local_client()) as units:
                act()
            found[name].append(units)
    return found


def _costs(sizes: Sequence[int], found: Mapping[str, Sequence[Units]]) -> Iterator[Figure]:
    """Yield the requests, the units and the price of each operation in the largest event."""
    people = " / ".join(f"{size:,}" for size in sizes)
    for name, each in found.items():
        limit = each[0].requests.total() if name in FLAT else None
        requests = [units.requests.total() for units in each]
        title = f"{people} people: {name}"
        yield Figure(f"{title}: requests, {_each(requests)}", requests[-1], at_most=limit)
        write, read = ([units.taken[kind] for units in each] for kind in ("write", "read"))
        units_of_each = f"a million, of write units {_each(write)}, read units {_each(read)}"
        yield Figure(f"{title}: {units_of_each}", each[-1].dollars_per_million, "dollars")


def _each(values: Sequence[float]) -> str:
    return " / ".join(f"{value:g}" for value in values)


# Growth


def _growth_with_people(kind: str, near: Scale, far: Scale) -> Iterator[Figure]:
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
    """Return how many times as long an operation takes at the far end: medians, taken in turns."""
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
    """Give tables of this kind with so many events to come, an hour apart."""
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
    "one's own list": own_list_of_ten,
    "find by id": lambda at: lambda: at.service.find_events(SEATED),
    "a page of what is coming": lambda at: lambda: at.service.list_events(upcoming=True, limit=5),
    "a page of what one organizes": lambda at: (
        lambda: at.service.list_organized("organizer", limit=5)
    ),
}
"""Operations that are to take the same among few events and among many."""
