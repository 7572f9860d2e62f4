"""Add to calendar: makes the file of an event, or of a whole series, when its button is pressed (R8.16)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.blocks.builders import Message
from bot.blocks.ids import ActionId
from bot.features.calendar import views as calendar_views
from bot.features.calendar.calendar_file import calendar_file, is_for_later
from bot.features.calendar.series_file import series_file
from bot.slack import error_messages
from bot.slack.api_errors import FAILURES, ErrorClass
from bot.slack.context import AppContext
from bot.slack.files import File, try_to_send_file
from bot.slack.interactions import BlockAction
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply
from bot.slack.unexpected_failures import log_unexpected
from domain.enums import EventStatus
from domain.models import Event


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listeners."""
    listeners = CalendarListeners(context)
    registrar.action(ActionId.ADD_TO_CALENDAR, listeners.add_to_calendar, refreshes_home=True)
    registrar.action(ActionId.UPDATE_CALENDAR, listeners.update_calendar)


class CalendarListeners:
    """Send calendar files."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._client = context.reply_client
        self._new_id = context.new_id
        self._workspace_id = context.workspace_id

    def add_to_calendar(self, action: BlockAction, reply: Reply) -> None:
        """Have the file sent in a direct message, and the reply where the button was pressed."""
        self._send(action, reply, is_update=False)

    def update_calendar(self, action: BlockAction, reply: Reply) -> None:
        """Do the same for an event that has moved."""
        self._send(action, reply, is_update=True)

    def _send(self, action: BlockAction, reply: Reply, *, is_update: bool) -> None:
        event = self._service.get_event(action.value)
        if event.series is not None:
            self._send_series(action, reply, event)
            return
        registration = self._service.find_registration(event.event_id, action.user_id)
        if registration is not None and is_for_later(registration):
            reply.ephemeral(calendar_views.no_seat_yet(registration))
            return
        if is_update and event.status is not EventStatus.CANCELED:
            if registration is None:
                reply.ephemeral(calendar_views.not_registered(event))
                return
            if self._service.is_over(event):
                reply.ephemeral(calendar_views.nothing_to_update(event))
                return
        join_link = registration.join_link if registration is not None else ""
        whole = None
        if event.occurrence is not None:
            whole = self._service.get_whole_series(event.occurrence.series_id, action.user_id)
        file = calendar_file(event, self._workspace_id, join_link, whole=whole, is_update=is_update)
        is_here = action.is_in_direct_message
        replies = _Replies(
            calendar_views.file_sent(event, join_link, is_update=is_update, is_here=is_here),
            calendar_views.file_not_sent(event, join_link, is_update=is_update),
            lambda reason: calendar_views.no_files_here(
                event, reason, join_link, is_update=is_update
            ),
        )
        # A file takes four requests: more than a slow Slack takes before the acknowledgement.
        reply.ephemeral_after(lambda: self._sent(action, file, replies))

    def _send_series(self, action: BlockAction, reply: Reply, series: Event) -> None:
        """Have the file with all of a series sent to someone who registered for all of it (R13.4)."""
        whole = self._service.get_whole_series(series.event_id, action.user_id)
        if series.event_id not in whole.registrations:
            reply.ephemeral(calendar_views.not_registered_for_all(series))
            return
        file = series_file(whole, self._workspace_id)
        if file is None:
            reply.ephemeral(calendar_views.no_dates_left(series))
            return
        replies = _Replies(
            calendar_views.series_file_sent(series, is_here=action.is_in_direct_message),
            calendar_views.series_file_not_sent(series),
            lambda reason: calendar_views.no_files_for_series(series, reason),
        )
        reply.ephemeral_after(lambda: self._sent(action, file, replies))

    def _sent(self, action: BlockAction, file: File, replies: _Replies) -> Message:
        """Send the file in a direct message. Return the reply: where it is, or why there is none."""
        try:
            failure = try_to_send_file(self._client, action.user_id, file)
        except FAILURES as error:
            return error_messages.unexpected(log_unexpected(error, self._new_id))
        if failure is None:
            return replies.sent
        if failure.error_class is ErrorClass.NO_FILES:
            return replies.no_files(failure.reason)
        return replies.not_sent


@dataclass(frozen=True, slots=True)
class _Replies:
    """The replies once a calendar file was sent, or could not be."""

    sent: Message
    not_sent: Message
    no_files: Callable[[str], Message]
    """By Slack's error code."""
