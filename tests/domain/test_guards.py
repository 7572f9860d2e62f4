"""Negative controls: with a guard taken out, the thing that it guards against happens."""

from __future__ import annotations

import pytest

from domain.committing import Committer
from domain.door import Door
from domain.errors import Busy, EventFull, NotConfirmed, NotRegistered, UnknownUser
from domain.plans import Action, CheckUser, Plan, PutEvent
from domain.ports import Conflict
from domain.service import Service
from tests.faults import Fault, FaultyStore, conflict, lost, on_its_way
from tests.invariants import assert_sound
from tests.surroundings import ids, new_event, new_users, service_on


class WithoutVersion(FaultyStore):
    """Writes events whatever their version: the condition that everything rests on is out."""

    def _apply(self, action: Action) -> None:
        if isinstance(action, PutEvent):
            self.events[action.event.event_id] = action.event
        else:
            super()._apply(action)


class WithoutUserCheck(FaultyStore):
    """Does not look whether a user is there, or is being deleted."""

    def _apply(self, action: Action) -> None:
        if not isinstance(action, CheckUser):
            super()._apply(action)


def with_two_people(store: FaultyStore) -> tuple[Service, Service]:
    """Return two processes on a store with an event of one seat, and two who want it."""
    one, other = service_on(store), service_on(store, new_id=ids("other"))
    new_users(one, "a", "b")
    new_event(one, capacity=1)
    return one, other


@pytest.mark.parametrize(("store", "holds"), [(FaultyStore(), True), (WithoutVersion(), False)])
def test_the_version_condition_keeps_the_last_seat_from_being_given_twice(
    store: FaultyStore, holds: bool
) -> None:
    """R7.3: without it both sit, and the event's count knows of one."""
    one, other = with_two_people(store)

    def other_takes_it() -> None:
        other.register("e1", "b")
        if not holds:
            # The entry of this version would stand in the way as well: that guard is out, too.
            store.journal.clear()

    store.before_commit = other_takes_it
    if holds:
        assert one.register("e1", "a").position == 1
        assert_sound(store)
    else:
        assert one.register("e1", "a").position is None
        with pytest.raises(AssertionError):
            assert_sound(store)


@pytest.mark.parametrize(("store", "holds"), [(FaultyStore(), True), (WithoutUserCheck(), False)])
def test_the_user_check_keeps_a_deleted_user_from_coming_back_as_a_registration(
    store: FaultyStore, holds: bool
) -> None:
    """R7.1: the user goes between the reading and the commit."""
    one, other = with_two_people(store)

    def other_deletes_a() -> None:
        other.delete_user("a")

    store.before_commit = other_deletes_a
    if holds:
        with pytest.raises(UnknownUser):
            one.register("e1", "a")
        assert_sound(store)
    else:
        one.register("e1", "a")
        with pytest.raises(AssertionError, match="has no user"):
            assert_sound(store)


@pytest.mark.parametrize("holds", [True, False])
def test_the_second_look_keeps_a_refusal_from_being_untrue(
    holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event is read while it is full; before its people are read, a seat comes free."""
    store = FaultyStore()
    one, other = with_two_people(store)
    new_event(one, "small", capacity=1, has_waitlist=False)
    other.register("small", "b")

    def leaves() -> None:
        other.unregister("small", "b")

    store.before_reading = leaves
    if holds:
        assert one.register("small", "a").position is None
    else:
        monkeypatch.setattr(Door, "_still_at", lambda *_: True)
        with pytest.raises(EventFull):
            one.register("small", "a")


@pytest.mark.parametrize("holds", [True, False])
def test_the_fence_keeps_a_late_commit_from_applying_after_its_person_left(
    holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A leave is on its way, and its resend is rejected: unfenced it may still arrive, after "nothing was done"."""
    store = FaultyStore()
    one, _ = with_two_people(store)
    one.register("e1", "a")
    faults: list[Fault] = [on_its_way, *[conflict] * 100]
    store.faults = faults
    if not holds:
        # As if a rejected resend said that the first one never will apply.
        monkeypatch.setattr(Committer, "_verdict", lambda *_: False)
        with pytest.raises(Busy):
            one.unregister("e1", "a")
        assert store.arrive() == [True]
    else:
        with pytest.raises(NotConfirmed):
            service_on(store, spawn=lambda _: None, new_id=ids("third")).unregister("e1", "a")


def applied_and_called_a_conflict(store: FaultyStore, plan: Plan) -> None:
    """As a store would that takes a lost answer for a rejection."""
    store.really_commit(plan)
    raise Conflict


@pytest.mark.parametrize(("fault", "holds"), [(lost, True), (applied_and_called_a_conflict, False)])
def test_resending_the_same_plan_keeps_an_answer_from_being_untrue(
    fault: Fault, holds: bool
) -> None:
    """R7.4: a leave that applied, and is planned anew instead of sent again, finds nobody to leave."""
    store = FaultyStore()
    one, _ = with_two_people(store)
    one.register("e1", "a")
    store.faults = [fault]
    if holds:
        assert one.unregister("e1", "a").event.registered_count == 0
    else:
        with pytest.raises(NotRegistered):
            one.unregister("e1", "a")
