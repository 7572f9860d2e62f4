"""Add to calendar: makes the file when its button is pressed (R8.16)."""

from __future__ import annotations

from bot.blocks.builders import Message
from bot.blocks.ids import ActionId
from bot.features.calendar import views as calendar_views
from bot.features.calendar.calendar_file import calendar_file, is_for_later
from bot.slack import error_messages
from bot.slack.api_errors import FAILURES, ErrorClass
from bot.slack.context import AppContext
from bot.slack.files import File, try_to_send_file
from bot.slack.interactions import BlockAction
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply
from bot.slack.unexpected_failures import log_unexpected
from domain.models import Event


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listener."""
    registrar.action(ActionId.ADD_TO_CALENDAR, CalendarListeners(context).add_to_calendar)


class CalendarListeners:
    """Send calendar files."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._client = context.reply_client
        self._new_id = context.new_id
        self._workspace_id = context.workspace_id

    def add_to_calendar(self, action: BlockAction, reply: Reply) -> None:
        """Have the file sent in a direct message, and the reply where the button was pressed."""
        event = self._service.get_event(action.value)
        registration = self._service.find_registration(event.event_id, action.user_id)
        if registration is not None and is_for_later(registration):
            reply.ephemeral(calendar_views.no_seat_yet(registration))
            return
        join_link = registration.join_link if registration is not None else ""
        file = calendar_file(event, self._workspace_id, join_link)
        # A file takes four requests: more than a slow Slack takes before the acknowledgement.
        reply.ephemeral_after(lambda: self._sent(action.user_id, file, event, join_link))

    def _sent(self, user_id: str, file: File, event: Event, join_link: str) -> Message:
        """Send the file in a direct message. Return the reply: where it is, or why there is none."""
        try:
            failure = try_to_send_file(self._client, user_id, file)
        except FAILURES as error:
            return error_messages.unexpected(log_unexpected(error, self._new_id))
        if failure is None:
            return calendar_views.file_sent(event, join_link)
        if failure.error_class is ErrorClass.NO_FILES:
            return calendar_views.no_files_here(event, failure.reason, join_link)
        return calendar_views.file_not_sent(event, join_link)
