"""What programs are answered: camelCase JSON of the domain's values, times with an offset."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from domain import models
from domain.enums import EventStatus, RegistrationStatus

Instant = Annotated[
    datetime,
    PlainSerializer(
        lambda moment: moment.isoformat(timespec="auto").replace("+00:00", "Z"), return_type=str
    ),
    Field(json_schema_extra={"format": "date-time"}),
]
"""A moment as answers have it: with an offset."""


class Reply(BaseModel):
    """An object of the API, built by the names of its fields."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        frozen=True,
        serialize_by_alias=True,
        validate_by_alias=False,
        validate_by_name=True,
    )


class User(Reply):
    """A user."""

    user_id: str
    name: str
    time_zone: str | None
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, user: models.User) -> Self:
        """Return a user's JSON."""
        return cls(**user.model_dump(include=set(cls.model_fields)))


class Event(Reply):
    """An event with its counts. While a raise by many seats goes on, `capacityTarget` says where to."""

    event_id: str
    title: str
    description: str
    date: Instant
    end_date: Instant | None
    time_zone: str
    location: str
    organizer: str
    co_organizers: tuple[str, ...]
    capacity: int
    capacity_target: int | None
    has_waitlist: bool
    registration_deadline: Instant | None
    listed: bool
    status: EventStatus
    registered_count: int
    waitlist_count: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, event: models.Event) -> Self:
        """Return an event's JSON: its times as the clocks at its place have them."""
        zone = ZoneInfo(event.time_zone)
        return cls(
            date=event.starts_at.astimezone(zone),
            end_date=event.ends_at and event.ends_at.astimezone(zone),
            organizer=event.organizer_id,
            co_organizers=event.co_organizer_ids,
            registration_deadline=event.registration_deadline
            and event.registration_deadline.astimezone(zone),
            **event.model_dump(include=cls.model_fields.keys() - {"date", "registration_deadline"}),
        )


class Registration(Reply):
    """A user's place in an event; `position` is null for one who has a seat, and 1 for who is next."""

    registration_id: str
    event_id: str
    user_id: str
    status: RegistrationStatus
    position: int | None
    registered_at: Instant

    @classmethod
    def of(cls, row: models.Registration, position: int | None) -> Self:
        """Return a registration's JSON: a ticket is handed out once, and so is the id."""
        return cls(
            registration_id=_id(row.event_id, row.ticket),
            position=position,
            **row.model_dump(include={"event_id", "user_id", "status", "registered_at"}),
        )

    @classmethod
    def of_waitlist_position(cls, event_id: str, place: models.WaitlistPosition) -> Self:
        """Return the JSON of a place in an event's line."""
        waiting = place.entry
        return cls(
            registration_id=_id(event_id, waiting.ticket),
            event_id=event_id,
            user_id=waiting.user_id,
            status=RegistrationStatus.WAITLISTED,
            position=place.position,
            registered_at=waiting.registered_at,
        )


def _id(event_id: str, ticket: int) -> str:
    return f"{event_id}:{ticket}"


class UserRegistration(Registration):
    """A user's place, and the whole event."""

    event: Event

    @classmethod
    def of_own(cls, own: models.UserRegistration) -> Self:
        """Return the JSON of a user's registration with its event."""
        place = Registration.of(own.registration, own.position)
        return cls(event=Event.of(own.event), **place.model_dump(by_alias=False))


class Departure(Reply):
    """Who got the seat that was given back: the next in line, or nobody."""

    promoted: tuple[str, ...]


class UserPage(Reply):
    """A page of users, by name, and where the next begins."""

    items: tuple[User, ...]
    next_cursor: str | None


class EventPage(Reply):
    """A page of events, by start, and where the next begins."""

    items: tuple[Event, ...]
    next_cursor: str | None


class RegistrationPage(Reply):
    """A page of a user's registrations, by start of the events, and where the next begins."""

    items: tuple[UserRegistration, ...]
    next_cursor: str | None


class Roster(Reply):
    """A page of an event's registrations: who has a seat, then the line; the counts are of all pages."""

    registered: tuple[Registration, ...]
    waitlist: tuple[Registration, ...]
    registered_count: int
    waitlist_count: int
    next_cursor: str | None

    @classmethod
    def of(cls, page: models.EventRegistrations, next_cursor: str | None) -> Self:
        """Return a page's JSON."""
        event = page.event
        return cls(
            registered=tuple(Registration.of(row, None) for row in page.registered),
            waitlist=tuple(
                Registration.of_waitlist_position(event.event_id, one) for one in page.waiting
            ),
            registered_count=event.registered_count,
            waitlist_count=event.waitlist_count,
            next_cursor=next_cursor,
        )
