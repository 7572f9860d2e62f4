"""Add to calendar: makes the file when its button is pressed (R8.16)."""

from __future__ import annotations

from bot.blocks.ids import ActionId
from bot.features.calendar import views as calendar_views
from bot.features.calendar.calendar_file import calendar_file, has_seat, is_for_later
from bot.slack.api_errors import ErrorClass
from bot.slack.context import AppContext
from bot.slack.files import try_to_send_file
from bot.slack.interactions import BlockAction
from bot.slack.registrar import Registrar
from bot.slack.replies import Reply


def add_listeners(registrar: Registrar, context: AppContext) -> None:
    """Register the listener."""
    registrar.action(ActionId.ADD_TO_CALENDAR, CalendarListeners(context).add_to_calendar)


class CalendarListeners:
    """Send calendar files."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._client = context.client
        self._workspace_id = context.workspace_id

    def add_to_calendar(self, action: BlockAction, reply: Reply) -> None:
        """Send the file in a direct message, and say so where the button was pressed."""
        event = self._service.get_event(action.value)
        registration = self._service.find_registration(event.event_id, action.user_id)
        if registration is not None and is_for_later(registration):
            reply.ephemeral(calendar_views.no_seat_yet(registration))
            return
        join_link = event.join_link if has_seat(registration) else ""
        file = calendar_file(event, self._workspace_id, join_link)
        failure = try_to_send_file(self._client, action.user_id, file)
        if failure is None:
            reply.ephemeral(calendar_views.file_sent(event, join_link))
        elif failure.error_class is ErrorClass.NO_FILES:
            reply.ephemeral(calendar_views.no_files_here(event, failure.reason, join_link))
        else:
            reply.ephemeral(calendar_views.file_not_sent(event, join_link))
