"""Replies to a person: an ephemeral message, the message or modal that was used, or a new modal."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View

from bot.blocks.builders import Message
from bot.blocks.modals import note_modal
from bot.blocks.mrkdwn import shortened
from bot.slack.api_errors import FAILURES, ErrorClass, classify
from bot.slack.frame_limits import fits
from bot.slack.interactions import BlockAction, MemberRequest, MessageAction, SlashCommand
from bot.slack.refusals import RefreshFailed, SlackBusy
from bot.slack.reply_sender import PendingReply, ReplySender
from bot.slack.request_budget import is_too_late_to_acknowledge
from bot.slack.view_payloads import ViewPayload
from domain.errors import Busy

_logger = logging.getLogger(__name__)

MODAL_TITLE_LENGTH = 24
"""Slack's limit on the characters of a modal's title."""


class Reply:
    """Replies to one person's press of a button; no one else sees the reply."""

    def __init__(self, action: BlockAction, sender: ReplySender, client: WebClient) -> None:
        """Create it. `client` opens and updates modals before the acknowledgement."""
        self._action = action
        self._sender = sender
        self._client = client

    def ephemeral(self, message: Message) -> None:
        """Show a message, and leave the message or view that was used as it is."""
        surface = self._action.surface
        if surface is None:
            post_ephemeral(self._sender, self._action, message)
        else:
            view = _as_modal(message, surface)
            self._send_into_view(message, lambda client: self._open(client, view))

    def ephemeral_after(self, work: Callable[[], Message]) -> None:
        """Show the message that some work returns. In a process that stays, no acknowledgement waits for the work."""
        key = f"{self._action.user_id} {self._action.actions[0].action_id} {self._action.value}"
        self._sender.send_after(key, lambda: self.ephemeral(work()))

    def replace(self, message: Message) -> None:
        """Replace the message or modal that was used, if only this person sees it."""
        surface = self._action.surface
        if self._action.card is not None or (surface is not None and surface.is_home):
            self.ephemeral(message)
        elif surface is None:
            _post(self._sender, self._action, message, replace_original=True)
        else:
            view_id, view = surface.id, _as_modal(message, surface)
            self._send_into_view(
                message, lambda client: client.views_update(view_id=view_id, view=view)
            )

    def open_modal(self, view: View) -> None:
        """Open a modal: on top of the modal that was used, in its place if it is the third, or as the first one.

        It does nothing if the modal that was used has been closed. For listeners that have changed nothing:
        raises `SlackBusy`.
        """
        with changing_nothing(), unless_closed():
            self._open(self._client, view)

    def _open(self, client: WebClient, view: View) -> None:
        surface = self._action.surface
        if surface is not None and surface.is_third:
            # Slack refuses a fourth modal, so the view takes the place of the third.
            client.views_update(view_id=surface.id, view=view)
            return
        is_first = surface is None or surface.is_home
        open_view = client.views_open if is_first else client.views_push
        open_view(trigger_id=self._action.trigger_id, view=view)

    def update_modal(self, view: View) -> None:
        """Update the modal that was used; do nothing if it has been closed.

        For listeners that have changed nothing, and inside `showing_change`: raises `SlackBusy`.
        """
        with changing_nothing():
            update_view(self._client, self._action.modal.id, view)

    def _send_into_view(self, message: Message, show: Callable[[WebClient], object]) -> None:
        self._sender.send(
            PendingReply(
                user_id=self._action.user_id, message=message, about=self._action.value, show=show
            )
        )


def post_ephemeral(
    sender: ReplySender,
    request: MemberRequest,
    message: Message,
    *,
    received_at: float | None = None,
) -> None:
    """Post a message that only the person sees who used what the response URL belongs to.

    If the request has none, it goes out as a direct message. Raises what `ReplySender.send` raises.
    """
    _post(
        sender,
        request,
        message,
        received_at=received_at,
        response_type="ephemeral",
        replace_original=False,
    )


def _post(
    sender: ReplySender,
    request: MemberRequest,
    message: Message,
    *,
    received_at: float | None = None,
    **options: Any,
) -> None:
    url = request.response_url if isinstance(request, SlashCommand | MessageAction) else None
    sender.send(
        PendingReply(
            user_id=request.user_id,
            message=message,
            about=request.value if isinstance(request, BlockAction) else "",
            response_url=url,
            options=options,
        ),
        received_at=received_at,
    )


def _as_modal(message: Message, surface: ViewPayload) -> View:
    """Return a message as a modal that has the title of the modal that was used, if there is one.

    An App Home has no title: Slack's payloads have "View Title" there, whatever was published.
    """
    title = surface.title.text if surface.title and not surface.is_home else None
    return note_modal(shortened(title or message.title, MODAL_TITLE_LENGTH), message)


@contextmanager
def changing_nothing() -> Iterator[None]:
    """Turn errors that pass into `SlackBusy`. Only for calls to Slack before which nothing was changed."""
    try:
        yield
    except FAILURES as error:
        failure = classify(error)
        if not failure.passes:
            raise
        raise SlackBusy(failure.reason) from error


def update_view(client: WebClient, view_id: str, view: View) -> None:
    """Update a modal; do nothing if it has been closed."""
    with unless_closed():
        client.views_update(view_id=view_id, view=view)


@contextmanager
def unless_closed() -> Iterator[None]:
    """Ignore that Slack does not find the modal that was used: whoever closed it wants nothing from it."""
    try:
        yield
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


def answer_command(
    message: Message, command: SlashCommand, sender: ReplySender
) -> dict[str, Any] | str:
    """Return the acknowledgement of a command that shows a message to its person alone.

    A message that the acknowledgement can't carry is posted, and the acknowledgement is empty. Raises what
    `ReplySender.send` raises.
    """
    response = command_response(message)
    if can_acknowledge_with(response):
        return response
    post_ephemeral(sender, command, message)
    return ""


def command_response(message: Message) -> dict[str, Any]:
    """Return a message as the acknowledgement of a command."""
    return {"response_type": "ephemeral", **message.to_dict()}


def can_acknowledge_with(response: dict[str, Any]) -> bool:
    """Return whether a command's response fits into an acknowledgement, and reaches Slack in time."""
    return fits(response) and not is_too_late_to_acknowledge()
