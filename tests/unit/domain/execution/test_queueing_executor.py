"""Commands that would meet others go through the event's queue (R14)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.commands import Register, RegisterOutcome
from domain.enums import RegistrationStatus
from domain.errors import EventFull, OperatorNeeded, OutcomeUnknown, Queued, RegistrationClosed
from domain.execution.queueing_executor import OPEN_SECONDS
from domain.execution.request_codec import decode_command
from domain.planning.plan import Plan
from domain.ports import AnswerLost, Conflict, Unavailable
from tests.support.environment import new_event, new_users
from tests.support.queueing import Queues, conflict, fine, lost

MANY = 200
"""More attempts than a request makes."""


@pytest.fixture
def queues() -> Queues:
    queues = Queues()
    service = queues.function()
    new_users(service, "ada", "bo", "cy")
    new_event(service)
    return queues


def consume_while_sleeping(queues: Queues) -> None:
    queues.clock.while_sleeping = lambda: queues.store.requests and queues.consume()


def test_nothing_is_queued_for_an_event_that_nobody_else_presses_for(queues: Queues) -> None:
    outcome = queues.function().register("e1", "ada")
    assert outcome.registration.status is RegistrationStatus.REGISTERED
    assert not queues.store.requests
    assert not queues.store.open_until


def test_command_that_meets_another_once_is_tried_again_directly(queues: Queues) -> None:
    """Two people who press at once don't wait until a consumer starts."""
    queues.store.before_commit = [conflict]
    assert queues.function().register("e1", "ada").position is None
    assert not queues.store.requests


def test_command_that_meets_others_twice_opens_the_queue_and_waits_in_it(queues: Queues) -> None:
    queues.store.before_commit = [conflict, conflict]
    consume_while_sleeping(queues)
    outcome = queues.function().register("e1", "ada")
    assert outcome == queues.results()[0]
    assert queues.store.open_until["e1"] > queues.clock.now()


def test_command_is_not_tried_while_the_queue_is_open(queues: Queues) -> None:
    queues.open()
    commits = len(queues.store.commits)
    with pytest.raises(Queued):
        queues.function().register("e1", "ada")
    assert len(queues.store.commits) == commits
    (request,) = queues.store.requests["e1"]
    assert decode_command(request.command) == (Register("ada"), None)


def test_function_that_has_seen_the_event_tries_it_once_at_most_while_the_queue_is_open(
    queues: Queues,
) -> None:
    """A failed try in every warm function, at every press, would keep the consumer from committing."""
    new_users(queues.function(), "dee", "eve", "fay")
    warm = queues.function()
    warm.register("e1", "ada")
    for one, other in (("bo", "dee"), ("cy", "eve"), ("dee", "fay")):
        queues.open()
        queues.add(Register(other))
        queues.consume()
        with pytest.raises(Queued):
            warm.register("e1", one)
    assert queues.store.rejected == 1


def test_queue_that_closed_is_left_alone(queues: Queues) -> None:
    queues.open()
    queues.clock.advance(OPEN_SECONDS)
    queues.function().register("e1", "ada")
    assert not queues.store.requests


def test_queue_that_is_used_stays_open(queues: Queues) -> None:
    queues.open()
    queues.clock.advance(OPEN_SECONDS * 0.6)
    with pytest.raises(Queued):
        queues.function().register("e1", "ada")
    left = queues.store.open_until["e1"] - queues.clock.now()
    assert left.total_seconds() > OPEN_SECONDS / 3


def test_refusal_of_a_queued_command_is_raised(queues: Queues) -> None:
    service = queues.function()
    new_event(service, "e2", capacity=1, has_waitlist=False)
    service.register("e2", "bo")
    queues.open("e2")
    queues.clock.while_sleeping = lambda: queues.store.requests and queues.consume("e2")
    with pytest.raises(EventFull):
        queues.function().register("e2", "ada")


def test_press_whose_result_comes_too_late_has_to_wait(queues: Queues) -> None:
    queues.open()
    queues.received_at = queues.clock.monotonic()
    with pytest.raises(Queued):
        queues.function().register("e1", "ada")
    assert 1.6 <= queues.clock.monotonic() - queues.received_at < 1.8
    (reply,) = queues.store.awaited.values()
    assert reply.request_id == queues.store.requests["e1"][0].request_id
    assert reply.address == "address"


def test_press_has_to_wait_at_once_where_few_functions_run() -> None:
    queues = Queues(wait_seconds=0.0)
    new_event(queues.function())
    queues.open()
    before = queues.clock.monotonic()
    with pytest.raises(Queued):
        queues.function().register("e1", "ada")
    assert queues.clock.monotonic() == before


def test_outcome_is_unknown_to_a_program_that_no_later_reply_can_reach() -> None:
    queues = Queues(wait_seconds=20.0, address=None)
    new_event(queues.function())
    queues.open()
    with pytest.raises(OutcomeUnknown):
        queues.function().register("e1", "ada")
    assert not queues.store.awaited


def test_program_waits_longer_for_its_result() -> None:
    queues = Queues(wait_seconds=20.0, address=None)
    service = queues.function()
    new_users(service, "ada")
    new_event(service)
    queues.open()
    queues.clock.while_sleeping = lambda: queues.clock.monotonic() > 10 and queues.consume()
    assert queues.function().register("e1", "ada").position is None


def test_request_whose_write_was_not_answered_is_written_again(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues.open()
    answers = [lost, fine]
    put = queues.store.put_request

    def put_request(request: object) -> None:
        put(request)  # type: ignore[arg-type]  # as it comes
        answers.pop(0)()

    # The queue is a dictionary: its write can't be lost otherwise.
    monkeypatch.setattr(queues.store, "put_request", put_request)
    with pytest.raises(Queued):
        queues.function().register("e1", "ada")
    assert len(queues.store.requests["e1"]) == 1
    assert not answers


def test_command_is_tried_directly_if_the_queue_takes_nothing(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues.store.before_commit = [conflict, conflict]
    # The queue is a dictionary: it takes everything otherwise.
    monkeypatch.setattr(queues.store, "put_request", conflict)
    assert queues.function().register("e1", "ada").position is None


def test_result_that_can_not_be_read_for_a_while_is_read_later(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues.open()
    consume_while_sleeping(queues)
    get, failures = queues.store.get_result, [Unavailable(), Unavailable()]

    def get_result(request_id: str) -> object:
        if failures:
            raise failures.pop()
        return get(request_id)

    # The queue is a dictionary: it can always be read otherwise.
    monkeypatch.setattr(queues.store, "get_result", get_result)
    assert queues.function().register("e1", "ada").position is None


# Plans in doubt: a function is frozen after its answer, so it can't find out what became of them.


def lose_answers(queues: Queues, *, applied: bool) -> None:
    """Lose every answer to the first plan, until its request gives up."""
    if applied:
        queues.store.after_commit = [lost] * MANY
    else:
        queues.store.before_commit = [lost] * MANY


def forget_faults(queues: Queues) -> None:
    queues.store.before_commit.clear()
    queues.store.after_commit.clear()


@pytest.mark.parametrize("applied", [True, False])
def test_plan_in_doubt_is_handed_to_the_queue_and_its_command_is_carried_out_once(
    queues: Queues, *, applied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = queues.function()
    lose_answers(queues, applied=applied)
    # Nothing can be found out in time, either.
    monkeypatch.setattr(queues.store, "get_journal_entry", _unavailable)
    with pytest.raises(Queued):
        service.register("e1", "ada")
    monkeypatch.undo()
    forget_faults(queues)
    assert queues.consume() == 1
    (outcome,) = queues.results()
    assert isinstance(outcome, RegisterOutcome)
    assert outcome.registration == queues.store.registrations["e1", "ada"]
    assert queues.store.events["e1"].registered_count == 1


def _unavailable(*_: object) -> None:
    raise Unavailable


def test_event_whose_creation_is_in_doubt_is_created_once(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = queues.function()
    lose_answers(queues, applied=False)
    # Nothing can be found out in time, either.
    monkeypatch.setattr(queues.store, "get_journal_entry", _unavailable)
    with pytest.raises(Queued):
        new_event(service, "e9")
    monkeypatch.undo()
    forget_faults(queues)
    assert queues.consume("e9") == 1
    assert queues.store.events["e9"].version == 1


def plan_on_its_way(queues: Queues, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Register ada with a plan that does not arrive in time, and return it."""
    on_its_way: list[Plan] = []

    def delay(plan: Plan) -> None:
        on_its_way.append(plan)
        raise AnswerLost

    queues.store.before_commit = [delay] * MANY
    # Nothing can be found out in time, either.
    monkeypatch.setattr(queues.store, "get_journal_entry", _unavailable)
    with pytest.raises(Queued):
        queues.function().register("e1", "ada")
    monkeypatch.undo()
    queues.store.before_commit.clear()
    return on_its_way[0]


def test_plan_in_doubt_can_not_apply_once_its_command_was_refused(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan may still be on its way: the consumer changes the event's version before it tries again."""
    late = plan_on_its_way(queues, monkeypatch)
    queues.clock.advance(timedelta(minutes=5))
    deadline = queues.clock.now() - timedelta(minutes=1)
    queues.store.events["e1"] = queues.store.events["e1"].model_copy(
        update={"registration_deadline": deadline}
    )
    queues.consume()
    assert isinstance(queues.results()[0], RegistrationClosed)
    with pytest.raises(Conflict):
        queues.store.commit(late)


# A store that takes no writes until its operator acts says that nothing was changed: that must be true


def full(_: object = None) -> None:
    raise OperatorNeeded("The disk is full. Free some space.")


def test_command_that_a_full_store_does_not_queue_is_refused_as_such(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues.open()
    # The queue is a dictionary: it is never full otherwise.
    monkeypatch.setattr(queues.store, "put_request", full)
    with pytest.raises(OperatorNeeded):
        queues.function().register("e1", "ada")


def test_plan_in_doubt_that_a_full_store_does_not_queue_is_not_called_undone(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = queues.function()
    lose_answers(queues, applied=True)
    monkeypatch.setattr(queues.store, "get_journal_entry", _unavailable)  # as above
    # The queue is a dictionary: it is never full otherwise.
    monkeypatch.setattr(queues.store, "put_request", full)
    with pytest.raises(OutcomeUnknown):
        service.register("e1", "ada")


def test_queued_command_whose_reply_a_full_store_does_not_take_is_not_called_undone(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues.open()
    # The queue is a dictionary: it is never full otherwise.
    monkeypatch.setattr(queues.store, "put_awaited_reply", full)
    with pytest.raises(OutcomeUnknown):
        queues.function().register("e1", "ada")
    assert len(queues.store.requests["e1"]) == 1


def test_plan_in_doubt_that_arrives_meanwhile_is_found(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not be carried out again: its user would read that they are registered already."""
    late = plan_on_its_way(queues, monkeypatch)
    queues.store.before_commit = [lambda _: queues.store._commit(late)]
    queues.consume()
    assert isinstance(queues.results()[0], RegisterOutcome)
    assert queues.store.events["e1"].registered_count == 1


def test_addition_that_takes_a_whole_commit_is_not_queued(queues: Queues) -> None:
    """In the queue, a commit also has the results, so one user fewer would fit."""
    service = queues.function()
    new_event(service, "wide", capacity=60)
    queues.open("wide")
    users = [f"u{number}" for number in range(49)]
    assert len(service.add_attendees("wide", users, creates_users=True).added) == 49
    assert not queues.store.requests


# What is no request of a person's


def test_steps_of_a_users_deletion_are_not_queued(queues: Queues) -> None:
    """Each of its retries would queue another one, and the deletion would wait for all of them."""
    service = queues.function()
    service.register("e1", "ada")
    queues.open()
    assert service.delete_user("ada")
    assert not queues.store.requests
