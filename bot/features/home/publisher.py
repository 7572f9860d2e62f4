"""Publishes App Home when it is opened, and after its member has changed something that it shows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from slack_sdk import WebClient

from bot.blocks.paging import fill_page
from bot.features.home import views as home_views
from bot.slack import error_messages
from bot.slack.api_errors import FAILURES, ErrorClass, classify
from bot.slack.context import AppContext
from bot.slack.interactions import BlockAction, ViewSubmission
from bot.slack.refusals import GuestRefused, GuestStatusUnknown
from bot.slack.replies import changing_nothing
from bot.slack.view_metadata import HomeMetadata
from bot.slack.view_payloads import ViewPayload
from domain.errors import RollcallError
from domain.models import Event, EventForUser, Page, PastRegistrations, UserRegistration

_logger = logging.getLogger(__name__)

ENOUGH = 3
"""Events that a page of a list has at least, unless the list ends: some that are read don't belong in it."""


class HomePublisher:
    """Publishes one member's App Home."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._members = context.members
        self._client = context.client
        self._reply_client = context.reply_client
        self._later = context.later

    def publish(self, user_id: str, shown: HomeMetadata | None = None) -> None:
        """Show a member's lists from the places in `shown` on, or from the beginning.

        Raises `Busy`, `SlackBusy`, and one of `bot.slack.api_errors.FAILURES` if Slack refuses it.
        """
        with changing_nothing():
            self._publish(self._reply_client, user_id, shown or HomeMetadata())

    def publish_opened(self, user_id: str) -> None:
        """Publish the App Home that a member has just opened, unless Slack refuses it.

        Raises `Busy` and `SlackBusy`. Slack then sends its event again, so a first App Home doesn't stay empty.
        """
        try:
            self.publish(user_id)
        except FAILURES as error:
            _log_refusal(error)

    def refresh_if_shown(self, interaction: BlockAction | ViewSubmission) -> None:
        """Update App Home after a press in it, or after a press or a form in a modal.

        Slack does not say whether a modal lies over App Home.
        """
        if interaction.surface is not None:
            self.refresh(interaction)

    def refresh(self, interaction: BlockAction | ViewSubmission) -> None:
        """Update App Home soon, if possible. If not, it is up to date the next time it is opened."""
        user_id, surface = interaction.user_id, interaction.surface
        self._later(f"App Home of {user_id}", lambda: self._refresh(user_id, surface))

    def _refresh(self, user_id: str, surface: ViewPayload | None) -> None:
        try:
            shown = HomeMetadata.of(surface) if surface and surface.is_home else HomeMetadata()
            self._publish(self._client, user_id, shown)
        except RollcallError as error:
            _logger.warning("App Home was not updated: %r", error)
        except FAILURES as error:
            _log_refusal(error)

    def _publish(self, client: WebClient, user_id: str, shown: HomeMetadata) -> None:
        to_come = self._service.list_registrations_to_come(user_id)
        past = self._past(user_id, shown)
        organized = self._organized(user_id, shown.organized, past.items if past else ())
        own = {one.event.event_id: one for one in to_come.items}
        lists = home_views.Lists(
            user_id,
            to_come,
            past,
            self._as_seen(organized, own | self._registrations_over(user_id, organized.items)),
            self._upcoming(user_id, shown.upcoming, own),
        )
        client.views_publish(user_id=user_id, view=home_views.home(lists, shown))

    def _past(self, user_id: str, shown: HomeMetadata) -> PastRegistrations | None:
        if not shown.is_past:
            return None
        return self._service.list_past_registrations(
            user_id, first=shown.registrations, limit=home_views.PAGE_SIZE
        )

    def _organized(
        self, user_id: str, cursor: str | None, past: Sequence[UserRegistration]
    ) -> Page[Event]:
        """Return a page of the events that a member organizes, but those among the past ones shown (R8.6)."""
        shown = {one.event.event_id for one in past}

        def read(cursor: str | None) -> Page[Event]:
            page = self._service.list_organized(user_id, limit=home_views.PAGE_SIZE, cursor=cursor)
            others = tuple(event for event in page.items if event.event_id not in shown)
            return Page(others, page.next_cursor)

        return fill_page(read, cursor, ENOUGH)

    def _registrations_over(
        self, user_id: str, events: Sequence[Event]
    ) -> dict[str, UserRegistration]:
        """Return the member's registrations for those events that are over, by event id."""
        over = [event.event_id for event in events if self._service.is_over(event)]
        found = {event_id: self._service.find_registration(event_id, user_id) for event_id in over}
        return {event_id: one for event_id, one in found.items() if one is not None}

    def _as_seen(
        self, page: Page[Event], own: Mapping[str, UserRegistration]
    ) -> Page[EventForUser]:
        """Return a page of events with the member's own registrations, by event id."""
        seen = (
            EventForUser(
                event,
                own.get(event.event_id),
                self._service.accepts(event),
                self._service.is_over(event),
            )
            for event in page.items
        )
        return Page(tuple(seen), page.next_cursor)

    def _upcoming(
        self, user_id: str, cursor: str | None, own: Mapping[str, UserRegistration]
    ) -> Page[EventForUser] | str:
        """Return a page of the workspace's events, or why the member does not see them (R8.17).

        An event is shown once (R8.6): not here if the member is registered for it or organizes it.
        """
        try:
            self._members.require_full_member(user_id)
        except (GuestRefused, GuestStatusUnknown) as refusal:
            return error_messages.sentence(refusal)

        def read(cursor: str | None) -> Page[Event]:
            page = self._service.list_events(
                upcoming=True, limit=home_views.PAGE_SIZE, cursor=cursor
            )
            others = (
                event
                for event in page.items
                if event.event_id not in own and not event.is_organizer(user_id)
            )
            return Page(tuple(others), page.next_cursor)

        return self._as_seen(fill_page(read, cursor, ENOUGH), own)


def _log_refusal(error: Exception) -> None:
    """Log why App Home was not updated, as an error if an admin or a developer must do something."""
    failure = classify(error)
    is_alarm = failure.error_class in (ErrorClass.APP, ErrorClass.BUG)
    level = logging.ERROR if is_alarm else logging.WARNING
    _logger.log(level, "App Home was not updated: %s", failure.reason, exc_info=is_alarm)
