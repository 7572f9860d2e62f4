"""Opening the roster of the largest event costs as many requests as that of a small one (R6.5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from bot.organizing import Organizing
from bot.parts import Parts
from bot.people import People
from bot.views import roster
from domain.models import Event, Registration, Waiting, block_of
from domain.statuses import RegistrationStatus
from storage.dynamodb import DynamoDBStore
from storage.schema import EVENTS, REGISTRATIONS, USERS, WAITLIST, Table
from tests.bot.conftest import AMARA, Town
from tests.storage.requests import Requests, counted
from tests.storage.rows import a_user, an_event
from tests.stores import empty_local
from tests.surroundings import START, ManualClock, ids, service_on

REGISTERED, WAITING = 10_000, 5_000
SMALL = 3


@pytest.fixture(scope="module")
def store() -> Iterator[DynamoDBStore]:
    with empty_local() as store:
        fill(store, "large", REGISTERED, WAITING)
        fill(store, "small", SMALL, SMALL)
        yield store


def fill(store: DynamoDBStore, event_id: str, registered: int, waiting: int) -> None:
    """Write an event and its people as they would be stored, past the service: that would take minutes."""
    items = store._items
    rows = [row(event_id, ticket, registered) for ticket in range(1, registered + waiting + 1)]
    event: Event = an_event(
        event_id,
        capacity=registered,
        registered_count=registered,
        waitlist_count=waiting,
        next_ticket=registered + waiting + 1,
        waiting_by_block=Counter(block_of(one.ticket) for one in rows if one.seated_at is None),
    )
    put(store, EVENTS, [items.event(event)])
    put(store, REGISTRATIONS, [items.registration(one) for one in rows])
    line = [Waiting.of(one) for one in rows if one.seated_at is None]
    put(store, WAITLIST, [items.waiting(event_id, one) for one in line])
    named = {one.user_id: items.user(a_user(one.user_id)) for one in (*rows[:60], *rows[-60:])}
    put(store, USERS, list(named.values()))


def row(event_id: str, ticket: int, registered: int) -> Registration:
    has_seat = ticket <= registered
    return Registration(
        event_id=event_id,
        user_id=f"{event_id}-{ticket}",
        status=RegistrationStatus.REGISTERED if has_seat else RegistrationStatus.WAITLISTED,
        ticket=ticket,
        registered_at=START,
        seated_at=START if has_seat else None,
    )


def put(store: DynamoDBStore, table: Table, items: list[Any]) -> None:
    name = store._tables.name(table)
    for first in range(0, len(items), 25):
        wanted = {name: [{"PutRequest": {"Item": item}} for item in items[first : first + 25]]}
        while wanted:
            wanted = store._client.batch_write_item(RequestItems=wanted)["UnprocessedItems"]


def opened(
    town: Town, store: DynamoDBStore, event_id: str, turned: tuple[str, ...] = ()
) -> tuple[Requests, str]:
    """Open an event's roster; return what it asked of the store, and what it shows."""
    clock = ManualClock()
    parts = Parts(
        service_on(store, clock=clock),
        town.bot.notifier,
        People(town.client, clock),
        town.client,
        ids(),
        "T1",
    )
    with counted(store._client) as requests:
        view = Organizing(parts).manage("organizer", event_id, turned)
    return requests, str(view.to_dict())


def test_the_first_page(town: Town, store: DynamoDBStore) -> None:
    small, _ = opened(town, store, "small")
    large, text = opened(town, store, "large")
    assert "10000 of 10000 seats · 5000 waiting" in text
    assert text.count("seat since") == roster.ROSTER_PAGE
    # The small one's page holds its line, too.
    assert large.reads <= small.reads
    assert (large.scans, small.scans) == (0, 0)


def test_a_page_deep_in_the_line(town: Town, store: DynamoDBStore) -> None:
    """The position of its first is counted within one block of the line (`LINE_BLOCK`)."""
    first, _ = opened(town, store, "small", ("line:4",))
    deep, text = opened(town, store, "large", ("line:14500",))
    assert "4501. " in text
    assert deep.reads <= first.reads
    assert AMARA not in text
