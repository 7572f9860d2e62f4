"""Everybody at once, on SQLite with real threads: exactly right each of 20 times."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from time import monotonic
from typing import TypeVar

import pytest

from domain.commands import Left, Placed
from domain.errors import AlreadyRegistered, EventFull, RollcallError
from domain.ports import Store
from domain.service import Service
from domain.statuses import RegistrationStatus
from tests.invariants import assert_sound
from tests.stores import empty_sqlite
from tests.surroundings import START, at_once, ids, new_event, new_users

T = TypeVar("T")

twenty_times = pytest.mark.parametrize("time", range(20))


class WallClock:
    """Real seconds on a fixed date: threads that wait for each other need time that passes."""

    def now(self) -> datetime:
        return START.astimezone(UTC)

    def monotonic(self) -> float:
        # The deadline of two seconds is for people: a machine that is busy with tests may take longer.
        return monotonic() / 20

    def sleep(self, seconds: float) -> None:
        threading.Event().wait(seconds)

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        return signal.wait(seconds * 20)


@pytest.fixture
def store() -> Iterator[Store]:
    with empty_sqlite() as store:
        yield store


def service_of_a_process(store: Store, name: str = "a") -> Service:
    return Service(
        store,
        WallClock(),
        new_id=ids(name),
        jitter=lambda: 0.5,
        spawn=at_once,
        on_commit=lambda _: None,
    )


@pytest.fixture
def service(store: Store) -> Service:
    return service_of_a_process(store)


def all_at_once(calls: Sequence[Callable[[], T]]) -> list[T | RollcallError]:
    """Make all the calls at the same moment, each in a thread; return outcomes and refusals, in order."""
    barrier = threading.Barrier(len(calls))

    def call(one: Callable[[], T]) -> T | RollcallError:
        barrier.wait()
        try:
            return one()
        except RollcallError as refusal:
            return refusal

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def registering(service: Service, people: Sequence[str]) -> list[Callable[[], Placed]]:
    return [lambda user_id=user_id: service.register("e1", user_id) for user_id in people]  # type: ignore[misc]


def leaving(service: Service, people: Sequence[str]) -> list[Callable[[], Left]]:
    return [lambda user_id=user_id: service.unregister("e1", user_id) for user_id in people]  # type: ignore[misc]


def people(prefix: str, number: int) -> list[str]:
    return [f"{prefix}{n}" for n in range(number)]


@twenty_times
def test_sixteen_press_register_for_five_seats(time: int, service: Service, store: Store) -> None:
    """R7.3, with no waitlist: five get seats, eleven are refused with true numbers."""
    crowd = people("p", 16)
    new_users(service, *crowd)
    new_event(service, capacity=5, has_waitlist=False)
    answers = all_at_once(registering(service, crowd))
    seated = [answer for answer in answers if isinstance(answer, Placed)]
    refused = [answer for answer in answers if isinstance(answer, EventFull)]
    assert (len(seated), len(refused)) == (5, 11)
    assert {(refusal.capacity, refusal.registered) for refusal in refused} == {(5, 5)}
    assert {placed.registration.user_id for placed in seated} == set(
        assert_sound(store).seated("e1")
    )


@twenty_times
def test_sixteen_press_register_for_five_seats_and_a_line(
    time: int, service: Service, store: Store
) -> None:
    crowd = people("p", 16)
    new_users(service, *crowd)
    new_event(service, capacity=5)
    answers = all_at_once(registering(service, crowd))
    placed = [answer for answer in answers if isinstance(answer, Placed)]
    assert sorted(one.position or 0 for one in placed) == [0] * 5 + list(range(1, 12))
    by_ticket = sorted(placed, key=lambda one: one.registration.ticket)
    found = assert_sound(store)
    assert found.seated("e1") + found.waiting("e1") == [
        one.registration.user_id for one in by_ticket
    ]


@twenty_times
def test_eight_leave_while_sixteen_wait(time: int, service: Service, store: Store) -> None:
    """Each seat goes to the first in line, and nobody is promoted twice or forgotten."""
    seated, waiting = people("seated", 8), people("waiting", 16)
    new_users(service, *seated, *waiting)
    new_event(service, capacity=8)
    for user_id in seated + waiting:
        service.register("e1", user_id)
    answers = all_at_once(leaving(service, seated))
    promoted = [user_id for left in answers if isinstance(left, Left) for user_id in left.promoted]
    assert sorted(promoted) == sorted(waiting[:8])
    found = assert_sound(store)
    assert (found.seated("e1"), found.waiting("e1")) == (waiting[:8], waiting[8:])


@twenty_times
def test_one_person_clicks_sixteen_times(time: int, service: Service, store: Store) -> None:
    """R8.13: one click registers, the others are told so."""
    new_users(service, "p")
    new_event(service, capacity=5)
    answers = all_at_once(registering(service, ["p"] * 16))
    assert sum(isinstance(answer, Placed) for answer in answers) == 1
    told = [answer for answer in answers if isinstance(answer, AlreadyRegistered)]
    assert len(told) == 15
    assert {refusal.status for refusal in told} == {RegistrationStatus.REGISTERED}
    assert assert_sound(store).seated("e1") == ["p"]


@twenty_times
def test_four_leave_while_twelve_arrive(time: int, service: Service, store: Store) -> None:
    """Whatever the order: everybody has an answer that fits the end, and no seat is free with a line."""
    seated, arriving = people("seated", 4), people("arriving", 12)
    new_users(service, *seated, *arriving)
    new_event(service, capacity=4)
    for user_id in seated:
        service.register("e1", user_id)
    calls: list[Callable[[], object]] = [
        *leaving(service, seated),
        *registering(service, arriving),
    ]
    answers = all_at_once(calls)
    assert not [answer for answer in answers if isinstance(answer, RollcallError)]
    found = assert_sound(store)
    arrived = sorted(
        (answer for answer in answers if isinstance(answer, Placed)),
        key=lambda placed: placed.registration.ticket,
    )
    in_order = [placed.registration.user_id for placed in arrived]
    assert (found.seated("e1"), found.waiting("e1")) == (in_order[:4], in_order[4:])


@twenty_times
def test_two_processes_let_a_crowd_in(time: int, service: Service, store: Store) -> None:
    """Without a common turnstile the version decides, and losers plan again."""
    other = service_of_a_process(store, "b")
    crowd = people("p", 16)
    new_users(service, *crowd)
    new_event(service, capacity=5)
    answers = all_at_once(registering(service, crowd[:8]) + registering(other, crowd[8:]))
    positions = sorted(answer.position or 0 for answer in answers if isinstance(answer, Placed))
    assert positions == [0] * 5 + list(range(1, 12))
    assert_sound(store)
