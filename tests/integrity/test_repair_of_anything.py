"""R7.6: whatever is wrong at once, a check names each event that it is in, and a repair ends in R7.5.

Also where the repair is cut off, at any of its commits, and run again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.enums import Deletion, RegistrationStatus
from domain.planning.plan import Plan
from domain.ports import Conflict, Store
from tests.integrity.corruption import PEOPLE, Scene, assert_mended, check, repair, wrong_events
from tests.invariants import everything_in
from tests.stores import Kind, empty_store
from tests.surroundings import START, ids, service_on

Spoil = Callable[[Scene], object]

people = st.sampled_from(PEOPLE)
anybody = st.sampled_from([*PEOPLE, "nobody"])
tickets = st.integers(-1, 12)
few = st.integers(-2, 8)
times = st.none() | st.integers(-2, 2).map(lambda days: START + timedelta(days=days))

numbers = st.fixed_dictionaries(
    {},
    optional={
        "registered_count": few,
        "waitlist_count": few,
        "waitlist_by_block": st.dictionaries(st.integers(0, 2), st.integers(1, 5), max_size=2),
        "capacity": st.integers(1, 7),
        "next_ticket": st.integers(1, 9),
        "capacity_target": st.none() | st.integers(1, 9),
        "operation_id": st.none() | st.just("o"),
        "deletion": st.none() | st.sampled_from(Deletion),
    },
)
values = st.fixed_dictionaries(
    {},
    optional={
        "ticket": tickets,
        "status": st.sampled_from(RegistrationStatus),
        "seated_at": times,
        "registered_at": times.filter(bool),
    },
)
spoils: st.SearchStrategy[Spoil] = st.one_of(
    numbers.map(lambda given: lambda scene: scene.rewrite_event(given)),
    st.tuples(people, values).map(lambda pair: lambda scene: scene.rewrite_row(pair[0], **pair[1])),
    st.tuples(people, values).map(lambda pair: lambda scene: scene.rewrite_row(pair[0], **pair[1])),
    people.map(lambda name: lambda scene: scene.lose_row(name)),
    people.map(lambda name: lambda scene: scene.lose_place(name)),
    people.map(lambda name: lambda scene: scene.lose_user(name)),
    st.tuples(tickets, anybody).map(lambda pair: lambda scene: scene.add_place(*pair)),
    people.map(lambda name: lambda scene: scene.copy_row(name, event_id="gone")),
    st.integers(1, 6).map(lambda version: lambda scene: scene.lose_entry(version)),
    st.integers(7, 9).map(lambda version: lambda scene: scene.add_entry(version)),
)
spoiled = st.lists(spoils, min_size=1, max_size=6)


def spoil(scene: Scene, how: list[Spoil]) -> None:
    """Do it all; what an earlier one made impossible is left out."""
    for one in how:
        with suppress(Conflict, KeyError, AssertionError):
            one(scene)


class Died(BaseException):
    """The process is gone."""


class MortalStore:
    """A store whose process dies at one of its commits: before it is sent, or when it has been applied."""

    def __init__(self, store: Store, dies_at: int, *, applied: bool) -> None:
        self._store = store
        self._left = dies_at
        self._applied = applied

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def commit(self, plan: Plan) -> None:
        self._left -= 1
        if self._left > 0:
            self._store.commit(plan)
            return
        if self._left == 0 and self._applied:
            self._store.commit(plan)
        raise Died


def dies_in_repair(store: Store, dies_at: int, *, applied: bool) -> bool:
    """Repair, and die at that commit; return False if there were not so many."""
    mortal = MortalStore(store, dies_at, applied=applied)
    service = service_on(mortal, spawn=lambda _: None, new_id=ids(f"mortal{dies_at}-"))  # type: ignore[arg-type]
    try:
        repair(service)
    except Died:
        return True
    return False


def names_and_mends(kind: Kind, how: list[Spoil], dies_at: int, *, applied: bool) -> None:
    with empty_store(kind) as store:
        service = service_on(store)
        scene, sound = Scene(service, store), Scene(service, store, "sound")
        before = sound.event()
        spoil(scene, how)
        wrong = wrong_events(everything_in(store))
        named = {violation.event_id for violation in check(service)}
        history = {"e1"} if is_history_broken(scene) else set()
        assert named == wrong | history
        dies_in_repair(store, dies_at, applied=applied)
        repair(service_on(store, new_id=ids("again")))
        assert_mended(service, store)
        assert not is_history_broken(scene)
        assert sound.event() == before
        assert repair(service) == []


def is_history_broken(scene: Scene) -> bool:
    """Whether the entries are not those of the versions 1 to the event's own."""
    entries = scene.store.list_journal("e1", limit=1_000)
    return [entry.version for entry in entries] != list(range(1, scene.event().version + 1))


def examples(number: int) -> settings:
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=number, deadline=None, suppress_health_check=slow)


anything = given(how=spoiled, dies_at=st.integers(1, 8), applied=st.booleans())


@anything
@examples(300)
def test_anything_in_memory(how: list[Spoil], dies_at: int, applied: bool) -> None:
    names_and_mends("memory", how, dies_at, applied=applied)


@anything
@examples(40)
def test_anything_on_sqlite(how: list[Spoil], dies_at: int, applied: bool) -> None:
    names_and_mends("sqlite", how, dies_at, applied=applied)


@pytest.mark.soak
@anything
@examples(4_000)
def test_anything_at_length_in_memory(how: list[Spoil], dies_at: int, applied: bool) -> None:
    names_and_mends("memory", how, dies_at, applied=applied)


@pytest.mark.soak
@anything
@examples(20)
def test_anything_at_length_on_dynamodb(how: list[Spoil], dies_at: int, applied: bool) -> None:
    names_and_mends("local", how, dies_at, applied=applied)
