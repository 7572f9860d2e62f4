"""The routes of series (R13) in the HTTP API."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from bot.api import responses
from bot.api.cursors import from_cursor, to_cursor
from bot.api.openapi import problems
from bot.api.problems import UnknownSeries
from bot.api.requests import (
    NewRegistration,
    NewSeries,
    Paging,
    RegistrationUpdate,
    SeriesEnd,
    SeriesUpdate,
)
from bot.api.routes import Confirm, UserId
from domain import models
from domain.commands import AnswersOutcome, ChangeOutcome, RegisterOutcome
from domain.errors import (
    AlreadyRegistered,
    Busy,
    CapacityBelowRegistered,
    DuplicateEvent,
    EventCanceled,
    EventOver,
    Invalid,
    NotConfirmed,
    NotRegistered,
    RegistrationClosed,
    SeriesBusy,
    UnknownEvent,
    UnknownUser,
)
from domain.inputs import Identifier
from domain.service import Service

SeriesId = Annotated[Identifier, Path(alias="seriesId")]


def series(router: APIRouter, service: Service, confirm: Confirm) -> None:
    """Add the routes of series (R13)."""
    _series(router, service, confirm)
    _registrations(router, service, confirm)


def _series(router: APIRouter, service: Service, confirm: Confirm) -> None:
    @router.post(
        "/series",
        status_code=201,
        responses=problems(UnknownUser, DuplicateEvent, Invalid, NotConfirmed),
    )
    def create_series(body: NewSeries, response: Response) -> responses.Series:
        """Create a series, and its first occurrences. The others follow, each in time."""
        draft = body.draft()
        outcome = confirm(lambda: service.create_series(draft))
        event: models.Event = outcome.event if isinstance(outcome, ChangeOutcome) else outcome
        response.headers["Location"] = f"/series/{event.event_id}"
        return _latest(event)

    @router.get("/series", responses=problems(Invalid))
    def list_series(query: Annotated[Paging, Query()]) -> responses.SeriesPage:
        """List all series by the start of their first occurrence, including past, ended and unlisted ones."""
        page = service.list_series(limit=query.limit, cursor=from_cursor(("series",), query.cursor))
        return responses.SeriesPage(
            items=tuple(map(_response, page.items)),
            next_cursor=to_cursor(("series",), page.next_cursor),
        )

    @router.get("/series/{seriesId}", responses=problems(UnknownSeries))
    def get_series(series_id: SeriesId) -> responses.Series:
        """Get a series with its rule and its progress."""
        return _response(service.get_event(series_id))

    @router.get("/series/{seriesId}/occurrences", responses=problems(UnknownSeries, Invalid))
    def list_occurrences(
        series_id: SeriesId, query: Annotated[Paging, Query()]
    ) -> responses.EventPage:
        """List the occurrences that were created, by number: events, with all routes of events."""
        _check_is_series(series_id)
        list_id = ("occurrences", series_id)
        page = service.list_occurrences(
            series_id, limit=query.limit, cursor=from_cursor(list_id, query.cursor)
        )
        return responses.EventPage(
            items=tuple(map(responses.Event.of, page.items)),
            next_cursor=to_cursor(list_id, page.next_cursor),
        )

    @router.patch(
        "/series/{seriesId}",
        responses=problems(
            *(UnknownUser, UnknownSeries, CapacityBelowRegistered, EventCanceled),
            *(Invalid, SeriesBusy, NotConfirmed),
        ),
    )
    def update_series(series_id: SeriesId, body: SeriesUpdate) -> responses.Series:
        """Update a series, with its occurrences from one on, unless one was changed alone.

        To change one occurrence alone, update its event.
        """
        _check_is_series(series_id)
        changes = body.changes()
        recurrence = body.recurrence.draft() if body.recurrence else None
        try:
            outcome: ChangeOutcome = confirm(
                lambda: service.edit_series(
                    series_id, changes, number=body.from_occurrence, recurrence=recurrence
                )
            )
        except UnknownEvent as unknown:
            if unknown.event_id == series_id:
                raise
            raise Invalid(
                "from_occurrence", "must be the number of an occurrence that has not started"
            ) from None
        return _latest(outcome.event)

    @router.post("/series/{seriesId}/end", responses=problems(UnknownSeries, Invalid, NotConfirmed))
    def end_series(series_id: SeriesId, body: SeriesEnd) -> responses.Series:
        """End a series: no more occurrences are created. Those that were can be canceled, now or by ending it again."""
        _check_is_series(series_id)
        outcome: ChangeOutcome = confirm(
            lambda: service.end_series(
                series_id, cancels=body.cancels_occurrences, reason=body.reason
            )
        )
        return _latest(outcome.event)

    @router.delete(
        "/series/{seriesId}", status_code=204, responses=problems(UnknownSeries, NotConfirmed)
    )
    def delete_series(series_id: SeriesId) -> None:
        """Delete a series and the registrations for all of it. Occurrences that were created stay."""
        _check_is_series(series_id)
        confirm(lambda: service.delete_event(series_id))

    def _check_is_series(series_id: str) -> None:
        check_is_series(service, series_id)

    def _latest(event: models.Event) -> responses.Series:
        """Return the response with what followed from a change, if that can be read: the change is done."""
        with suppress(Busy, UnknownEvent):
            event = service.get_event(event.event_id)
        return _response(event)


def _registrations(router: APIRouter, service: Service, confirm: Confirm) -> None:
    @router.post(
        "/series/{seriesId}/register",
        status_code=201,
        responses=problems(
            *(UnknownUser, UnknownSeries, AlreadyRegistered, RegistrationClosed),
            *(Invalid, NotConfirmed),
        ),
    )
    def register_for_series(
        series_id: SeriesId, body: NewRegistration
    ) -> responses.NewSeriesRegistration:
        """Register a user for all of a series: for occurrences that were created, and for each new one.

        Each registers them as any other user, for a seat or on its waitlist, with these answers.
        """
        check_is_series(service, series_id)
        outcome: RegisterOutcome = confirm(
            lambda: service.register(series_id, body.user_id, body.answers)
        )
        return responses.NewSeriesRegistration.with_occurrences(outcome, service.enroll(outcome))

    @router.put(
        "/series/{seriesId}/register/{userId}",
        responses=problems(
            *(UnknownUser, UnknownSeries, NotRegistered, RegistrationClosed),
            *(Invalid, NotConfirmed),
        ),
    )
    def change_answers_for_series(
        series_id: SeriesId, user_id: UserId, body: RegistrationUpdate
    ) -> responses.SeriesRegistration:
        """Replace a user's answers, for occurrences that will be created."""
        check_is_series(service, series_id)
        outcome: AnswersOutcome = confirm(
            lambda: service.change_answers(series_id, user_id, body.answers, with_position=True)
        )
        return responses.SeriesRegistration.of(
            outcome.event, outcome.registration, outcome.position
        )

    @router.delete(
        "/series/{seriesId}/register/{userId}",
        status_code=204,
        responses=problems(UnknownUser, UnknownSeries, NotRegistered, EventOver, NotConfirmed),
    )
    def unregister_from_series(series_id: SeriesId, user_id: UserId) -> None:
        """End a user's registration for all of a series. Those for occurrences that were created stay."""
        check_is_series(service, series_id)
        confirm(lambda: service.unregister(series_id, user_id))

    @router.get("/series/{seriesId}/registrations", responses=problems(UnknownSeries, Invalid))
    def list_registrations_for_series(
        series_id: SeriesId, query: Annotated[Paging, Query()]
    ) -> responses.SeriesRegistrationPage:
        """List the users who are registered for all of a series, in the order in which occurrences register them."""
        check_is_series(service, series_id)
        list_id = ("registrations for", series_id)
        page = service.list_registrations_in(
            series_id, limit=query.limit, cursor=from_cursor(list_id, query.cursor)
        )
        return responses.SeriesRegistrationPage(
            items=tuple(
                responses.SeriesRegistration.of_waitlisted(page.event, one) for one in page.waitlist
            ),
            registration_count=page.event.waitlist_count,
            next_cursor=to_cursor(list_id, page.next_cursor),
        )


def check_is_series(service: Service, series_id: str) -> None:
    """Raise `UnknownEvent` or `UnknownSeries` unless it is the id of a series."""
    if service.get_event(series_id).series is None:
        raise UnknownSeries(series_id)


def _response(event: models.Event) -> responses.Series:
    """Return the response for a series. Raises `UnknownSeries` if it is no series."""
    if event.series is None:
        raise UnknownSeries(event.event_id)
    return responses.Series.of(event, event.series)
