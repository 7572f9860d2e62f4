"""Committing, and knowing whether it did: lost answers, conflicts, fences, and answers that come later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.commands import (
    ChangeOutcome,
    Command,
    Create,
    LeaveOutcome,
    Outcome,
    Register,
    RegisterOutcome,
    Unregister,
)
from domain.errors import (
    AlreadyRegistered,
    Busy,
    EventFull,
    NotConfirmed,
    RegistrationClosed,
    UnknownUser,
)
from domain.execution.batching import QueuedCommand
from domain.inputs import EventChanges
from domain.service import Service, _expected
from tests.support.environment import (
    ManualClock,
    ids,
    new_event,
    new_users,
    service_on,
    start_user_deletion,
)
from tests.support.faulty_store import (
    Denied,
    Fault,
    FaultyStore,
    conflict,
    denied,
    lost,
    never_sent,
    on_its_way,
)
from tests.support.invariants import assert_invariants

NO_DEADLINE = 1e9
"""A deadline that never passes."""

DEADLINE_PASSES: list[Fault] = [never_sent] * 100
"""More lost answers than there are attempts before the deadline."""


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore()


@pytest.fixture
def background() -> list[Callable[[], None]]:
    """What the service left to the background, for the test to run when it wants."""
    return []


@pytest.fixture
def committed() -> list[str]:
    """The events of which the service said that something was committed."""
    return []


@pytest.fixture
def service(
    store: FaultyStore, background: list[Callable[[], None]], committed: list[str]
) -> Service:
    service = service_on(store, spawn=background.append, on_commit=committed.append)
    new_users(service, "a", "b", "c")
    new_event(service, capacity=1)
    store.attempts.clear()
    committed.clear()
    return service


@pytest.fixture
def elsewhere(store: FaultyStore) -> Service:
    """Another process on the same store."""
    return service_on(store, new_id=ids("other"))


def test_after_a_lost_answer_the_very_same_plan_is_sent_again(
    service: Service, store: FaultyStore
) -> None:
    store.faults = [lost]
    assert service.register("e1", "a").position is None
    first, second = store.attempts
    assert first is second
    assert_invariants(store)


def test_a_commit_that_never_arrived_is_sent_again(service: Service, store: FaultyStore) -> None:
    store.faults = [never_sent, never_sent]
    service.register("e1", "a")
    assert len(store.attempts) == 3
    assert assert_invariants(store).seated("e1") == ["a"]


def test_after_a_conflict_a_new_plan_is_made(service: Service, store: FaultyStore) -> None:
    store.faults = [conflict]
    service.register("e1", "a")
    first, second = store.attempts
    assert first.plan_id != second.plan_id


def test_who_lost_the_race_for_the_last_seat_is_planned_again_into_the_line(
    service: Service, elsewhere: Service, store: FaultyStore
) -> None:
    """R3.3, across processes: the version condition is the fence."""
    store.before_commit = lambda: _ignore(elsewhere.register("e1", "b"))
    assert service.register("e1", "a").position == 1
    assert assert_invariants(store).seated("e1") == ["b"]


def test_an_applied_commit_whose_answer_was_lost_is_known_by_the_journal_after_others_moved_on(
    service: Service, elsewhere: Service, store: FaultyStore
) -> None:
    def lost_and_overtaken(store: FaultyStore, plan: object) -> None:
        try:
            lost(store, store.attempts[-1])
        finally:
            elsewhere.register("e1", "b")
            store.faults.insert(0, conflict)  # the resend

    store.faults = [lost_and_overtaken]
    assert service.register("e1", "a").position is None
    found = assert_invariants(store)
    assert (found.seated("e1"), found.waitlisted("e1")) == (["a"], ["b"])


def test_a_lost_commit_that_another_overtook_is_known_not_to_apply(
    service: Service, elsewhere: Service, store: FaultyStore
) -> None:
    def overtaken(store: FaultyStore, plan: object) -> None:
        try:
            on_its_way(store, store.attempts[-1])
        finally:
            elsewhere.register("e1", "b")

    store.faults = [overtaken]
    assert service.register("e1", "a").position == 1
    assert store.arrive() == [False]
    found = assert_invariants(store)
    assert (found.seated("e1"), found.waitlisted("e1")) == (["b"], ["a"])


def test_a_commit_still_on_its_way_is_fenced_off_before_a_new_plan_is_made(
    service: Service, store: FaultyStore
) -> None:
    """Its resend is rejected, and the version stands: without a fence it might apply after the new plan."""
    store.faults = [on_its_way, conflict]
    service.register("e1", "a")
    first, _resent, fence, last = store.attempts
    assert [type(action).__name__ for action in fence.actions] == ["PutEvent", "PutJournalEntry"]
    assert first.plan_id != last.plan_id
    assert store.arrive() == [False]
    assert assert_invariants(store).seated("e1") == ["a"]


@pytest.mark.usefixtures("service")
def test_busy_when_nothing_can_be_read_in_time(elsewhere: Service, store: FaultyStore) -> None:
    store.unreadable = 100
    with pytest.raises(Busy):
        elsewhere.register("e1", "a")
    assert store.attempts == []


@pytest.mark.usefixtures("service")
def test_a_read_that_fails_is_tried_again(elsewhere: Service, store: FaultyStore) -> None:
    store.unreadable = 2
    elsewhere.register("e1", "a")
    assert len(store.attempts) == 1


def test_busy_when_every_commit_meets_a_conflict_until_the_deadline(
    service: Service, store: FaultyStore
) -> None:
    store.faults = [conflict] * 100
    with pytest.raises(Busy):
        service.register("e1", "a")
    assert assert_invariants(store).seated("e1") == []


def test_not_confirmed_when_the_deadline_passes_without_an_answer_and_settled_when_it_applied(
    service: Service,
    store: FaultyStore,
    background: list[Callable[[], None]],
    committed: list[str],
) -> None:
    """R8.12: the person is told how it ended."""
    store.faults = [lost, *DEADLINE_PASSES[1:]]
    with pytest.raises(NotConfirmed) as unconfirmed:
        service.register("e1", "a")
    assert (unconfirmed.value.result.done(), committed) == (False, [])
    store.faults = []
    background.pop()()
    assert isinstance(unconfirmed.value.result.result(0), RegisterOutcome)
    assert committed == ["e1"]
    assert assert_invariants(store).seated("e1") == ["a"]


def test_not_confirmed_and_then_settled_as_busy_when_another_plan_took_the_version(
    service: Service,
    elsewhere: Service,
    store: FaultyStore,
    background: list[Callable[[], None]],
    committed: list[str],
) -> None:
    store.faults = DEADLINE_PASSES[:]
    with pytest.raises(NotConfirmed) as unconfirmed:
        service.register("e1", "a")
    store.faults = []
    elsewhere.register("e1", "b")
    background.pop()()
    assert isinstance(unconfirmed.value.result.exception(0), Busy)
    assert committed == []
    assert assert_invariants(store).seated("e1") == ["b"]


def test_after_not_confirmed_a_second_press_is_safe(
    service: Service, store: FaultyStore, background: list[Callable[[], None]]
) -> None:
    """R8.13: whichever of the two applies, the other changes nothing."""
    store.faults = [on_its_way, *DEADLINE_PASSES[1:]]
    with pytest.raises(NotConfirmed):
        service.register("e1", "a")
    store.faults = []
    service.register("e1", "a")
    assert store.arrive() == [False]
    background.pop()()
    assert assert_invariants(store).seated("e1") == ["a"]


def test_a_refusal_is_true_of_one_moment(
    service: Service, elsewhere: Service, store: FaultyStore
) -> None:
    """What was read before somebody else moved is read again before it refuses."""
    new_event(service, "small", capacity=1, has_waitlist=False)
    service.register("small", "b")
    store.before_reading = lambda: _ignore(elsewhere.unregister("small", "b"))
    assert service.register("small", "a").position is None


def test_a_refusal_costs_two_reads_of_the_event_and_no_commit(
    service: Service, store: FaultyStore
) -> None:
    new_event(service, "small", capacity=1, has_waitlist=False)
    service.register("small", "b")
    store.event_reads, store.attempts = 0, []
    with pytest.raises(EventFull):
        service.register("small", "a")
    assert (store.event_reads, store.attempts) == (2, [])


def test_the_commit_is_told_of_once(service: Service, committed: list[str]) -> None:
    service.register("e1", "a")
    with pytest.raises(AlreadyRegistered):
        service.register("e1", "a")
    assert committed == ["e1"]


class Interrupted(BaseException):
    """As KeyboardInterrupt is: not an Exception."""


def test_a_commit_that_is_ended_in_the_middle_is_settled_in_the_background(
    service: Service, store: FaultyStore, background: list[Callable[[], None]], committed: list[str]
) -> None:
    def ended(store: FaultyStore, plan: object) -> None:
        store.really_commit(store.attempts[-1])
        raise Interrupted

    store.faults = [ended]
    with pytest.raises(Interrupted):
        service.register("e1", "a")
    background.pop()()
    assert committed == ["e1"]
    assert assert_invariants(store).seated("e1") == ["a"]


def test_a_failure_of_the_resend_says_nothing_of_what_was_sent_before(
    service: Service, store: FaultyStore, background: list[Callable[[], None]]
) -> None:
    """R7.4: what applied is answered as it ended; the failure is reported, not lost."""
    store.faults = [lost, denied]
    assert service.register("e1", "a").registration.user_id == "a"
    with pytest.raises(Denied):
        background.pop()()
    assert background == []


def test_a_batch_whose_resend_fails_is_not_served_again_one_by_one(
    service: Service, store: FaultyStore
) -> None:
    """Nobody is told that they are not in, who has just left, nor that they are, who has just come."""
    service.register("e1", "a")
    store.faults = [lost, denied]
    entries = [
        QueuedCommand[Command, Outcome](one, NO_DEADLINE)
        for one in (Unregister("a"), Register("b"))
    ]
    service._executor.command_queue._run("e1", entries)
    assert [type(entry.result.result(0)) for entry in entries] == [LeaveOutcome, RegisterOutcome]


def test_a_failure_of_the_only_attempt_is_raised_and_nothing_was_written(
    service: Service, store: FaultyStore
) -> None:
    store.faults = [denied]
    with pytest.raises(Denied):
        service.register("e1", "a")
    assert assert_invariants(store).seated("e1") == []


def test_unconfirmed_request_gets_its_result_whatever_fails_meanwhile(
    service: Service, store: FaultyStore, background: list[Callable[[], None]]
) -> None:
    """R8.12: what nobody foresaw is reported once, and it is asked again."""
    store.faults = [lost, *DEADLINE_PASSES[1:]]
    with pytest.raises(NotConfirmed) as unconfirmed:
        service.register("e1", "a")

    def unreadable() -> None:
        if failures.pop():
            store.before_reading_journal = unreadable
        raise Denied

    failures = [False, True, True]
    store.before_reading_journal = unreadable
    background.pop()()
    assert isinstance(unconfirmed.value.result.result(0), RegisterOutcome)
    with pytest.raises(Denied):
        background.pop()()
    assert background == []


def test_unconfirmed_request_is_not_applied_after_contrary_answers(
    service: Service, store: FaultyStore, background: list[Callable[[], None]]
) -> None:
    """R2.6: a seat that was asked for before the start is not given after it."""
    store.faults = DEADLINE_PASSES[:]
    with pytest.raises(NotConfirmed) as unconfirmed:
        service.register("e1", "a")
    store.faults = []
    after_the_start = ManualClock()
    after_the_start.advance(timedelta(days=3))
    with pytest.raises(RegistrationClosed):
        service_on(store, clock=after_the_start, new_id=ids("other")).register("e1", "b")
    background.pop()()
    assert isinstance(unconfirmed.value.result.exception(0), Busy)
    assert assert_invariants(store).seated("e1") == []


@pytest.mark.parametrize("faults", [[never_sent, never_sent], [lost, never_sent]])
def test_a_creation_that_was_not_confirmed_is_done(
    service: Service,
    store: FaultyStore,
    background: list[Callable[[], None]],
    faults: list[Fault],
) -> None:
    """Of an event that is not there nobody was told anything since."""
    store.faults = [faults[0], *DEADLINE_PASSES[1:]]
    with pytest.raises(NotConfirmed) as unconfirmed:
        new_event(service, "new")
    store.faults = faults[1:]
    background.pop()()
    assert isinstance(unconfirmed.value.result.result(0), ChangeOutcome)
    assert service.get_event("new").title == "Event new"


def test_a_registration_behind_the_creation_of_its_event_is_made(
    service: Service, store: FaultyStore
) -> None:
    draft = service.get_event("e1").model_copy(update={"event_id": "new", "version": 0})
    entries = [
        QueuedCommand[Command, Outcome](one, NO_DEADLINE)
        for one in (Create(draft, "a"), Register("a"))
    ]
    service._executor.command_queue._run("new", entries[:])
    assert [entry.result.done() for entry in entries] == [True, False]
    service._executor.command_queue._run("new", entries[1:])
    assert [type(entry.result.result(0)) for entry in entries] == [ChangeOutcome, RegisterOutcome]


def test_user_deleted_before_the_registration_deadline_is_unknown(
    store: FaultyStore,
) -> None:
    """R7.1: the user and the end of registration were never there together."""
    clock = ManualClock()
    service = service_on(store, clock=clock)
    new_users(service, "a")
    deadline = clock.now() + timedelta(seconds=1)
    new_event(service, registration_deadline=deadline)

    def deleted_and_then_closed() -> None:
        start_user_deletion(store, "a")
        clock.advance(timedelta(seconds=1.5))

    store.after_reading_rows = deleted_and_then_closed
    with pytest.raises(UnknownUser):
        service_on(store, clock=clock, new_id=ids("other")).register("e1", "a")


def test_data_that_contradicts_itself_is_not_read_for_ever(
    service: Service, store: FaultyStore
) -> None:
    """R7.6: a line that is shorter than its count is an error with a reference, and `check` finds it."""
    for user_id in "abc":
        service.register("e1", user_id)
    store.waitlist.clear()
    with pytest.raises(Exception, match="too few entries of the waitlist of e1 were read"):
        service.unregister("e1", "a")


def test_a_leave_whose_answer_was_lost_tells_who_was_promoted(
    service: Service, store: FaultyStore
) -> None:
    service.register("e1", "a")
    service.register("e1", "b")
    store.faults = [lost, never_sent]
    left = service.unregister("e1", "a")
    assert isinstance(left, LeaveOutcome)
    assert left.promoted == ("b",)
    assert_invariants(store)


def test_a_raise_interrupted_by_a_crash_is_finished_by_the_sweep(store: FaultyStore) -> None:
    """R7.4: what is wanted is stored with the first step; nobody has to ask again."""
    crashed = service_on(store, spawn=lambda work: None)
    people = [f"p{number}" for number in range(140)]
    new_users(crashed, *people)
    new_event(crashed, capacity=1)
    for user_id in people:
        crashed.register("e1", user_id)
    changed = crashed.edit_event("e1", EventChanges.of(capacity=130))
    assert changed.event.capacity == 50
    assert changed.event.capacity_target == 130
    assert_invariants(store)
    after = service_on(store, new_id=ids("after"), clock=ManualClock())
    assert after.finish_unfinished() == 1
    found = assert_invariants(store)
    assert found.events["e1"].capacity == 130
    assert found.seated("e1") == people[:130]
    assert after.finish_unfinished() == 0


def test_an_outcome_of_another_kind_than_was_asked_for_is_a_bug() -> None:
    with pytest.raises(TypeError, match="expected LeaveOutcome, got 'a seat'"):
        _expected(LeaveOutcome, "a seat")


def _ignore(_: object) -> None:
    return None
