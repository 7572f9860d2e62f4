"""Request bodies and queries: camelCase JSON, validated field by field with the domain's types."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from domain.enums import Frequency, QuestionKind, RegistrationStatus, Visibility
from domain.errors import Invalid
from domain.inputs import (
    MAX_DAYS_AHEAD,
    MAX_OPTIONS_LENGTH,
    MAX_QUESTIONS,
    Capacity,
    CoOrganizers,
    Description,
    EventChanges,
    EventDraft,
    GivenAnswers,
    Identifier,
    JoinLink,
    Location,
    Name,
    QuestionOptions,
    QuestionText,
    Reason,
    RecurrenceDraft,
    SeriesDraft,
    TimeZone,
    Title,
    UserChanges,
    UserDraft,
    UserIds,
    from_local,
)
from domain.models import DAYS_AHEAD, PAGE_SIZE
from domain.recurrence import MAX_OCCURRENCES

MAX_PAGE_SIZE = 1_000
"""Programs read a roster of this length in one request. Registrations take about 0.3 KB each."""

_HAS_TIME = re.compile(r"[^T ]+[T ][^T ]+")


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        if isinstance(value, str) and _HAS_TIME.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass  # reported below
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
            "description": "With an offset from UTC, or local to `timeZone` without one.",
            "examples": ["2030-05-24T18:00:00+02:00", "2030-05-24T18:00"],
        }
    ),
]
"""A date and time with an offset, or local to the time zone in the same body."""

_NOT_GIVEN = datetime(1, 1, 1, tzinfo=UTC)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Seats = Annotated[Capacity, BeforeValidator(_whole)]
"""A capacity. In JSON, 12.0 is a whole number, too."""


class RequestModel(BaseModel):
    """An object in a request, with camelCase names and no unknown fields."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


# Users


class NewUser(RequestModel):
    """A user to create. Use a Slack id as `userId` to notify the person in Slack."""

    user_id: Identifier | None = None
    name: Name
    time_zone: TimeZone | None = None

    def draft(self) -> UserDraft:
        """Return the draft for the service."""
        return UserDraft.of(**self.model_dump(exclude_unset=True))


def _without_defaults(schema: dict[str, Any]) -> None:
    for member in schema["properties"].values():
        member.pop("default", None)


Ignored = Annotated[object, Field(description="Ignored, so the response of GET can be sent back.")]
"""A field that only the server sets."""

Same = Annotated[str | None, Field(description="As returned by GET: it can't be changed here.")]
"""A field that an update can't change. A different value is refused."""


class Update(RequestModel):
    """An update. Missing fields stay unchanged, so the defaults below are never used."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    created_at: Ignored = None
    updated_at: Ignored = None


class UserUpdate(Update):
    """An update of a user. Missing fields stay unchanged."""

    name: Name = ""
    time_zone: TimeZone | None = None
    user_id: Same = None

    def changes(self) -> UserChanges:
        """Return the changes for the service."""
        given = {"name", "time_zone"} & self.model_fields_set
        return UserChanges.of(**self.model_dump(include=given))


# Events


def _times(given: EventFields | EventChangeFields) -> dict[str, datetime | None]:
    """Return the given times in UTC, under the domain's names. Raises `Invalid`."""
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
"""The API's names of an event's times, with the domain's."""


def _in_utc(name: str, moment: datetime, time_zone: str | None) -> datetime:
    if moment.tzinfo is not None:
        return moment
    if not time_zone:
        raise Invalid(name, "must have an offset from UTC, or timeZone must be given")
    return from_local(name, moment, time_zone)


ApiJoinLink = Annotated[
    JoinLink,
    Field(
        description="An https address, or an empty text for none. In Slack, only users with a seat see it."
    ),
]


class EventQuestion(RequestModel):
    """A question that everyone who registers is asked. Those with the kind `one` or `several` have options.

    In an update, `questionId` names the question to change; its kind stays as it is. Without one, a question with the
    same text and kind is the same, and any other is new.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"properties": {"kind": {"const": "text"}, "options": {"maxItems": 0}}},
                {
                    "properties": {
                        "kind": {"enum": ["one", "several"]},
                        "options": {"minItems": 1},
                    },
                    "required": ["options"],
                },
            ]
        }
    )

    question_id: Identifier | None = None
    text: QuestionText = Field(examples=["Which lunch?"])
    kind: QuestionKind
    options: QuestionOptions = Field(
        default=(), json_schema_extra={"examples": [["Meat", "Vegetarian"]], "uniqueItems": True}
    )
    required: bool = Field(default=False, strict=True)


Questions = Annotated[
    tuple[EventQuestion, ...],
    Field(
        max_length=MAX_QUESTIONS,
        description="All questions, in order. One that is left out is removed, and its answers are hidden. All options"
        f" together have at most {MAX_OPTIONS_LENGTH} characters.",
    ),
]


class EventFields(RequestModel):
    """The fields of a new event, or of the events that a new series creates."""

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
    join_link: ApiJoinLink = ""
    attendees_visible_to: Visibility = Visibility.EVERYONE
    questions: Questions = ()

    def values(self) -> dict[str, Any]:
        """Return the values under the domain's names. Raises `Invalid`."""
        return {
            "time_zone": self.time_zone or "UTC",
            "organizer_id": self.organizer,
            "co_organizer_ids": self.co_organizers,
            **self.model_dump(include={*_SAME_NAMES}),
            **_times(self),
        }


class NewEvent(EventFields):
    """An event to create. `date` is its start. Without `timeZone`, times are shown in UTC."""

    event_id: Identifier | None = None

    def draft(self) -> EventDraft:
        """Return the draft for the service. Raises `Invalid`."""
        return EventDraft.of(event_id=self.event_id, **self.values())


_SAME_NAMES = (
    *("title", "description", "location", "capacity", "has_waitlist", "listed"),
    *("join_link", "attendees_visible_to", "questions"),
)
"""Fields of an event with the same name in the API and the domain."""


class EventChangeFields(RequestModel):
    """The fields that can be changed in an event or a series. Missing fields stay unchanged."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

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
    join_link: ApiJoinLink = ""
    attendees_visible_to: Visibility = Visibility.EVERYONE
    questions: Questions = ()

    def changes(self) -> EventChanges:
        """Return the changes for the service. Raises `Invalid`."""
        given = self.model_dump(include={*_SAME_NAMES, "time_zone"} & self.model_fields_set)
        if "organizer" in self.model_fields_set:
            given["organizer_id"] = self.organizer
        if "co_organizers" in self.model_fields_set:
            given["co_organizer_ids"] = self.co_organizers
        return EventChanges.of(**given, **_times(self))


class EventUpdate(EventChangeFields, Update):
    """An update of an event. Missing fields stay unchanged."""

    event_id: Same = None
    status: Same = None
    series_id: Ignored = None
    occurrence: Ignored = None
    registered_count: Ignored = None
    waitlist_count: Ignored = None
    capacity_target: Ignored = None


# Series


def _day(value: object) -> date:
    try:
        if isinstance(value, str) and _IS_DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass  # reported below
    raise PydanticCustomError("day", "must be an ISO 8601 date, such as 2030-05-24")


_IS_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
"""A day in the time zone of the series."""

Times = Annotated[int, Field(strict=True, ge=1, le=MAX_OCCURRENCES), BeforeValidator(_whole)]


def _with_one_end(schema: dict[str, Any]) -> None:
    _without_defaults(schema)
    schema["oneOf"] = [{"required": ["until"]}, {"required": ["times"]}]
    is_weekly = {"properties": {"frequency": {"const": "weekly"}}}
    schema["anyOf"] = [is_weekly, {"properties": {"interval": {"const": 1}}}]


class Repetition(RequestModel):
    """How a series repeats: `until` a day, or for a number of `times`.

    Its dates follow from the first one: `weekly` on that weekday, every `interval` weeks; `monthly_by_date` on that day
    of the month; or `monthly_by_weekday`, such as on each third Friday. There are at most 52. Those that are `leftOut`
    count among the `times`.
    """

    model_config = ConfigDict(json_schema_extra=_with_one_end)

    frequency: Frequency
    interval: Times = 1
    until: Day = _NOT_GIVEN.date()
    times: Times = 1
    left_out: Annotated[tuple[Day, ...], Field(max_length=MAX_OCCURRENCES)] = ()

    def draft(self) -> RecurrenceDraft:
        """Return the draft for the service. Raises `Invalid`."""
        return RecurrenceDraft.of(**self.model_dump(exclude_unset=True))


class NewSeries(EventFields):
    """A series to create. Its times are those of the first occurrence. Without `timeZone`, it repeats in UTC.

    Each occurrence is created `daysAhead` days before its start. With `missedFirst`, those who are waitlisted when one
    starts go first in the next, which is created then, or later.
    """

    series_id: Identifier | None = None
    recurrence: Repetition
    days_ahead: Annotated[
        int, Field(strict=True, ge=1, le=MAX_DAYS_AHEAD), BeforeValidator(_whole)
    ] = DAYS_AHEAD
    missed_first: bool = Field(default=False, strict=True)

    def draft(self) -> SeriesDraft:
        """Return the draft for the service. Raises `Invalid`."""
        return SeriesDraft.of(
            event_id=self.series_id,
            recurrence=self.recurrence.draft(),
            **self.model_dump(include={"days_ahead", "missed_first"}),
            **self.values(),
        )


class SeriesUpdate(EventChangeFields):
    """An update of a series from one occurrence on. Missing fields stay unchanged.

    Times are those of that occurrence, and the later dates follow from it. Another `recurrence` without another `date`
    moves no occurrence that was created: delete those that should not take place.
    """

    from_occurrence: Annotated[
        Annotated[int, Field(strict=True, ge=1), BeforeValidator(_whole)] | None,
        Field(
            description="The number of an occurrence that has not started. Without one, only those change that are not"
            " created yet, and times are those of the first of them: see `nextDate`.",
        ),
    ] = None
    recurrence: Repetition | None = None


class SeriesEnd(RequestModel):
    """How a series ends."""

    cancels_occurrences: bool = Field(
        default=False,
        strict=True,
        description="Whether the occurrences that were created and have not started are canceled, too.",
    )
    reason: Annotated[Reason, Field(description="For the users concerned. It may be empty.")] = ""


# Registrations


class NewRegistration(RequestModel):
    """A registration to create, with the answers to the event's questions by `questionId`."""

    user_id: Identifier
    answers: GivenAnswers = Field(default={})


class RegistrationUpdate(RequestModel):
    """All answers of a user to the event's questions, by `questionId`. One that is left out is removed."""

    answers: GivenAnswers


class NewAttendees(RequestModel):
    """Users to register for an event, in the order in which they get seats. Each counts once."""

    user_ids: UserIds


# Lists


def _page_size(value: object) -> int:
    try:
        size = int(str(value))
    except ValueError:
        size = 0  # reported below
    if not 1 <= size <= MAX_PAGE_SIZE:
        raise PydanticCustomError(
            "range", f"must be a whole number from 1 to {MAX_PAGE_SIZE:,}"
        )  # of one constant
    return size


class Paging(RequestModel):
    """The query of a list: its page."""

    limit: Annotated[
        int,
        BeforeValidator(_page_size),
        # After a validator, pydantic would write `ge` and `le`, which OpenAPI does not know.
        Field(
            json_schema_extra={"minimum": 1, "maximum": MAX_PAGE_SIZE},
            description="A page may be shorter.",
        ),
    ] = PAGE_SIZE
    cursor: Annotated[str | None, Field(description="The `nextCursor` of the previous page.")] = (
        None
    )


class Filter(Paging):
    """The query of a list of registrations: its page and status."""

    status: RegistrationStatus | None = None
