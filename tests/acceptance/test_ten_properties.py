"""The ten properties of the requirements, in order, on the in-memory store and on each real one.

The in-memory store carries out plans literally; `moto` and `local` are DynamoDB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.commands import Command, Register, Unregister
from domain.enums import RegistrationStatus
from domain.errors import AlreadyRegistered, DuplicateUser, EventFull, NotRegistered, RollcallError
from domain.inputs import EventChanges, UserDraft
from domain.ports import Store
from domain.service import Service
from tests.support.environment import (
    START,
    ManualClock,
    commit_together,
    new_event,
    new_users,
    service_on,
)
from tests.support.invariants import Everything, assert_invariants, everything_in
from tests.support.scale import scaled
from tests.support.stores import Kind, empty_store

USERS = tuple(f"u{number}" for number in range(6))
EVENTS = ("e1", "e2")


class On(NamedTuple):
    """Store on which a property is tested, and the number of examples at SCALE 1."""

    kind: Kind
    examples: int


@pytest.fixture(
    params=[
        On("memory", 100),
        On("sqlite", 25),
        pytest.param(On("moto", 2), marks=pytest.mark.short),
        pytest.param(On("local", 2), marks=pytest.mark.short),
        pytest.param(On("moto", 5), marks=pytest.mark.soak),
        pytest.param(On("local", 12), marks=pytest.mark.soak),
    ],
    ids=lambda on: f"{on.kind}-{on.examples}",
)
def on(request: pytest.FixtureRequest) -> On:
    on: On = request.param
    return on


def for_all(
    **drawn: st.SearchStrategy[Any],
) -> Callable[[Callable[..., None]], Callable[[On], None]]:
    """Return a decorator that makes a test of each store out of a property."""

    def decorate(holds: Callable[..., None]) -> Callable[[On], None]:
        def test(on: On) -> None:
            @settings(
                max_examples=scaled(on.examples),
            )
            @given(**drawn)
            def each(**values: object) -> None:
                holds(on.kind, **values)

            each()

        test.__doc__ = holds.__doc__
        return test

    return decorate


@dataclass
class Workspace:
    """Store, its service, and the clock."""

    store: Store
    service: Service
    clock: ManualClock

    def everything(self) -> Everything:
        return everything_in(self.store)

    def fill(
        self, event_id: str, *, seats: int, waitlist_count: int = 0, gone: int = 0
    ) -> tuple[list[str], list[str]]:
        """Register and waitlist this many users; return both lists, in order.

        Before them, `gone` other users registered and left, so their tickets are used up.
        """
        seated = [f"seated{number}" for number in range(seats)]
        waitlisted = [f"waitlisted{number}" for number in range(waitlist_count)]
        leavers = [f"gone{number}" for number in range(gone)]
        new_users(self.service, *leavers, *seated, *waitlisted)
        commands: list[Command] = []
        for user_id in leavers:
            commands += [Register(user_id), Unregister(user_id)]
        commands += [Register(user_id) for user_id in seated + waitlisted]
        commit_together(self.store, event_id, commands)
        return seated, waitlisted


@contextmanager
def workspace(kind: Kind) -> Iterator[Workspace]:
    with empty_store(kind) as store:
        clock = ManualClock()
        yield Workspace(store, service_on(store, clock=clock), clock)


# A history is a list of actions of users, some of which are refused.

Step = tuple[str, str, str | int]

steps: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("register"), st.sampled_from(EVENTS), st.sampled_from(USERS)),
    st.tuples(st.just("register"), st.sampled_from(EVENTS), st.sampled_from(USERS)),
    st.tuples(st.just("unregister"), st.sampled_from(EVENTS), st.sampled_from(USERS)),
    st.tuples(st.just("remove"), st.sampled_from(EVENTS), st.sampled_from(USERS)),
    st.tuples(st.just("capacity"), st.sampled_from(EVENTS), st.integers(1, 4)),
)
histories = st.lists(steps, max_size=18)


def play(workspace: Workspace, history: list[Step]) -> Iterator[None]:
    """Take the steps of a history on two events with few seats; yield after each step."""
    new_users(workspace.service, *USERS)
    for event_id in EVENTS:
        new_event(workspace.service, event_id, capacity=2)
    doing: dict[str, Callable[[str, str | int], object]] = {
        "register": lambda event_id, user_id: workspace.service.register(event_id, str(user_id)),
        "unregister": lambda event_id, user_id: workspace.service.unregister(
            event_id, str(user_id)
        ),
        "remove": lambda event_id, user_id: workspace.service.remove(event_id, str(user_id)),
        "capacity": lambda event_id, seats: workspace.service.edit_event(
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
    with workspace(kind) as at:
        created = at.service.create_user(UserDraft.of(user_id=user_id, name=first))
        with pytest.raises(DuplicateUser) as refusal:
            at.service.create_user(UserDraft.of(user_id=user_id, name=second))
        assert refusal.value.user_id == user_id
        assert at.service.get_user(user_id) == created


@for_all(capacity=st.integers(1, 6), newcomers=st.integers(1, 5), gone=st.integers(0, 4))
def test_2_event_capacity_enforcement(kind: Kind, capacity: int, newcomers: int, gone: int) -> None:
    """R3.2: registering for a full event without a waitlist fails and changes nothing."""
    with workspace(kind) as at:
        new_event(at.service, capacity=capacity, has_waitlist=False)
        at.fill("e1", seats=capacity, gone=gone)
        new_users(at.service, *USERS[:newcomers])
        before = at.everything()
        for newcomer in USERS[:newcomers]:
            with pytest.raises(EventFull) as refusal:
                at.service.register("e1", newcomer)
            assert (refusal.value.capacity, refusal.value.registered) == (capacity, capacity)
        assert at.everything() == before


@for_all(capacity=st.integers(1, 6), waitlist_count=st.integers(0, 5), gone=st.integers(0, 4))
def test_3_waitlist_addition_when_full(
    kind: Kind, capacity: int, waitlist_count: int, gone: int
) -> None:
    """R3.3: with n waitlisted users, a new one's status is `waitlisted` and the position n + 1."""
    with workspace(kind) as at:
        new_event(at.service, capacity=capacity)
        at.fill("e1", seats=capacity, waitlist_count=waitlist_count, gone=gone)
        new_users(at.service, "newcomer")
        placed = at.service.register("e1", "newcomer")
        assert placed.registration.status is RegistrationStatus.WAITLISTED
        assert placed.position == waitlist_count + 1
        assert at.everything().waitlisted("e1")[-1] == "newcomer"


@for_all(
    capacity=st.integers(1, 4),
    waitlist_count=st.integers(0, 4),
    gone=st.integers(0, 3),
    chosen=st.data(),
)
def test_4_no_duplicate_registrations(
    kind: Kind, capacity: int, waitlist_count: int, gone: int, chosen: st.DataObject
) -> None:
    """R3.4: a registered or waitlisted user who registers again is refused, and nothing changes."""
    with workspace(kind) as at:
        new_event(at.service, capacity=capacity)
        seated, waitlisted = at.fill("e1", seats=capacity, waitlist_count=waitlist_count, gone=gone)
        user_id = chosen.draw(st.sampled_from(seated + waitlisted))
        before = at.everything()
        with pytest.raises(AlreadyRegistered) as refusal:
            at.service.register("e1", user_id)
        expected = waitlisted.index(user_id) + 1 if user_id in waitlisted else None
        assert refusal.value.position == expected
        assert at.everything() == before


@for_all(
    capacity=st.integers(1, 5),
    waitlist_count=st.integers(1, 5),
    gone=st.integers(0, 3),
    has_started=st.booleans(),
    chosen=st.data(),
)
def test_5_waitlist_promotion_on_unregister(
    kind: Kind,
    capacity: int,
    waitlist_count: int,
    gone: int,
    has_started: bool,
    chosen: st.DataObject,
) -> None:
    """R4.2: when a registered user leaves before the start, only the first waitlisted user is registered.

    R4.7: from the start on, no one is.
    """
    with workspace(kind) as at:
        new_event(at.service, capacity=capacity, ends_at=START + timedelta(days=3))
        seated, waitlisted = at.fill("e1", seats=capacity, waitlist_count=waitlist_count, gone=gone)
        leaver = chosen.draw(st.sampled_from(seated))
        if has_started:
            at.clock.advance(timedelta(days=2))
        left = at.service.unregister("e1", leaver)
        promoted = [] if has_started else waitlisted[:1]
        assert left.promoted == tuple(promoted)
        after = at.everything()
        assert set(after.seated("e1")) == {*seated, *promoted} - {leaver}
        assert after.waitlisted("e1") == waitlisted[len(promoted) :]


@for_all(history=histories)
def test_6_registration_count_consistency(kind: Kind, history: list[Step]) -> None:
    """R7.5: the count equals the number of rows with status `registered`."""
    with workspace(kind) as at:
        for _ in play(at, history):
            pass
        found = at.everything()
        for event in found.events.values():
            assert event.registered_count == len(found.seated(event.event_id))


@for_all(history=histories)
def test_7_waitlist_position_consistency(kind: Kind, history: list[Step]) -> None:
    """R7.5: positions are 1 to n without gaps, in order of tickets."""
    with workspace(kind) as at:
        for _ in play(at, history):
            pass
        for event_id in EVENTS:
            listed = at.service.list_registrations_in(
                event_id, status=RegistrationStatus.WAITLISTED
            )
            assert [one.position for one in listed.waitlist] == [
                number + 1 for number in range(listed.event.waitlist_count)
            ]
            tickets = [one.entry.ticket for one in listed.waitlist]
            assert tickets == sorted(tickets)
            for one in listed.waitlist:
                own = at.service.get_registration(event_id, one.entry.user_id)
                assert own.position == one.position


@for_all(history=histories)
def test_8_capacity_invariant(kind: Kind, history: list[Step]) -> None:
    """R2.1, R3.1: the registered count never exceeds the capacity, after any step of any history."""
    with workspace(kind) as at:
        for _ in play(at, history):
            for event in at.store.get_events(EVENTS).values():
                assert event.registered_count <= event.capacity
        assert_invariants(at.store)


@for_all(history=histories, user_id=st.sampled_from(USERS))
def test_9_user_deletion_cascade(kind: Kind, history: list[Step], user_id: str) -> None:
    """R7.1: after the deletion no row names the user, and every free seat went to the waitlist."""
    with workspace(kind) as at:
        for _ in play(at, history):
            pass
        before = at.everything()
        assert at.service.delete_user(user_id)
        after = assert_invariants(at.store)
        assert not [row for row in after.registrations.values() if row.user_id == user_id]
        assert not [entry for entry in after.waitlist.values() if entry.user_id == user_id]
        for event_id in EVENTS:
            in_order = [
                other
                for other in before.seated(event_id) + before.waitlisted(event_id)
                if other != user_id
            ]
            seats = min(before.events[event_id].capacity, len(in_order))
            assert set(after.seated(event_id)) == set(in_order[:seats])
            assert after.waitlisted(event_id) == in_order[seats:]


@for_all(history=histories, user_id=st.sampled_from(USERS))
def test_10_registration_list_completeness(kind: Kind, history: list[Step], user_id: str) -> None:
    """R5.1, R5.2: the list has exactly the user's events, each with the right status."""
    with workspace(kind) as at:
        for _ in play(at, history):
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
            elif user_id in found.waitlisted(event_id):
                position = found.waitlisted(event_id).index(user_id) + 1
                expected[event_id] = (RegistrationStatus.WAITLISTED, position)
        assert listed == expected
        for event_id in {*EVENTS} - {*listed}:
            with pytest.raises(NotRegistered):
                at.service.get_registration(event_id, user_id)
