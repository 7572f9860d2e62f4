"""Add to calendar: the file is made when its button is pressed (R8.16)."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from bot.blocks.ids import ActionId
from bot.features.calendar import views as calendar_views
from bot.features.calendar.calendar_file import calendar_file, is_for_later
from bot.slack.api_errors import FAILURES, ErrorClass, classify
from bot.slack.context import AppContext
from bot.slack.files import send_file
from bot.slack.interactions import user_id_of, value_of
from bot.slack.replies import Reply

Body = dict[str, Any]


def register(app: App, context: AppContext) -> None:
    """Register the listeners of this flow."""
    app.action(ActionId.ADD_TO_CALENDAR)(CalendarListeners(context).pressed_add)


class CalendarListeners:
    """The listener."""

    def __init__(self, context: AppContext) -> None:
        self._service = context.service
        self._client = context.client
        self._workspace_id = context.workspace_id

    def pressed_add(
        self, ack: Ack, body: Body, action: Body, respond: Respond, client: WebClient
    ) -> None:
        """Send the file in a direct message, and say so where the button was pressed."""
        event = self._service.get_event(value_of(action))
        own = self._service.find_registration(event.event_id, user_id_of(body))
        if own is not None and is_for_later(own):
            Reply(body, respond, client).ephemeral(calendar_views.no_seat_yet(own))
            ack()
            return
        try:
            send_file(self._client, user_id_of(body), calendar_file(event, self._workspace_id))
        except FAILURES as error:
            verdict = classify(error)
            if verdict.error_class in (ErrorClass.OURS, ErrorClass.BUG):
                raise
            message = calendar_views.file_not_sent(event)
        else:
            message = calendar_views.file_sent(event)
        Reply(body, respond, client).ephemeral(message)
        ack()
