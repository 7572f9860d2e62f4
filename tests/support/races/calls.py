"""A call of the service as its caller saw it, and the same call as the plain model has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from domain.enums import EventStatus
from tests.support.reference_model import ReferenceModel, Refused

Facts = tuple[object, ...]
"""An answer, bare: its kind, or a refusal's name, then what it says."""

BUSY: Facts = ("Busy",)

FIRST_COMMIT = 49
"""The least that a raise promotes in its first commit, if so many wait."""


@dataclass(frozen=True)
class Call:
    """What was asked, when, and what was answered. Times are nanoseconds on the machine's one monotonic clock."""

    name: str
    args: Facts
    invoked: int
    responded: int | None = None
    """None for a call that may still take effect, or never will: nobody was told."""
    answer: Facts | None = None
    hint: tuple[int, int] = (0, 0)
    """The event's version in the answer, and the call's turn at its process's door: what to try first."""

    def __str__(self) -> str:
        """Return the call on one line, for whoever has to understand a rejected history."""
        args = ", ".join(str(arg) for arg in self.args)
        return f"{self.invoked}-{self.responded} {self.name}({args}) -> {self.answer} {self.hint}"


def model_answer(model: ReferenceModel, call: Call) -> Facts:
    """Make the call on the model, which it changes, and return the model's answer."""
    try:
        return MODEL_CALLS[call.name](model, call)
    except Refused as refused:
        return (refused.name, *refused.facts)


# What each of the service's methods means. Long ones are taken apart in `tests.support.races.linearizability`.


def _register(model: ReferenceModel, call: Call) -> Facts:
    event_id, user_id = _ids(call)
    position = model.register(event_id, user_id)
    return ("placed", model.event(event_id).tickets[user_id], position)


def _leave(model: ReferenceModel, call: Call) -> Facts:
    event_id, user_id = _ids(call)
    was_in = _own(model, call)
    promoted = model.leave(event_id, user_id)
    return ("left", *was_in[1:3], tuple(promoted))


def _leave_over_http(model: ReferenceModel, call: Call) -> Facts:
    """The API says who was promoted, and no more."""
    return ("left", tuple(model.leave(*_ids(call))))


def _edit(model: ReferenceModel, call: Call) -> Facts:
    event_id, capacity, has_waitlist = _values(call)
    before = model.event(event_id).contents()
    told = len(call.answer[1]) if call.answer and call.answer[0] == "changed" else 0  # type: ignore[arg-type]
    promoted = model.edit(event_id, capacity, has_waitlist, most=max(FIRST_COMMIT, told))
    return ("changed", tuple(promoted), model.event(event_id).contents() != before)


def _edit_over_http(model: ReferenceModel, call: Call) -> Facts:
    """The API says that it is done, not who is promoted."""
    event_id, capacity, has_waitlist = _values(call)
    model.edit(event_id, capacity, has_waitlist, most=FIRST_COMMIT)
    return ("edited",)


def _set_status(model: ReferenceModel, call: Call, status: EventStatus) -> Facts:
    (event_id,) = _values(call)
    before = model.event(event_id).status
    model.set_status(event_id, status)
    return ("changed", (), before is not status)


def _delete_event(model: ReferenceModel, call: Call) -> Facts:
    """Whether it is done or goes on, nobody finds the event from the first step on (R7.2)."""
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


def _is_in(model: ReferenceModel, call: Call) -> Facts:
    """One event of `list_registrations_of`: no two events are promised to be of one moment."""
    try:
        return _own(model, call)
    except Refused:
        return ("absent",)


def _own(model: ReferenceModel, call: Call) -> Facts:
    event_id, user_id = _ids(call)
    event = model.event(event_id)
    place = event.place_of(user_id)
    if place is None:
        raise Refused("NotRegistered")
    status, position = place
    return ("own", status, event.tickets[user_id], position)


def _preview_leave(model: ReferenceModel, call: Call) -> Facts:
    own = _get_registration(model, call)
    event = model.event(_ids(call)[0])
    can_return = event.has_waitlist and event.status is EventStatus.OPEN
    waiting = len(event.waiting)
    next_gets_seat = own[3] is None and waiting > 0
    return ("preview", *own[1:], next_gets_seat, waiting if can_return and waiting else None)


def _get_event(model: ReferenceModel, call: Call) -> Facts:
    event = model.event(*_values(call))
    return ("event", event.capacity, event.status, len(event.seated), len(event.waiting))


def _ids(call: Call) -> tuple[str, str]:
    event_id, user_id = _values(call)
    return event_id, user_id


def _values(call: Call) -> tuple[Any, ...]:
    return call.args


MODEL_CALLS: dict[str, Callable[[ReferenceModel, Call], Facts]] = {
    "register": _register,
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
    "is_in": _is_in,
    "preview_leave": _preview_leave,
    "get_event": _get_event,
}
