"""Response bodies: camelCase JSON of the domain's values, times with an offset."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from domain import models
from domain.enums import EventStatus, QuestionKind, RegistrationStatus, Visibility
from domain.questions import shown_answers

Instant = Annotated[
    datetime,
    PlainSerializer(
        lambda moment: moment.isoformat(timespec="auto").replace("+00:00", "Z"), return_type=str
    ),
    Field(json_schema_extra={"format": "date-time"}),
]
"""A time in a response: with an offset."""


class ResponseModel(BaseModel):
    """An object in a response, built by its Python names."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        frozen=True,
        serialize_by_alias=True,
        validate_by_alias=False,
        validate_by_name=True,
    )


class User(ResponseModel):
    """A user."""

    user_id: str
    name: str
    time_zone: str | None
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, user: models.User) -> Self:
        """Return the response for a user."""
        return cls(**user.model_dump(include=set(cls.model_fields)))


class Question(ResponseModel):
    """A question that everyone who registers is asked. Its id stays the same when it is edited."""

    question_id: str
    text: str
    kind: QuestionKind
    options: tuple[str, ...]
    required: bool


class Event(ResponseModel):
    """An event with its counts. `capacityTarget` is set while a large capacity increase is in progress.

    `joinLink` is there for every client of this API. Show it only to users with a seat, as Slack does.
    """

    event_id: str
    title: str
    description: str
    date: Instant
    end_date: Instant | None
    time_zone: str
    location: str
    organizer: str | None
    """None once its organizers are deleted or deactivated; a workspace admin can take it over (R2.9)."""
    co_organizers: tuple[str, ...]
    capacity: int
    capacity_target: int | None
    has_waitlist: bool
    registration_deadline: Instant | None
    listed: bool
    join_link: str
    attendees_visible_to: Visibility
    questions: tuple[Question, ...]
    status: EventStatus
    registered_count: int
    waitlist_count: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, event: models.Event) -> Self:
        """Return the response for an event, with times in the event's time zone."""
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


class Registration(ResponseModel):
    """A user's registration for an event. `position` is 1 for the next on the waitlist, null with a seat.

    `answers` has those to the event's questions, by `questionId`. A question that was not answered is missing.
    """

    registration_id: str
    event_id: str
    user_id: str
    status: RegistrationStatus
    position: int | None
    registered_at: Instant
    answers: Mapping[str, str | tuple[str, ...]]

    @classmethod
    def of(
        cls, event: models.Event, registration: models.Registration, position: int | None
    ) -> Self:
        """Return the response for a registration. Tickets are unique, and so is the id made of one."""
        return cls(
            registration_id=_id(registration.event_id, registration.ticket),
            position=position,
            answers=shown_answers(event.questions, registration.answers),
            **registration.model_dump(include={"event_id", "user_id", "status", "registered_at"}),
        )

    @classmethod
    def of_waitlisted(cls, event: models.Event, waitlisted: models.WaitlistPosition) -> Self:
        """Return the response for a waitlist entry with its position."""
        entry = waitlisted.entry
        return cls(
            registration_id=_id(event.event_id, entry.ticket),
            event_id=event.event_id,
            user_id=entry.user_id,
            status=RegistrationStatus.WAITLISTED,
            position=waitlisted.position,
            registered_at=entry.registered_at,
            answers=shown_answers(event.questions, waitlisted.answers),
        )


def _id(event_id: str, ticket: int) -> str:
    return f"{event_id}:{ticket}"


class UserRegistration(Registration):
    """A user's registration with the whole event."""

    event: Event

    @classmethod
    def with_event(cls, found: models.UserRegistration) -> Self:
        """Return the response for a user's registration with its event."""
        registration = Registration.of(found.event, found.registration, found.position)
        return cls(event=Event.of(found.event), **registration.model_dump(by_alias=False))


class AddedRegistrations(ResponseModel):
    """The registrations of users who were added, in the order of the request."""

    items: tuple[Registration, ...]


class Unregistration(ResponseModel):
    """The result of unregistering: the ids of the users who were promoted, if any."""

    promoted: tuple[str, ...]


class UserPage(ResponseModel):
    """A page of users by name, with the cursor of the next page."""

    items: tuple[User, ...]
    next_cursor: str | None


class EventPage(ResponseModel):
    """A page of events by start, with the cursor of the next page."""

    items: tuple[Event, ...]
    next_cursor: str | None


class UserRegistrationPage(ResponseModel):
    """A page of a user's registrations by the events' start, with the cursor of the next page."""

    items: tuple[UserRegistration, ...]
    next_cursor: str | None


class EventRegistrationPage(ResponseModel):
    """A page of an event's registrations: registered first, then waitlisted. The counts are the event's."""

    registered: tuple[Registration, ...]
    waitlist: tuple[Registration, ...]
    registered_count: int
    waitlist_count: int
    next_cursor: str | None

    @classmethod
    def of(cls, page: models.EventRegistrations, next_cursor: str | None) -> Self:
        """Return the response for a page."""
        event = page.event
        return cls(
            registered=tuple(
                Registration.of(event, registration, None) for registration in page.registered
            ),
            waitlist=tuple(Registration.of_waitlisted(event, one) for one in page.waitlist),
            registered_count=event.registered_count,
            waitlist_count=event.waitlist_count,
            next_cursor=next_cursor,
        )
