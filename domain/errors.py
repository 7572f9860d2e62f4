"""Refusals: errors with data and without sentences. `bot/slack/error_messages.py` has those."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date, datetime

from domain.enums import ClosedReason, RegistrationStatus, Visibility


class RollcallError(Exception):
    """Base of all refusals. Unless a subclass says otherwise, nothing was changed."""

    def __str__(self) -> str:
        """Return the error's data, for logs."""
        return ", ".join(f"{name}={value!r}" for name, value in vars(self).items())


@dataclass(eq=False)
class Invalid(RollcallError):
    """A field is missing or malformed (R1.4, R2.3). The reason completes "The field ..."."""

    field: str
    reason: str


@dataclass(eq=False)
class UnknownUser(RollcallError):
    """The user does not exist or is being deleted (R3.5, R7.1)."""

    user_id: str


@dataclass(eq=False)
class DuplicateUser(RollcallError):
    """A user with this id exists already (R1.3)."""

    user_id: str


@dataclass(eq=False)
class UnknownEvent(RollcallError):
    """The event does not exist, or it was deleted (R3.5, R6.4)."""

    event_id: str


@dataclass(eq=False)
class NotASeries(RollcallError):
    """The event is not a series, and only a series can be changed like this (R13)."""

    event_id: str
    title: str


@dataclass(eq=False)
class DuplicateEvent(RollcallError):
    """An event with this id exists or existed. Ids of deleted events are never used again (R7.2)."""

    event_id: str


@dataclass(eq=False)
class EventFull(RollcallError):
    """The event has no free seat and no waitlist (R3.2, R2.7)."""

    event_id: str
    title: str
    capacity: int
    registered: int


@dataclass(eq=False)
class TooFewSeats(RollcallError):
    """The event has fewer free seats than users to add, and no waitlist (R12.4, R2.7)."""

    event_id: str
    title: str
    requested: int
    free: int


@dataclass(eq=False)
class TooManyToAdd(RollcallError):
    """One commit can't hold as many new attendees: at most `most` of these users (R12.4).

    A waitlist entry makes a registration's write larger, so fewer can join the waitlist at once.
    """

    event_id: str
    requested: int
    most: int


@dataclass(eq=False)
class AlreadyRegistered(RollcallError):
    """The user is registered or waitlisted already (R3.4). A user with a seat has no position."""

    event_id: str
    title: str
    user_id: str
    status: RegistrationStatus
    position: int | None
    has_started: bool = False
    """Whether the event has started: no more seats are given out (R4.7)."""
    is_canceled: bool = False
    is_over: bool = False
    takes_answers: bool = False
    """Whether the user can give or change answers now (R12.3)."""
    is_series: bool = False
    """Whether it is a registration for all of a series (R13.4), whose position means nothing."""


@dataclass(eq=False)
class AnswersNeeded(RollcallError):
    """The event has questions that the user was not asked, or not as they are now (R12.3)."""

    event_id: str
    title: str


@dataclass(eq=False)
class NotRegistered(RollcallError):
    """The user is neither registered nor waitlisted (R4.4)."""

    event_id: str
    title: str
    user_id: str
    is_series: bool = False


@dataclass(eq=False)
class EventOver(RollcallError):
    """The event is over since `since`, so no one can leave it (R4.7)."""

    event_id: str
    title: str
    since: datetime


@dataclass(eq=False)
class RegistrationClosed(RollcallError):
    """The event takes no registrations (R2.6, R3.5).

    `since`: the start or the registration deadline, if one of these is the reason.
    """

    event_id: str
    title: str
    reason: ClosedReason
    since: datetime | None
    is_series: bool = False


@dataclass(eq=False)
class CapacityBelowRegistered(RollcallError):
    """The requested capacity is less than the number of registered users (R2.5)."""

    event_id: str
    requested: int
    registered: int
    day: date | None = None
    """Of a series: the day of the occurrence that has so many."""


@dataclass(eq=False)
class EventCanceled(RollcallError):
    """A canceled event can't be changed or reopened, nor a series that has ended."""

    event_id: str
    is_series: bool = False


@dataclass(eq=False)
class NotOrganizer(RollcallError):
    """Only the event's organizers and workspace admins may do this (R8.9)."""

    event_id: str
    user_id: str


@dataclass(eq=False)
class AttendeesHidden(RollcallError):
    """The user may not see who is going: only those in `visible_to` and the organizers may (R12.1)."""

    event_id: str
    title: str
    visible_to: Visibility


@dataclass(eq=False)
class AlreadyOrganized(RollcallError):
    """The event has an organizer, so no admin can take it over (R2.9)."""

    event_id: str
    title: str
    organizer_id: str


@dataclass(eq=False)
class Busy(RollcallError):
    """The request could not be processed in time. Nothing was changed (R8.12)."""


class SeriesBusy(Busy):
    """An earlier change of the series is still on its way to its occurrences. Nothing was changed (R13.3)."""


class TooLate(Busy):
    """The request's time was over before anything could be tried. Nothing was changed (R8.12)."""


@dataclass(eq=False)
class OperatorNeeded(Busy):
    """The store can't be used until its operator acts: a full disk, a missing permission. Nothing was changed.

    `fault` says what is wrong and what to do, in sentences for the operator.
    """

    fault: str


@dataclass(eq=False)
class NotConfirmed(RollcallError):
    """The answer to a write was lost, and it is not known yet whether it applied (R8.12).

    `result` completes later, in another thread: with the outcome, or with the error that refused the
    request (`Busy` if the write never applied).
    """

    result: Future[object]


@dataclass(eq=False)
class Queued(RollcallError):
    """The request waits in its event's queue. It will be carried out, and its person gets a reply (R14)."""

    has_waited: bool = True
    """Whether this process has waited for the result. If not, the reply may come in a moment."""


class OutcomeUnknown(RollcallError):
    """It is not known whether the request was carried out, and nobody will tell (R8.12): look at the current state."""


@dataclass(eq=False)
class RequestFailed(RollcallError):
    """A queued request failed unexpectedly. It is logged under the reference."""

    reference: str
