"""Where an answer goes: beside what was pressed, in its place, or into a modal. See the design on Slack."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from slack_bolt import Respond
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View

from bot.blocks.builders import Message
from bot.blocks.modals import note_modal
from bot.blocks.mrkdwn import shortened
from bot.slack import response_urls
from bot.slack.api_errors import FAILURES, ErrorClass, classify
from bot.slack.errors import RefreshFailed
from bot.slack.interactions import Payload, source, user_id_of
from bot.slack.response_urls import ReplyNotSent
from domain.errors import Busy

_logger = logging.getLogger(__name__)

TITLE = 24
"""Characters of a modal's title, by Slack's page on views."""


class Reply:
    """Answers one person's press of a button; nobody else sees it."""

    def __init__(self, body: Payload, respond: Respond, client: WebClient) -> None:
        self._body = body
        self._respond = respond
        self._client = client
        self._source = source(body)

    @property
    def user_id(self) -> str:
        """Whom it answers."""
        return user_id_of(self._body)

    def ephemeral(self, message: Message) -> None:
        """Say something; what was pressed stays."""
        if self._source.is_view:
            self._open(message)
        else:
            self._post(message, response_type="ephemeral", replace_original=False)

    def replace(self, message: Message) -> None:
        """Say something in the place of the message or modal, if only this person sees it."""
        if self._source.is_card or self._source.is_home:
            self.ephemeral(message)
        elif self._source.is_view:
            with _still_open():
                self._client.views_update(
                    view_id=self._body["view"]["id"], view=self._modal(message)
                )
        else:
            self._post(message, replace_original=True)

    def later(self, message: Message) -> None:
        """Say something after the acknowledgement, when the trigger has expired."""
        if self._source.is_view or not self._body.get("response_url"):
            self._client.chat_postMessage(channel=user_id_of(self._body), **message.to_dict())
        else:
            self._post(message, response_type="ephemeral", replace_original=False)

    def _post(self, message: Message, **how: Any) -> None:
        """Use the response URL. Raises `ReplyNotSent`."""
        # Bolt's own `respond` would wait for 30 seconds, and connect anew each time.
        respond = self._respond
        response_urls.post(
            str(respond.response_url),
            {**how, **message.to_dict()},
            proxy=respond.proxy,
            ssl=respond.ssl,
        )

    def _open(self, message: Message) -> None:
        trigger_id = self._body["trigger_id"]
        if self._source.is_home:
            self._client.views_open(trigger_id=trigger_id, view=self._modal(message))
        else:
            with _still_open():
                self._client.views_push(trigger_id=trigger_id, view=self._modal(message))

    def _modal(self, message: Message) -> View:
        return note_modal(shortened(str(self._modal_title()), TITLE), message)

    def _modal_title(self) -> object:
        """Return the title of the modal that was pressed in."""
        title = self._body.get("view", {}).get("title") or {}
        return title.get("text") or "Rollcall"


@contextmanager
def _still_open() -> Iterator[None]:
    """Answer in a modal. Raises `ReplyNotSent` if its person has closed it meanwhile."""
    try:
        yield
    except SlackApiError as error:
        if error.response.get("error") != "not_found":
            raise
        raise ReplyNotSent("the modal is closed") from error


def open_modal(body: Payload, client: WebClient, view: View) -> None:
    """Open a modal over what was pressed: on top of a modal, else as the first."""
    pressed_in = source(body)
    is_modal = pressed_in.is_view and not pressed_in.is_home
    show = client.views_push if is_modal else client.views_open
    show(trigger_id=body["trigger_id"], view=view)


def show_again(client: WebClient, view_id: str, view: View) -> None:
    """Show a modal as things are now; nothing happens if its person has closed it."""
    try:
        client.views_update(view_id=view_id, view=view)
    except SlackApiError as error:
        if error.response.get("error") != "not_found":
            raise


@contextmanager
def once_done() -> Iterator[None]:
    """Show what was changed: where that fails, the change holds all the same. Raises `RefreshFailed`."""
    try:
        yield
    except (Busy, *FAILURES) as error:
        if not isinstance(error, Busy) and classify(error).error_class is ErrorClass.BUG:
            raise
        _logger.warning("what was changed could not be shown", exc_info=True)
        raise RefreshFailed from error


def in_command(message: Message) -> dict[str, Any]:
    """Return the acknowledgement of a command that only its person sees."""
    return {"response_type": "ephemeral", **message.to_dict()}
