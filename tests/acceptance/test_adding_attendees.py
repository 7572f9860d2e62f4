"""Adding attendees (R12.4), on every store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.commands import AddOutcome, RegisterOutcome
from domain.enums import ChangeKind, ClosedReason, NotificationKind
from domain.errors import (
    AlreadyRegistered,
    Invalid,
    NotOrganizer,
    RegistrationClosed,
    TooFewSeats,
    TooManyToAdd,
    UnknownEvent,
    UnknownUser,
)
from domain.inputs import MAX_ADDED
from domain.models import Actor
from domain.ports import Store
from domain.service import Service
from tests.support.environment import (
    START,
    ManualClock,
    ids,
    new_event,
    new_users,
    service_on,
    start_user_deletion,
)
from tests.support.invariants import assert_invariants, everything_in
from tests.support.memory_store import MemoryStore
from tests.support.scale import scaled
from tests.support.stores import empty_store

BOSS = Actor("organizer")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def service(store: Store, clock: ManualClock) -> Service:
    service = service_on(store, clock=clock)
    new_users(service, *"abcdef")
    return service


def positions(outcome: AddOutcome) -> dict[str, int | None]:
    """Return each added user's position; None for a seat."""
    return {one.registration.user_id: one.position for one in outcome.added}


def present(outcome: AddOutcome) -> dict[str, int | None]:
    return {one.registration.user_id: one.position for one in outcome.present}


def test_users_get_the_free_seats_in_their_order_and_then_positions(service: Service) -> None:
    new_event(service, "e1", capacity=2)
    outcome = service.add_attendees("e1", ["c", "a", "b", "d"], actor=BOSS)
    assert positions(outcome) == {"c": None, "a": None, "b": 1, "d": 2}
    assert (outcome.event.registered_count, outcome.event.waitlist_count) == (2, 2)


def test_it_is_one_commit_with_a_change_and_a_notification_for_each(
    service: Service, store: Store
) -> None:
    new_event(service, "e1", capacity=1)
    version = service.add_attendees("e1", ["a", "b"], actor=BOSS).event.version
    entry = store.get_journal_entry("e1", version)
    assert entry is not None
    assert [(one.kind, one.user_id, one.actor_id, one.ticket) for one in entry.changes] == [
        (ChangeKind.REGISTERED, "a", "organizer", 1),
        (ChangeKind.WAITLISTED, "b", "organizer", 2),
    ]
    assert [(one.kind, one.user_id, one.actor_id, one.ticket) for one in entry.notifications] == [
        (NotificationKind.ADDED, "a", "organizer", 1),
        (NotificationKind.ADDED, "b", "organizer", 2),
    ]


def test_nobody_gets_ahead_of_the_waitlist(service: Service) -> None:
    new_event(service, "e1", capacity=1)
    for user_id in "ab":
        service.register("e1", user_id)
    assert positions(service.add_attendees("e1", ["c"], actor=BOSS)) == {"c": 2}


def test_users_who_are_not_stored_are_created_without_a_name(
    service: Service, store: Store
) -> None:
    new_event(service, "e1")
    service.add_attendees("e1", ["new", "a"], actor=BOSS, creates_users=True)
    created = service.get_user("new")
    assert not created.is_named
    assert service.list_registrations_of("new")[0].event.event_id == "e1"
    assert_invariants(store)


def test_users_who_are_not_stored_are_refused_unless_they_are_to_be_created(
    service: Service, store: Store
) -> None:
    new_event(service, "e1")
    before = everything_in(store)
    with pytest.raises(UnknownUser) as refusal:
        service.add_attendees("e1", ["a", "new"], actor=BOSS)
    assert refusal.value.user_id == "new"
    assert everything_in(store) == before


@pytest.mark.parametrize("creates_users", [False, True])
def test_user_who_is_being_deleted_is_refused(
    service: Service, store: Store, creates_users: bool
) -> None:
    new_event(service, "e1")
    start_user_deletion(store, "b")
    with pytest.raises(UnknownUser) as refusal:
        service.add_attendees("e1", ["a", "b"], actor=BOSS, creates_users=creates_users)
    assert refusal.value.user_id == "b"
    assert everything_in(store).registrations == {}


def test_without_a_request_id_those_in_already_refuse_all(service: Service, store: Store) -> None:
    new_event(service, "e1", capacity=1)
    for user_id in "ab":
        service.register("e1", user_id)
    before = everything_in(store)
    with pytest.raises(AlreadyRegistered) as refusal:
        service.add_attendees("e1", ["c", "b"], actor=BOSS)
    assert (refusal.value.user_id, refusal.value.position) == ("b", 1)
    assert everything_in(store) == before


def test_with_a_request_id_those_in_already_are_left_out(service: Service) -> None:
    new_event(service, "e1", capacity=1)
    for user_id in "ab":
        service.register("e1", user_id)
    outcome = service.add_attendees("e1", ["b", "c", "a"], actor=BOSS, request_id="r1")
    assert present(outcome) == {"b": 1, "a": None}
    assert positions(outcome) == {"c": 2}


def test_repeated_request_adds_nobody(service: Service, store: Store) -> None:
    """Not even someone who gave up the seat meanwhile."""
    new_event(service, "e1")
    service.add_attendees("e1", ["a", "b"], actor=BOSS, request_id="r1")
    service.unregister("e1", "b")
    before = everything_in(store)
    outcome = service.add_attendees("e1", ["a", "b"], actor=BOSS, request_id="r1")
    assert (positions(outcome), present(outcome)) == ({}, {"a": None})
    assert outcome.is_repeated
    assert everything_in(store) == before


def test_request_that_finds_everybody_in_writes_nothing(service: Service, store: Store) -> None:
    new_event(service, "e1")
    service.register("e1", "a")
    before = everything_in(store)
    assert positions(service.add_attendees("e1", ["a"], actor=BOSS, request_id="r1")) == {}
    assert everything_in(store) == before


def test_user_named_twice_is_added_once(service: Service) -> None:
    new_event(service, "e1")
    assert positions(service.add_attendees("e1", ["a", "b", "a"])) == {"a": None, "b": None}


def test_event_without_a_waitlist_takes_all_or_none(service: Service, store: Store) -> None:
    new_event(service, "e1", capacity=2, has_waitlist=False)
    before = everything_in(store)
    with pytest.raises(TooFewSeats) as refusal:
        service.add_attendees("e1", ["a", "b", "c"], actor=BOSS)
    assert (refusal.value.requested, refusal.value.free) == (3, 2)
    assert everything_in(store) == before
    assert positions(service.add_attendees("e1", ["a", "b"], actor=BOSS)) == {"a": None, "b": None}


def test_49_users_get_seats_in_one_commit(service: Service, store: Store) -> None:
    new_event(service, "e1", capacity=60)
    outcome = service.add_attendees(
        "e1", [f"u{n}" for n in range(MAX_ADDED)], actor=BOSS, creates_users=True
    )
    assert len(outcome.added) == 49
    assert outcome.event.version == 2
    assert_invariants(store)


def test_commit_that_would_be_too_large_says_how_many_fit(service: Service, store: Store) -> None:
    """Each on the waitlist takes three of 100 actions, each with a seat two."""
    new_event(service, "e1", capacity=1)
    before = everything_in(store)
    with pytest.raises(TooManyToAdd) as refusal:
        service.add_attendees(
            "e1", [f"u{n}" for n in range(MAX_ADDED)], actor=BOSS, creates_users=True
        )
    assert (refusal.value.requested, refusal.value.most) == (49, 33)
    assert everything_in(store) == before
    service.add_attendees("e1", [f"u{n}" for n in range(33)], actor=BOSS, creates_users=True)
    assert_invariants(store)


@pytest.mark.parametrize("user_ids", [[], [f"u{n}" for n in range(MAX_ADDED + 1)], ["a", ""]])
def test_malformed_list_of_users_is_refused(service: Service, user_ids: list[str]) -> None:
    new_event(service, "e1")
    with pytest.raises(Invalid) as refusal:
        service.add_attendees("e1", user_ids, actor=BOSS)
    assert refusal.value.field.startswith("user_ids")


def test_only_organizers_and_admins_add(service: Service, store: Store) -> None:
    new_event(service, "e1")
    with pytest.raises(NotOrganizer):
        service.add_attendees("e1", ["b"], actor=Actor("a"))
    assert everything_in(store).registrations == {}
    service.add_attendees("e1", ["b"], actor=Actor("a", is_admin=True))


def test_event_that_takes_no_registrations_refuses(service: Service, clock: ManualClock) -> None:
    new_event(service, "e1", starts_at=START + timedelta(hours=1))
    service.close_event("e1")
    with pytest.raises(RegistrationClosed) as refusal:
        service.add_attendees("e1", ["a"], actor=BOSS)
    assert refusal.value.reason is ClosedReason.CLOSED
    service.reopen_event("e1")
    clock.advance(timedelta(hours=2))
    with pytest.raises(RegistrationClosed) as refusal:
        service.add_attendees("e1", ["a"], actor=BOSS)
    assert refusal.value.reason is ClosedReason.STARTED


def test_unknown_event_is_refused(service: Service) -> None:
    with pytest.raises(UnknownEvent):
        service.add_attendees("nowhere", ["a"])
    with pytest.raises(UnknownEvent):
        service.preview_addition("nowhere", ["a"])


def test_preview_says_what_adding_would_do_and_writes_nothing(
    service: Service, store: Store
) -> None:
    new_event(service, "e1", capacity=2)
    service.register("e1", "a")
    before = everything_in(store)
    previewed = service.preview_addition("e1", ["a", "b", "new"], actor=BOSS)
    assert (positions(previewed), present(previewed)) == ({"b": None, "new": 1}, {"a": None})
    assert previewed.event == service.get_event("e1")
    assert everything_in(store) == before
    done = service.add_attendees(
        "e1", ["a", "b", "new"], actor=BOSS, request_id="r1", creates_users=True
    )
    assert (positions(done), present(done)) == (positions(previewed), present(previewed))


def test_added_user_who_leaves_gives_the_seat_to_the_waitlist(
    service: Service, store: Store
) -> None:
    new_event(service, "e1", capacity=1)
    service.add_attendees("e1", ["a", "b"], actor=BOSS)
    assert service.unregister("e1", "a").promoted == ("b",)
    assert_invariants(store)


def test_49_added_during_a_rush_get_what_the_outcome_says() -> None:
    """Nobody is ahead of the waitlist, and those added keep their order. As many as fit go into each commit."""
    pressing, chosen = [f"p{n}" for n in range(80)], [f"u{n}" for n in range(MAX_ADDED)]
    with empty_store("sqlite") as store:
        service = service_on(store)
        new_users(service, *pressing)
        new_event(service, "e1", capacity=100)
        begins = Barrier(17)

        def press(user_ids: list[str]) -> list[RegisterOutcome]:
            begins.wait()
            return [service.register("e1", user_id) for user_id in user_ids]

        def add() -> list[AddOutcome]:
            begins.wait()
            rest, outcomes = list(chosen), []
            most = len(rest)
            while rest:
                try:
                    outcomes.append(service.add_attendees("e1", rest[:most], creates_users=True))
                except TooManyToAdd as refusal:
                    most = refusal.most
                else:
                    rest = rest[most:]
            return outcomes

        with ThreadPoolExecutor(17) as pool:
            presses = [pool.submit(press, pressing[n::16]) for n in range(16)]
            outcomes = pool.submit(add).result()
            registered = [outcome for one in presses for outcome in one.result()]
        rows = assert_invariants(store)
    added = [one for outcome in outcomes for one in outcome.added]
    assert [one.registration.user_id for one in added] == chosen
    tickets = [one.registration.ticket for one in added]
    assert tickets == sorted(tickets)
    stated = [(one.registration, one.position) for one in added]
    stated += [(one.registration, one.position) for one in registered]
    assert sorted(row.ticket for row, _ in stated) == list(range(1, 130))
    for row, position in stated:
        assert position == (row.ticket - 100 if row.ticket > 100 else None)
        assert rows.registrations["e1", row.user_id] == row


@settings(max_examples=scaled(60))
@given(
    st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1), max_size=6),
    st.integers(1, 6),
)
def test_adding_equals_registering_one_by_one(groups: list[set[str]], capacity: int) -> None:
    together, apart = MemoryStore(), MemoryStore()
    for store in (together, apart):
        service = service_on(store, new_id=ids("id"))
        new_users(service, *"abcdefgh")
        new_event(service, "e1", capacity=capacity)
    for number, group in enumerate(groups):
        service_on(together).add_attendees("e1", sorted(group), request_id=f"r{number}")
        for user_id in sorted(group):
            if ("e1", user_id) not in apart.registrations:
                service_on(apart).register("e1", user_id)
    one, other = assert_invariants(together), assert_invariants(apart)
    assert one.waitlist == other.waitlist
    assert {key: row.status for key, row in one.registrations.items()} == {
        key: row.status for key, row in other.registrations.items()
    }
