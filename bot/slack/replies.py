"""Replies to a person: an ephemeral message, the message or modal that was used, or a new modal."""

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
from bot.slack.direct_messages import post_direct_message
from bot.slack.interactions import BlockAction, MemberRequest, MessageAction, SlashCommand
from bot.slack.refusals import RefreshFailed
from bot.slack.response_urls import ReplyNotSent
from bot.slack.view_payloads import ViewPayload
from domain.errors import Busy

_logger = logging.getLogger(__name__)

MODAL_TITLE_LENGTH = 24
"""Slack's limit on the characters of a modal's title."""


class Reply:
    """Replies to one person's press of a button; no one else sees the reply."""

    def __init__(self, action: BlockAction, respond: Respond, client: WebClient) -> None:
        self._action = action
        self._respond = respond
        self.client = client

    def ephemeral(self, message: Message) -> None:
        """Show a message, and leave the message or view that was used as it is."""
        surface = self._action.surface
        if surface is None:
            post_ephemeral(self._respond, message)
        elif surface.is_home:
            self.open_modal(_as_modal(message, surface))
        else:
            with _replying_in_modal():
                self.open_modal(_as_modal(message, surface))

    def replace(self, message: Message) -> None:
        """Replace the message or modal that was used, if only this person sees it."""
        surface = self._action.surface
        if self._action.card is not None or (surface is not None and surface.is_home):
            self.ephemeral(message)
        elif surface is None:
            _post(self._respond, message, replace_original=True)
        else:
            with _replying_in_modal():
                self.client.views_update(view_id=surface.id, view=_as_modal(message, surface))

    def open_modal(self, view: View) -> None:
        """Open a modal: on top of the modal that was used, or as the first one."""
        surface = self._action.surface
        is_first = surface is None or surface.is_home
        open_view = self.client.views_open if is_first else self.client.views_push
        open_view(trigger_id=self._action.trigger_id, view=view)

    def update_modal(self, view: View) -> None:
        """Update the modal that was used; do nothing if it has been closed."""
        update_view(self.client, self._action.modal.id, view)


def post_ephemeral(respond: Respond, message: Message) -> None:
    """Post a message that only the person sees who used what the response URL belongs to.

    Raises `ReplyNotSent`.
    """
    _post(respond, message, response_type="ephemeral", replace_original=False)


def follow_up(
    request: MemberRequest, message: Message, *, respond: Respond, client: WebClient
) -> None:
    """Tell a person something after the acknowledgement, when their trigger has expired.

    Raises `ReplyNotSent`, and one of `bot.slack.api_errors.FAILURES`.
    """
    if isinstance(request, SlashCommand | MessageAction) and request.response_url:
        post_ephemeral(respond, message)
    else:
        post_direct_message(client, request.user_id, message.to_dict())


def _post(respond: Respond, message: Message, **options: Any) -> None:
    """Post to the response URL. Raises `ReplyNotSent`."""
    # Bolt's own `respond` would wait for 30 seconds, and open a connection each time.
    response_urls.post(
        str(respond.response_url),
        {**options, **message.to_dict()},
        proxy=respond.proxy,
        ssl=respond.ssl,
    )


def _as_modal(message: Message, surface: ViewPayload) -> View:
    """Return a message as a modal that has the title of the view that was used."""
    title = surface.title.text if surface.title else None
    return note_modal(shortened(title or "Rollcall", MODAL_TITLE_LENGTH), message)


@contextmanager
def _replying_in_modal() -> Iterator[None]:
    """Turn Slack's error for a modal that was closed meanwhile into `ReplyNotSent`."""
    try:
        yield
    except SlackApiError as error:
        if error.response.get("error") != "not_found":
            raise
        raise ReplyNotSent("the modal is closed") from error


def update_view(client: WebClient, view_id: str, view: View) -> None:
    """Update a modal; do nothing if it has been closed."""
    try:
        client.views_update(view_id=view_id, view=view)
    except SlackApiError as error:
        if error.response.get("error") != "not_found":
            raise


@contextmanager
def showing_change() -> Iterator[None]:
    """Show a change that was made. If that fails, the change holds all the same: raises `RefreshFailed`."""
    try:
        yield
    except (Busy, *FAILURES) as error:
        if not isinstance(error, Busy) and classify(error).error_class is ErrorClass.BUG:
            raise
        _logger.warning("a change could not be shown", exc_info=True)
        raise RefreshFailed from error


def command_response(message: Message) -> dict[str, Any]:
    """Return the acknowledgement of a command that shows a message to its person alone."""
    return {"response_type": "ephemeral", **message.to_dict()}
