"""The values of the domain, frozen, in the words of the requirements. Times are aware, in UTC.

What comes from outside is judged here, once: `UserDraft`, `EventDraft` and `EventChanges` refuse
bad input with `Invalid`. What comes out of a store is rebuilt and not judged again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Generic, Self, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from domain.errors import ClosedBecause, Invalid

T = TypeVar("T")

MAX_CAPACITY = 100_000
"""The most seats that an event can have (requirements, "capacity")."""

LINE_BLOCK = 1_000
"""Tickets in one block of the line: a position is counted within one block only."""


def _line_of_text(text: str) -> str:
    if any(character < " " or character == "\x7f" for character in text):
        raise PydanticCustomError(
            "control_characters", "must be one line without control characters"
        )
    return text


def _known_time_zone(name: str) -> str:
    if name not in _time_zones():
        raise PydanticCustomError(
            "time_zone", "must be the name of a time zone, such as Europe/Berlin"
        )
    return name


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


_IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"

Identifier = Annotated[str, StringConstraints(pattern=_IDENTIFIER)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_line_of_text),
]
Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=120),
    AfterValidator(_line_of_text),
]
Location = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=200),
    AfterValidator(_line_of_text),
]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_500)]
TimeZone = Annotated[str, AfterValidator(_known_time_zone)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Capacity = Annotated[int, Field(strict=True, ge=1, le=MAX_CAPACITY)]
CoOrganizers = Annotated[tuple[Identifier, ...], Field(max_length=20)]


def is_identifier(text: str) -> bool:
    """Return whether the text could be the id of a user or an event."""
    return re.fullmatch(_IDENTIFIER, text) is not None


class Draft(BaseModel):
    """Input from outside, judged field by field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def of(cls, **values: Any) -> Self:
        """Build from untrusted values; raises `Invalid` with the first bad field and its reason."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise invalid(error) from None


def invalid(error: ValidationError) -> Invalid:
    """Translate pydantic's first finding to `Invalid`: the field, and what would be right."""
    first = error.errors(include_url=False)[0]
    reason = _REASONS.get(first["type"], first["msg"])
    return Invalid(
        ".".join(str(part) for part in first["loc"]), reason.format(**first.get("ctx", {}))
    )


_REASONS = {
    "missing": "must be given",
    "extra_forbidden": "is not a field here",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": (
        "must consist of 1 to 64 letters, digits and . _ : - and begin with a letter or a digit"
    ),
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le:,}",
    "bool_type": "must be true or false",
    "timezone_aware": "must say its offset from UTC",
    "too_long": "must have at most {max_length}",
}
"""In words for the one who typed it, where pydantic's own are not."""


class UserDraft(Draft):
    """A user to be created (R1.1, R1.2); without an id, one is generated."""

    user_id: Identifier | None = None
    name: Name
    time_zone: TimeZone | None = None


class UserChanges(Draft):
    """What an update of a user sets; a field that is not given stays as it is."""

    name: Name = ""
    time_zone: TimeZone | None = None

    def given(self) -> dict[str, Any]:
        """Return the fields that were given, by name."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


class User(BaseModel):
    """Someone who can register. `deletion` marks one whose deletion is under way (R7.1)."""

    model_config = ConfigDict(frozen=True)

    user_id: str
    name: str
    time_zone: str | None
    created_at: datetime
    updated_at: datetime
    revision: str
    """A new id with each write: what an update rests on, and how its writer knows its own."""
    deletion: str | None = None


def check_times(
    starts_at: datetime | None, ends_at: datetime | None, deadline: datetime | None
) -> None:
    """Raise `Invalid` unless the end is after the start, and the deadline not (None: not given)."""
    if starts_at is None:
        return
    if ends_at is not None and ends_at <= starts_at:
        raise Invalid("ends_at", "must be after the start")
    if deadline is not None and deadline > starts_at:
        raise Invalid("registration_deadline", "must not be after the start")


class EventDraft(Draft):
    """An event to be created (R2); without an id, one is generated."""

    event_id: Identifier | None = None
    title: Title
    description: Description = ""
    location: Location = ""
    starts_at: Moment
    ends_at: Moment | None = None
    time_zone: TimeZone
    organizer_id: Identifier
    co_organizer_ids: CoOrganizers = ()
    capacity: Capacity
    has_waitlist: bool = Field(strict=True)
    registration_deadline: Moment | None = None
    listed: bool = True

    @model_validator(mode="after")
    def _times_in_order(self) -> Self:
        check_times(self.starts_at, self.ends_at, self.registration_deadline)
        return self


class EventChanges(Draft):
    """What an edit sets; a field that is not given stays as it is (`model_fields_set`)."""

    title: Title = ""
    description: Description = ""
    location: Location = ""
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    time_zone: TimeZone = ""
    co_organizer_ids: CoOrganizers = ()
    capacity: Capacity = 1
    has_waitlist: bool = Field(default=False, strict=True)
    registration_deadline: Moment | None = None
    listed: bool = True

    @model_validator(mode="after")
    def _start_stays(self) -> Self:
        if "starts_at" in self.model_fields_set and self.starts_at is None:
            raise Invalid("starts_at", "must be given")
        return self

    def given(self) -> dict[str, Any]:
        """Return the fields that were given, by name."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


class EventStatus(StrEnum):
    """Whether an event takes registrations, as its organisers set it."""

    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Deletion(StrEnum):
    """How far an event's deletion is (R7.2): marked and being emptied, or a tombstone."""

    MARKED = "marked"
    DONE = "done"


class Event(BaseModel):
    """An event with its counts. `version` grows by one with each commit that touches the event."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    title: str
    description: str
    location: str
    starts_at: datetime
    ends_at: datetime | None
    time_zone: str
    organizer_id: str
    co_organizer_ids: tuple[str, ...]
    capacity: int
    has_waitlist: bool
    registration_deadline: datetime | None
    listed: bool
    status: EventStatus
    created_at: datetime
    updated_at: datetime
    version: int
    registered_count: int = 0
    waitlist_count: int = 0
    next_ticket: int = 1
    waiting_by_block: Mapping[int, int] = Field(default_factory=dict)
    """How many wait in each block of `LINE_BLOCK` tickets; empty blocks are dropped."""
    capacity_target: int | None = None
    """The capacity that a raise in steps is heading for (R2.5)."""
    operation_id: str | None = None
    """The unfinished operation: a raise in steps, or a deletion."""
    deletion: Deletion | None = None

    @property
    def is_unfinished(self) -> bool:
        """Whether the sweep has something to finish (R7.4)."""
        return self.operation_id is not None

    @property
    def free_seats(self) -> int:
        """Seats that nobody holds."""
        return self.capacity - self.registered_count

    @property
    def over_at(self) -> datetime:
        """When the event is over: its end, or its start if it has none."""
        return self.ends_at or self.starts_at

    def closed_because(self, now: datetime) -> ClosedBecause | None:
        """Return why the event takes no registrations at `now` (R2.6), None while it takes them."""
        if self.status is EventStatus.CANCELLED:
            return ClosedBecause.CANCELLED
        if now >= self.starts_at:
            return ClosedBecause.STARTED
        if self.status is EventStatus.CLOSED:
            return ClosedBecause.CLOSED
        if self.registration_deadline is not None and now >= self.registration_deadline:
            return ClosedBecause.DEADLINE
        return None

    def closed_since(self, because: ClosedBecause) -> datetime | None:
        """Return when the clock ended registration; None where a person did."""
        if because is ClosedBecause.STARTED:
            return self.starts_at
        return self.registration_deadline if because is ClosedBecause.DEADLINE else None

    def waiting_before_block(self, block: int) -> int:
        """Return how many wait with a ticket of an earlier block."""
        return sum(count for number, count in self.waiting_by_block.items() if number < block)

    def organized_by(self, user_id: str) -> bool:
        """Whether the user created the event or was added as co-organiser."""
        return user_id == self.organizer_id or user_id in self.co_organizer_ids

    def zone(self) -> ZoneInfo:
        """Return the event's own time zone."""
        return ZoneInfo(self.time_zone)


def block_of(ticket: int) -> int:
    """Return the block of the line that a ticket belongs to."""
    return ticket // LINE_BLOCK


class RegistrationStatus(StrEnum):
    """`registered` has a seat, `waitlisted` waits for one."""

    REGISTERED = "registered"
    WAITLISTED = "waitlisted"


class Registration(BaseModel):
    """One user's place in one event. `seated_at` is when it got its seat, None while it waits."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    user_id: str
    status: RegistrationStatus
    ticket: int
    registered_at: datetime
    seated_at: datetime | None

    @property
    def registration_id(self) -> str:
        """The registration's id: an event never hands out a ticket twice."""
        return f"{self.event_id}.{self.ticket}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One place in an event's line."""

    ticket: int
    user_id: str
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for something that only organisers and workspace admins may do (R8.9)."""

    user_id: str
    is_admin: bool = False


class ChangeKind(StrEnum):
    """What a commit did, as the history tells it (R8.10)."""

    CREATED = "created"
    REGISTERED = "registered"
    WAITLISTED = "waitlisted"
    LEFT = "left"
    PROMOTED = "promoted"
    EDITED = "edited"
    CLOSED = "closed"
    REOPENED = "reopened"
    CANCELLED = "cancelled"
    DELETED = "deleted"
    REPAIRED = "repaired"


class Cause(StrEnum):
    """Why a registration moved."""

    OWN = "own"
    REMOVED = "removed"
    USER_DELETED = "user_deleted"
    EVENT_DELETED = "event_deleted"
    SEAT_FREED = "seat_freed"
    CAPACITY_RAISED = "capacity_raised"
    REPAIR = "repair"


class Change(BaseModel):
    """One thing that a commit did: to whose registration (`user_id`), by whom, and why."""

    model_config = ConfigDict(frozen=True)

    kind: ChangeKind
    user_id: str | None = None
    actor_id: str | None = None
    ticket: int | None = None
    cause: Cause | None = None
    reason: str | None = None
    fields: Mapping[str, tuple[str | None, str | None]] | None = None
    """For an edit: each field's old and new value, as text."""


class EventSummary(BaseModel):
    """What a message says of an event, as it was when the message was decided."""

    model_config = ConfigDict(frozen=True)

    title: str
    starts_at: datetime
    time_zone: str
    location: str
    ends_at: datetime | None = None

    @classmethod
    def of(cls, event: Event) -> Self:
        """Return the summary of an event as it is now."""
        return cls(
            title=event.title,
            starts_at=event.starts_at,
            ends_at=event.ends_at,
            time_zone=event.time_zone,
            location=event.location,
        )


class NoticeKind(StrEnum):
    """What a person is told by direct message because of a commit (R9.1)."""

    PROMOTED = "promoted"
    REMOVED = "removed"
    MOVED = "moved"
    CANCELLED = "cancelled"
    DELETED = "deleted"


class Notice(BaseModel):
    """A message decided by a commit: to one user, or to everyone in the event (`user_id` None)."""

    model_config = ConfigDict(frozen=True)

    kind: NoticeKind
    user_id: str | None = None
    ticket: int | None = None
    reason: str | None = None
    before: EventSummary | None = None
    """Where and when the event was to be, for one that moved."""


class JournalEntry(BaseModel):
    """The history and the outbox of one commit, keyed by the version that it made."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    version: int
    plan_id: str
    at: datetime
    changes: tuple[Change, ...] = ()
    notices: tuple[Notice, ...] = ()
    about: EventSummary | None = None
    """The event as its notices describe it; None where there are none."""


class Deferred(BaseModel):
    """A message that could not be delivered yet, and before which moment not to try again."""

    model_config = ConfigDict(frozen=True)

    user_id: str
    version: int
    notice: int
    """Which of the entry's notices, from 0."""
    attempts: int
    not_before: datetime


class Delivery(BaseModel):
    """How far an event's messages are, and who delivers them: the journal's row of version 0."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    delivered_version: int = 0
    """Of every entry up to this one, each message is delivered, recorded as undeliverable, or deferred."""
    cleared_version: int = 0
    """Up to this one, no entry is marked undelivered but for those of `deferred`."""
    notice: int = 0
    """Of the entry after `delivered_version`, the first notice that is not done."""
    recipient: str | None = None
    """Of that notice, where to go on in its audience; the notifier's own notation."""
    deferred: tuple[Deferred, ...] = ()
    holder: str | None = None
    leased_until: datetime | None = None


class Card(BaseModel):
    """A message in a channel that shows an event, and the version that it shows."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    channel_id: str
    message_ts: str
    rendered_version: int


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, and where the next begins (None: this is the last)."""

    items: tuple[T, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """What the list of events knows of one without reading it: nothing that a registration changes."""

    event_id: str
    title: str
    starts_at: datetime
    status: EventStatus
    closes_at: datetime
    """When it stops taking registrations by the clock: its deadline, or its start."""
    listed: bool

    @classmethod
    def of(cls, event: Event) -> Self:
        """Return what a list knows of an event."""
        closes_at = event.registration_deadline or event.starts_at
        return cls(
            event.event_id, event.title, event.starts_at, event.status, closes_at, event.listed
        )


@dataclass(frozen=True, slots=True)
class OwnRegistration:
    """One of a user's registrations with its event, whole (R5.4); `position` while it waits."""

    registration: Registration
    event: Event
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """One place in the line with its position: 1 is next."""

    position: int
    waiting: Waiting


@dataclass(frozen=True, slots=True)
class EventRegistrations:
    """A page of an event's registrations (R6): those with a seat first, then the line."""

    event: Event
    registered: tuple[Registration, ...]
    waiting: tuple[Place, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class CapacityPreview:
    """What a capacity would do (R8.8): who would get a seat, the first of them by id, and how many."""

    event: Event
    capacity: int
    promoted: tuple[str, ...]
    promoted_count: int


@dataclass(frozen=True, slots=True)
class LeavePreview:
    """What leaving would cost (R8.4): the seat to the next in line, and the position on coming back."""

    own: OwnRegistration
    next_gets_seat: bool
    position_on_return: int | None
    """None: there would be a free seat, or no way back."""

    @property
    def is_free(self) -> bool:
        """Whether leaving costs nothing: a seat stays free to come back to, or nobody waits behind."""
        event = self.own.event
        if self.own.position is None:
            return event.free_seats > 0 or (not event.has_waitlist and not self.next_gets_seat)
        return self.position_on_return == self.own.position
