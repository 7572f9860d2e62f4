"""Negative controls: without a guard, the error that it prevents happens.

They run on every store. If two guards prevent the same error, both are removed. The delivery lease
has its own control in `tests/soak/notifications/test_two_workers.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from domain.commands import Command, Outcome, Register, RegisterOutcome, Unregister
from domain.enums import Cause
from domain.errors import (
    AlreadyRegistered,
    Busy,
    EventFull,
    NotConfirmed,
    NotRegistered,
    UnknownEvent,
    UnknownUser,
)
from domain.execution.attempts import Attempts
from domain.execution.batching import QueuedCommand
from domain.execution.committer import Committer
from domain.inputs import AnnouncementDraft
from domain.planning.plan import Plan, PutEvent
from domain.ports import Store
from domain.service import Service
from tests.support.environment import START, ManualClock, ids, new_event, new_users, service_on
from tests.support.faulty_store import Fault, FaultyStore, conflict, on_its_way
from tests.support.invariants import Everything, assert_invariants, everything_in
from tests.support.stores import without_foreign_keys
from tests.support.unguarded_store import Deliver, UnguardedStore


@pytest.fixture
def store(store: Store) -> Iterator[Store]:
    # SQLite's foreign keys are a guard that DynamoDB does not have.
    with without_foreign_keys(store):
        yield store


@pytest.fixture
def other(store: Store) -> Service:
    """Return another process, with an event of one seat and three users."""
    service = service_on(store, new_id=ids("other"))
    new_users(service, "a", "b", "c")
    new_event(service, capacity=1)
    return service


def process(unguarded: UnguardedStore) -> Service:
    """Return a process on this view of the store."""
    store: Any = unguarded
    return service_on(store, new_id=ids("one"))


def seats_agree(store: Store) -> bool:
    """Return whether the registered count is right and within the capacity."""
    found: Everything = everything_in(store)
    event = found.events["e1"]
    return event.registered_count == len(found.seated("e1")) <= event.capacity


@pytest.mark.parametrize(
    ("without", "holds"),
    [((), True), (("version",), True), (("entry",), True), (("version", "entry"), False)],
)
def test_last_seat_is_given_once(
    store: Store, other: Service, without: Sequence[str], holds: bool
) -> None:
    """R7.3: the version condition and the unique journal entry of a version each prevent it."""

    def other_takes_the_seat(_: Deliver) -> None:
        other.register("e1", "b")

    one = process(UnguardedStore(store, without, other_takes_the_seat))
    assert one.register("e1", "a").position == (1 if holds else None)
    assert seats_agree(store) is holds


@pytest.mark.parametrize(("without", "holds"), [((), True), (("user",), False)])
def test_deleted_user_does_not_come_back_as_a_registration(
    store: Store, other: Service, without: Sequence[str], holds: bool
) -> None:
    """R7.1: the user is deleted between the reads and the commit; the user check fails."""

    def other_deletes_a(_: Deliver) -> None:
        other.delete_user("a")

    one = process(UnguardedStore(store, without, other_deletes_a))
    if holds:
        with pytest.raises(UnknownUser):
            one.register("e1", "a")
        assert_invariants(store)
    else:
        one.register("e1", "a")
        with pytest.raises(AssertionError, match="has no user"):
            assert_invariants(store)


@pytest.mark.parametrize(("without", "holds"), [((), True), (("deletion id",), False)])
def test_user_under_deletion_gets_no_registration_that_the_deletion_misses(
    store: Store, other: Service, without: Sequence[str], holds: bool
) -> None:
    """R7.1: once the deletion has started, the user check fails, so a query that finds nothing is final."""

    class Deleting(UnguardedStore):
        """View of the deleting process, whose query is out of date when the row is deleted."""

        deliver: Deliver

        def get_registrations_of(self, user_id: str) -> object:
            rows = self.store.get_registrations_of(user_id)
            self.deliver()
            self.deliver = lambda: None
            return rows

    def delete_the_user(deliver: Deliver) -> None:
        unguarded = Deleting(store)
        unguarded.deliver = deliver
        process(unguarded).delete_user("a")

    one = process(UnguardedStore(store, without, delete_the_user))
    if holds:
        with pytest.raises(UnknownUser):
            one.register("e1", "a")
        assert_invariants(store)
    else:
        one.register("e1", "a")
        with pytest.raises(AssertionError, match="has no user"):
            assert_invariants(store)


@pytest.mark.parametrize(("without", "holds"), [((), True), (("user",), False)])
def test_refusal_caused_by_others_of_its_batch_is_true_at_their_commit(
    store: Store, other: Service, without: Sequence[str], holds: bool
) -> None:
    """R7.1: `a` takes the last seat; `b`, refused for that, was deleted before."""
    new_event(other, "small", capacity=1, has_waitlist=False)

    def other_deletes_b(_: Deliver) -> None:
        other.delete_user("b")

    one = process(UnguardedStore(store, without, other_deletes_b))
    entries = [QueuedCommand[Command, Outcome](Register(user_id), deadline=1.0) for user_id in "ab"]
    one._executor._run_batch("small", entries)
    placed, refused = [entry.result for entry in entries]
    assert isinstance(placed.result(0), RegisterOutcome)
    assert isinstance(refused.exception(0), UnknownUser if holds else EventFull)


@pytest.mark.parametrize(("without", "holds"), [((), True), (("user",), False)])
def test_user_who_registers_and_leaves_in_one_batch_exists_at_its_commit(
    store: Store, other: Service, without: Sequence[str], holds: bool
) -> None:
    """R7.1: `b` is deleted before the commit, which changes only the history."""

    def other_deletes_b(_: Deliver) -> None:
        other.delete_user("b")

    one = process(UnguardedStore(store, without, other_deletes_b))
    commands: list[Command] = [Register("b"), Unregister("b", Cause.OWN)]
    entries = [QueuedCommand[Command, Outcome](command, deadline=1.0) for command in commands]
    one._executor._run_batch("e1", entries)
    came = entries[0].result
    assert isinstance(came.exception(0), UnknownUser) is holds


@pytest.mark.parametrize(("without", "holds"), [((), True), (("event deletion",), False)])
def test_event_under_deletion_takes_no_registration(
    store: Store, other: Service, without: Sequence[str], holds: bool
) -> None:
    """R7.2: without the deletion id, the event still exists after its deletion was reported as done."""
    assert process(UnguardedStore(store, without)).delete_event("e1")
    if holds:
        with pytest.raises(UnknownEvent):
            other.register("e1", "a")
    else:
        assert other.register("e1", "a").position is None


@pytest.mark.parametrize("holds", [True, False])
def test_refusal_is_true_at_one_moment(
    store: Store, other: Service, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R3.2: the event is read while it is full, its attendees after a seat came free; so it is read again."""
    new_event(other, "small", capacity=1, has_waitlist=False)
    other.register("small", "b")
    one = process(
        UnguardedStore(store, before_second_read=lambda: void(other.unregister("small", "b")))
    )
    if holds:
        assert one.register("small", "a").position is None
    else:
        monkeypatch.setattr(Attempts, "_is_unchanged", lambda *_: True)  # the guard is off
        with pytest.raises(EventFull):
            one.register("small", "a")


def void(_: object) -> None:
    """Drop the result."""


@pytest.mark.parametrize("store", ["sqlite", "local"], indirect=True)  # the stores with tokens
@pytest.mark.parametrize(
    ("without", "by_journal", "holds"),
    [((), False, True), (("token",), True, True), (("token",), False, False)],
)
def test_commit_whose_answer_was_lost_is_found_by_its_token_or_its_entry(
    store: Store,
    other: Service,
    without: Sequence[str],
    by_journal: bool,
    holds: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R7.4: without both, the leave that was applied is planned again, and finds no registration."""
    other.register("e1", "a")
    if not by_journal:
        monkeypatch.setattr(Committer, "find_out", lambda *_: False)
    one = process(UnguardedStore(store, without, lose_answers=1))
    if holds:
        assert one.unregister("e1", "a").event.registered_count == 0
    else:
        with pytest.raises(NotRegistered):
            one.unregister("e1", "a")


@pytest.mark.parametrize(
    ("without", "holds"), [(("entry",), True), (("entry", "registration"), False)]
)
def test_no_one_is_registered_twice_even_if_the_version_was_set_back(
    store: Store, other: Service, without: Sequence[str], holds: bool
) -> None:
    """R3.4: the version is set back by hand; the condition on the registration still holds.

    The journal entry, which prevents the same error, is left out in both cases.
    """

    def others_register_and_the_version_is_set_back(_: Deliver) -> None:
        before = store.get_event("e1")
        other.register("e1", "b")
        other.register("e1", "a")
        after = store.get_event("e1")
        assert before is not None
        assert after is not None
        tampered = after.model_copy(update={"version": before.version})
        store.commit(Plan("tampering", "e1", None, (), (PutEvent(tampered, after.version),)))

    one = process(UnguardedStore(store, without, others_register_and_the_version_is_set_back))
    if holds:
        with pytest.raises(AlreadyRegistered):
            one.register("e1", "a")
    else:
        one.register("e1", "a")
    assert seats_agree(store) is holds


@pytest.mark.parametrize("holds", [True, False])
def test_late_commit_is_not_applied_after_its_user_was_answered_busy(
    holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R8.12: a leave is delayed, and its resend rejected; without the fence, the first may still be applied."""
    store = FaultyStore()
    one = service_on(store, spawn=lambda _: None)
    new_users(one, "a")
    new_event(one)
    one.register("e1", "a")
    faults: list[Fault] = [on_its_way, *[conflict] * 100]
    store.faults = faults
    if holds:
        with pytest.raises(NotConfirmed):
            one.unregister("e1", "a")
    else:
        # As if a rejected resend meant that the first commit will never be applied.
        monkeypatch.setattr(Committer, "find_out", lambda *_: False)
        with pytest.raises(Busy):
            one.unregister("e1", "a")
        assert store.arrive() == [True]


@pytest.mark.parametrize(
    ("without", "holds"), [((), True), (("version",), True), (("version", "entry"), False)]
)
def test_reminder_is_decided_once_by_two_sweeps_at_the_same_moment(
    store: Store, without: Sequence[str], holds: bool
) -> None:
    """R8.15: the commit that moves the event's due time also writes the notifications."""
    clock = ManualClock()
    other = service_on(store, clock=clock, new_id=ids("other"))
    new_users(other, "a")
    new_event(other, starts_at=START + timedelta(days=2))
    other.register("e1", "a")
    clock.advance(timedelta(days=1))
    decided: list[int] = []
    unguarded: Any = UnguardedStore(
        store, without, meanwhile=lambda _: decided.append(other.sweep())
    )
    decided.append(service_on(unguarded, clock=clock, new_id=ids("one")).sweep())
    assert (sum(decided) == 1) is holds


@pytest.mark.parametrize(
    ("without", "holds"), [((), True), (("version",), True), (("version", "entry"), False)]
)
def test_announcement_requested_twice_at_the_same_moment_is_sent_once(
    store: Store, without: Sequence[str], holds: bool
) -> None:
    """R8.13: the commit that writes the notification also records the request."""
    other = service_on(store, new_id=ids("other"))
    new_event(other)
    draft = AnnouncementDraft.of(text="Bring bread", audience="everyone")
    sent: list[bool] = []

    def meanwhile(_: Deliver) -> None:
        sent.append(other.announce("e1", draft, request_id="r1").changed)

    unguarded = UnguardedStore(store, without, meanwhile=meanwhile)
    sent.append(process(unguarded).announce("e1", draft, request_id="r1").changed)
    assert (sent.count(True) == 1) is holds
