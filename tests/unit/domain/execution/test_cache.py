"""Caches of events and users: they save reads, and never decide an answer."""

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
    """Return a process that has created an event with two seats."""
    service = service_on(store, clock=clock)
    new_users(service, "a", "b", "c", "d")
    new_event(service)
    _reset_counts(store)
    return service


@pytest.fixture
def other(store: FaultyStore, clock: ManualClock) -> Service:
    return service_on(store, clock=clock, new_id=ids("other"))


def _reset_counts(store: FaultyStore) -> None:
    store.attempts.clear()
    store.event_reads = 0


def test_single_registration_for_a_cached_event_reads_nothing(
    service: Service, store: FaultyStore
) -> None:
    """This holds for seats and for the waitlist."""
    placed = [service.register("e1", user_id) for user_id in "abcd"]
    assert [one.position for one in placed] == [None, None, 1, 2]
    assert (store.event_reads, len(store.attempts)) == (0, 4)
    assert_invariants(store)


def test_registration_for_an_event_changed_elsewhere_is_planned_again(
    service: Service, other: Service, store: FaultyStore
) -> None:
    other.edit_event("e1", EventChanges.of(capacity=1, has_waitlist=True))
    other.register("e1", "a")
    _reset_counts(store)
    assert service.register("e1", "b").position == 1
    assert (store.event_reads, len(store.attempts)) == (1, 2)
    assert_invariants(store)


def test_event_that_others_write_is_read_first(
    service: Service, other: Service, store: FaultyStore
) -> None:
    """A try without a read would fail each time, and cost throughput of the event."""
    attempts = []
    for first, second in ("ab", "cd"):
        other.register("e1", first)
        _reset_counts(store)
        service.register("e1", second)
        attempts.append(len(store.attempts))
    assert attempts == [2, 1]
    assert_invariants(store)


def test_event_that_others_stopped_writing_is_not_read(
    service: Service, other: Service, store: FaultyStore
) -> None:
    other.register("e1", "a")
    service.register("e1", "b")
    service.register("e1", "c")
    _reset_counts(store)
    service.register("e1", "d")
    assert (store.event_reads, len(store.attempts)) == (0, 1)


def test_second_registration_is_refused_by_what_is_stored(
    service: Service, other: Service, store: FaultyStore
) -> None:
    service.register("e1", "a")
    service.register("e1", "b")
    service.register("e1", "c")
    with pytest.raises(AlreadyRegistered) as refused:
        service.register("e1", "c")
    assert refused.value.position == 1
    assert assert_invariants(store).waitlisted("e1") == ["c"]


def test_seat_freed_elsewhere_is_not_refused_from_the_cache(
    service: Service, other: Service
) -> None:
    new_event(service, "small", capacity=1, has_waitlist=False)
    service.register("small", "a")
    other.unregister("small", "a")
    assert service.register("small", "b").position is None


def test_event_reopened_elsewhere_is_not_refused_from_the_cache(
    service: Service, other: Service
) -> None:
    service.close_event("e1")
    other.reopen_event("e1")
    assert service.register("e1", "a").position is None


def test_event_filled_elsewhere_gives_no_seat_from_the_cache(
    service: Service, other: Service, store: FaultyStore
) -> None:
    new_event(service, "small", capacity=1, has_waitlist=False)
    other.register("small", "a")
    with pytest.raises(EventFull):
        service.register("small", "b")
    assert assert_invariants(store).seated("small") == ["a"]


def test_event_started_since_gives_no_seat_from_the_cache(
    service: Service, clock: ManualClock
) -> None:
    clock.advance(timedelta(days=3))
    with pytest.raises(RegistrationClosed):
        service.register("e1", "a")


def test_user_deleted_elsewhere_gets_no_seat_from_the_cache(
    service: Service, other: Service, store: FaultyStore
) -> None:
    other.delete_user("a")
    with pytest.raises(UnknownUser):
        service.register("e1", "a")
    assert_invariants(store)


ADA = UserDraft.of(user_id="ada", name="Ada")


def test_cached_user_registers_without_a_read(service: Service, store: FaultyStore) -> None:
    service.ensure_user(ADA)
    store.user_reads = 0
    assert service.register_ensuring_user("e1", ADA).position is None
    assert (store.user_reads, store.event_reads, len(store.attempts)) == (0, 0, 1)


def test_cached_user_with_another_name_is_renamed(service: Service, store: FaultyStore) -> None:
    service.ensure_user(ADA)
    service.register_ensuring_user("e1", UserDraft.of(user_id="ada", name="Ada L."))
    assert store.users["ada"].name == "Ada L."


@pytest.mark.parametrize("where", ["service", "other"])
def test_cached_user_deleted_since_is_created_again(
    where: str, service: Service, store: FaultyStore, request: pytest.FixtureRequest
) -> None:
    """The user presses again, and is not told that they don't exist."""
    service.ensure_user(ADA)
    request.getfixturevalue(where).delete_user("ada")
    assert service.register_ensuring_user("e1", ADA).position is None
    assert assert_invariants(store).seated("e1") == ["ada"]


def test_cached_user_being_deleted_is_refused(service: Service, store: FaultyStore) -> None:
    service.ensure_user(ADA)
    start_user_deletion(store, "ada")
    with pytest.raises(UnknownUser):
        service.register_ensuring_user("e1", ADA)
    assert assert_invariants(store).seated("e1") == []


def test_user_updated_here_is_not_taken_from_the_cache(
    service: Service, store: FaultyStore
) -> None:
    service.ensure_user(ADA)
    service.update_user("ada", UserChanges.of(name="Somebody"))
    service.register_ensuring_user("e1", ADA)
    assert store.users["ada"].name == "Ada"


def test_user_cache_has_a_limit(service: Service, store: FaultyStore) -> None:
    service.ensure_user(ADA)
    for number in range(MAX_CACHED_USERS):
        service.ensure_user(UserDraft.of(user_id=f"u{number}", name="One of many"))
    store.user_reads = 0
    service.register_ensuring_user("e1", ADA)
    assert store.user_reads == 1


def test_lost_answer_after_a_cached_try_is_resolved(service: Service, store: FaultyStore) -> None:
    store.faults = [lost, never_sent]
    assert service.register("e1", "a").position is None
    assert assert_invariants(store).seated("e1") == ["a"]


def test_conflicts_until_the_deadline_are_busy(service: Service, store: FaultyStore) -> None:
    store.faults = [conflict] * 100
    with pytest.raises(Busy):
        service.register("e1", "a")
    assert assert_invariants(store).seated("e1") == []


def test_event_cache_has_a_limit(service: Service) -> None:
    event = service.get_event("e1")
    cache = EventCache()
    for number in range(MAX_CACHED_EVENTS + 1):
        cache.remember_commit(event.model_copy(update={"event_id": f"e{number}"}))
    assert cache.get_if_likely_current("e0") is None
    assert cache.get_if_likely_current(f"e{MAX_CACHED_EVENTS}") is not None
