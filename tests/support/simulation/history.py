"""The histories of a run: what was asked of each event and what was answered, for two judges that know no commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from domain.commands import AddOutcome, ChangeOutcome, RegisterOutcome, UnregisterOutcome
from domain.enums import ClosedReason, RegistrationStatus
from domain.errors import (
    AlreadyRegistered,
    CapacityBelowRegistered,
    EventCanceled,
    EventFull,
    NotRegistered,
    RegistrationClosed,
    RollcallError,
    UnknownEvent,
)
from domain.models import Event, UnregisterPreview, UserRegistration
from tests.support.races.linearizability import Undecided, find_order
from tests.support.second_checker import history as neutral
from tests.support.second_checker.checker import Finding, judge
from tests.support.second_checker.history import History, Operation, Status, before
from tests.support.second_checker.to_races import race_of

if TYPE_CHECKING:
    from tests.support.simulation.judge import Call

MOST_STATES = 30_000
"""States that the first judge looks at: some ten seconds. The second one decides what is left, in far less."""

MOST_OPERATIONS = 40
"""How many operations of each event are judged: the first ones."""

NOT_MODELED = {"starts_at", "ends_at", "registration_deadline"}
"""Changes after which the second judge does not know what is true."""

QUESTIONS: dict[str, Callable[[str], neutral.Question]] = {
    "register": neutral.Register,
    "register_ensuring_user": neutral.Register,
    "unregister": neutral.Leave,
    "remove": neutral.Leave,
    "get_registration": neutral.Read,
    "preview_unregister": neutral.Read,
    "delete_user": neutral.DeleteUser,
    "deactivate_user": neutral.DeleteUser,
    "announce": lambda _: neutral.Read(),
    "close_event": lambda _: neutral.SetStatus(Status.CLOSED),
    "reopen_event": lambda _: neutral.SetStatus(Status.OPEN),
    "cancel_event": lambda _: neutral.SetStatus(Status.CANCELED),
    "delete_event": lambda _: neutral.SetStatus(Status.DELETED),
}
"""The question of each method, by the user whom it is about. `edit_event` has its changes."""

IN_STEPS = {"delete_user", "deactivate_user", "delete_event"}
"""Methods of several commits: one that is refused may have begun, and is finished in the background."""


def check_history(history: History) -> None:
    """Assert that one order of the operations explains all answers. A judge may give up one that is too large."""
    if not history.operations:
        return
    verdict = judge(history)
    assert verdict.finding is not Finding.INCONSISTENT, str(verdict)
    with suppress(Undecided):
        find_order(*race_of(history), max_states=MOST_STATES)


def history_of(
    created: Event, created_at: float, calls: Sequence[Call], *, in_steps: bool = False
) -> History:
    """Return the history of one event, from its creation: the calls about it, and about users only, since then.

    It ends where a change comes that the second judge does not know: `in_steps` says that increases of the capacity
    take several commits.
    """
    not_modeled = NOT_MODELED | ({"capacity"} if in_steps else set())
    about = [
        call
        for call in calls
        if call.event_id in ("", created.event_id) and call.ended >= created_at
    ]
    unknown = [
        call.begun for call in about if call.changes and not_modeled & call.changes.model_fields_set
    ]
    creation = neutral.Create(created.capacity, created.has_waitlist)
    operations = [Operation(creation, created_at, created_at, neutral.Done())]
    operations += [operation for call in about for operation in _operations(call)]
    if unknown and min(unknown) <= created_at:
        return History(())
    history = History(before(operations, min(unknown, default=inf))).first(MOST_OPERATIONS)
    # So many calls may have begun before the creation that it is not among the first.
    has_creation = any(isinstance(one.question, neutral.Create) for one in history.operations)
    return history if has_creation else History(())


def _operations(call: Call) -> Iterator[Operation]:
    """Yield a call as an operation. One that changed nothing, and says nothing about the event, is left out."""
    if call.name == "add_attendees":
        yield from _additions(call)
        return
    question = _question(call)
    if question is None:
        return
    if call.ended == inf:
        yield Operation(question, call.begun)
        return
    answer = _answer(call.answer)
    if answer is not None:
        yield Operation(question, call.begun, call.ended, answer)
    elif call.name in IN_STEPS:
        yield Operation(question, call.begun)


def _additions(call: Call) -> Iterator[Operation]:
    """Yield an organizer's addition as registrations of one user each."""
    if call.ended == inf:
        yield from (Operation(neutral.Register(one), call.begun) for one in call.user_ids)
    elif isinstance(call.answer, AddOutcome):
        for named, question in (
            (call.answer.added, neutral.Register),
            (call.answer.present, neutral.Read),
        ):
            for one in named:
                own = neutral.Own(one.position, one.registration.ticket)
                asked = question(one.registration.user_id)
                yield Operation(asked, call.begun, call.ended, own)


def _question(call: Call) -> neutral.Question | None:
    if call.changes is not None:
        given = call.changes.given()
        return neutral.Edit(given.get("capacity"), given.get("has_waitlist"))
    make = QUESTIONS.get(call.name)
    return None if make is None else make(call.user_id)


def _answer(answer: object) -> neutral.Answer | None:
    """Return an answer in the neutral form, None for one that says nothing about the event."""
    match answer:
        case RollcallError():
            return _refusal(answer)
        case RegisterOutcome(_, row, position) | UserRegistration(row, _, position):
            return neutral.Own(position, row.ticket)
        case UnregisterPreview():
            return _answer(answer.registration)
        case UnregisterOutcome(_, row, promoted):
            had_seat = row.status is RegistrationStatus.REGISTERED
            return neutral.Left(promoted, had_seat, row.ticket)
        case ChangeOutcome(_, changed, promoted):
            return neutral.Done(promoted, changed)
        case True:
            return neutral.Done()
    return None


def _refusal(refusal: RollcallError) -> neutral.Answer | None:
    match refusal:
        case AlreadyRegistered():
            return neutral.Already(refusal.position)
        case NotRegistered():
            return neutral.NotRegistered()
        case EventFull():
            return neutral.Full(refusal.capacity, refusal.registered)
        case RegistrationClosed(reason=ClosedReason.CLOSED):
            return neutral.NotOpen(Status.CLOSED)
        case RegistrationClosed(reason=ClosedReason.CANCELED):
            return neutral.NotOpen(Status.CANCELED)
        case EventCanceled():
            return neutral.Canceled()
        case CapacityBelowRegistered():
            return neutral.BelowSeated(refusal.requested, refusal.registered)
        case UnknownEvent():
            return neutral.UnknownEvent()
    return None
