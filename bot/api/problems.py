"""What programs are told when something was refused or went wrong: problem documents (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.responses import JSONResponse

from domain import errors
from domain.errors import RollcallError
from domain.inputs import reason

MEDIA_TYPE = "application/problem+json"

TYPE = "urn:rollcall:"
"""What every type of ours begins with; the types are stable."""


class Problem(BaseModel):
    """A problem document. Its type's other members are the ids and numbers of what happened."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["about:blank"])
    title: str
    status: int


class NotAuthorized(RollcallError):
    """The request has no bearer token that this workspace knows (R10.3)."""


_KINDS: Mapping[type[RollcallError], tuple[int, str, str]] = {
    NotAuthorized: (401, "not-authorized", "A valid bearer token is needed"),
    errors.UnknownUser: (404, "unknown-user", "There is no such user"),
    errors.UnknownEvent: (404, "unknown-event", "There is no such event"),
    errors.NotRegistered: (
        *(404, "not-registered"),
        "The user neither has a seat in the event nor waits for one",
    ),
    errors.DuplicateUser: (409, "duplicate-user", "There is a user with this id already"),
    errors.DuplicateEvent: (409, "duplicate-event", "There is, or was, an event with this id"),
    errors.AlreadyRegistered: (409, "already-registered", "The user is in the event already"),
    errors.EventFull: (409, "event-full", "The event is full, and keeps no waitlist"),
    errors.RegistrationClosed: (
        *(409, "registration-closed"),
        "The event takes no registrations any more",
    ),
    errors.CapacityBelowRegistered: (
        *(409, "capacity-below-registered"),
        "More people than that have a seat already",
    ),
    errors.EventCanceled: (409, "event-canceled", "A canceled event can't be changed"),
    errors.Invalid: (422, "invalid", "A field is missing or malformed"),
    errors.Busy: (503, "busy", "It could not be done in time, and nothing was changed"),
    errors.NotConfirmed: (
        *(504, "not-confirmed"),
        "It is not known yet whether it was done: ask how things are",
    ),
}
"""Each error's status, type and title."""

_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}

_FIELDS = {
    "starts_at": "date",
    "ends_at": "endDate",
    "organizer_id": "organizer",
    "co_organizer_ids": "coOrganizers",
}
"""What JSON names differently than the domain; all else is in camelCase."""

_MEMBERS = {"title": "eventTitle", "status": "registrationStatus"}
"""What a problem document has under these names is its own."""


UNFORESEEN = Problem(
    type=TYPE + "unforeseen",
    title="Something went wrong, and it is not known whether it was done",
    status=500,
)


def problem(kind: type[RollcallError]) -> Problem:
    """Return the document of a kind of error, but for what one of them carries."""
    status, name, title = _KINDS[kind]
    return Problem(type=TYPE + name, title=title, status=status)


def refused(error: RollcallError) -> JSONResponse:
    """Return the problem document of a refusal, with what the error carries."""
    carried = {
        _MEMBERS.get(name, to_camel(name)): value
        for name, value in vars(error).items()
        if not isinstance(value, Future)
    }
    if isinstance(error, errors.Invalid):
        field, _, rest = error.field.partition(".")
        carried["field"] = ".".join(filter(None, [_FIELDS.get(field, to_camel(field)), rest]))
    return _response(problem(type(error)), carried)


def malformed(finding: Mapping[str, Any]) -> JSONResponse:
    """Return the problem document of a request that is not of the form that its route takes."""
    where, *path = finding["loc"]
    if where == "path":
        # What can't be an id is nobody's.
        unknown = errors.UnknownUser if path == ["userId"] else errors.UnknownEvent
        return refused(unknown(str(finding["input"])))
    is_json = finding["type"] != "json_invalid"
    field = ".".join(str(part) for part in path) if is_json else ""
    members = {"field": field or "body", "reason": reason(finding)}
    return _response(problem(errors.Invalid), members)


def unforeseen(reference: str) -> JSONResponse:
    """Return the problem document of a failure that nobody foresaw."""
    return _response(UNFORESEEN, {"reference": reference})


def plain(status: int, title: str, headers: Mapping[str, str]) -> JSONResponse:
    """Return a problem that its HTTP status says all of."""
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
