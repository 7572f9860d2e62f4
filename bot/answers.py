"""Where an answer goes: beside what was pressed, in its place, or into a modal. See the design on Slack."""

from __future__ import annotations

from typing import Any

from slack_bolt import Respond
from slack_sdk import WebClient

from bot.payloads import Payload, source, user_id_of
from bot.views.modals import note_modal
from bot.views.text import Message


class Answer:
    """Answers one person's press of a button; nobody else sees it."""

    def __init__(self, body: Payload, respond: Respond, client: WebClient) -> None:
        self._body = body
        self._respond = respond
        self._client = client
        self._source = source(body)

    def beside(self, message: Message) -> None:
        """Say something; what was pressed stays."""
        if self._source.is_view:
            self._open(message)
        else:
            self._respond(response_type="ephemeral", replace_original=False, **message.to_dict())

    def instead(self, message: Message) -> None:
        """Say something in the place of the message whose button was pressed, if only this person sees it."""
        if self._source.is_view or self._source.is_card:
            self.beside(message)
        else:
            self._respond(replace_original=True, **message.to_dict())

    def _open(self, message: Message) -> None:
        view = note_modal("Rollcall", message)
        trigger_id = self._body.get("trigger_id")
        if trigger_id and not self._source.is_home:
            self._client.views_push(trigger_id=trigger_id, view=view)
        elif trigger_id:
            self._client.views_open(trigger_id=trigger_id, view=view)
        else:
            self.by_direct_message(message)

    def later(self, message: Message) -> None:
        """Say something after the acknowledgement, when the trigger has expired."""
        if self._source.is_view or not self._body.get("response_url"):
            self.by_direct_message(message)
        else:
            self._respond(response_type="ephemeral", replace_original=False, **message.to_dict())

    def by_direct_message(self, message: Message) -> None:
        """Send the person a message."""
        self._client.chat_postMessage(channel=user_id_of(self._body), **message.to_dict())


def in_command(message: Message) -> dict[str, Any]:
    """Return the acknowledgement of a command that only its person sees."""
    return {"response_type": "ephemeral", **message.to_dict()}
