"""Add to calendar: the file is made when its button is pressed (R8.16)."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from bot.answers import Answer
from bot.files import send_file
from bot.ids import ActionId
from bot.parts import Parts
from bot.payloads import user_id_of, value_of
from bot.slack_errors import FAILURES, Blame, judge
from bot.views import messages
from bot.views.calendar import calendar_file, is_for_later

Body = dict[str, Any]


def register(app: App, parts: Parts) -> None:
    """Register the listeners of this flow."""
    app.action(ActionId.ADD_TO_CALENDAR)(Calendar(parts).pressed_add)


class Calendar:
    """The listener."""

    def __init__(self, parts: Parts) -> None:
        self._service = parts.service
        self._client = parts.client
        self._workspace_id = parts.workspace_id

    def pressed_add(
        self, ack: Ack, body: Body, action: Body, respond: Respond, client: WebClient
    ) -> None:
        """Send the file in a direct message, and say so where the button was pressed."""
        event = self._service.get_event(value_of(action))
        own = self._service.find_registration(event.event_id, user_id_of(body))
        if own is not None and is_for_later(own):
            Answer(body, respond, client).beside(messages.calendar_waits(own))
            ack()
            return
        try:
            send_file(self._client, user_id_of(body), calendar_file(event, self._workspace_id))
        except FAILURES as error:
            verdict = judge(error)
            if verdict.blame in (Blame.OURS, Blame.BUG):
                raise
            message = messages.calendar_not_sent(event)
        else:
            message = messages.calendar_sent(event)
        Answer(body, respond, client).beside(message)
        ack()
