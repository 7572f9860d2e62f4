"""Races around a series (R13): sweeps, members who want all of it or stop, and who come to and leave its events."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest

from domain.enums import Cause, ChangeKind
from domain.errors import (
    AlreadyRegistered,
    Busy,
    NotConfirmed,
    NotRegistered,
    RegistrationClosed,
    UnknownEvent,
)
from domain.ports import Store
from domain.service import Service
from tests.support.environment import START, ApartClock, ManualClock, ids, new_users, service_on
from tests.support.invariants import Everything, assert_invariants
from tests.support.races.recording import switching_every
from tests.support.scale import scaled
from tests.support.series import new_series
from tests.support.stores import Kind, empty_store

PROCESSES = 4
MEMBERS = [f"m{number}" for number in range(24)]
OCCURRENCES = ["yoga-1", "yoga-2", "yoga-3"]


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "local"])
@pytest.mark.parametrize("missed_first", [False, True], ids=["in order", "missed first"])
def test_each_registration_for_a_series_is_honored_once_and_in_order(
    kind: Kind, missed_first: bool
) -> None:
    for seed in range(scaled(3)):
        dice = random.Random(f"{kind} {missed_first} {seed}")
        with empty_store(kind) as store:
            _race(store, dice, missed_first=missed_first)
            found = assert_invariants(store)
            service = service_on(store, new_id=ids("check"))
            assert list(service.check(lambda _: None)) == []
            for event_id in OCCURRENCES[: 1 if missed_first else None]:
                _assert_honored(found, event_id)


def _race(store: Store, dice: random.Random, *, missed_first: bool) -> None:
    clock = ManualClock()
    first = service_on(store, clock=clock, new_id=ids("first"))
    new_users(first, *MEMBERS)
    new_series(
        first,
        starts_at=START + timedelta(days=36),
        days_ahead=28,
        capacity=5,
        missed_first=missed_first,
    )
    for user_id in MEMBERS[::2]:
        first.enroll(first.register("yoga", user_id))
    clock.advance(timedelta(days=22))
    processes = [
        service_on(
            store,
            clock=ApartClock(clock, timedelta(seconds=dice.randint(-3, 3))),
            new_id=ids(f"process{number}n"),
        )
        for number in range(PROCESSES)
    ]
    with switching_every(0.0001), ThreadPoolExecutor(2 * PROCESSES) as pool:
        acts = [
            pool.submit(_act, dice.choice(processes), user_id, random.Random(dice.random()))
            for user_id in MEMBERS
        ]
        sweeps = [pool.submit(process.sweep) for process in processes]
        for act in acts:
            act.result()
        for sweep in sweeps:
            sweep.result()
    for process in processes:
        process.sweep()


def _act(service: Service, user_id: str, dice: random.Random) -> None:
    """Do a few of the things that a member can do."""
    for _ in range(4):
        event_id = dice.choice([*OCCURRENCES, "yoga"])
        with suppress(
            *(AlreadyRegistered, NotRegistered, RegistrationClosed, UnknownEvent),
            *(Busy, NotConfirmed),
        ):
            if dice.random() < 0.4:
                service.unregister(event_id, user_id)
            elif event_id == "yoga":
                service.enroll(service.register(event_id, user_id))
            else:
                service.register(event_id, user_id)


def _assert_honored(found: Everything, event_id: str) -> None:
    """Assert that an occurrence honored each registration for the series once, in the order of their tickets."""
    of_series = found.journal["yoga"]
    tickets = [
        (change.ticket, change.user_id)
        for entry in of_series
        for change in entry.changes
        if change.kind is ChangeKind.WAITLISTED
    ]
    assert tickets == sorted(tickets)
    honored = [
        change.user_id
        for entry in found.journal[event_id]
        for change in entry.changes
        if change.cause is Cause.SERIES
    ]
    order = [user_id for _, user_id in tickets]
    assert _is_in_order(honored, order), (honored, order)
    still = {user_id for of, user_id in found.registrations if of == "yoga"}
    known = {change.user_id for entry in found.journal[event_id] for change in entry.changes}
    assert still <= known, "someone who wants all of the series was passed over"


def _is_in_order(part: list[str | None], whole: list[str | None]) -> bool:
    """Return whether a list is what is left of another if some of it is left out."""
    rest = iter(whole)
    return all(one in rest for one in part)
