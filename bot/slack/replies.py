"""Replies to a person: an ephemeral message, the message or modal that was used, or a new modal."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.error import URLError

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
from bot.slack.frame_limits import fits
from bot.slack.interactions import BlockAction, MemberRequest, MessageAction, SlashCommand
from bot.slack.refusals import RefreshFailed, SlackBusy
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
        else:
            with self._replying_in_view(message):
                self._open(_as_modal(message, surface))

    def replace(self, message: Message) -> None:
        """Replace the message or modal that was used, if only this person sees it."""
        surface = self._action.surface
        if self._action.card is not None or (surface is not None and surface.is_home):
            self.ephemeral(message)
        elif surface is None:
            _post(self._respond, message, replace_original=True)
        else:
            with self._replying_in_view(message):
                self.client.views_update(view_id=surface.id, view=_as_modal(message, surface))

    def open_modal(self, view: View) -> None:
        """Open a modal: on top of the modal that was used, or as the first one.

        For listeners that have changed nothing: raises `SlackBusy`.
        """
        with changing_nothing():
            self._open(view)

    def _open(self, view: View) -> None:
        surface = self._action.surface
        is_first = surface is None or surface.is_home
        open_view = self.client.views_open if is_first else self.client.views_push
        open_view(trigger_id=self._action.trigger_id, view=view)

    def update_modal(self, view: View) -> None:
        """Update the modal that was used; do nothing if it has been closed.

        For listeners that have changed nothing, and inside `showing_change`: raises `SlackBusy`.
        """
        with changing_nothing():
            update_view(self.client, self._action.modal.id, view)

    @contextmanager
    def _replying_in_view(self, message: Message) -> Iterator[None]:
        """Send the reply as a direct message if Slack can't show it in a view now. Raises `ReplyNotSent`."""
        try:
            yield
        except FAILURES as error:
            if isinstance(error, SlackApiError) and error.response.get("error") == "not_found":
                raise ReplyNotSent("the modal is closed") from error
            if not classify(error).passes:
                raise
            if _is_timeout(error):
                raise ReplyNotSent("no time is left") from error
            _logger.warning("a reply goes out as a direct message: %s", classify(error).reason)
            try:
                post_direct_message(self.client, self._action.user_id, message.to_dict())
            except FAILURES as failure:
                raise ReplyNotSent(str(failure)) from failure


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
    """Return a message as a modal that has the title of the modal that was used.

    An App Home has no title: Slack's payloads have "View Title" there, whatever was published.
    """
    title = surface.title.text if surface.title and not surface.is_home else None
    return note_modal(shortened(title or "Rollcall", MODAL_TITLE_LENGTH), message)


@contextmanager
def changing_nothing() -> Iterator[None]:
    """Turn errors that pass into `SlackBusy`. Only for calls to Slack before which nothing was changed."""
    try:
        yield
    except FAILURES as error:
        failure = classify(error)
        if not failure.passes:
            raise
        raise SlackBusy(failure.reason, is_silent=_is_timeout(error)) from error


def _is_timeout(error: Exception) -> bool:
    """Return whether Slack did not respond in time, so that none is left for another call."""
    return isinstance(error, TimeoutError) or (
        isinstance(error, URLError) and isinstance(error.reason, TimeoutError)
    )


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
    except (Busy, SlackBusy, *FAILURES) as error:
        error_class = classify(error).error_class if isinstance(error, FAILURES) else None
        if error_class is ErrorClass.BUG:
            raise
        level = logging.ERROR if error_class is ErrorClass.APP else logging.WARNING
        _logger.log(level, "a change could not be shown", exc_info=True)
        raise RefreshFailed from error


def answer_command(message: Message, respond: Respond) -> dict[str, Any] | str:
    """Return the acknowledgement of a command that shows a message to its person alone.

    A message that is too large for it is posted, and the acknowledgement is empty. Raises `ReplyNotSent`.
    """
    response = command_response(message)
    if fits(response):
        return response
    post_ephemeral(respond, message)
    return ""


def command_response(message: Message) -> dict[str, Any]:
    """Return a message as the acknowledgement of a command."""
    return {"response_type": "ephemeral", **message.to_dict()}
