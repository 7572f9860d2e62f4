"""The consumer carries out what is queued for an event: in order, once, and everybody gets a result (R14)."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.commands import (
    Command,
    Register,
    RegisterOutcome,
    SetStatus,
    Unregister,
    UnregisterOutcome,
)
from domain.enums import EventStatus, RegistrationStatus
from domain.errors import (
    AlreadyRegistered,
    Busy,
    EventFull,
    OperatorNeeded,
    OutcomeUnknown,
    RegistrationClosed,
    RequestFailed,
    UnknownEvent,
)
from domain.execution.executor import BATCH_SIZE
from domain.execution.queue_consumer import OLDEST, Consumed, added_users
from domain.execution.request_codec import InDoubt, encode_command, encode_results
from domain.planning.plan import Plan, PutBatchResults, PutRegistration
from domain.ports import Conflict, Rows, ThreadNotStarted, Unavailable
from domain.queued import QueuedRequest, QueueState, RequestResult
from tests.support.builders import planned
from tests.support.environment import ids, new_event, new_users, service_on
from tests.support.invariants import assert_invariants
from tests.support.queueing import Died, Queues, conflict, dies, fine, lost, void

CROWD = [f"u{number:03}" for number in range(130)]


@pytest.fixture
def queues() -> Queues:
    """Make an event with two seats and a waitlist, a full one without, and 130 users."""
    queues = Queues()
    service = queues.function()
    new_users(service, *CROWD)
    new_event(service)
    new_event(service, "full", capacity=1, has_waitlist=False)
    service.register("full", CROWD[0])
    return queues


def presses(number: int, first: int = 0) -> list[Register]:
    return [Register(user_id) for user_id in CROWD[first : first + number]]


def seated(queues: Queues) -> list[str]:
    rows = [row for (of, _), row in queues.store.registrations.items() if of == "e1"]
    seated = [row for row in rows if row.status is RegistrationStatus.REGISTERED]
    return [row.user_id for row in sorted(seated, key=lambda row: row.ticket)]


def waitlisted(queues: Queues) -> list[str]:
    return [entry.user_id for entry in queues.store.get_waitlist("e1", limit=None)]


def commits_of(queues: Queues) -> int:
    return queues.store.events["e1"].version


def test_requests_are_carried_out_in_order(queues: Queues) -> None:
    queues.add(*presses(5))
    assert queues.consume() == 5
    assert seated(queues) == CROWD[:2]
    assert waitlisted(queues) == CROWD[2:5]
    positions = [one.position for one in queues.results() if isinstance(one, RegisterOutcome)]
    assert positions == [None, None, 1, 2, 3]


def test_requests_that_wait_together_share_a_commit(queues: Queues) -> None:
    queues.add(*presses(20))
    before = commits_of(queues)
    queues.consume()
    assert commits_of(queues) == before + 1


def test_no_commit_has_more_actions_than_dynamodb_takes(queues: Queues) -> None:
    """The store of these tests refuses one that has: the results are one of the 100."""
    new_event(queues.function(), "large", capacity=120)
    queues.add(*presses(130), event_id="large")
    assert queues.consume("large") == 130
    assert queues.store.events["large"].waitlist_count == 10
    assert_invariants(queues.store)


def test_next_requests_are_read_and_planned_during_a_commit(queues: Queues) -> None:
    queues.add(*presses(90))
    before, reads_before = len(queues.store.commits), queues.store.event_reads
    queues.consume()
    assert len(queues.store.commits) > before + 2
    # The first batch reads the event. The others are planned on the event that the batch before leaves.
    assert queues.store.event_reads == reads_before + 1


def test_request_that_depends_on_the_commit_before_is_planned_after_it(queues: Queues) -> None:
    """Somebody presses twice, and the presses come into two batches."""
    queues.add(*presses(BATCH_SIZE), Register(CROWD[0]), Unregister(CROWD[0]))
    queues.consume()
    again, left = queues.results()[-2:]
    assert isinstance(again, AlreadyRegistered)
    assert isinstance(left, UnregisterOutcome)
    assert left.promoted == (CROWD[2],)
    assert_invariants(queues.store)


def test_second_press_that_comes_into_the_next_batch_is_refused(queues: Queues) -> None:
    queues.add(*presses(BATCH_SIZE), Register(CROWD[0]))
    queues.consume()
    assert isinstance(queues.results()[-1], AlreadyRegistered)
    # It was read after the commit that registered the user: nothing was planned in vain.
    assert queues.store.rejected == 0


def test_unregistering_promotes_whoever_the_batch_before_put_on_the_waitlist(
    queues: Queues,
) -> None:
    queues.add(*presses(3))
    queues.consume()
    queues.add(*presses(BATCH_SIZE, first=3), Unregister(CROWD[0]), Unregister(CROWD[1]))
    queues.consume()
    assert seated(queues) == [CROWD[2], CROWD[3]]
    assert_invariants(queues.store)


def test_press_after_a_promotion_in_the_batch_before_gets_its_position(queues: Queues) -> None:
    """Who is promoted leaves the waitlist, so the positions behind change."""
    queues.add(*presses(4))
    queues.consume()
    queues.add(Unregister(CROWD[0]), *presses(BATCH_SIZE - 1, first=10), Register(CROWD[3]))
    queues.consume()
    again = queues.results()[-1]
    assert isinstance(again, AlreadyRegistered)
    assert again.position == 1


def test_organizers_command_has_its_turn(queues: Queues) -> None:
    queues.add(*presses(1), SetStatus(EventStatus.CLOSED, None), *presses(1, first=1))
    queues.consume()
    assert isinstance(queues.results()[-1], RegistrationClosed)
    assert seated(queues) == CROWD[:1]


def test_refusals_of_a_batch_that_changes_nothing_are_results(queues: Queues) -> None:
    queues.add(*presses(3, first=1), event_id="full")
    assert queues.consume("full") == 3
    assert [type(one) for one in queues.results("full")] == [EventFull] * 3


def test_request_for_an_event_that_does_not_exist_is_refused(queues: Queues) -> None:
    queues.add(*presses(1), event_id="none")
    assert queues.consume("none") == 1
    assert isinstance(queues.results("none")[0], UnknownEvent)


def test_refusal_that_is_no_longer_true_is_not_given(queues: Queues) -> None:
    """A seat becomes free between the reads and the results."""
    queues.add(*presses(1, first=1), event_id="full")
    put = queues.store.put_refusals
    other = service_on(queues.store, new_id=ids("other"))

    def put_refusals(event_id: str, version: int | None, results: object) -> None:
        queues.store.put_refusals = put  # type: ignore[method-assign]  # the next comes through
        other.unregister("full", CROWD[0])
        put(event_id, version, results)  # type: ignore[arg-type]  # as it comes

    queues.store.put_refusals = put_refusals  # type: ignore[method-assign]  # another process acts before
    queues.consume("full")
    assert isinstance(queues.results("full")[0], RegisterOutcome)


# What may be read during a commit


def test_plan_that_only_adds_names_whom_it_adds(queues: Queues) -> None:
    plan = planned(queues.store, *presses(3))
    assert added_users(plan) == frozenset(CROWD[:3])


@pytest.mark.parametrize("command", [Unregister(CROWD[3]), SetStatus(EventStatus.CLOSED, None)])
def test_plan_that_changes_what_others_have_is_waited_for(queues: Queues, command: Command) -> None:
    queues.add(*presses(4))
    queues.consume()
    plan = planned(queues.store, command)
    changes_registrations = isinstance(command, Unregister)
    assert added_users(plan) == (None if changes_registrations else frozenset())


def test_plan_that_replaces_a_registration_is_waited_for(queues: Queues) -> None:
    """Whoever was promoted is on the waitlist no more."""
    queues.add(*presses(3))
    queues.consume()
    promotion = planned(queues.store, Unregister(CROWD[0]))
    puts = [one for one in promotion.actions if isinstance(one, PutRegistration)]
    assert puts
    assert added_users(replace(promotion, actions=tuple(puts))) is None


# Other processes, and consumers that die


def test_consumer_begins_again_if_another_process_changes_the_event(queues: Queues) -> None:
    queues.add(*presses(60))
    other = service_on(queues.store, new_id=ids("other"))
    queues.store.before_commit = [fine, lambda _: void(other.close_event("e1"))]
    queues.consume()
    results = queues.results()
    refused = [one for one in results if isinstance(one, RegistrationClosed)]
    assert refused
    assert all(isinstance(one, RegisterOutcome) for one in results[: -len(refused)])
    assert_invariants(queues.store)


def test_requests_handed_over_again_are_not_carried_out_again(queues: Queues) -> None:
    """Lambda hands over a batch again if the invocation fails, whatever was done."""
    queues.add(Register(CROWD[0]), Unregister(CROWD[0]), Register(CROWD[1]))
    queues.consume()
    before, results = commits_of(queues), queues.results()
    assert queues.consume() == 3
    assert commits_of(queues) == before
    assert queues.results() == results


@pytest.mark.parametrize("commits", [1, 2, 3])
def test_consumer_that_takes_over_knows_what_was_carried_out(queues: Queues, commits: int) -> None:
    """The dead one had committed, and written no results of its last commits."""
    queues.add(*presses(BATCH_SIZE * 2), Unregister(CROWD[0]), Register(CROWD[0]))
    queues.store.after_commit = [*[fine] * (commits - 1), dies]
    queues.store.before_results = [*[fine] * max(0, commits - 2), *[conflict] * 100]
    with pytest.raises(Died):
        queues.consume()
    queues.store.before_results.clear()
    assert queues.consume() == BATCH_SIZE * 2 + 2
    first, *_, left, again = queues.results()
    assert isinstance(first, RegisterOutcome)
    assert first.position is None
    assert isinstance(left, UnregisterOutcome)
    assert isinstance(again, RegisterOutcome)
    assert again.position is not None
    assert_invariants(queues.store)


def test_results_of_a_commit_are_kept_until_each_request_has_its_own(queues: Queues) -> None:
    """The results of two commits are kept. The third takes the place of the first, and waits for its results."""
    queues.add(*presses(120))
    replaced: list[RequestResult] = []

    def look(plan: Plan) -> None:
        (batch,) = (one.batch for one in plan.actions if isinstance(one, PutBatchResults))
        stored = queues.store.batches.get(("e1", batch.slot))
        for result in stored.results if stored else ():
            replaced.append(result)
            assert result.request_id in queues.store.results

    queues.store.before_commit = [look] * 10
    assert queues.consume() == 120
    assert replaced


def test_request_without_a_written_result_counts_as_not_carried_out(queues: Queues) -> None:
    """Whoever takes over writes it: the invocation's time is over."""
    queues.add(*presses(2))
    queues.store.before_results = [conflict] * 1000
    assert queues.consume(until=1.0) == 0
    queues.store.before_results.clear()
    assert queues.consume() == 2
    assert all(isinstance(one, RegisterOutcome) for one in queues.results())


def test_result_of_a_commit_whose_answer_was_lost_is_found_out(queues: Queues) -> None:
    queues.add(*presses(2))
    queues.store.after_commit = [lost]
    assert queues.consume() == 2
    assert seated(queues) == CROWD[:2]


def test_consumer_leaves_what_it_has_no_time_for(queues: Queues) -> None:
    queues.add(*presses(3))
    assert queues.consume(until=0.0) == 0
    assert queues.results() == [None] * 3


def test_consumer_leaves_what_the_store_does_not_take(queues: Queues) -> None:
    requests = queues.add(*presses(1))
    fault = OperatorNeeded("a sentence for the operator")

    def refuse(_: object) -> None:
        raise fault

    queues.store.before_commit = [refuse]
    assert queues.consumer().consume("e1", requests, 60.0) == Consumed(0, fault)


def test_consumer_says_what_kept_it_until_its_time_was_over(queues: Queues) -> None:
    requests = queues.add(*presses(1))
    fault = Unavailable("throttled")

    def fail(*_: object) -> QueueState:
        raise fault

    queues.store.get_queue_state = fail  # type: ignore[method-assign,assignment]  # all reads fail
    assert queues.consumer().consume("e1", requests, 1.0) == Consumed(0, fault)


def test_consumer_works_without_threads(queues: Queues) -> None:
    queues.add(*presses(BATCH_SIZE + 1))
    consumer = queues.consumer()

    def spawn(_: object) -> None:
        raise ThreadNotStarted

    consumer.spawn = spawn
    requests = queues.store.requests["e1"]
    assert consumer.consume("e1", requests, 60.0).number == len(requests)


def test_queue_stays_open_while_requests_wait_in_it(queues: Queues) -> None:
    """Whoever presses then would overtake those who wait: the consumer may have started late."""
    queues.add(*presses(1))
    assert "e1" not in queues.store.open_until
    queues.consume()
    assert queues.store.open_until["e1"] > queues.clock.now()


def plan_of_a_dead_consumer(queues: Queues, event_id: str = "e1") -> Plan:
    """Have a consumer die just before its commit arrives. Return the plan, which may still come."""
    late: list[Plan] = []

    def die(plan: Plan) -> None:
        late.append(plan)
        raise Died

    queues.store.before_commit = [die]
    with pytest.raises(Died):
        queues.consume(event_id)
    return late[0]


def test_refusal_is_final_though_a_dead_consumer_s_commit_is_on_its_way(queues: Queues) -> None:
    """Registration closes in between. The refused press must not be registered by the late commit."""
    service = queues.function()
    closes_at = queues.clock.now() + timedelta(minutes=1)
    new_event(service, "soon", registration_deadline=closes_at)
    queues.add(*presses(1), event_id="soon")
    late = plan_of_a_dead_consumer(queues, "soon")
    queues.clock.advance(timedelta(minutes=1))
    assert queues.consume("soon") == 1
    assert isinstance(queues.results("soon")[0], RegistrationClosed)
    with pytest.raises(Conflict):
        queues.store.commit(late)


def test_press_that_is_too_old_is_never_carried_out_late(queues: Queues) -> None:
    """A consumer had died with its commit on the way. "Busy" says that nothing was changed."""
    queues.add(*presses(1))
    late = plan_of_a_dead_consumer(queues)
    queues.clock.advance(OLDEST + timedelta(seconds=1))
    queues.consume()
    assert isinstance(queues.results()[0], Busy)
    with pytest.raises(Conflict):
        queues.store.commit(late)


def test_refusals_for_the_time_change_the_event_once_an_invocation(queues: Queues) -> None:
    """More are not needed: whatever was planned before, it can't apply any more."""
    deadline = queues.clock.now() + timedelta(seconds=1)
    new_event(queues.function(), "soon", registration_deadline=deadline)
    queues.add(*presses(BATCH_SIZE * 2), event_id="soon")
    queues.clock.advance(timedelta(seconds=1))
    before = queues.store.events["soon"].version
    queues.consume("soon")
    assert queues.store.events["soon"].version == before + 1


def test_other_refusals_leave_the_event_as_it_is(queues: Queues) -> None:
    """Nobody has planned anything else for this version. A change would update the cards."""
    queues.add(*presses(BATCH_SIZE * 2, first=1), event_id="full")
    before = queues.store.events["full"]
    queues.consume("full")
    assert queues.store.events["full"] == before


def test_refusals_leave_a_deleted_event_as_it_is(queues: Queues) -> None:
    service = queues.function()
    deadline = queues.clock.now() + timedelta(seconds=1)
    new_event(service, "soon", registration_deadline=deadline)
    queues.add(*presses(1), event_id="soon")
    queues.clock.advance(timedelta(seconds=1))
    service.delete_event("soon", actor=None)
    before = queues.store.events["soon"]
    queues.consume("soon")
    assert isinstance(queues.results("soon")[0], UnknownEvent)
    assert queues.store.events["soon"] == before


# Requests that can't be carried out


def test_request_whose_commit_can_never_apply_ends_alone(queues: Queues) -> None:
    """The event is damaged: a waitlist entry is missing. Without a queue, the answer is the same."""
    queues.add(*presses(3))
    queues.consume()
    queues.store.waitlist.clear()
    queues.add(Unregister(CROWD[2]), *presses(2, first=10))
    assert queues.consume() == 6
    *_, failed, first, second = queues.results()
    assert isinstance(failed, Busy)
    assert isinstance(first, RegisterOutcome)
    assert isinstance(second, RegisterOutcome)


def test_request_whose_commit_fails_unexpectedly_fails_alone(queues: Queues) -> None:
    queues.add(*presses(3))

    def fail(plan: Plan) -> None:
        if any(
            isinstance(one, PutRegistration) and one.registration.user_id == CROWD[1]
            for one in plan.actions
        ):
            raise ZeroDivisionError

    queues.store.before_commit = [fail] * 9
    assert queues.consume() == 3
    assert [type(one) for one in queues.results()] == [
        RegisterOutcome,
        RequestFailed,
        RegisterOutcome,
    ]


def test_request_that_is_too_old_is_refused(queues: Queues) -> None:
    """Its person was told so by then, or has pressed again."""
    queues.add(*presses(1))
    queues.clock.advance(OLDEST + timedelta(seconds=1))
    queues.add(*presses(1, first=1))
    assert queues.consume() == 2
    old, new = queues.results()
    assert isinstance(old, Busy)
    assert isinstance(new, RegisterOutcome)
    assert seated(queues) == CROWD[1:2]


def test_request_in_doubt_that_is_too_old_is_not_called_undone(queues: Queues) -> None:
    """Its plan may have applied."""
    outcome = encode_results([""], [EventFull("e1", "Yoga", 1, 1)], queues.clock.now())[0]
    command = encode_command(Register(CROWD[0]), InDoubt("plan", 99, outcome))
    unreadable(queues, command)
    queues.clock.advance(OLDEST + timedelta(seconds=1))
    queues.consume()
    assert isinstance(queues.results()[0], OutcomeUnknown)


def unreadable(queues: Queues, command: str) -> None:
    request = QueuedRequest(queues.new_id(), "e1", queues.clock.now(), command)
    queues.store.put_request(request)


@pytest.mark.parametrize(
    "command",
    [
        "no JSON",
        "[]",
        '{"kind":"Unknown","value":{}}',
        '{"kind":"Register","value":{}}',
        '{"kind":"Register"}',
    ],
)
def test_request_that_can_not_be_read_fails_alone_with_a_reference(
    queues: Queues, command: str
) -> None:
    """A newer version wrote it, say. Those behind it are carried out."""
    queues.add(*presses(1))
    unreadable(queues, command)
    queues.add(*presses(1, first=1))
    assert queues.consume() == 3
    first, failed, last = queues.results()
    assert isinstance(failed, RequestFailed)
    assert failed.reference == "reference"
    assert len(queues.failures) == 1
    assert isinstance(first, RegisterOutcome)
    assert isinstance(last, RegisterOutcome)


def test_failure_of_an_unreadable_request_names_nothing_that_was_typed(queues: Queues) -> None:
    unreadable(queues, json.dumps({"kind": "Register", "value": {"user_id": ["a secret"]}}))
    queues.consume()
    assert "secret" not in str(queues.failures[0])


def test_request_that_can_not_be_planned_fails_alone(queues: Queues) -> None:
    queues.add(*presses(5))
    get_rows = queues.store.get_rows

    def rows(event_id: str, *, registrations_of: Collection[str], users: Collection[str]) -> Rows:
        if CROWD[2] in users:
            raise ZeroDivisionError
        return get_rows(event_id, registrations_of=registrations_of, users=users)

    queues.store.get_rows = rows  # type: ignore[method-assign]  # one row is damaged
    assert queues.consume() == 5
    assert [type(one) for one in queues.results()] == [
        *[RegisterOutcome] * 2,
        RequestFailed,
        *[RegisterOutcome] * 2,
    ]
    assert len(queues.failures) == 1


def test_request_that_can_not_be_planned_in_a_later_batch_fails_alone(queues: Queues) -> None:
    queues.add(*presses(BATCH_SIZE * 2))
    get_rows = queues.store.get_rows

    def rows(event_id: str, *, registrations_of: Collection[str], users: Collection[str]) -> Rows:
        if CROWD[BATCH_SIZE + 20] in users:
            raise ZeroDivisionError
        return get_rows(event_id, registrations_of=registrations_of, users=users)

    queues.store.get_rows = rows  # type: ignore[method-assign]  # one row is damaged
    queues.consume()
    failed = [one for one in queues.results() if isinstance(one, RequestFailed)]
    assert len(failed) == 1
    assert isinstance(queues.results()[BATCH_SIZE + 20], RequestFailed)


def test_result_of_a_dead_consumer_stays(queues: Queues) -> None:
    """What people were told stays true, whatever would be decided now."""
    (request,) = queues.add(*presses(1))
    (decided,) = encode_results([request.request_id], [Busy()], queues.clock.now())
    queues.store.put_results([decided])
    queues.consume()
    assert queues.store.results == {request.request_id: decided}
    assert not seated(queues)
