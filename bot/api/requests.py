"""What programs send: camelCase JSON, judged field by field by the domain's own types."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from domain.enums import RegistrationStatus
from domain.errors import Invalid
from domain.execution.retry import PAGE_SIZE
from domain.inputs import (
    Capacity,
    CoOrganizers,
    Description,
    EventChanges,
    EventDraft,
    Identifier,
    Location,
    Name,
    TimeZone,
    Title,
    UserChanges,
    UserDraft,
    from_local,
)

LONGEST_PAGE = 100

_WITH_A_TIME = re.compile(r"[^T ]+[T ][^T ]+")


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        if isinstance(value, str) and _WITH_A_TIME.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass  # said below
    raise PydanticCustomError(
        "moment", "must be an ISO 8601 date and time, such as 2030-05-24T18:00:00+02:00"
    )


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema(
        {
            "type": "string",
            "format": "iso-8601",
            "description": "With an offset from UTC; or without one, and local to `timeZone`.",
            "examples": ["2030-05-24T18:00:00+02:00", "2030-05-24T18:00"],
        }
    ),
]
"""A moment with an offset, or local to the time zone that is given beside it."""

_NOT_GIVEN = datetime(1, 1, 1, tzinfo=UTC)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Seats = Annotated[Capacity, BeforeValidator(_whole)]
"""A capacity; to JSON, 12.0 is a whole number, too."""


class Json(BaseModel):
    """An object of the API: its members are named in camelCase, and there are no others."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


# Users


class NewUser(Json):
    """A user to create. `userId`: a Slack id where messages should reach that person."""

    user_id: Identifier | None = None
    name: Name
    time_zone: TimeZone | None = None

    def draft(self) -> UserDraft:
        """Return the user as the service takes it."""
        return UserDraft.of(**self.model_dump(exclude_unset=True))


def _without_defaults(schema: dict[str, Any]) -> None:
    for member in schema["properties"].values():
        member.pop("default", None)


Ignored = Annotated[object, Field(description="Ignored: what GET answered may be put back.")]
"""A member that only we set."""

Same = Annotated[str | None, Field(description="As GET answered it: it is not changed here.")]
"""A member that is not changed by an update, and that nobody is to believe changed."""


class Update(Json):
    """What to set; a member that is not given stays as it is, whatever the class has for it."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    created_at: Ignored = None
    updated_at: Ignored = None


class UserUpdate(Update):
    """What to set of a user; a member that is not given stays as it is."""

    name: Name = ""
    time_zone: TimeZone | None = None
    user_id: Same = None

    def changes(self) -> UserChanges:
        """Return the changes as the service takes them."""
        given = {"name", "time_zone"} & self.model_fields_set
        return UserChanges.of(**self.model_dump(include=given))


# Events


def _times(given: NewEvent | EventUpdate) -> dict[str, datetime | None]:
    """Return the moments that were given, in UTC, under the domain's names; raises `Invalid`."""
    moments = {name: getattr(given, name) for name in _TIMES if name in given.model_fields_set}
    return {
        _TIMES[name]: None if moment is None else _in_utc(_TIMES[name], moment, given.time_zone)
        for name, moment in moments.items()
    }


_TIMES = {
    "date": "starts_at",
    "end_date": "ends_at",
    "registration_deadline": "registration_deadline",
}
"""The times of an event, and the domain's names for them."""


def _in_utc(name: str, moment: datetime, time_zone: str | None) -> datetime:
    if moment.tzinfo is not None:
        return moment
    if not time_zone:
        raise Invalid(name, "must say its offset from UTC, or timeZone must be given")
    return from_local(name, moment, time_zone)


class NewEvent(Json):
    """An event to create. `date` is its start; without `timeZone` it is shown in UTC."""

    event_id: Identifier | None = None
    title: Title
    description: Description = ""
    date: Moment
    end_date: Moment | None = None
    time_zone: TimeZone | None = None
    location: Location = ""
    organizer: Identifier
    co_organizers: CoOrganizers = ()
    capacity: Seats
    has_waitlist: bool = Field(strict=True)
    registration_deadline: Moment | None = None
    listed: bool = Field(default=True, strict=True)

    def draft(self) -> EventDraft:
        """Return the event as the service takes it; raises `Invalid`."""
        return EventDraft.of(
            event_id=self.event_id,
            time_zone=self.time_zone or "UTC",
            organizer_id=self.organizer,
            co_organizer_ids=self.co_organizers,
            **self.model_dump(include={*_AS_THEY_ARE}),
            **_times(self),
        )


_AS_THEY_ARE = ("title", "description", "location", "capacity", "has_waitlist", "listed")
"""What an event has under the same name here and in the domain."""


class EventUpdate(Update):
    """What to set of an event; a member that is not given stays as it is."""

    title: Title = ""
    description: Description = ""
    date: Moment = _NOT_GIVEN
    end_date: Moment | None = None
    time_zone: TimeZone = ""
    location: Location = ""
    organizer: Identifier = ""
    co_organizers: CoOrganizers = ()
    capacity: Seats = 1
    has_waitlist: bool = Field(default=False, strict=True)
    registration_deadline: Moment | None = None
    listed: bool = Field(default=True, strict=True)
    event_id: Same = None
    status: Same = None
    registered_count: Ignored = None
    waitlist_count: Ignored = None
    capacity_target: Ignored = None

    def changes(self) -> EventChanges:
        """Return the changes as the service takes them; raises `Invalid`."""
        given = self.model_dump(include={*_AS_THEY_ARE, "time_zone"} & self.model_fields_set)
        if "organizer" in self.model_fields_set:
            given["organizer_id"] = self.organizer
        if "co_organizers" in self.model_fields_set:
            given["co_organizer_ids"] = self.co_organizers
        return EventChanges.of(**given, **_times(self))


class NewRegistration(Json):
    """Who registers."""

    user_id: Identifier


# Lists


class Paging(Json):
    """Which page of a list."""

    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE, description="A page may be shorter.")] = (
        PAGE_SIZE
    )
    cursor: Annotated[str | None, Field(description="The `nextCursor` of the page before.")] = None


class Filter(Paging):
    """Which page of which registrations."""

    status: RegistrationStatus | None = None
