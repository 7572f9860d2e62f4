"""Negative controls: with a guard taken out, the thing that it guards against happens.

On every store, AWS's own engine among them. Where one guard covers for another, both are taken out.
The delivery lease has its own in `tests/soak/notifications/test_two_workers.py`.
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
from domain.execution.batching import QueuedCommand
from domain.execution.committer import Committer
from domain.execution.executor import Executor
from domain.inputs import MessageDraft
from domain.planning.plan import Plan, PutEvent
from domain.ports import Store
from domain.service import Service
from tests.support.environment import START, ManualClock, ids, new_event, new_users, service_on
from tests.support.faulty_store import Fault, FaultyStore, conflict, on_its_way
from tests.support.invariants import Everything, assert_sound, everything_in
from tests.support.stores import Kind, empty_store, without_foreign_keys
from tests.support.unguarded_store import Arrives, View


@pytest.fixture(params=["memory", "sqlite", "moto", "local"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    kind: Kind = request.param
    # SQLite's foreign keys are a guard that DynamoDB does not have.
    with empty_store(kind) as store, without_foreign_keys(store):
        yield store


@pytest.fixture
def other(store: Store) -> Service:
    """Return another process, with an event of one seat, and three people."""
    service = service_on(store, new_id=ids("other"))
    new_users(service, "a", "b", "c")
    new_event(service, capacity=1)
    return service


def process(view: View) -> Service:
    """Return a process that sees the store like this."""
    seen: Any = view
    return service_on(seen, new_id=ids("one"))


def seats_agree(store: Store) -> bool:
    """Return whether the event counts as many seats as there are, and no more than it has."""
    found: Everything = everything_in(store)
    event = found.events["e1"]
    return event.registered_count == len(found.seated("e1")) <= event.capacity


@pytest.mark.parametrize(
    ("without", "holds"),
    [((), True), (("version",), True), (("entry",), True), (("version", "entry"), False)],
)
def test_the_last_seat_is_given_once(
    store: Store, other: Service, without: Sequence[str], holds: bool
) -> None:
    """R7.3: the version condition, and the journal's one entry a version, each keep two from one seat."""

    def other_takes_it(_: Arrives) -> None:
        other.register("e1", "b")

    one = process(View(store, without, other_takes_it))
    assert one.register("e1", "a").position == (1 if holds else None)
    assert seats_agree(store) is holds


@pytest.mark.parametrize(("without", "holds"), [((), True), (("user",), False)])
def test_a_deleted_user_does_not_come_back_as_a_registration(
    store: Store, other: Service, without: Sequence[str], holds: bool
) -> None:
    """R7.1: the user goes between the reading and the commit; the user check sees it."""

    def other_deletes_a(_: Arrives) -> None:
        other.delete_user("a")

    one = process(View(store, without, other_deletes_a))
    if holds:
        with pytest.raises(UnknownUser):
            one.register("e1", "a")
        assert_sound(store)
    else:
        one.register("e1", "a")
        with pytest.raises(AssertionError, match="has no user"):
            assert_sound(store)


@pytest.mark.parametrize(("without", "holds"), [((), True), (("user mark",), False)])
def test_a_user_under_deletion_is_in_no_event_that_the_cascade_has_not_seen(
    store: Store, other: Service, without: Sequence[str], holds: bool
) -> None:
    """R7.1: after the mark a query that finds nothing is final, for the user check fails on any mark."""

    class Deleting(View):
        """The deleter's view: what the query found is old by the time that the row goes."""

        arrives: Arrives

        def get_registrations_of(self, user_id: str) -> object:
            rows = self.store.get_registrations_of(user_id)
            self.arrives()
            self.arrives = lambda: None
            return rows

    def is_deleted(arrives: Arrives) -> None:
        view = Deleting(store)
        view.arrives = arrives
        process(view).delete_user("a")

    one = process(View(store, without, is_deleted))
    if holds:
        with pytest.raises(UnknownUser):
            one.register("e1", "a")
        assert_sound(store)
    else:
        one.register("e1", "a")
        with pytest.raises(AssertionError, match="has no user"):
            assert_sound(store)


@pytest.mark.parametrize(("without", "holds"), [((), True), (("user",), False)])
def test_a_refusal_that_others_of_its_batch_bring_about_is_true_of_their_commit(
    store: Store, other: Service, without: Sequence[str], holds: bool
) -> None:
    """R7.1: `a` takes the last seat; `b`, refused for that, was deleted before the seat was taken."""
    new_event(other, "small", capacity=1, has_waitlist=False)

    def other_deletes_b(_: Arrives) -> None:
        other.delete_user("b")

    one = process(View(store, without, other_deletes_b))
    entries = [QueuedCommand[Command, Outcome](Register(user_id), deadline=1.0) for user_id in "ab"]
    one._executor._run_batch("small", entries)
    placed, refused = [entry.result for entry in entries]
    assert isinstance(placed.result(0), RegisterOutcome)
    assert isinstance(refused.exception(0), UnknownUser if holds else EventFull)


@pytest.mark.parametrize(("without", "holds"), [((), True), (("user",), False)])
def test_who_comes_in_and_leaves_in_one_batch_is_there_at_its_commit(
    store: Store, other: Service, without: Sequence[str], holds: bool
) -> None:
    """R7.1: `b` is deleted before the commit, of which nothing but the history is left."""

    def other_deletes_b(_: Arrives) -> None:
        other.delete_user("b")

    one = process(View(store, without, other_deletes_b))
    commands: list[Command] = [Register("b"), Unregister("b", Cause.OWN)]
    entries = [QueuedCommand[Command, Outcome](command, deadline=1.0) for command in commands]
    one._executor._run_batch("e1", entries)
    came = entries[0].result
    assert isinstance(came.exception(0), UnknownUser) is holds


@pytest.mark.parametrize(("without", "holds"), [((), True), (("mark",), False)])
def test_nobody_registers_for_an_event_that_is_being_deleted(
    store: Store, other: Service, without: Sequence[str], holds: bool
) -> None:
    """R7.2: without the mark the event is alive after a deletion that was called done."""
    assert process(View(store, without)).delete_event("e1")
    if holds:
        with pytest.raises(UnknownEvent):
            other.register("e1", "a")
    else:
        assert other.register("e1", "a").position is None


@pytest.mark.parametrize("holds", [True, False])
def test_a_refusal_is_true_at_one_moment(
    store: Store, other: Service, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R3.2: the event is read while it is full, its people after a seat came free: it is read again."""
    new_event(other, "small", capacity=1, has_waitlist=False)
    other.register("small", "b")
    one = process(View(store, before_second_read=lambda: void(other.unregister("small", "b"))))
    if holds:
        assert one.register("small", "a").position is None
    else:
        monkeypatch.setattr(Executor, "_is_unchanged", lambda *_: True)
        with pytest.raises(EventFull):
            one.register("small", "a")


def void(_: object) -> None:
    """Return nothing."""


@pytest.mark.parametrize("store", ["sqlite", "local"], indirect=True)  # those that know tokens
@pytest.mark.parametrize(
    ("without", "by_journal", "holds"),
    [((), False, True), (("token",), True, True), (("token",), False, False)],
)
def test_a_commit_whose_answer_was_lost_is_known_by_its_token_or_its_entry(
    store: Store,
    other: Service,
    without: Sequence[str],
    by_journal: bool,
    holds: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R7.4: with both out, the leave that applied is planned anew, and finds nobody to leave."""
    other.register("e1", "a")
    if not by_journal:
        monkeypatch.setattr(Committer, "_find_out", lambda *_: False)
    one = process(View(store, without, lose_answers=1))
    if holds:
        assert one.unregister("e1", "a").event.registered_count == 0
    else:
        with pytest.raises(NotRegistered):
            one.unregister("e1", "a")


@pytest.mark.parametrize(
    ("without", "holds"), [(("entry",), True), (("entry", "registration"), False)]
)
def test_nobody_is_registered_twice_even_where_the_version_was_tampered_with(
    store: Store, other: Service, without: Sequence[str], holds: bool
) -> None:
    """R3.4: somebody sets the version back by hand; the registration's own condition still holds.

    The journal's entry, which covers for it, is out in both cases.
    """

    def others_register_and_the_version_is_set_back(_: Arrives) -> None:
        before = store.get_event("e1")
        other.register("e1", "b")
        other.register("e1", "a")
        after = store.get_event("e1")
        assert before is not None
        assert after is not None
        tampered = after.model_copy(update={"version": before.version})
        store.commit(Plan("tampering", "e1", None, (), (PutEvent(tampered, after.version),)))

    one = process(View(store, without, others_register_and_the_version_is_set_back))
    if holds:
        with pytest.raises(AlreadyRegistered):
            one.register("e1", "a")
    else:
        one.register("e1", "a")
    assert seats_agree(store) is holds


@pytest.mark.parametrize("holds", [True, False])
def test_a_late_commit_does_not_apply_after_its_person_was_told_that_it_did_not(
    holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R8.12: a leave is on its way, and its resend is rejected; without the fence it may still arrive."""
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
        # As if a rejected resend said that the first one never will apply.
        monkeypatch.setattr(Committer, "_find_out", lambda *_: False)
        with pytest.raises(Busy):
            one.unregister("e1", "a")
        assert store.arrive() == [True]


@pytest.mark.parametrize(
    ("without", "holds"), [((), True), (("version",), True), (("version", "entry"), False)]
)
def test_a_reminder_is_decided_once_by_two_who_sweep_at_the_same_moment(
    store: Store, without: Sequence[str], holds: bool
) -> None:
    """R8.15: the commit that moves the event's due time is the one that has people told."""
    clock = ManualClock()
    other = service_on(store, clock=clock, new_id=ids("other"))
    new_users(other, "a")
    new_event(other, starts_at=START + timedelta(days=2))
    other.register("e1", "a")
    clock.advance(timedelta(days=1))
    decided: list[int] = []
    view: Any = View(store, without, meanwhile=lambda _: decided.append(other.sweep()))
    decided.append(service_on(view, clock=clock, new_id=ids("one")).sweep())
    assert (sum(decided) == 1) is holds


@pytest.mark.parametrize(
    ("without", "holds"), [((), True), (("version",), True), (("version", "entry"), False)]
)
def test_a_message_that_comes_twice_at_the_same_moment_is_sent_once(
    store: Store, without: Sequence[str], holds: bool
) -> None:
    """R8.13: the event knows the request, from the same commit on that has people told."""
    other = service_on(store, new_id=ids("other"))
    new_event(other)
    draft = MessageDraft.of(text="Bring bread", audience="everyone")
    sent: list[bool] = []

    def meanwhile(_: Arrives) -> None:
        sent.append(other.message("e1", draft, request_id="r1").changed)

    view = View(store, without, meanwhile=meanwhile)
    sent.append(process(view).message("e1", draft, request_id="r1").changed)
    assert (sent.count(True) == 1) is holds
