"""Turns what a listener raised into a reply: a refusal into its sentence, an unexpected failure into a reference."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeGuard

from slack_bolt import BoltContext, BoltRequest, BoltResponse
from slack_bolt.error import BoltUnhandledRequestError
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot import telemetry
from bot.blocks.builders import Message
from bot.blocks.ids import BlockId
from bot.blocks.modals import note_modal
from bot.outcome_messages import outcome_message
from bot.slack import error_messages
from bot.slack.event_payloads import SlackEvent
from bot.slack.interactions import (
    BlockAction,
    Interaction,
    MemberRequest,
    OptionsRequest,
    SlashCommand,
    ViewSubmission,
    has_response_url,
)
from bot.slack.middleware import interaction_in
from bot.slack.refusals import (
    MalformedPayload,
    MembershipUnknown,
    NotInUse,
    NoUseOnceOver,
    RefreshFailed,
    SlackBusy,
)
from bot.slack.registrar import RefreshHome
from bot.slack.replies import Reply, can_acknowledge_with, command_response, post_ephemeral
from bot.slack.reply_sender import PendingReply, ReplyNotSent, ReplySender
from bot.slack.unexpected_failures import log_unexpected
from bot.slack.view_payloads import ViewPayload
from domain.errors import (
    AlreadyRegistered,
    AttendeesHidden,
    Busy,
    CapacityBelowRegistered,
    EventCanceled,
    EventFull,
    EventOver,
    Invalid,
    NotConfirmed,
    NotOrganizer,
    NotRegistered,
    Queued,
    RegistrationClosed,
    RollcallError,
    TooFewSeats,
    UnknownEvent,
)
from domain.ports import NewId

_logger = logging.getLogger(__name__)

_BLOCKS = {"has_waitlist": BlockId.OPTIONS}
"""The inputs of fields that have no input of their own name."""

_TRIGGER_EXPIRED = ("expired_trigger_id", "exchanged_trigger_id")

_TOO_MANY_MODALS = "push_limit_reached"
"""Slack's error for a fourth modal over three."""


_OUTDATED = (
    AlreadyRegistered,
    AttendeesHidden,
    EventCanceled,
    EventFull,
    EventOver,
    NotOrganizer,
    NotRegistered,
    NoUseOnceOver,
    RefreshFailed,
    RegistrationClosed,
    TooFewSeats,
    UnknownEvent,
)
"""Refusals and failures which show that the view with the button or form is out of date."""


class ErrorHandler:
    """Replies to the person whose request failed.

    `refresh_home` updates App Home after a press in it, or after a press or a form in a modal.
    """

    def __init__(
        self,
        new_id: NewId,
        sender: ReplySender,
        client: WebClient,
        refresh_home: RefreshHome,
    ) -> None:
        self._new_id = new_id
        self._sender = sender
        self._client = client
        self._refresh_home = refresh_home

    def handle(self, error: Exception, context: BoltContext, body: dict[str, Any]) -> BoltResponse:
        """Reply once, where the person looks. Return the acknowledgement."""
        if isinstance(error, ReplyNotSent):
            return _no_reply(error)
        if isinstance(error, SlackApiError) and error.response.get("error") == _TOO_MANY_MODALS:
            # A button was pressed three times, and its modal is open twice already.
            _logger.info("a modal was not opened: Slack allows three")
            return BoltResponse(status=200, body="")
        interaction = interaction_in(context)
        message = self._message(error, interaction)
        if interaction is None or isinstance(error, MalformedPayload | NotInUse):
            return self._reply_unparsed(body, message)
        response = self._reply(error, interaction, message)
        if isinstance(interaction, BlockAction | ViewSubmission) and isinstance(error, _OUTDATED):
            self._refresh_home(interaction)
        if isinstance(error, NotConfirmed) and _is_member_request(interaction):
            received_at = self._sender.receipt()
            # This comes last: if the outcome is known by now, the callback runs immediately.
            error.result.add_done_callback(
                lambda result: self._send_outcome(interaction, result, received_at)
            )
        return response

    def refuse(self, error: Exception, request: BoltRequest) -> BoltResponse:
        """Answer a request that no listener gets; return the acknowledgement."""
        return self.handle(error, request.context, request.body)

    def _message(self, error: Exception, interaction: Interaction | None) -> Message:
        if isinstance(error, BoltUnhandledRequestError):
            return error_messages.message(NotInUse())
        if isinstance(error, MalformedPayload):
            _logger.warning("malformed payload: %r", error.where)
        if isinstance(error, SlackBusy):
            _logger.warning("Slack is busy: %s", error.reason)
        if isinstance(error, RollcallError):
            telemetry.log_refusal(error)
            if _is_member_request(interaction):
                return error_messages.message_for(interaction.user_id, error)
            return error_messages.message(error)
        if isinstance(error, SlackApiError) and error.response.get("error") in _TRIGGER_EXPIRED:
            return error_messages.too_late()
        return error_messages.unexpected(log_unexpected(error, self._new_id))

    def _reply(self, error: Exception, interaction: Interaction, message: Message) -> BoltResponse:
        match interaction:
            case BlockAction() if isinstance(error, Queued) and not error.has_waited:
                # Another message would keep this function from the next press, and the reply comes all the same.
                return BoltResponse(status=200, body="")
            case BlockAction():
                reply = Reply(interaction, self._sender, self._client)
                return _send(lambda: reply.ephemeral(message))
            case ViewSubmission():
                return _json(_in_form(error, interaction.view, message))
            case OptionsRequest():
                return _json({"options": []})
            case SlashCommand():
                return _answer_command(
                    message, lambda: post_ephemeral(self._sender, interaction, message)
                )
            case _:
                # Slack sends the event again: at once, after one minute, and after five.
                is_temporary = isinstance(error, Busy | SlackBusy | MembershipUnknown)
                return BoltResponse(status=503 if is_temporary else 200, body="")

    def _reply_unparsed(self, body: Mapping[str, Any], message: Message) -> BoltResponse:
        """Answer a payload that can't be relied on. If there is no way to reply, 400 makes Slack show a failure."""

        def post() -> None:
            url = str(body.get("response_url"))
            options = {"response_type": "ephemeral", "replace_original": False}
            self._sender.send(
                PendingReply(user_id=None, message=message, response_url=url, options=options)
            )

        if "command" in body:
            return _answer_command(message, post)
        match body.get("type"):
            case "view_submission":
                return _json(_push_note(message))
            case "block_suggestion":
                return _json({"options": []})
            case "event_callback" | "view_closed":
                return BoltResponse(status=200, body="")
        if not has_response_url(body):
            return BoltResponse(status=400, body="")
        return _send(post)

    def _send_outcome(
        self, request: MemberRequest, result: Future[object], received_at: float
    ) -> None:
        """Send a member the outcome of their unconfirmed request. Their trigger has expired by now."""
        message = outcome_message(result.exception() or result.result(), request.user_id)
        try:
            post_ephemeral(self._sender, request, message, received_at=received_at)
        except ReplyNotSent:
            # Not raised: other requests may get their outcomes in this thread.
            _logger.warning("could not send a member the outcome of their request", exc_info=True)


def _is_member_request(interaction: Interaction | None) -> TypeGuard[MemberRequest]:
    return interaction is not None and not isinstance(interaction, SlackEvent)


def _answer_command(message: Message, post: Callable[[], None]) -> BoltResponse:
    """Answer a command: with the message, or by posting it if the acknowledgement can't carry it."""
    response = command_response(message)
    return _json(response) if can_acknowledge_with(response) else _send(post)


def _send(send: Callable[[], None]) -> BoltResponse:
    try:
        send()
    except ReplyNotSent as error:
        return _no_reply(error)
    return BoltResponse(status=200, body="")


def _no_reply(error: Exception) -> BoltResponse:
    """Have Slack show that the press got no reply. Pressing again shows the present state."""
    _logger.warning("could not reply to a press: %s", error)
    return BoltResponse(status=503, body="")


def _in_form(error: Exception, view: ViewPayload, message: Message) -> dict[str, Any]:
    """Mark the field that is wrong, or show the message over the form; the form keeps what was typed."""
    blocks = {block.block_id for block in view.blocks}
    if isinstance(error, CapacityBelowRegistered) and "capacity" in blocks:
        return _field_error("capacity", error_messages.sentence(error))
    if isinstance(error, Invalid):
        field = _BLOCKS.get(error.field, error.field)
        field = field if field in blocks else field.partition(".")[0]
        if field in blocks:
            return _field_error(field, error_messages.field_error(error.reason))
    response = _push_note(message, error_messages.title(error))
    # Over the third modal of a stack there is no room: the message takes its place.
    return response | {"response_action": "update"} if view.is_third else response


def _field_error(field: str, sentence: str) -> dict[str, Any]:
    return {"response_action": "errors", "errors": {field: sentence}}


def _push_note(message: Message, title: str = error_messages.FAILED) -> dict[str, Any]:
    return {"response_action": "push", "view": note_modal(title, message).to_dict()}


def _json(body: dict[str, Any]) -> BoltResponse:
    return BoltResponse(
        status=200,
        body=json.dumps(body),
        headers={"Content-Type": "application/json;charset=utf-8"},
    )
