"""R7.6: each thing that R7.5 names, corrupted, is found with its ids, mended, and gone at the next check."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.breaches import Breach, BreachKind, Progress
from domain.models import Event, Registration, Waiting
from domain.plans import (
    Action,
    DeleteRegistration,
    DeleteWaiting,
    Plan,
    PutEvent,
    PutRegistration,
    PutWaiting,
)
from domain.ports import Store
from domain.service import Service
from domain.statuses import RegistrationStatus
from tests.invariants import Everything, everything_in
from tests.stores import Kind, empty_store, without_foreign_keys
from tests.surroundings import START, ids, new_event, new_users, service_on

PEOPLE = ("seated1", "seated2", "waiting1", "waiting2", "waiting3")


@pytest.fixture(params=["memory", "sqlite", "moto", "local"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    kind: Kind = request.param
    with empty_store(kind) as store:
        yield store


@pytest.fixture
def service(store: Store) -> Service:
    """Return a service on an event with two seats, both taken, and three who wait."""
    service = service_on(store)
    new_users(service, *PEOPLE)
    new_event(service, capacity=2)
    for user_id in PEOPLE:
        service.register("e1", user_id)
    return service


_plan_ids = ids("corruption")


def corrupt(store: Store, *actions: Action) -> None:
    """Write past the rules."""
    with without_foreign_keys(store):
        store.commit(Plan(_plan_ids(), "e1", None, (), actions))


def rewrite_event(store: Store, **values: object) -> None:
    event = event_in(store)
    corrupt(store, PutEvent(event.model_copy(update=values), event.version))


def event_in(store: Store) -> Event:
    event = store.get_event("e1")
    assert event is not None
    return event


def row_of(store: Store, user_id: str) -> Registration:
    return store.get_rows("e1", registrations_of=[user_id], users=()).registrations[user_id]


def place_of(store: Store, user_id: str) -> Waiting:
    return next(place for place in store.get_line("e1", limit=10) if place.user_id == user_id)


def check(service: Service) -> list[Breach]:
    return list(service.check(lambda _: None))


def kinds(breaches: list[Breach]) -> set[BreachKind]:
    return {breach.kind for breach in breaches}


def repaired(service: Service, store: Store) -> Everything:
    """Repair, and see that a second check is clean and the line and the seats are whole."""
    assert list(service.repair(lambda _: None))
    assert check(service) == []
    found = everything_in(store)
    event = found.events["e1"]
    assert event.registered_count == len(found.seated("e1")) <= event.capacity
    assert event.waitlist_count == len(found.waiting("e1")) == len(found.line)
    assert not found.waiting("e1") or event.free_seats == 0
    return found


def test_sound_data_has_no_breach_and_the_reading_is_told(service: Service) -> None:
    seen: list[Progress] = []
    assert list(service.check(seen.append)) == []
    assert (seen[-1].events, seen[-1].registrations) == (1, 5)


@pytest.mark.parametrize(
    ("field", "wrong", "kind"),
    [
        ("registered_count", 1, BreachKind.REGISTERED_COUNT),
        ("waitlist_count", 7, BreachKind.WAITLIST_COUNT),
        ("waitlist_count", 0, BreachKind.WAITLIST_COUNT),
        ("waiting_by_block", {0: 1, 4: 2}, BreachKind.BLOCK_COUNTS),
        ("next_ticket", 4, BreachKind.NEXT_TICKET),
    ],
)
def test_a_wrong_number_is_found_and_set_right(
    service: Service, store: Store, field: str, wrong: object, kind: BreachKind
) -> None:
    rewrite_event(store, **{field: wrong})
    found = check(service)
    assert kinds(found) == {kind}
    assert [breach.event_id for breach in found] == ["e1"]
    after = repaired(service, store)
    assert (after.seated("e1"), after.waiting("e1")) == ([*PEOPLE[:2]], [*PEOPLE[2:]])


def test_more_seats_than_the_capacity_keep_their_people_and_raise_it(
    service: Service, store: Store
) -> None:
    rewrite_event(store, capacity=1)
    assert kinds(check(service)) == {BreachKind.OVER_CAPACITY}
    assert repaired(service, store).events["e1"].capacity == 2


def test_a_free_seat_goes_to_the_line_in_order(service: Service, store: Store) -> None:
    rewrite_event(store, capacity=4)
    assert kinds(check(service)) == {BreachKind.FREE_SEAT}
    after = repaired(service, store)
    assert after.seated("e1") == ["seated1", "seated2", "waiting1", "waiting2"]
    entry = after.journal["e1"][-1]
    assert [notice.user_id for notice in entry.notices] == ["waiting1", "waiting2"]


def test_a_waiting_registration_without_a_place_gets_it_back(
    service: Service, store: Store
) -> None:
    corrupt(store, DeleteWaiting("e1", place_of(store, "waiting2")))
    found = check(service)
    assert BreachKind.NOT_IN_LINE in kinds(found)
    assert "waiting2" in {breach.user_id for breach in found}
    assert repaired(service, store).waiting("e1") == [*PEOPLE[2:]]


def test_a_place_without_a_registration_is_taken_out(service: Service, store: Store) -> None:
    corrupt(store, PutWaiting("e1", Waiting(99, "nobody", START)))
    found = check(service)
    assert BreachKind.STRAY_PLACE in kinds(found)
    assert (99, "nobody") in {(breach.ticket, breach.user_id) for breach in found}
    assert repaired(service, store).waiting("e1") == [*PEOPLE[2:]]


def test_a_lost_registration_gives_its_seat_to_the_line(service: Service, store: Store) -> None:
    corrupt(store, DeleteRegistration(row_of(store, "seated1")))
    assert kinds(check(service)) == {BreachKind.REGISTERED_COUNT, BreachKind.FREE_SEAT}
    assert repaired(service, store).seated("e1") == ["seated2", "waiting1"]


def test_a_registration_whose_event_is_not_there_is_deleted(service: Service, store: Store) -> None:
    stray = row_of(store, "seated1").model_copy(update={"event_id": "gone"})
    corrupt(store, PutRegistration(stray, None))
    found = check(service)
    assert [(b.kind, b.event_id, b.user_id) for b in found] == [
        (BreachKind.NO_EVENT, "gone", "seated1")
    ]
    repaired(service, store)


def test_a_registration_whose_user_is_not_there_is_taken_out_and_its_seat_given_on(
    service: Service, store: Store
) -> None:
    with without_foreign_keys(store):
        store.delete_user("seated1", store.mark_user("seated1", "m") or "")
    found = check(service)
    assert [(b.kind, b.event_id, b.user_id) for b in found] == [
        (BreachKind.NO_USER, "e1", "seated1")
    ]
    assert repaired(service, store).seated("e1") == ["seated2", "waiting1"]


def test_everything_wrong_at_once_is_mended(service: Service, store: Store) -> None:
    waiter = row_of(store, "waiting1")
    corrupt(store, DeleteWaiting("e1", place_of(store, "waiting1")))
    corrupt(store, PutWaiting("e1", Waiting(50, "nobody", START)))
    corrupt(store, DeleteRegistration(row_of(store, "seated2")))
    rewrite_event(store, capacity=3, waitlist_count=9, waiting_by_block={}, next_ticket=2)
    assert waiter.status is RegistrationStatus.WAITLISTED
    after = repaired(service, store)
    assert after.seated("e1") == ["seated1", "waiting1", "waiting2"]
    assert after.waiting("e1") == ["waiting3"]


def test_what_moves_while_it_is_read_is_no_breach(service: Service, store: Store) -> None:
    """An event that never holds still is judged all the same: on each reading of its roster, somebody comes."""
    late = iter([f"late{number}" for number in range(3)])
    came: list[str] = []

    class Busybody:
        """The store, on which somebody registers between the reading of the event and of its rows."""

        def __getattr__(self, name: str) -> object:
            if name == "list_roster":
                came.append(next(late))
                new_users(service, came[-1])
                service.register("e1", came[-1])
            return getattr(store, name)

    busy = service_on(Busybody(), new_id=ids("busy"))  # type: ignore[arg-type]
    assert check(busy) == []
    assert came == ["late0"]
    rewrite_event(store, waitlist_count=7)
    assert kinds(check(busy)) == {BreachKind.WAITLIST_COUNT}
    assert came == ["late0", "late1", "late2"]
