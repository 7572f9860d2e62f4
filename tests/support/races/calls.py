"""Calls of the service as their callers saw them, and the same calls on the reference model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from domain.enums import EventStatus
from domain.models import Actor
from tests.support.reference_model import ReferenceModel, Refused

Facts = tuple[object, ...]
"""An answer as a tuple: its kind, or the name of a refusal, and then its facts."""

BUSY: Facts = ("Busy",)

FIRST_COMMIT = 49
"""The number of promotions in the first commit of a capacity increase, if that many users are waitlisted."""


@dataclass(frozen=True)
class Call:
    """Call with its times and its answer. Times are nanoseconds of the machine's monotonic clock."""

    name: str
    args: Facts
    invoked: int
    responded: int | None = None
    """None if no answer came: the call may still take effect, or never."""
    answer: Facts | None = None
    hint: tuple[int, int] = (0, 0)
    """The event's version in the answer, and the call's number in its process's queue: the search tries these first."""

    def __str__(self) -> str:
        """Return the call on one line, for the report of a rejected history."""
        args = ", ".join(str(arg) for arg in self.args)
        return f"{self.invoked}-{self.responded} {self.name}({args}) -> {self.answer} {self.hint}"


def model_answer(model: ReferenceModel, call: Call) -> Facts:
    """Make the call on the model; return the model's answer."""
    try:
        return MODEL_CALLS[call.name](model, call)
    except Refused as refused:
        return (refused.name, *refused.facts)


# Each of the service's methods, on the model. `linearizability` splits the long ones into steps.


def _register(model: ReferenceModel, call: Call) -> Facts:
    event_id, user_id = _ids(call)
    position = model.register(event_id, user_id)
    return ("placed", model.event(event_id).tickets[user_id], position)


def _register_answering(model: ReferenceModel, call: Call) -> Facts:
    event_id, user_id, answer = _values(call)
    position = model.register(event_id, user_id, answer)
    return ("placed", model.event(event_id).tickets[user_id], position)


def _change_answer(model: ReferenceModel, call: Call) -> Facts:
    event_id, user_id, answer = _values(call)
    is_changed = model.change_answer(event_id, user_id, answer)
    registered_as = model.event(event_id).status_and_position(user_id)
    return ("answered", is_changed, registered_as and registered_as[1])


def _get_answer(model: ReferenceModel, call: Call) -> Facts:
    """Return an attendee's answer, hidden if the event does not ask."""
    _own(model, call)
    event_id, user_id = _ids(call)
    event = model.event(event_id)
    return ("answer", event.answers.get(user_id) if event.asks else None)


def _ask(model: ReferenceModel, call: Call) -> Facts:
    event_id, asks = _values(call)
    event = model.event(event_id)
    if event.status is EventStatus.CANCELED:
        raise Refused("EventCanceled")
    is_changed, event.asks = event.asks is not asks, asks
    return ("changed", (), is_changed)


def _leave(model: ReferenceModel, call: Call) -> Facts:
    event_id, user_id = _ids(call)
    before = _own(model, call)
    promoted = model.leave(event_id, user_id)
    return ("left", *before[1:3], tuple(promoted))


def _leave_over_http(model: ReferenceModel, call: Call) -> Facts:
    """Leave; the API's answer has only the promoted users."""
    return ("left", tuple(model.leave(*_ids(call))))


def _edit(model: ReferenceModel, call: Call) -> Facts:
    event_id, capacity, has_waitlist = _values(call)
    before = model.event(event_id).contents()
    named = len(call.answer[1]) if call.answer and call.answer[0] == "changed" else 0  # type: ignore[arg-type]
    promoted = model.edit(event_id, capacity, has_waitlist, most=max(FIRST_COMMIT, named))
    return ("changed", tuple(promoted), model.event(event_id).contents() != before)


def _edit_over_http(model: ReferenceModel, call: Call) -> Facts:
    """Edit; the API's answer does not have the promoted users."""
    event_id, capacity, has_waitlist = _values(call)
    model.edit(event_id, capacity, has_waitlist, most=FIRST_COMMIT)
    return ("edited",)


def _set_status(model: ReferenceModel, call: Call, status: EventStatus) -> Facts:
    (event_id,) = _values(call)
    before = model.event(event_id).status
    model.set_status(event_id, status)
    return ("changed", (), before is not status)


def _delete_event(model: ReferenceModel, call: Call) -> Facts:
    """Delete the event, which no one finds from the first step on, finished or not (R7.2)."""
    model.delete_event(*_values(call))
    return call.answer if call.answer and call.answer[0] == "deleted" else ("deleted", True)


def _create_user(model: ReferenceModel, call: Call) -> Facts:
    model.create_user(*_values(call))
    return ("created",)


def _get_user(model: ReferenceModel, call: Call) -> Facts:
    (user_id,) = _values(call)
    if user_id not in model.users:
        raise Refused("UnknownUser")
    return ("user",)


def _get_registration(model: ReferenceModel, call: Call) -> Facts:
    model.event(_ids(call)[0])
    return _own(model, call)


def _listed_registration(model: ReferenceModel, call: Call) -> Facts:
    """Return one event of `list_registrations_of`, which may read each event at another moment."""
    try:
        return _own(model, call)
    except Refused:
        return ("absent",)


def _own(model: ReferenceModel, call: Call) -> Facts:
    event_id, user_id = _ids(call)
    event = model.event(event_id)
    registered_as = event.status_and_position(user_id)
    if registered_as is None:
        raise Refused("NotRegistered")
    status, position = registered_as
    return ("own", status, event.tickets[user_id], position)


def _preview_unregister(model: ReferenceModel, call: Call) -> Facts:
    own = _get_registration(model, call)
    event = model.event(_ids(call)[0])
    can_return = event.has_waitlist and event.status is EventStatus.OPEN
    waitlisted = len(event.waitlist)
    next_gets_seat = own[3] is None and waitlisted > 0
    return ("preview", *own[1:], next_gets_seat, waitlisted if can_return and waitlisted else None)


def _get_event(model: ReferenceModel, call: Call) -> Facts:
    event = model.event(*_values(call))
    return ("event", event.capacity, event.status, len(event.seated), len(event.waitlist))


def _create_event(model: ReferenceModel, call: Call) -> Facts:
    event_id, user_id = _ids(call)
    model.create_event(event_id, 2, has_waitlist=True, organizers=[user_id])
    return ("event", 2, EventStatus.OPEN, 0, 0)


def _set_co_organizer(model: ReferenceModel, call: Call) -> Facts:
    event_id, user_id = _ids(call)
    before = model.event(event_id).contents()
    model.edit_organizers(event_id, None, [user_id])
    return ("changed", (), model.event(event_id).contents() != before)


def _take_over(model: ReferenceModel, call: Call) -> Facts:
    event_id, user_id = _ids(call)
    return ("changed", (), model.take_over(event_id, Actor(user_id, is_admin=True)))


def _set_status_as(model: ReferenceModel, call: Call, status: EventStatus) -> Facts:
    event_id, user_id = _ids(call)
    before = model.event(event_id).status
    model.set_status(event_id, status, Actor(user_id))
    return ("changed", (), before is not status)


def _get_organizers(model: ReferenceModel, call: Call) -> Facts:
    return ("organizers", *model.event(*_values(call)).organizers)


def _ids(call: Call) -> tuple[str, str]:
    event_id, user_id = _values(call)
    return event_id, user_id


def _values(call: Call) -> tuple[Any, ...]:
    return call.args


MODEL_CALLS: dict[str, Callable[[ReferenceModel, Call], Facts]] = {
    "register": _register,
    "register_answering": _register_answering,
    "change_answer": _change_answer,
    "get_answer": _get_answer,
    "ask": _ask,
    "unregister": _leave,
    "remove": _leave,
    "leave": _leave_over_http,
    "edit_event": _edit,
    "put_event": _edit_over_http,
    "close_event": lambda model, call: _set_status(model, call, EventStatus.CLOSED),
    "reopen_event": lambda model, call: _set_status(model, call, EventStatus.OPEN),
    "cancel_event": lambda model, call: _set_status(model, call, EventStatus.CANCELED),
    "delete_event": _delete_event,
    "create_user": _create_user,
    "get_user": _get_user,
    "get_registration": _get_registration,
    "is_in": _listed_registration,
    "preview_unregister": _preview_unregister,
    "get_event": _get_event,
    "create_event": _create_event,
    "set_co_organizer": _set_co_organizer,
    "take_over": _take_over,
    "close_as": lambda model, call: _set_status_as(model, call, EventStatus.CLOSED),
    "reopen_as": lambda model, call: _set_status_as(model, call, EventStatus.OPEN),
    "get_organizers": _get_organizers,
}
