"""The ten properties of the requirements, in order, on `seating.plan` alone and on each store.

`memory` carries out literally what `seating.plan` decides; the others are the real stores: `moto` and
`local` (AWS's own engine) are DynamoDB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.commands import Command, Register, Unregister
from domain.enums import RegistrationStatus
from domain.errors import AlreadyRegistered, DuplicateUser, EventFull, NotRegistered, RollcallError
from domain.inputs import EventChanges, UserDraft
from domain.ports import Store
from domain.service import Service
from tests.support.environment import commit_together, new_event, new_users, service_on
from tests.support.invariants import Everything, assert_sound, everything_in
from tests.support.stores import Kind, empty_store

USERS = tuple(f"u{number}" for number in range(6))
EVENTS = ("e1", "e2")


class On(NamedTuple):
    """Where a property is tried, and on how many examples."""

    kind: Kind
    examples: int


@pytest.fixture(
    params=[
        On("memory", 100),
        On("sqlite", 100),
        On("moto", 20),
        On("local", 20),
        pytest.param(On("local", 100), marks=pytest.mark.soak),
    ],
    ids=lambda on: f"{on.kind}-{on.examples}",
)
def on(request: pytest.FixtureRequest) -> On:
    on: On = request.param
    return on


def for_all(
    **drawn: st.SearchStrategy[Any],
) -> Callable[[Callable[..., None]], Callable[[On], None]]:
    """Make a test, of one store, out of a property of a store and of what is drawn."""

    def decorate(holds: Callable[..., None]) -> Callable[[On], None]:
        def test(on: On) -> None:
            @settings(
                max_examples=on.examples,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow],
            )
            @given(**drawn)
            def each(**values: object) -> None:
                holds(on.kind, **values)

            each()

        test.__doc__ = holds.__doc__
        return test

    return decorate


@dataclass
class House:
    store: Store
    service: Service

    def everything(self) -> Everything:
        return everything_in(self.store)

    def fill(
        self, event_id: str, *, seats: int, waiting: int = 0, gone: int = 0
    ) -> tuple[list[str], list[str]]:
        """Register as many as fit and let others wait; return both, in order.

        Before them, `gone` others came and went: their tickets are used up.
        """
        seated = [f"seated{number}" for number in range(seats)]
        in_line = [f"waiting{number}" for number in range(waiting)]
        leavers = [f"gone{number}" for number in range(gone)]
        new_users(self.service, *leavers, *seated, *in_line)
        commands: list[Command] = []
        for user_id in leavers:
            commands += [Register(user_id), Unregister(user_id)]
        commands += [Register(user_id) for user_id in seated + in_line]
        commit_together(self.store, event_id, commands)
        return seated, in_line


@contextmanager
def house(kind: Kind) -> Iterator[House]:
    with empty_store(kind) as store:
        yield House(store, service_on(store))


# A history: things that people do, in order. What is refused on the way is part of it.

Deed = tuple[str, str, str | int]

deeds: st.SearchStrategy[Deed] = st.one_of(
    st.tuples(st.just("register"), st.sampled_from(EVENTS), st.sampled_from(USERS)),
    st.tuples(st.just("register"), st.sampled_from(EVENTS), st.sampled_from(USERS)),
    st.tuples(st.just("unregister"), st.sampled_from(EVENTS), st.sampled_from(USERS)),
    st.tuples(st.just("remove"), st.sampled_from(EVENTS), st.sampled_from(USERS)),
    st.tuples(st.just("capacity"), st.sampled_from(EVENTS), st.integers(1, 4)),
)
histories = st.lists(deeds, max_size=18)


def live(house: House, history: list[Deed]) -> Iterator[None]:
    """Do what the history says, on two events with few seats; stop after each deed."""
    new_users(house.service, *USERS)
    for event_id in EVENTS:
        new_event(house.service, event_id, capacity=2)
    doing: dict[str, Callable[[str, str | int], object]] = {
        "register": lambda event_id, user_id: house.service.register(event_id, str(user_id)),
        "unregister": lambda event_id, user_id: house.service.unregister(event_id, str(user_id)),
        "remove": lambda event_id, user_id: house.service.remove(event_id, str(user_id)),
        "capacity": lambda event_id, seats: house.service.edit_event(
            event_id, EventChanges.of(capacity=seats)
        ),
    }
    for what, event_id, argument in history:
        with suppress(RollcallError):
            doing[what](event_id, argument)
        yield


@for_all(
    user_id=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", fullmatch=True),
    first=st.text("ab é", min_size=1).filter(str.strip),
    second=st.text("ab é", min_size=1).filter(str.strip),
)
def test_1_user_creation_uniqueness(kind: Kind, user_id: str, first: str, second: str) -> None:
    """R1.3: creating a second user with an id fails and leaves the first as it was."""
    with house(kind) as at:
        created = at.service.create_user(UserDraft.of(user_id=user_id, name=first))
        with pytest.raises(DuplicateUser) as refusal:
            at.service.create_user(UserDraft.of(user_id=user_id, name=second))
        assert refusal.value.user_id == user_id
        assert at.service.get_user(user_id) == created


@for_all(capacity=st.integers(1, 6), newcomers=st.integers(1, 5), gone=st.integers(0, 4))
def test_2_event_capacity_enforcement(kind: Kind, capacity: int, newcomers: int, gone: int) -> None:
    """R3.2: registering for a full event without a waitlist fails and changes nothing."""
    with house(kind) as at:
        new_event(at.service, capacity=capacity, has_waitlist=False)
        at.fill("e1", seats=capacity, gone=gone)
        new_users(at.service, *USERS[:newcomers])
        before = at.everything()
        for newcomer in USERS[:newcomers]:
            with pytest.raises(EventFull) as refusal:
                at.service.register("e1", newcomer)
            assert (refusal.value.capacity, refusal.value.registered) == (capacity, capacity)
        assert at.everything() == before


@for_all(capacity=st.integers(1, 6), waiting=st.integers(0, 5), gone=st.integers(0, 4))
def test_3_waitlist_addition_when_full(kind: Kind, capacity: int, waiting: int, gone: int) -> None:
    """R3.3: with n waiting, a newcomer's status is `waitlisted` and the position n + 1."""
    with house(kind) as at:
        new_event(at.service, capacity=capacity)
        at.fill("e1", seats=capacity, waiting=waiting, gone=gone)
        new_users(at.service, "newcomer")
        placed = at.service.register("e1", "newcomer")
        assert placed.registration.status is RegistrationStatus.WAITLISTED
        assert placed.position == waiting + 1
        assert at.everything().waiting("e1")[-1] == "newcomer"


@for_all(
    capacity=st.integers(1, 4),
    waiting=st.integers(0, 4),
    gone=st.integers(0, 3),
    chosen=st.data(),
)
def test_4_no_duplicate_registrations(
    kind: Kind, capacity: int, waiting: int, gone: int, chosen: st.DataObject
) -> None:
    """R3.4: who is registered or waits and registers again is refused, and nothing changes."""
    with house(kind) as at:
        new_event(at.service, capacity=capacity)
        seated, in_line = at.fill("e1", seats=capacity, waiting=waiting, gone=gone)
        user_id = chosen.draw(st.sampled_from(seated + in_line))
        before = at.everything()
        with pytest.raises(AlreadyRegistered) as refusal:
            at.service.register("e1", user_id)
        expected = in_line.index(user_id) + 1 if user_id in in_line else None
        assert refusal.value.position == expected
        assert at.everything() == before


@for_all(
    capacity=st.integers(1, 5),
    waiting=st.integers(1, 5),
    gone=st.integers(0, 3),
    chosen=st.data(),
)
def test_5_waitlist_promotion_on_unregister(
    kind: Kind, capacity: int, waiting: int, gone: int, chosen: st.DataObject
) -> None:
    """R4.2: when a registered user leaves, the first in line, and only that one, is registered."""
    with house(kind) as at:
        new_event(at.service, capacity=capacity)
        seated, in_line = at.fill("e1", seats=capacity, waiting=waiting, gone=gone)
        leaver = chosen.draw(st.sampled_from(seated))
        left = at.service.unregister("e1", leaver)
        assert left.promoted == (in_line[0],)
        after = at.everything()
        assert set(after.seated("e1")) == {*seated, in_line[0]} - {leaver}
        assert after.waiting("e1") == in_line[1:]


@for_all(history=histories)
def test_6_registration_count_consistency(kind: Kind, history: list[Deed]) -> None:
    """R7.5: the count equals the number of rows with status `registered`."""
    with house(kind) as at:
        for _ in live(at, history):
            pass
        found = at.everything()
        for event in found.events.values():
            assert event.registered_count == len(found.seated(event.event_id))


@for_all(history=histories)
def test_7_waitlist_position_consistency(kind: Kind, history: list[Deed]) -> None:
    """R7.5: positions are 1..n without gap, in order of tickets."""
    with house(kind) as at:
        for _ in live(at, history):
            pass
        for event_id in EVENTS:
            listed = at.service.list_registrations_in(
                event_id, status=RegistrationStatus.WAITLISTED
            )
            assert [place.position for place in listed.waitlist] == [
                number + 1 for number in range(listed.event.waitlist_count)
            ]
            tickets = [place.entry.ticket for place in listed.waitlist]
            assert tickets == sorted(tickets)
            for place in listed.waitlist:
                own = at.service.get_registration(event_id, place.entry.user_id)
                assert own.position == place.position


@for_all(history=histories)
def test_8_capacity_invariant(kind: Kind, history: list[Deed]) -> None:
    """R2.1, R3.1: registered never exceeds capacity, after any deed of any history."""
    with house(kind) as at:
        for _ in live(at, history):
            for event in at.store.get_events(EVENTS).values():
                assert event.registered_count <= event.capacity
        assert_sound(at.store)


@for_all(history=histories, user_id=st.sampled_from(USERS))
def test_9_user_deletion_cascade(kind: Kind, history: list[Deed], user_id: str) -> None:
    """R7.1: after deletion no row names the user, and every seat set free has gone to the line."""
    with house(kind) as at:
        for _ in live(at, history):
            pass
        before = at.everything()
        assert at.service.delete_user(user_id)
        after = assert_sound(at.store)
        assert not [row for row in after.registrations.values() if row.user_id == user_id]
        assert not [place for place in after.line.values() if place.user_id == user_id]
        for event_id in EVENTS:
            in_order = [
                other
                for other in before.seated(event_id) + before.waiting(event_id)
                if other != user_id
            ]
            seats = min(before.events[event_id].capacity, len(in_order))
            assert set(after.seated(event_id)) == set(in_order[:seats])
            assert after.waiting(event_id) == in_order[seats:]


@for_all(history=histories, user_id=st.sampled_from(USERS))
def test_10_registration_list_completeness(kind: Kind, history: list[Deed], user_id: str) -> None:
    """R5.1, R5.2: the list is exactly the events that the user is in, each with the right status."""
    with house(kind) as at:
        for _ in live(at, history):
            pass
        found = at.everything()
        listed = {
            own.event.event_id: (own.registration.status, own.position)
            for own in at.service.list_registrations_of(user_id)
        }
        expected: dict[str, tuple[RegistrationStatus, int | None]] = {}
        for event_id in EVENTS:
            if user_id in found.seated(event_id):
                expected[event_id] = (RegistrationStatus.REGISTERED, None)
            elif user_id in found.waiting(event_id):
                place = found.waiting(event_id).index(user_id) + 1
                expected[event_id] = (RegistrationStatus.WAITLISTED, place)
        assert listed == expected
        for event_id in {*EVENTS} - {*listed}:
            with pytest.raises(NotRegistered):
                at.service.get_registration(event_id, user_id)
