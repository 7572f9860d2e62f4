"""Recorded races in the neutral form, one history for each event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf
from typing import Any

from domain.enums import ClosedReason, EventStatus, RegistrationStatus
from tests.support.races.calls import FIRST_COMMIT, Call, Facts
from tests.support.races.races import InitialEvent
from tests.support.second_checker import history as neutral
from tests.support.second_checker.checker import Finding, judge
from tests.support.second_checker.history import History, Operation, Start, Status, before

_STATUSES = {
    EventStatus.OPEN: Status.OPEN,
    EventStatus.CLOSED: Status.CLOSED,
    EventStatus.CANCELED: Status.CANCELED,
}

_QUESTIONS: Mapping[str, Callable[..., neutral.Question]] = {
    "register": neutral.Register,
    "register_answering": lambda user_id, _: neutral.Register(user_id),
    "unregister": neutral.Leave,
    "remove": neutral.Leave,
    "leave": neutral.Leave,
    "edit_event": neutral.Edit,
    "put_event": neutral.Edit,
    "close_event": lambda: neutral.SetStatus(Status.CLOSED),
    "reopen_event": lambda: neutral.SetStatus(Status.OPEN),
    "cancel_event": lambda: neutral.SetStatus(Status.CANCELED),
    "delete_event": lambda: neutral.SetStatus(Status.DELETED),
    "close_as": lambda _: neutral.SetStatus(Status.CLOSED),
    "reopen_as": lambda _: neutral.SetStatus(Status.OPEN),
    "get_registration": neutral.Read,
    "is_in": neutral.Read,
    "preview_unregister": neutral.Read,
    "get_event": neutral.Read,
    "create_event": lambda _: neutral.Create(2, has_waitlist=True),
}
"""The question of each call, by its arguments after the event's id. The others say nothing about registrations."""

_IN_STEPS = {"delete_event", "delete_user"}
"""Calls of several commits, of which some may be made when it is refused."""


def count_judged(events: Mapping[str, InitialEvent], calls: Iterable[Call]) -> int:
    """Assert that the second judge finds an order of each history too; return how many were small enough for it."""
    judged = 0
    for event_id, history in histories_of(events, calls).items():
        verdict = judge(history)
        assert verdict.finding is not Finding.INCONSISTENT, f"{event_id}: {verdict}"
        judged += verdict.finding is Finding.CONSISTENT
    return judged


def histories_of(events: Mapping[str, InitialEvent], calls: Iterable[Call]) -> dict[str, History]:
    """Return the history of each event that a race began with, or that its calls name."""
    calls = list(calls)
    named = (str(call.args[0]) for call in calls if call.name in _QUESTIONS)
    return {
        event_id: _history(event_id, events.get(event_id), calls)
        for event_id in dict.fromkeys([*events, *named])
    }


def _history(event_id: str, initial: InitialEvent | None, calls: list[Call]) -> History:
    about = [call for call in calls if event_id == call.args[0] or call.name == "delete_user"]
    operations = [operation for call in about for operation in _operations(call)]
    if initial is None:
        return History(operations)
    start = Start(Status.OPEN, initial.capacity, initial.has_waitlist, initial.attendees)
    return History(before(operations, _end(about, initial)), start)


def _end(calls: list[Call], initial: InitialEvent) -> float:
    """Return when a capacity increase in several commits may begin, which the second judge does not know."""
    attendees = len(initial.attendees) + sum(call.name.startswith("register") for call in calls)
    edits = (call.invoked for call in calls if call.name in ("edit_event", "put_event"))
    return min(edits, default=inf) if attendees > FIRST_COMMIT else inf


def _operations(call: Call) -> Iterator[Operation]:
    """Yield a call as an operation. One that changed nothing, and says nothing about the event, is left out."""
    question = _question(call)
    if question is None:
        return
    answer = None if call.answer is None else _answer(call, call.answer)
    is_open = call.answer is None or call.responded is None
    if answer is not None and call.responded is not None:
        yield Operation(question, call.invoked, call.responded, answer)
    elif is_open or call.name in _IN_STEPS:
        yield Operation(question, call.invoked)


def _question(call: Call) -> neutral.Question | None:
    if call.name == "delete_user":
        return neutral.DeleteUser(str(call.args[0]))
    make: Callable[..., neutral.Question] | None = _QUESTIONS.get(call.name)
    return None if make is None else make(*call.args[1:])


def _answer(call: Call, answer: Facts) -> neutral.Answer | None:
    """Return an answer in the neutral form, None for one that says nothing about the event."""
    facts: tuple[Any, ...] = answer
    match facts:
        case "placed", ticket, position:
            return neutral.Own(position, ticket)
        case "own", _, ticket, position:
            return neutral.Own(position, ticket)
        case "preview", _, ticket, position, *_:
            return neutral.Own(position, ticket)
        case ("absent",):
            return neutral.NotListed()
        case "left", promoted:
            return neutral.Left(promoted)
        case "left", status, ticket, promoted:
            # Not `is`: from another process, a status comes as a text.
            return neutral.Left(promoted, status == RegistrationStatus.REGISTERED, ticket)
        case "changed", promoted, changed:
            return neutral.Done(promoted, changed)
        case ("edited",) | ("deleted", True):
            return neutral.Done()
        case "event", *_ if call.name == "create_event":
            return neutral.Done()
        case "event", capacity, status, seated, waitlisted:
            return neutral.Counts(capacity, _STATUSES[status], seated, waitlisted)
    return _refusal(facts)


def _refusal(facts: tuple[Any, ...]) -> neutral.Answer | None:
    match facts:
        case "AlreadyRegistered", _, position:
            return neutral.Already(position)
        case ("NotRegistered",):
            return neutral.NotRegistered()
        case "EventFull", capacity, seated:
            return neutral.Full(capacity, seated)
        case "RegistrationClosed", ClosedReason.CLOSED, *_:
            return neutral.NotOpen(Status.CLOSED)
        case "RegistrationClosed", ClosedReason.CANCELED, *_:
            return neutral.NotOpen(Status.CANCELED)
        case ("EventCanceled",):
            return neutral.Canceled()
        case "CapacityBelowRegistered", capacity, seated:
            return neutral.BelowSeated(capacity, seated)
        case ("UnknownEvent",):
            return neutral.UnknownEvent()
    return None
