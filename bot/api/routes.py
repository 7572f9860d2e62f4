"""The routes of R11. Each parses the request, calls one service method, and returns its result.

Those of series are in `series_routes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from bot.api import responses
from bot.api.cursors import from_cursor, to_cursor
from bot.api.openapi import problems
from bot.api.problems import IsSeries
from bot.api.requests import (
    EventUpdate,
    Filter,
    NewAttendees,
    NewEvent,
    NewRegistration,
    NewUser,
    Paging,
    RegistrationUpdate,
    UserUpdate,
)
from domain import models
from domain.commands import (
    AddOutcome,
    AnswersOutcome,
    ChangeOutcome,
    RegisterOutcome,
    UnregisterOutcome,
)
from domain.errors import (
    AlreadyRegistered,
    CapacityBelowRegistered,
    DuplicateEvent,
    DuplicateUser,
    EventCanceled,
    EventFull,
    EventOver,
    Invalid,
    NotConfirmed,
    NotRegistered,
    RegistrationClosed,
    TooFewSeats,
    TooManyToAdd,
    UnknownEvent,
    UnknownUser,
)
from domain.inputs import Identifier
from domain.service import Service

Confirm = Callable[[Callable[[], Any]], Any]
"""Makes a change and returns its outcome. It waits a while for one that is not confirmed yet."""

UserId = Annotated[Identifier, Path(alias="userId")]
EventId = Annotated[Identifier, Path(alias="eventId")]

MAX_CHECKED_EVENTS = 4096
"""Events that are not read again to learn that they are no series: no id ever means something else (R7.2)."""


def users(router: APIRouter, service: Service, confirm: Confirm) -> None:
    """Add the routes of users (R1)."""

    @router.post(
        "/users", status_code=201, responses=problems(DuplicateUser, Invalid, NotConfirmed)
    )
    def create_user(body: NewUser, response: Response) -> responses.User:
        """Create a user."""
        user: models.User = confirm(lambda: service.create_user(body.draft()))
        response.headers["Location"] = f"/users/{user.user_id}"
        return responses.User.of(user)

    @router.get("/users", responses=problems(Invalid))
    def list_users(query: Annotated[Paging, Query()]) -> responses.UserPage:
        """List users by name."""
        page = service.list_users(limit=query.limit, cursor=from_cursor(("users",), query.cursor))
        return responses.UserPage(
            items=tuple(map(responses.User.of, page.items)),
            next_cursor=to_cursor(("users",), page.next_cursor),
        )

    @router.get("/users/{userId}", responses=problems(UnknownUser))
    def get_user(user_id: UserId) -> responses.User:
        """Get a user."""
        return responses.User.of(service.get_user(user_id))

    @router.put("/users/{userId}", responses=problems(UnknownUser, Invalid, NotConfirmed))
    def update_user(user_id: UserId, body: UserUpdate) -> responses.User:
        """Update a user. Missing fields stay unchanged."""
        _refuse_change("user_id", body.user_id, user_id)
        return responses.User.of(confirm(lambda: service.update_user(user_id, body.changes())))

    @router.delete(
        "/users/{userId}", status_code=204, responses=problems(UnknownUser, NotConfirmed)
    )
    def delete_user(user_id: UserId) -> None:
        """Delete a user and all of the user's registrations. Each seat goes to the next on the waitlist."""
        confirm(lambda: service.delete_user(user_id))


def _refuse_change(field: str, given: object, in_path: str) -> None:
    """Raise `Invalid` if the id in the body is not the one in the path."""
    if given not in (None, in_path):
        raise Invalid(field, "must be the same as in the path")


def events(router: APIRouter, service: Service, confirm: Confirm) -> None:
    """Add the routes of events (R2)."""

    @router.post(
        "/events",
        status_code=201,
        responses=problems(UnknownUser, DuplicateEvent, Invalid, NotConfirmed),
    )
    def create_event(body: NewEvent, response: Response) -> responses.Event:
        """Create an event without registrations."""
        # A result that was unconfirmed at first is the outcome of the command.
        outcome = confirm(lambda: service.create_event(body.draft()))
        event: models.Event = outcome.event if isinstance(outcome, ChangeOutcome) else outcome
        response.headers["Location"] = f"/events/{event.event_id}"
        return responses.Event.of(event)

    @router.get("/events", responses=problems(Invalid))
    def list_events(query: Annotated[Paging, Query()]) -> responses.EventPage:
        """List all events by start, including past, canceled and unlisted ones."""
        page = service.list_events(limit=query.limit, cursor=from_cursor(("events",), query.cursor))
        return responses.EventPage(
            items=tuple(map(responses.Event.of, page.items)),
            next_cursor=to_cursor(("events",), page.next_cursor),
        )

    @router.get("/events/{eventId}", responses=problems(UnknownEvent, IsSeries))
    def get_event(event_id: EventId) -> responses.Event:
        """Get an event with its counts."""
        return responses.Event.of(_event(service, event_id))

    @router.put(
        "/events/{eventId}",
        responses=problems(
            *(UnknownUser, UnknownEvent, IsSeries, CapacityBelowRegistered, EventCanceled),
            *(Invalid, NotConfirmed),
        ),
    )
    def update_event(event_id: EventId, body: EventUpdate) -> responses.Event:
        """Update an event. Missing fields stay unchanged. More seats promote waitlisted users.

        Fields that are changed in one occurrence of a series keep their values when the series changes.
        """
        _refuse_change("event_id", body.event_id, event_id)
        if body.status not in (None, _event(service, event_id).status):
            raise Invalid("status", "can't be changed here: the organizer can in Slack")
        outcome: ChangeOutcome = confirm(lambda: service.edit_event(event_id, body.changes()))
        return responses.Event.of(outcome.event)

    @router.delete(
        "/events/{eventId}",
        status_code=204,
        responses=problems(UnknownEvent, IsSeries, NotConfirmed),
    )
    def delete_event(event_id: EventId) -> None:
        """Delete an event and all of its registrations."""
        _event(service, event_id)
        confirm(lambda: service.delete_event(event_id))


def _event(service: Service, event_id: str) -> models.Event:
    """Return an event. Raises `UnknownEvent` and, for a series, `IsSeries`."""
    event = service.get_event(event_id)
    if event.series is not None:
        raise IsSeries(event_id)
    return event


def registrations(router: APIRouter, service: Service, confirm: Confirm) -> None:
    """Add the routes of registrations (R3 to R6)."""

    @lru_cache(MAX_CHECKED_EVENTS)
    def check_is_event(event_id: str) -> None:
        """Raise `UnknownEvent` or `IsSeries` unless it is the id of an event, or was one."""
        _event(service, event_id)

    @router.post(
        "/events/{eventId}/register",
        status_code=201,
        responses=problems(
            *(UnknownUser, UnknownEvent, IsSeries, AlreadyRegistered, EventFull),
            *(RegistrationClosed, Invalid, NotConfirmed),
        ),
    )
    def register(event_id: EventId, body: NewRegistration) -> responses.Registration:
        """Register a user, or add them to the waitlist.

        An answer that is wrong, or missing and required, is refused with the `field` `answers.` and its `questionId`.
        """
        check_is_event(event_id)
        outcome: RegisterOutcome = confirm(
            lambda: service.register(event_id, body.user_id, body.answers)
        )
        return _registration(outcome)

    @router.put(
        "/events/{eventId}/register/{userId}",
        responses=problems(
            *(UnknownUser, UnknownEvent, IsSeries, NotRegistered, RegistrationClosed),
            *(Invalid, NotConfirmed),
        ),
    )
    def change_answers(
        event_id: EventId, user_id: UserId, body: RegistrationUpdate
    ) -> responses.Registration:
        """Replace a user's answers, until the event starts or is canceled."""
        check_is_event(event_id)
        outcome: AnswersOutcome = confirm(
            lambda: service.change_answers(event_id, user_id, body.answers, with_position=True)
        )
        return _registration(outcome)

    @router.post(
        "/events/{eventId}/registrations",
        status_code=201,
        responses=problems(
            *(UnknownUser, UnknownEvent, IsSeries, AlreadyRegistered, TooFewSeats, TooManyToAdd),
            *(RegistrationClosed, Invalid, NotConfirmed),
        ),
    )
    def add_attendees(event_id: EventId, body: NewAttendees) -> responses.AddedRegistrations:
        """Register several users in the given order, all of them or none. Each is notified.

        Those who get no seat join the waitlist, at its end.
        """
        check_is_event(event_id)
        outcome: AddOutcome = confirm(lambda: service.add_attendees(event_id, body.user_ids))
        return responses.AddedRegistrations(
            items=tuple(
                responses.Registration.of(outcome.event, one.registration, one.position)
                for one in outcome.added
            )
        )

    @router.delete(
        "/events/{eventId}/register/{userId}",
        responses=problems(
            *(UnknownUser, UnknownEvent, IsSeries, NotRegistered, RegistrationClosed, EventOver),
            NotConfirmed,
        ),
    )
    def unregister(event_id: EventId, user_id: UserId) -> responses.Unregistration:
        """Unregister a user. Until the event starts, the seat goes to the next on the waitlist."""
        check_is_event(event_id)
        outcome: UnregisterOutcome = confirm(lambda: service.unregister(event_id, user_id))
        return responses.Unregistration(promoted=outcome.promoted)

    @router.get("/users/{userId}/registrations", responses=problems(UnknownUser, Invalid))
    def list_registrations_of_user(
        user_id: UserId, query: Annotated[Filter, Query()]
    ) -> responses.UserRegistrationPage:
        """List a user's registrations with their events, by start. Those for all of a series are not among them."""
        list_id = ("registrations of", user_id, query.status)
        after = from_cursor(list_id, query.cursor)
        found = [
            one
            for one in service.list_registrations_of(user_id, status=query.status)
            if one.event.series is None
        ]
        # Checked last: a user deleted meanwhile may have had more registrations.
        service.get_user(user_id)
        page, end = _page([one for one in found if after is None or _key(one) > after], query.limit)
        return responses.UserRegistrationPage(
            items=tuple(map(responses.UserRegistration.with_event, page)),
            next_cursor=to_cursor(list_id, end),
        )

    @router.get(
        "/events/{eventId}/registrations",
        response_model=responses.EventRegistrationPage,
        responses=problems(UnknownEvent, IsSeries, Invalid),
    )
    def list_registrations_in_event(
        event_id: EventId, query: Annotated[Filter, Query()]
    ) -> Response:
        """List registered users, then the waitlist in order. The counts are the event's."""
        check_is_event(event_id)
        list_id = ("registrations in", event_id, query.status)
        page = service.list_registrations_in(
            event_id,
            status=query.status,
            limit=query.limit,
            cursor=from_cursor(list_id, query.cursor),
        )
        answer = responses.EventRegistrationPage.of(page, to_cursor(list_id, page.next_cursor))
        # FastAPI would convert a long page twice.
        return Response(answer.model_dump_json(by_alias=True), media_type="application/json")


def _registration(outcome: RegisterOutcome | AnswersOutcome) -> responses.Registration:
    return responses.Registration.of(outcome.event, outcome.registration, outcome.position)


def _page(
    registrations: Sequence[models.UserRegistration], limit: int
) -> tuple[Sequence[models.UserRegistration], str | None]:
    end = _key(registrations[limit - 1]) if len(registrations) > limit else None
    return registrations[:limit], end


def _key(registration: models.UserRegistration) -> str:
    """Return the sort key of a user's registrations, as text."""
    event = registration.event
    return f"{event.starts_at.isoformat(timespec='microseconds')} {event.event_id}"
