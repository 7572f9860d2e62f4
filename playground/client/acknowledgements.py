"""The effects of the bot's acknowledgements, checked as strictly as Web API arguments."""

import json
from typing import Any

from playground.web_api.arguments import Arguments
from playground.web_api.chat_methods import content
from playground.web_api.view_methods import checked_view
from playground.workspace.block_elements import options_of
from playground.workspace.block_kit_limits import suggestion_errors
from playground.workspace.model import Channel, Json, Member, SlackError, View
from playground.workspace.state import Workspace


class InvalidAcknowledgement(Exception):
    """Slack would not accept the bot's acknowledgement; `error` is Slack's error code."""

    def __init__(self, workspace: Workspace, request: str, error: str, details: Any = "") -> None:
        super().__init__(f"{request}: {error} {details}")
        self.error = error
        workspace.refusals.append(f"acknowledgement of {request}: {error} {details}".strip())


FRAME_BYTES = 20_480
"""Bytes of a Socket Mode frame. Slack closes the connection (1009) over a larger one."""

_ENVELOPE = {"envelope_id": "00000000-0000-4000-8000-000000000000"}


def _check_frame(workspace: Workspace, request: str, body: str) -> None:
    """Refuse an acknowledgement that is too large for Socket Mode as compact JSON, if the app uses it."""
    if not workspace.app.socket_mode:
        return
    try:
        payload = json.loads(body or "{}")
    except ValueError:
        payload = {"text": body}
    frame = json.dumps({**_ENVELOPE, "payload": payload}, ensure_ascii=False, separators=(",", ":"))
    if (size := len(frame.encode())) > FRAME_BYTES:
        raise InvalidAcknowledgement(workspace, request, "frame_too_large", f"{size} bytes")


def acknowledge_command(workspace: Workspace, member: Member, channel: Channel, body: str) -> None:
    """Post the message from a slash command's acknowledgement, ephemeral unless `in_channel`."""
    _check_frame(workspace, "a command", body)
    if not body.strip():
        return
    try:
        acknowledgement = json.loads(body)
    except ValueError:
        acknowledgement = body
    if not isinstance(acknowledgement, dict):
        acknowledgement = {"text": body}
    try:
        given = content(Arguments(acknowledgement))
    except SlackError as error:
        raise InvalidAcknowledgement(workspace, "a command", error.error, error.details) from error
    in_channel = acknowledgement.get("response_type") == "in_channel"
    workspace.post(
        channel.id,
        workspace.app.bot_user_id,
        given.get("text", ""),
        blocks=given.get("blocks"),
        ephemeral_to=None if in_channel else member.id,
    )


def acknowledge_submission(workspace: Workspace, view: View, body: str) -> dict[str, str]:
    """Apply the response action of a submission's acknowledgement. Return the field errors by block id.

    An empty acknowledgement closes the view.
    """
    _check_frame(workspace, "a submission", body)
    if not body.strip() or body.strip() == "{}":
        workspace.views.close(view.id)
        return {}
    try:
        acknowledgement = json.loads(body)
        action = acknowledgement["response_action"]
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidAcknowledgement(
            workspace, "a submission", "no response_action", body
        ) from error
    try:
        match action:
            case "errors":
                return _field_errors(workspace, view, acknowledgement.get("errors"))
            case "update":
                workspace.views.update(view.id, checked_view(acknowledgement.get("view"), "modal"))
            case "push":
                workspace.views.push(
                    view.user_id, checked_view(acknowledgement.get("view"), "modal")
                )
            case "clear":
                workspace.views.clear(view.user_id)
            case _:
                raise InvalidAcknowledgement(
                    workspace, "a submission", "unknown response_action", action
                )
    except SlackError as error:
        raise InvalidAcknowledgement(
            workspace, "a submission", error.error, error.details
        ) from error
    return {}


def _field_errors(workspace: Workspace, view: View, errors: Any) -> dict[str, str]:
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or set(errors) - inputs:
        raise InvalidAcknowledgement(workspace, "a submission", "errors for unknown inputs", errors)
    if any(not isinstance(text, str) or not text for text in errors.values()):
        raise InvalidAcknowledgement(workspace, "a submission", "errors without text", errors)
    return dict(errors)


def suggested_options(workspace: Workspace, body: str) -> list[Json]:
    """Return the options from an options request's acknowledgement, without their groups."""
    _check_frame(workspace, "an options request", body)
    try:
        acknowledgement = json.loads(body)
    except ValueError as error:
        raise InvalidAcknowledgement(
            workspace, "an options request", "invalid_json", body
        ) from error
    if errors := suggestion_errors(acknowledgement):
        raise InvalidAcknowledgement(workspace, "an options request", "invalid_options", errors)
    return options_of(acknowledgement)
