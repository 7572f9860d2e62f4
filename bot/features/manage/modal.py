"""The Manage modal, which lies under every organizer's form, and the check that only organizers see it (R8.9)."""

from __future__ import annotations

from contextlib import suppress

from slack_sdk.models.views import View

from bot.features.manage import attendee_views, series_views
from bot.features.manage import views as manage_views
from bot.slack.context import AppContext
from bot.slack.interactions import ViewSubmission
from bot.slack.refusals import NotForSeries, NoUseOnceOver
from bot.slack.replies import showing_change, update_view
from domain.enums import EventStatus
from domain.errors import EventCanceled, UnknownEvent
from domain.models import Event, SeriesOverview


class ManageModal:
    """Builds and updates the Manage modal. It keeps no state."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._members = context.members
        self._cards = context.cards
        self._client = context.reply_client
        self._new_id = context.new_id

    def get_event(self, user_id: str, event_id: str) -> Event:
        """Return an event for one of its organizers. Raises `UnknownEvent`, `NotOrganizer`."""
        return self._members.as_organizer(
            user_id, lambda actor: self._service.get_event(event_id, actor=actor)
        )

    def get_single_event(self, user_id: str, event_id: str) -> Event:
        """Return an event that is no series, for one of its organizers.

        Raises `UnknownEvent`, `NotOrganizer`, `NotForSeries`.
        """
        event = self.get_event(user_id, event_id)
        if event.series is not None:
            raise NotForSeries
        return event

    def get_series(self, user_id: str, series_id: str) -> SeriesOverview:
        """Return a series for one of its organizers. Raises `UnknownEvent`, `NotOrganizer`, `NotASeries`."""
        return self._members.as_organizer(
            user_id, lambda actor: self._service.get_series(series_id, actor=actor)
        )

    def get_series_to_change(self, user_id: str, series_id: str) -> SeriesOverview:
        """Return a series that has not ended, for one of its organizers.

        Raises `UnknownEvent`, `NotOrganizer`, `NotASeries`, `EventCanceled`, `NoUseOnceOver`.
        """
        overview = self.get_series(user_id, series_id)
        if overview.series.status is EventStatus.CANCELED:
            raise EventCanceled(series_id, is_series=True)
        self._require_not_over(overview.series)
        return overview

    def find_series_of(self, event: Event) -> Event | None:
        """Return the series of an event, or None if it has none, or none anymore."""
        if event.occurrence is None:
            return None
        with suppress(UnknownEvent):
            return self._service.get_event(event.occurrence.series_id)
        return None

    def get_event_to_change(self, user_id: str, event_id: str) -> Event:
        """Return an event that is not canceled, for one of its organizers.

        Raises `UnknownEvent`, `NotOrganizer`, `NotForSeries`, `EventCanceled`.
        """
        event = self.get_single_event(user_id, event_id)
        if event.status is EventStatus.CANCELED:
            raise EventCanceled(event_id)
        return event

    def get_event_to_come(self, user_id: str, event_id: str) -> Event:
        """Return an event that is neither canceled nor over, for one of its organizers.

        Raises `UnknownEvent`, `NotOrganizer`, `NotForSeries`, `EventCanceled`, `NoUseOnceOver`.
        """
        event = self.get_event_to_change(user_id, event_id)
        self._require_not_over(event)
        return event

    def require_not_over(self, user_id: str, event_id: str) -> None:
        """Raise `NoUseOnceOver` for a form that stayed open until the event is over.

        A canceled event passes. Raises `UnknownEvent`, `NotOrganizer`, `NotForSeries`.
        """
        event = self.get_single_event(user_id, event_id)
        if event.status is not EventStatus.CANCELED:
            self._require_not_over(event)

    def _require_not_over(self, event: Event) -> None:
        if self._service.is_over(event):
            raise NoUseOnceOver

    def build(
        self,
        user_id: str,
        event_id: str,
        cursor: str | None = None,
        note: str | None = None,
    ) -> View:
        """Return the Manage modal of an event or a series as things are now, with a page of attendees.

        Raises `Busy`, `UnknownEvent`, `NotOrganizer`.
        """
        listing = self._members.as_organizer(
            user_id,
            lambda actor: self._service.list_registrations_in(
                event_id, limit=attendee_views.ATTENDEES_PAGE, cursor=cursor, actor=actor
            ),
        )
        shown = {registration.user_id for registration in listing.registered}
        shown |= {waitlisted.entry.user_id for waitlisted in listing.waitlist}
        users = self._service.get_users(shown)
        if listing.event.series is not None:
            return series_views.manage_series(
                self._service.get_series(event_id),
                listing,
                users,
                request_id=self._new_id(),
                cursor=cursor,
                note=note,
                is_over=self._service.is_over(listing.event),
            )
        return manage_views.manage_event(
            listing,
            users,
            request_id=self._new_id(),
            cursor=cursor,
            note=note,
            has_started=self._service.has_started(listing.event),
            is_over=self._service.is_over(listing.event),
            has_card=bool(self._cards.newest_card(event_id)),
            series=self.find_series_of(listing.event),
        )

    def update_below(self, submission: ViewSubmission, event_id: str) -> None:
        """Update the Manage modal under a form that is done. Raises `RefreshFailed`."""
        below = submission.view.view_below
        if below is not None:
            with showing_change():
                update_view(self._client, below, self.build(submission.user_id, event_id))
