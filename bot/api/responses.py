"""Response bodies: camelCase JSON of the domain's values, times with an offset."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from domain import models
from domain.commands import RegisterOutcome
from domain.enums import EventStatus, Frequency, QuestionKind, RegistrationStatus, Visibility
from domain.planning.schedule import coming_starts
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

    In an occurrence of a series, `seriesId` names that, and `occurrence` is its number. Both are null in other events.

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
    series_id: str | None
    occurrence: int | None
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, event: models.Event) -> Self:
        """Return the response for an event, with times in the event's time zone."""
        within = event.occurrence
        return cls(
            series_id=within.series_id if within else None,
            occurrence=within.number if within else None,
            **_values(event, cls.model_fields.keys() - {"occurrence"}),
        )


def _values(event: models.Event, names: Collection[str]) -> dict[str, Any]:
    """Return the values of an event that have these names, and its times in its time zone."""
    zone = ZoneInfo(event.time_zone)
    deadline = event.registration_deadline
    return event.model_dump(include={*names} - {"registration_deadline"}) | {
        "date": event.starts_at.astimezone(zone),
        "end_date": event.ends_at and event.ends_at.astimezone(zone),
        "organizer": event.organizer_id,
        "co_organizers": event.co_organizer_ids,
        "registration_deadline": deadline and deadline.astimezone(zone),
    }


class Recurrence(ResponseModel):
    """How a series repeats. It ends with the day `until`, also if it was created for a number of times."""

    frequency: Frequency
    interval: int
    until: date
    left_out: tuple[date, ...]


class Series(ResponseModel):
    """A series. Its values are those of the next occurrences, and its times those of the first one.

    `status` is `canceled` once it was ended. `lastOccurrence` is the number of the last occurrence that was created,
    and `nextDate` the start of the next one. `changing` has the numbers of occurrences that a change of the series has
    not reached yet. `registrationCount` says how many users are registered for all of it.
    """

    series_id: str
    title: str
    description: str
    date: Instant
    end_date: Instant | None
    time_zone: str
    location: str
    organizer: str | None
    co_organizers: tuple[str, ...]
    capacity: int
    has_waitlist: bool
    registration_deadline: Instant | None
    listed: bool
    join_link: str
    attendees_visible_to: Visibility
    questions: tuple[Question, ...]
    recurrence: Recurrence
    days_ahead: int
    missed_first: bool
    status: EventStatus
    last_occurrence: int | None
    next_date: Instant | None
    changing: tuple[int, ...]
    registration_count: int
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, event: models.Event, series: models.Series) -> Self:
        """Return the response for a series, with times in its time zone."""
        zone = ZoneInfo(event.time_zone)
        is_ended = event.status is EventStatus.CANCELED
        coming = () if is_ended else coming_starts(event, series)
        return cls(
            series_id=event.event_id,
            recurrence=Recurrence(**series.recurrence.model_dump()),
            days_ahead=series.days_ahead,
            missed_first=series.missed_first,
            last_occurrence=series.made or None,
            next_date=next((start.astimezone(zone) for _, start in coming), None),
            changing=series.carried.numbers if series.carried else (),
            registration_count=event.waitlist_count,
            **_values(event, cls.model_fields.keys()),
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
            event_id=registration.event_id,
            user_id=registration.user_id,
            status=registration.status,
            position=position,
            registered_at=registration.registered_at,
            answers=shown_answers(event.questions, registration.answers),
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


class SeriesRegistration(ResponseModel):
    """A user's registration for all of a series. New occurrences register those with a lower `position` first."""

    registration_id: str
    series_id: str
    user_id: str
    position: int
    registered_at: Instant
    answers: Mapping[str, str | tuple[str, ...]]

    @classmethod
    def of(
        cls, event: models.Event, registration: models.Registration, position: int | None
    ) -> Self:
        """Return the response for a registration for a series."""
        return cls(
            series_id=event.event_id,
            **Registration.of(event, registration, position).model_dump(
                by_alias=False, exclude={"event_id", "status"}
            ),
        )

    @classmethod
    def of_waitlisted(cls, event: models.Event, waitlisted: models.WaitlistPosition) -> Self:
        """Return the response for an entry in the list of those who registered for a series."""
        return cls(
            series_id=event.event_id,
            **Registration.of_waitlisted(event, waitlisted).model_dump(
                by_alias=False, exclude={"event_id", "status"}
            ),
        )


class NewSeriesRegistration(SeriesRegistration):
    """A new registration for all of a series, with the user's `registrations` for occurrences that were created.

    They are complete if `isFinished`. Otherwise the rest follows, and the user gets a message about each.
    """

    registrations: tuple[Registration, ...]
    is_finished: bool

    @classmethod
    def with_occurrences(
        cls, outcome: RegisterOutcome, enrolled: models.SeriesRegistration
    ) -> Self:
        """Return the response for a registration, and for what came of it."""
        own = SeriesRegistration.of(outcome.event, outcome.registration, outcome.position)
        return cls(
            registrations=tuple(
                Registration.of(one.event, one.registration.registration, one.registration.position)
                for one in enrolled.occurrences
                if one.registration is not None
            ),
            is_finished=enrolled.is_finished,
            **own.model_dump(by_alias=False),
        )


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


class SeriesPage(ResponseModel):
    """A page of series by start, with the cursor of the next page."""

    items: tuple[Series, ...]
    next_cursor: str | None


class SeriesRegistrationPage(ResponseModel):
    """A page of the registrations for all of a series, in order. The count is that of all of them."""

    items: tuple[SeriesRegistration, ...]
    registration_count: int
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
