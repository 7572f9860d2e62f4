"""The committer: lost answers, conflicts, fences, and results that come later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.commands import (
    ChangeOutcome,
    Command,
    Create,
    Outcome,
    Register,
    RegisterOutcome,
    Unregister,
    UnregisterOutcome,
    expect,
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
from domain.service import Service
from tests.support.environment import (
    ManualClock,
    ids,
    new_event,
    new_users,
    run_all,
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
    """Background work of the service, for the test to run."""
    return []


@pytest.fixture
def committed() -> list[str]:
    """Ids of the events that the service reported as committed."""
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


def test_lost_answer_resends_the_same_plan(service: Service, store: FaultyStore) -> None:
    store.faults = [lost]
    assert service.register("e1", "a").position is None
    first, second = store.attempts
    assert first is second
    assert_invariants(store)


def test_commit_that_never_arrived_is_resent(service: Service, store: FaultyStore) -> None:
    store.faults = [never_sent, never_sent]
    service.register("e1", "a")
    assert len(store.attempts) == 3
    assert assert_invariants(store).seated("e1") == ["a"]


def test_conflict_makes_a_new_plan(service: Service, store: FaultyStore) -> None:
    store.faults = [conflict]
    service.register("e1", "a")
    first, second = store.attempts
    assert first.plan_id != second.plan_id


def test_loser_of_the_race_for_the_last_seat_is_waitlisted(
    service: Service, elsewhere: Service, store: FaultyStore
) -> None:
    """R3.3, across processes: the version condition decides."""
    store.before_commit = lambda: _ignore(elsewhere.register("e1", "b"))
    assert service.register("e1", "a").position == 1
    assert assert_invariants(store).seated("e1") == ["b"]


def test_applied_commit_with_a_lost_answer_is_found_in_the_journal_later(
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


def test_lost_commit_overtaken_by_another_is_known_not_to_apply(
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


def test_commit_under_way_is_fenced_before_a_new_plan(service: Service, store: FaultyStore) -> None:
    """Its resend is rejected, and the version is unchanged: without a fence it could apply later."""
    store.faults = [on_its_way, conflict]
    service.register("e1", "a")
    first, _resent, fence, last = store.attempts
    assert [type(action).__name__ for action in fence.actions] == ["PutEvent", "PutJournalEntry"]
    assert first.plan_id != last.plan_id
    assert store.arrive() == [False]
    assert assert_invariants(store).seated("e1") == ["a"]


@pytest.mark.usefixtures("service")
def test_register_without_a_read_in_time_is_busy(elsewhere: Service, store: FaultyStore) -> None:
    store.unreadable = 100
    with pytest.raises(Busy):
        elsewhere.register("e1", "a")
    assert store.attempts == []


@pytest.mark.usefixtures("service")
def test_failing_read_is_repeated(elsewhere: Service, store: FaultyStore) -> None:
    store.unreadable = 2
    elsewhere.register("e1", "a")
    assert len(store.attempts) == 1


def test_register_with_conflicts_until_the_deadline_is_busy(
    service: Service, store: FaultyStore
) -> None:
    store.faults = [conflict] * 100
    with pytest.raises(Busy):
        service.register("e1", "a")
    assert assert_invariants(store).seated("e1") == []


def test_register_without_an_answer_is_not_confirmed_and_resolves_to_its_outcome(
    service: Service,
    store: FaultyStore,
    background: list[Callable[[], None]],
    committed: list[str],
) -> None:
    """R8.12: the user gets the result later."""
    store.faults = [lost, *DEADLINE_PASSES[1:]]
    with pytest.raises(NotConfirmed) as unconfirmed:
        service.register("e1", "a")
    assert (unconfirmed.value.result.done(), committed) == (False, [])
    store.faults = []
    run_all(background)
    assert isinstance(unconfirmed.value.result.result(0), RegisterOutcome)
    assert committed == ["e1"]
    assert assert_invariants(store).seated("e1") == ["a"]


def test_register_without_an_answer_resolves_to_busy_if_another_plan_applied(
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
    run_all(background)
    assert isinstance(unconfirmed.value.result.exception(0), Busy)
    assert committed == []
    assert assert_invariants(store).seated("e1") == ["b"]


def test_second_press_after_not_confirmed_is_safe(
    service: Service, store: FaultyStore, background: list[Callable[[], None]]
) -> None:
    """R8.13: whichever applies, the other changes nothing."""
    store.faults = [on_its_way, *DEADLINE_PASSES[1:]]
    with pytest.raises(NotConfirmed):
        service.register("e1", "a")
    store.faults = []
    service.register("e1", "a")
    assert store.arrive() == [False]
    run_all(background)
    assert assert_invariants(store).seated("e1") == ["a"]


def test_refusal_after_a_change_is_planned_again(
    service: Service, elsewhere: Service, store: FaultyStore
) -> None:
    """Data read before another process wrote is read again."""
    new_event(service, "small", capacity=1, has_waitlist=False)
    service.register("small", "b")
    store.before_reading = lambda: _ignore(elsewhere.unregister("small", "b"))
    assert service.register("small", "a").position is None


def test_refusal_takes_two_reads_of_the_event_and_no_commit(
    service: Service, store: FaultyStore
) -> None:
    new_event(service, "small", capacity=1, has_waitlist=False)
    service.register("small", "b")
    store.event_reads, store.attempts = 0, []
    with pytest.raises(EventFull):
        service.register("small", "a")
    assert (store.event_reads, store.attempts) == (2, [])


def test_commit_is_reported_once(service: Service, committed: list[str]) -> None:
    service.register("e1", "a")
    with pytest.raises(AlreadyRegistered):
        service.register("e1", "a")
    assert committed == ["e1"]


class Interrupted(BaseException):
    """Not an Exception, as KeyboardInterrupt."""


def test_interrupted_commit_is_resolved_in_the_background(
    service: Service, store: FaultyStore, background: list[Callable[[], None]], committed: list[str]
) -> None:
    def ended(store: FaultyStore, plan: object) -> None:
        store.really_commit(store.attempts[-1])
        raise Interrupted

    store.faults = [ended]
    with pytest.raises(Interrupted):
        service.register("e1", "a")
    run_all(background)
    assert committed == ["e1"]
    assert assert_invariants(store).seated("e1") == ["a"]


def test_failing_resend_does_not_change_the_outcome(
    service: Service, store: FaultyStore, background: list[Callable[[], None]]
) -> None:
    """R7.4: what applied gets its outcome; the failure is reported."""
    store.faults = [lost, denied]
    assert service.register("e1", "a").registration.user_id == "a"
    with pytest.raises(Denied):
        background.pop()()
    assert background == []


def test_batch_with_a_failing_resend_is_not_run_one_by_one(
    service: Service, store: FaultyStore
) -> None:
    """Otherwise it would be refused for what it has just done."""
    service.register("e1", "a")
    store.faults = [lost, denied]
    queued = [
        QueuedCommand[Command, Outcome](one, NO_DEADLINE)
        for one in (Unregister("a"), Register("b"))
    ]
    service._executor.command_queue._run("e1", queued)
    assert [type(entry.result.result(0)) for entry in queued] == [
        UnregisterOutcome,
        RegisterOutcome,
    ]


def test_failing_first_attempt_raises_and_writes_nothing(
    service: Service, store: FaultyStore
) -> None:
    store.faults = [denied]
    with pytest.raises(Denied):
        service.register("e1", "a")
    assert assert_invariants(store).seated("e1") == []


def test_unconfirmed_request_gets_its_result_whatever_fails_meanwhile(
    service: Service, store: FaultyStore, background: list[Callable[[], None]]
) -> None:
    """R8.12: an unexpected failure is reported once, and the question is repeated."""
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
    with pytest.raises(Denied):
        background.pop(0)()
    run_all(background)
    assert isinstance(unconfirmed.value.result.result(0), RegisterOutcome)


def test_unconfirmed_request_is_not_applied_after_contrary_answers(
    service: Service, store: FaultyStore, background: list[Callable[[], None]]
) -> None:
    """R2.6: a seat requested before the start is not given after it."""
    store.faults = DEADLINE_PASSES[:]
    with pytest.raises(NotConfirmed) as unconfirmed:
        service.register("e1", "a")
    store.faults = []
    after_the_start = ManualClock()
    after_the_start.advance(timedelta(days=3))
    with pytest.raises(RegistrationClosed):
        service_on(store, clock=after_the_start, new_id=ids("other")).register("e1", "b")
    run_all(background)
    assert isinstance(unconfirmed.value.result.exception(0), Busy)
    assert assert_invariants(store).seated("e1") == []


@pytest.mark.parametrize("faults", [[never_sent, never_sent], [lost, never_sent]])
def test_unconfirmed_creation_is_applied(
    service: Service,
    store: FaultyStore,
    background: list[Callable[[], None]],
    faults: list[Fault],
) -> None:
    """An event that does not exist had no other answers since."""
    store.faults = [faults[0], *DEADLINE_PASSES[1:]]
    with pytest.raises(NotConfirmed) as unconfirmed:
        new_event(service, "new")
    store.faults = faults[1:]
    run_all(background)
    assert isinstance(unconfirmed.value.result.result(0), ChangeOutcome)
    assert service.get_event("new").title == "Event new"


def test_registration_after_the_creation_of_its_event_gets_its_own_commit(
    service: Service, store: FaultyStore
) -> None:
    draft = service.get_event("e1").model_copy(update={"event_id": "new", "version": 0})
    queued = [
        QueuedCommand[Command, Outcome](one, NO_DEADLINE)
        for one in (Create(draft, "a"), Register("a"))
    ]
    service._executor.command_queue._run("new", queued[:])
    assert [entry.result.done() for entry in queued] == [True, False]
    service._executor.command_queue._run("new", queued[1:])
    assert [type(entry.result.result(0)) for entry in queued] == [ChangeOutcome, RegisterOutcome]


def test_user_deleted_before_the_registration_deadline_is_unknown(
    store: FaultyStore,
) -> None:
    """R7.1: the user never existed while registration was closed."""
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


def test_contradicting_data_is_not_read_forever(service: Service, store: FaultyStore) -> None:
    """R7.6: a waitlist shorter than its count is an error with a reference, and `check` finds it."""
    for user_id in "abc":
        service.register("e1", user_id)
    store.waitlist.clear()
    with pytest.raises(Exception, match="too few entries of the waitlist of e1 were read"):
        service.unregister("e1", "a")


def test_leave_with_a_lost_answer_returns_who_was_promoted(
    service: Service, store: FaultyStore
) -> None:
    service.register("e1", "a")
    service.register("e1", "b")
    store.faults = [lost, never_sent]
    left = service.unregister("e1", "a")
    assert isinstance(left, UnregisterOutcome)
    assert left.promoted == ("b",)
    assert_invariants(store)


def test_capacity_increase_interrupted_by_a_crash_is_finished_by_the_sweep(
    store: FaultyStore,
) -> None:
    """R7.4: the first step stores the target, so no one has to ask again."""
    crashed = service_on(store, spawn=lambda work: None)
    user_ids = [f"p{number}" for number in range(140)]
    new_users(crashed, *user_ids)
    new_event(crashed, capacity=1)
    for user_id in user_ids:
        crashed.register("e1", user_id)
    changed = crashed.edit_event("e1", EventChanges.of(capacity=130))
    assert changed.event.capacity == 50
    assert changed.event.capacity_target == 130
    assert_invariants(store)
    after = service_on(store, new_id=ids("after"), clock=ManualClock())
    assert after.finish_unfinished() == 1
    found = assert_invariants(store)
    assert found.events["e1"].capacity == 130
    assert found.seated("e1") == user_ids[:130]
    assert after.finish_unfinished() == 0


def test_outcome_of_an_unexpected_type_raises() -> None:
    with pytest.raises(TypeError, match="expected UnregisterOutcome, got 'a seat'"):
        expect(UnregisterOutcome, "a seat")


def _ignore(_: object) -> None:
    return None
