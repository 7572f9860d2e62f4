"""A history in the neutral form as a recorded race, for the first judge."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, isinf

from domain.enums import ClosedReason, RegistrationStatus
from tests.support.races.calls import Call, Facts
from tests.support.races.races import E1
from tests.support.reference_model import ReferenceModel
from tests.support.second_checker import history as neutral
from tests.support.second_checker.history import History, Operation, Status, before

NANOSECONDS = 1_000_000_000

_NAMES = {
    Status.CLOSED: "close_event",
    Status.OPEN: "reopen_event",
    Status.CANCELED: "cancel_event",
    Status.DELETED: "delete_event",
}


def race_of(history: History) -> tuple[ReferenceModel, list[Call]]:
    """Return the model of the event right after its creation, and the calls about it.

    They end before the first deletion of a user: the first judge must know who exists, and a history does not say it.
    """
    ((created, creation),) = [
        (one.begin, one.question)
        for one in history.operations
        if isinstance(one.question, neutral.Create)
    ]
    deletions = (
        one.begin for one in history.operations if isinstance(one.question, neutral.DeleteUser)
    )
    operations = before(history.operations, min(deletions, default=inf))
    model = ReferenceModel()
    for user_id in dict.fromkeys(_user_ids(operations)):
        model.create_user(user_id)
    model.create_event(E1, creation.capacity, creation.has_waitlist, ["organizer"])
    return model, [call for one in operations for call in _calls(one, created)]


def _user_ids(operations: list[Operation]) -> Iterator[str]:
    for operation in operations:
        user_id = getattr(operation.question, "user_id", "")
        if user_id:
            yield user_id


def _calls(operation: Operation, created: float) -> Iterator[Call]:
    """Yield an operation as a call, unless it says nothing about the event since its creation."""
    asked = _asked(operation.question)
    answer = None if operation.answer is None else _facts(operation.question, operation.answer)
    if asked is None or (answer is None and operation.answer is not None):
        return
    if answer == ("UnknownEvent",) and operation.begin <= created:
        return
    begin = max(operation.begin, created)
    name, *args = asked
    end = None if isinf(operation.end) else _nanoseconds(operation.end)
    yield Call(name, (E1, *args), _nanoseconds(begin), end, answer)


def _nanoseconds(seconds: float) -> int:
    return int(seconds * NANOSECONDS)


def _asked(question: neutral.Question) -> tuple[str, *tuple[object, ...]] | None:
    """Return the name of the call, and its arguments after the event's id."""
    match question:
        case neutral.Register(user_id):
            return "register", user_id
        case neutral.Leave(user_id):
            return "unregister", user_id
        case neutral.Read(user_id) if user_id:
            return "get_registration", user_id
        case neutral.Edit(capacity, has_waitlist) if question != neutral.Edit():
            return "edit_event", capacity, has_waitlist
        case neutral.SetStatus(status):
            return (_NAMES[status],)
    return None


def _facts(question: neutral.Question, answer: neutral.Answer) -> Facts | None:
    match question, answer:
        case neutral.Register(), neutral.Own(position, ticket):
            return "placed", ticket, position
        case neutral.Read(), neutral.Own(position, ticket):
            return "own", _status(position), ticket, position
        case neutral.Leave(), neutral.Left(promoted, had_seat, ticket):
            status = RegistrationStatus.REGISTERED if had_seat else RegistrationStatus.WAITLISTED
            return "left", status, ticket, promoted
        case neutral.SetStatus(Status.DELETED), neutral.Done():
            return "deleted", True
        case _, neutral.Done(promoted, changed):
            return "changed", promoted, changed
    return _refusal(answer)


def _refusal(answer: neutral.Answer) -> Facts | None:
    match answer:
        case neutral.Already(position):
            return "AlreadyRegistered", _status(position), position
        case neutral.NotRegistered():
            return ("NotRegistered",)
        case neutral.Full(capacity, seated):
            return "EventFull", capacity, seated
        case neutral.NotOpen(Status.CANCELED):
            return "RegistrationClosed", ClosedReason.CANCELED
        case neutral.NotOpen():
            return "RegistrationClosed", ClosedReason.CLOSED
        case neutral.Canceled():
            return ("EventCanceled",)
        case neutral.BelowSeated(capacity, seated):
            return "CapacityBelowRegistered", capacity, seated
        case neutral.UnknownEvent():
            return ("UnknownEvent",)
    return None


def _status(position: int | None) -> RegistrationStatus:
    return RegistrationStatus.REGISTERED if position is None else RegistrationStatus.WAITLISTED
