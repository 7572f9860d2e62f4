"""What a process knows of an event and its people saves it the reading, and is never what it answers with."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.errors import AlreadyRegistered, Busy, EventFull, RegistrationClosed, UnknownUser
from domain.execution.cache import MAX_CACHED_EVENTS, MAX_CACHED_USERS, EventCache
from domain.inputs import EventChanges, UserChanges, UserDraft
from domain.service import Service
from tests.support.environment import (
    ManualClock,
    ids,
    new_event,
    new_users,
    service_on,
    start_user_deletion,
)
from tests.support.faulty_store import FaultyStore, conflict, lost, never_sent
from tests.support.invariants import assert_invariants


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def service(store: FaultyStore, clock: ManualClock) -> Service:
    """A process that has made an event of two seats."""
    service = service_on(store, clock=clock)
    new_users(service, "a", "b", "c", "d")
    new_event(service)
    _forget(store)
    return service


@pytest.fixture
def other(store: FaultyStore, clock: ManualClock) -> Service:
    return service_on(store, clock=clock, new_id=ids("other"))


def _forget(store: FaultyStore) -> None:
    store.attempts.clear()
    store.event_reads = 0


def test_whoever_comes_alone_to_an_event_that_is_known_costs_no_reading(
    service: Service, store: FaultyStore
) -> None:
    """Seats and places in line alike."""
    placed = [service.register("e1", user_id) for user_id in "abcd"]
    assert [one.position for one in placed] == [None, None, 1, 2]
    assert (store.event_reads, len(store.attempts)) == (0, 4)
    assert_invariants(store)


def test_an_event_that_another_process_changed_is_read_and_planned_anew(
    service: Service, other: Service, store: FaultyStore
) -> None:
    other.edit_event("e1", EventChanges.of(capacity=1, has_waitlist=True))
    other.register("e1", "a")
    _forget(store)
    assert service.register("e1", "b").position == 1
    assert (store.event_reads, len(store.attempts)) == (1, 2)
    assert_invariants(store)


def test_where_others_write_too_the_event_is_read_first(
    service: Service, other: Service, store: FaultyStore
) -> None:
    """A try without reading would fail each time, and keep others from the event."""
    tried = []
    for first, second in ("ab", "cd"):
        other.register("e1", first)
        _forget(store)
        service.register("e1", second)
        tried.append(len(store.attempts))
    assert tried == [2, 1]
    assert_invariants(store)


def test_once_nobody_else_writes_any_more_the_reading_is_saved_again(
    service: Service, other: Service, store: FaultyStore
) -> None:
    other.register("e1", "a")
    service.register("e1", "b")
    service.register("e1", "c")
    _forget(store)
    service.register("e1", "d")
    assert (store.event_reads, len(store.attempts)) == (0, 1)


def test_who_is_in_already_is_told_by_what_is_stored(
    service: Service, other: Service, store: FaultyStore
) -> None:
    service.register("e1", "a")
    service.register("e1", "b")
    service.register("e1", "c")
    with pytest.raises(AlreadyRegistered) as refused:
        service.register("e1", "c")
    assert refused.value.position == 1
    assert assert_invariants(store).waitlisted("e1") == ["c"]


def test_a_seat_that_came_free_elsewhere_is_not_refused_from_memory(
    service: Service, other: Service
) -> None:
    new_event(service, "small", capacity=1, has_waitlist=False)
    service.register("small", "a")
    other.unregister("small", "a")
    assert service.register("small", "b").position is None


def test_an_event_that_was_reopened_elsewhere_is_not_refused_from_memory(
    service: Service, other: Service
) -> None:
    service.close_event("e1")
    other.reopen_event("e1")
    assert service.register("e1", "a").position is None


def test_an_event_that_filled_up_elsewhere_takes_nobody_from_memory(
    service: Service, other: Service, store: FaultyStore
) -> None:
    new_event(service, "small", capacity=1, has_waitlist=False)
    other.register("small", "a")
    with pytest.raises(EventFull):
        service.register("small", "b")
    assert assert_invariants(store).seated("small") == ["a"]


def test_an_event_that_has_begun_since_takes_nobody_from_memory(
    service: Service, clock: ManualClock
) -> None:
    clock.advance(timedelta(days=3))
    with pytest.raises(RegistrationClosed):
        service.register("e1", "a")


def test_a_user_who_was_deleted_elsewhere_gets_no_seat_from_memory(
    service: Service, other: Service, store: FaultyStore
) -> None:
    other.delete_user("a")
    with pytest.raises(UnknownUser):
        service.register("e1", "a")
    assert_invariants(store)


ADA = UserDraft.of(user_id="ada", name="Ada")


def test_who_was_seen_stored_is_registered_with_nothing_read_of_them(
    service: Service, store: FaultyStore
) -> None:
    service.ensure_user(ADA)
    store.user_reads = 0
    assert service.register_ensuring_user("e1", ADA).position is None
    assert (store.user_reads, store.event_reads, len(store.attempts)) == (0, 0, 1)


def test_who_was_seen_under_another_name_is_renamed(service: Service, store: FaultyStore) -> None:
    service.ensure_user(ADA)
    service.register_ensuring_user("e1", UserDraft.of(user_id="ada", name="Ada L."))
    assert store.users["ada"].name == "Ada L."


@pytest.mark.parametrize("where", ["service", "other"])
def test_who_was_seen_and_deleted_since_is_made_anew(
    where: str, service: Service, store: FaultyStore, request: pytest.FixtureRequest
) -> None:
    """They press again, and are somebody who never was here: not told that they don't exist."""
    service.ensure_user(ADA)
    request.getfixturevalue(where).delete_user("ada")
    assert service.register_ensuring_user("e1", ADA).position is None
    assert assert_invariants(store).seated("e1") == ["ada"]


def test_who_was_seen_and_is_being_deleted_is_refused(service: Service, store: FaultyStore) -> None:
    service.ensure_user(ADA)
    start_user_deletion(store, "ada")
    with pytest.raises(UnknownUser):
        service.register_ensuring_user("e1", ADA)
    assert assert_invariants(store).seated("e1") == []


def test_a_name_that_was_changed_here_is_not_taken_for_the_one_seen(
    service: Service, store: FaultyStore
) -> None:
    service.ensure_user(ADA)
    service.update_user("ada", UserChanges.of(name="Somebody"))
    service.register_ensuring_user("e1", ADA)
    assert store.users["ada"].name == "Ada"


def test_a_process_remembers_so_many_people_and_no_more(
    service: Service, store: FaultyStore
) -> None:
    service.ensure_user(ADA)
    for number in range(MAX_CACHED_USERS):
        service.ensure_user(UserDraft.of(user_id=f"u{number}", name="One of many"))
    store.user_reads = 0
    service.register_ensuring_user("e1", ADA)
    assert store.user_reads == 1


def test_a_lost_answer_is_settled_as_ever(service: Service, store: FaultyStore) -> None:
    store.faults = [lost, never_sent]
    assert service.register("e1", "a").position is None
    assert assert_invariants(store).seated("e1") == ["a"]


def test_one_that_meets_conflicts_until_its_deadline_is_busy(
    service: Service, store: FaultyStore
) -> None:
    store.faults = [conflict] * 100
    with pytest.raises(Busy):
        service.register("e1", "a")
    assert assert_invariants(store).seated("e1") == []


def test_a_process_keeps_what_it_knows_of_so_many_events_and_no_more(service: Service) -> None:
    event = service.get_event("e1")
    known = EventCache()
    for number in range(MAX_CACHED_EVENTS + 1):
        known.remember_commit(event.model_copy(update={"event_id": f"e{number}"}))
    assert known.get_if_likely_current("e0") is None
    assert known.get_if_likely_current(f"e{MAX_CACHED_EVENTS}") is not None
