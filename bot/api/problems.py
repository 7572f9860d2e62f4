"""Problem documents (RFC 9457): the API's responses to refused and failed requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.responses import JSONResponse

from domain import errors
from domain.errors import RollcallError
from domain.inputs import reason

MEDIA_TYPE = "application/problem+json"

TYPE = "urn:rollcall:"
"""The prefix of all problem types. Types are stable."""


class Problem(BaseModel):
    """A problem document. Depending on the type, it has more members, such as ids and numbers."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["about:blank"])
    title: str
    status: int


class NotAuthorized(RollcallError):
    """The request has no valid bearer token of this workspace (R10.3)."""


@dataclass(eq=False)
class UnknownSeries(RollcallError):
    """The series does not exist, or it was deleted."""

    series_id: str


@dataclass(eq=False)
class IsSeries(RollcallError):
    """The route is about an event, and the id is that of a series."""

    series_id: str


_NOT_CONFIRMED = (
    *(504, "not-confirmed"),
    "The result is not known yet: read the current state to find out",
)

_PROBLEMS: Mapping[type[RollcallError], tuple[int, str, str]] = {
    NotAuthorized: (401, "not-authorized", "A valid bearer token is required"),
    errors.UnknownUser: (404, "unknown-user", "The user does not exist"),
    errors.UnknownEvent: (404, "unknown-event", "The event does not exist"),
    UnknownSeries: (404, "unknown-series", "The series does not exist"),
    IsSeries: (404, "is-series", "This is the id of a series: use the routes of /series"),
    errors.NotRegistered: (
        *(404, "not-registered"),
        "The user is neither registered nor on the waitlist",
    ),
    errors.AnswersNeeded: (422, "answers-needed", "The event's questions must be answered"),
    errors.DuplicateUser: (409, "duplicate-user", "A user with this id already exists"),
    errors.DuplicateEvent: (
        409,
        "duplicate-event",
        "An event or a series with this id already exists, or did once",
    ),
    errors.AlreadyRegistered: (
        *(409, "already-registered"),
        "The user is already registered or on the waitlist",
    ),
    errors.EventFull: (409, "event-full", "The event is full and has no waitlist"),
    errors.TooFewSeats: (
        *(409, "too-few-seats"),
        "The event has fewer free seats than users to add, and no waitlist",
    ),
    errors.TooManyToAdd: (
        *(422, "too-many-to-add"),
        "Fewer users must be added at once: a waitlist entry takes more room in a commit than a seat",
    ),
    errors.EventOver: (409, "event-over", "The event or series is over, so no one can leave it"),
    errors.RegistrationClosed: (409, "registration-closed", "Registration is closed"),
    errors.CapacityBelowRegistered: (
        *(409, "capacity-below-registered"),
        "The capacity is below the number of registered users",
    ),
    errors.EventCanceled: (
        409,
        "event-canceled",
        "A canceled event or an ended series can't be changed",
    ),
    errors.Invalid: (422, "invalid", "A field is missing or invalid"),
    errors.Busy: (503, "busy", "The request was not completed in time, and nothing was changed"),
    errors.OperatorNeeded: (
        *(503, "operator-needed"),
        "The store can't be used until its operator acts, and nothing was changed",
    ),
    errors.SeriesBusy: (
        *(503, "series-busy"),
        "An earlier change of the series is not finished, and nothing was changed",
    ),
    errors.TooLate: (503, "busy", "The request was not completed in time, and nothing was changed"),
    errors.NotConfirmed: _NOT_CONFIRMED,
    errors.OutcomeUnknown: _NOT_CONFIRMED,
}
"""The status, type and title of each kind of error."""

_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}

_FIELDS = {
    "starts_at": "date",
    "ends_at": "endDate",
    "organizer_id": "organizer",
    "co_organizer_ids": "coOrganizers",
    "recurrence.left_out": "recurrence.leftOut",
}
"""Fields whose name in JSON is not the domain's in camelCase."""

_INTERNAL = ("fault", "has_started", "is_canceled", "is_over", "is_series", "takes_answers", "day")
"""Data that is for the operator's log, or only for sentences."""

_MEMBERS = {"title": "eventTitle", "status": "registrationStatus"}
"""Names for members that a problem document has already."""

_ONLY_OF_EVENTS = ("registrationStatus",)
"""Members that mean nothing about a registration for all of a series."""


UNEXPECTED = Problem(
    type=TYPE + "unexpected",
    title="An unexpected error occurred, and the result is not known",
    status=500,
)


def problem(kind: type[RollcallError]) -> Problem:
    """Return the document of a kind of error, without the data of a particular one."""
    status, name, title = _PROBLEMS[kind]
    return Problem(type=TYPE + name, title=title, status=status)


def refusal(error: RollcallError, *, of_series: bool = False) -> JSONResponse:
    """Return the problem document of a refusal, with the error's data.

    `of_series` says whether a route of series refuses. Only a capacity that is too low is about an occurrence then.
    """
    if isinstance(error, errors.RequestFailed):
        return unexpected(error.reference)
    if of_series and isinstance(error, errors.UnknownEvent | errors.NotASeries):
        error = UnknownSeries(error.event_id)
    carried = {
        _MEMBERS.get(name, to_camel(name)): value
        for name, value in vars(error).items()
        if not isinstance(value, Future) and name not in _INTERNAL
    }
    if of_series and not isinstance(error, errors.CapacityBelowRegistered):
        carried |= {"seriesId": carried.pop("eventId")} if "eventId" in carried else {}
        carried = {name: value for name, value in carried.items() if name not in _ONLY_OF_EVENTS}
    if isinstance(error, errors.Invalid):
        field, _, rest = error.field.partition(".")
        name = ".".join(filter(None, [_FIELDS.get(field, to_camel(field)), rest]))
        carried["field"] = _encodable(_FIELDS.get(error.field, name))
    return _response(problem(type(error)), carried)


_UNKNOWN: Mapping[object, Callable[[str], RollcallError]] = {
    "userId": errors.UnknownUser,
    "eventId": errors.UnknownEvent,
    "seriesId": UnknownSeries,
}
"""The error for a malformed id in a path, by parameter: nothing can have such an id."""


def malformed(finding: Mapping[str, Any]) -> JSONResponse:
    """Return the problem document of a malformed request. `finding` is pydantic's."""
    where, *path = finding["loc"]
    if where == "path":
        return refusal(_UNKNOWN[path[0]](str(finding["input"])))
    is_json = finding["type"] != "json_invalid"
    field = ".".join(str(part) for part in path) if is_json else ""
    members = {"field": _encodable(field) or "body", "reason": reason(finding)}
    if finding["type"] == "model_attributes_type" and not field:
        members["reason"] += ", sent as application/json"
    return _response(problem(errors.Invalid), members)


def _encodable(field: str) -> str:
    """Return the path of a field, of which a client made up a part, with "?" for half characters."""
    return field.encode(errors="replace").decode()


def unexpected(reference: str) -> JSONResponse:
    """Return the problem document of an unexpected failure."""
    return _response(UNEXPECTED, {"reference": reference})


def http_error(status: int, title: str, headers: Mapping[str, str]) -> JSONResponse:
    """Return the problem document of an error that its HTTP status explains."""
    return _response(Problem(type="about:blank", title=title, status=status), {}, headers)


def _response(
    of: Problem, members: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    return JSONResponse(
        of.model_copy(update=members).model_dump(mode="json"),
        of.status,
        headers={**_HEADERS.get(of.status, {}), **(headers or {})},
        media_type=MEDIA_TYPE,
    )
