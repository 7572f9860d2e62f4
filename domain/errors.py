"""What the service refuses, each with its data and no prose for people: `bot.slack.errors` has the sentences."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime

from domain.enums import ClosedBecause, RegistrationStatus


class RollcallError(Exception):
    """Anything that Rollcall refuses; unless a leaf says otherwise, nothing was changed."""

    def __str__(self) -> str:
        """Return the error's own data, for logs."""
        return ", ".join(f"{name}={value!r}" for name, value in vars(self).items())


@dataclass(eq=False)
class Invalid(RollcallError):
    """A field is missing or malformed (R1.4, R2.3): which, and why, in words for its author."""

    field: str
    reason: str


@dataclass(eq=False)
class UnknownUser(RollcallError):
    """There is no such user, or it is being deleted (R3.5, R7.1)."""

    user_id: str


@dataclass(eq=False)
class DuplicateUser(RollcallError):
    """A user with this id exists already and was left as it was (R1.3)."""

    user_id: str


@dataclass(eq=False)
class UnknownEvent(RollcallError):
    """There is no such event, or it was deleted (R3.5, R6.4)."""

    event_id: str


@dataclass(eq=False)
class DuplicateEvent(RollcallError):
    """An event with this id exists, or existed once: an id is never used again (R7.2)."""

    event_id: str


@dataclass(eq=False)
class EventFull(RollcallError):
    """No free seat, and no waitlist to join (R3.2, R2.7)."""

    event_id: str
    title: str
    capacity: int
    registered: int


@dataclass(eq=False)
class AlreadyRegistered(RollcallError):
    """The user is in the event already (R3.4); `position` is None for one who has a seat."""

    event_id: str
    title: str
    user_id: str
    status: RegistrationStatus
    position: int | None


@dataclass(eq=False)
class NotRegistered(RollcallError):
    """The user neither has a seat in the event nor waits for one (R4.4)."""

    event_id: str
    title: str
    user_id: str


@dataclass(eq=False)
class RegistrationClosed(RollcallError):
    """The event takes no registrations any more (R2.6, R3.5); `since` is when its clock ran out."""

    event_id: str
    title: str
    because: ClosedBecause
    since: datetime | None


@dataclass(eq=False)
class CapacityBelowRegistered(RollcallError):
    """The capacity asked for is below the number registered (R2.5)."""

    event_id: str
    requested: int
    registered: int


@dataclass(eq=False)
class EventCanceled(RollcallError):
    """A canceled event can't be changed or reopened."""

    event_id: str


@dataclass(eq=False)
class NotOrganizer(RollcallError):
    """Only the event's organizers and workspace admins may do this (R8.9)."""

    event_id: str
    user_id: str


@dataclass(eq=False)
class Busy(RollcallError):
    """The request could not be taken in time: nothing was changed (R8.12)."""


@dataclass(eq=False)
class NotConfirmed(RollcallError):
    """The answer to a write was lost, and it is not known yet whether it applied (R8.12).

    `result` completes later, in another thread: with the outcome, or with the error that refused the
    request (`Busy` if the write never applied).
    """

    result: Future[object]
