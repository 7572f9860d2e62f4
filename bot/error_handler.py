"""The one error handler: a refusal becomes its sentence, the unforeseen a reference, each on its surface."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import BoltRequest, BoltResponse, Respond
from slack_bolt.error import BoltUnhandledRequestError
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot import telemetry
from bot.blocks.builders import Message
from bot.blocks.modals import note_modal
from bot.features.account import views as account_views
from bot.features.manage import roster_views
from bot.features.manage import views as manage_views
from bot.features.registration import views as registration_views
from bot.slack import error_messages
from bot.slack.api_errors import FAILURES
from bot.slack.errors import MalformedPayload, NotInUse
from bot.slack.interactions import Payload, user_id_of
from bot.slack.payload_models import response_url
from bot.slack.replies import Reply, in_command
from bot.slack.response_urls import ReplyNotSent
from domain.commands import ChangeOutcome, LeaveOutcome, RegisterOutcome
from domain.errors import (
    CapacityBelowRegistered,
    Invalid,
    NotConfirmed,
    NotRegistered,
    RollcallError,
)
from domain.ports import NewId

_logger = logging.getLogger(__name__)


class ErrorHandler:
    """Answers whatever a listener raised."""

    def __init__(self, new_id: NewId) -> None:
        self._new_id = new_id

    def answer(
        self, error: Exception, body: dict[str, Any], respond: Respond, client: WebClient
    ) -> BoltResponse:
        """Tell the person, once, where they look; return the acknowledgement."""
        if isinstance(error, ReplyNotSent):
            return _unanswered(error)
        if isinstance(error, SlackApiError) and error.response.get("error") == _STACKED:
            # Somebody pressed three times what opens a form, and has it twice already.
            _logger.info("there is no room for one more modal")
            return BoltResponse(status=200, body="")
        message = self._message(error, body)
        if isinstance(error, MalformedPayload | NotInUse):
            return _unread(body, message, respond, client)
        answer = Reply(body, respond, client)
        response = _response(error, body, message, answer)
        if isinstance(error, NotConfirmed):
            # Only now: where it is settled already, the ending is told at once.
            error.settled(lambda outcome: _tell_ending(answer, outcome))
        return response

    def refuse(self, error: Exception, request: BoltRequest) -> BoltResponse:
        """Tell the person of a request that is not passed on; return the acknowledgement."""
        context = request.context
        respond = context.respond or Respond(response_url=None)
        return self.answer(error, request.body, respond, context.client)

    def _message(self, error: Exception, body: Payload) -> Message:
        if isinstance(error, BoltUnhandledRequestError):
            return error_messages.message(NotInUse())
        if isinstance(error, MalformedPayload):
            _logger.warning("malformed payload: %r", error.where)
        if isinstance(error, RollcallError):
            telemetry.refused(error)
            if isinstance(error, NotRegistered):
                return error_messages.to(user_id_of(body), error)
            return error_messages.message(error)
        if isinstance(error, SlackApiError) and error.response.get("error") in _LATE:
            return error_messages.too_late()
        reference = self._new_id()[:8]
        _logger.error(
            "unforeseen failure, reference %s",
            reference,
            exc_info=error,
            extra={"reference": reference},
        )
        return error_messages.unforeseen(reference)


_LATE = ("expired_trigger_id", "exchanged_trigger_id")

_STACKED = "push_limit_reached"
"""Slack's word for a fourth modal over three."""


def _response(
    error: Exception, body: dict[str, Any], message: Message, answer: Reply
) -> BoltResponse:
    match body.get("type"):
        case "block_actions":
            return _beside(answer, message)
        case "view_submission":
            return _json(_in_form(error, body["view"], message))
        case "block_suggestion":
            return _json({"options": []})
        case _ if "command" in body:
            return _json(in_command(message))
        case _:
            return BoltResponse(status=200, body="")


def _unread(
    body: Mapping[str, Any], message: Message, respond: Respond, client: WebClient
) -> BoltResponse:
    """Answer a payload of which nothing can be relied on: 400 where Slack is to show that it failed."""
    if "command" in body:
        return _json(in_command(message))
    match body.get("type"):
        case "view_submission":
            return _json(_pushed(message))
        case "block_suggestion":
            return _json({"options": []})
        case "event_callback" | "view_closed":
            return BoltResponse(status=200, body="")
    if response_url(body) is None:
        return BoltResponse(status=400, body="")
    return _beside(Reply({}, respond, client), message)


def _beside(answer: Reply, message: Message) -> BoltResponse:
    try:
        answer.ephemeral(message)
    except (ReplyNotSent, *FAILURES) as error:
        return _unanswered(error)
    return BoltResponse(status=200, body="")


def _unanswered(error: Exception) -> BoltResponse:
    """Have Slack show that the press had no answer: pressing again tells how things are."""
    _logger.warning("a press was not answered: %s", error)
    return BoltResponse(status=503, body="")


def _tell_ending(answer: Reply, outcome: object) -> None:
    """Tell how an unconfirmed request ended; others may be waiting for their endings in this thread."""
    try:
        answer.later(_ending(outcome, answer.user_id))
    except (ReplyNotSent, *FAILURES):
        _logger.warning("somebody could not be told how it ended", exc_info=True)


def _ending(outcome: object, asker_id: str) -> Message:
    """Return how an unconfirmed request ended, for the one whose it was."""
    render: dict[type, Callable[[Any], Message]] = {
        RegisterOutcome: registration_views.registered,
        LeaveOutcome: registration_views.unregistered,
        ChangeOutcome: manage_views.event_changed,
        bool: account_views.forgotten,
    }
    if isinstance(outcome, RollcallError):
        return error_messages.to(asker_id, outcome)
    if isinstance(outcome, LeaveOutcome) and outcome.registration.user_id != asker_id:
        return roster_views.removal_message(outcome, {})
    return render[type(outcome)](outcome)


def _in_form(error: Exception, view: Payload, message: Message) -> dict[str, Any]:
    """Mark the field that is wrong, or say it on top of the form: what was typed stays."""
    blocks = {block.get("block_id") for block in view.get("blocks", [])}
    if isinstance(error, CapacityBelowRegistered) and "capacity" in blocks:
        return {
            "response_action": "errors",
            "errors": {"capacity": error_messages.sentence(error)},
        }
    if isinstance(error, Invalid):
        field = error.field.partition(".")[0]
        if field in blocks:
            reason = error_messages.field_error(error.reason)
            return {"response_action": "errors", "errors": {field: reason}}
    answer = _pushed(message, error_messages.title(error))
    # The third of three modals gives its place: Slack takes no fourth.
    is_third = view.get("previous_view_id") not in (None, view.get("root_view_id"))
    return answer | {"response_action": "update"} if is_third else answer


def _pushed(message: Message, title: str = error_messages.FAILED) -> dict[str, Any]:
    return {"response_action": "push", "view": note_modal(title, message).to_dict()}


def _json(body: dict[str, Any]) -> BoltResponse:
    return BoltResponse(
        status=200,
        body=json.dumps(body),
        headers={"Content-Type": "application/json;charset=utf-8"},
    )
