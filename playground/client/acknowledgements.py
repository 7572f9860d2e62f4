"""What the bot's acknowledgements do in the workspace, judged as strictly as the Web API's arguments."""

import json
from typing import Any

from playground.client.inputs import options_of
from playground.web_api.arguments import Arguments
from playground.web_api.chat_methods import content
from playground.web_api.view_methods import checked_view
from playground.workspace.block_kit_limits import suggestion_errors
from playground.workspace.model import Channel, Json, Member, SlackError, View
from playground.workspace.state import Workspace


class Refused(Exception):
    """The bot's acknowledgement is none that Slack takes; `error` is Slack's name for why."""

    def __init__(self, workspace: Workspace, what: str, error: str, details: Any = "") -> None:
        super().__init__(f"{what}: {error} {details}")
        self.error = error
        workspace.refusals.append(f"acknowledgement of {what}: {error} {details}".strip())


def command_answer(workspace: Workspace, member: Member, channel: Channel, body: str) -> None:
    """Shows what the acknowledgement of a slash command says: to the member, or `in_channel` to all."""
    if not body.strip():
        return
    try:
        answer = json.loads(body)
    except ValueError:
        answer = body
    if not isinstance(answer, dict):
        answer = {"text": body}
    try:
        given = content(Arguments(answer))
    except SlackError as error:
        raise Refused(workspace, "a command", error.error, error.details) from error
    in_channel = answer.get("response_type") == "in_channel"
    workspace.post(
        channel.id,
        workspace.app.bot_user_id,
        given.get("text", ""),
        blocks=given.get("blocks"),
        ephemeral_to=None if in_channel else member.id,
    )


def submission_answer(workspace: Workspace, view: View, body: str) -> dict[str, str]:
    """Does what the acknowledgement of a submission says, and returns the field errors by block id.

    An empty one closes the view.
    """
    if not body.strip() or body.strip() == "{}":
        workspace.views.close(view.id)
        return {}
    try:
        answer = json.loads(body)
        action = answer["response_action"]
    except (ValueError, TypeError, KeyError) as error:
        raise Refused(workspace, "a submission", "no response_action", body) from error
    try:
        match action:
            case "errors":
                return _field_errors(workspace, view, answer.get("errors"))
            case "update":
                workspace.views.update(view.id, checked_view(answer.get("view"), "modal"))
            case "push":
                workspace.views.push(view.user_id, checked_view(answer.get("view"), "modal"))
            case "clear":
                workspace.views.clear(view.user_id)
            case _:
                raise Refused(workspace, "a submission", "unknown response_action", action)
    except SlackError as error:
        raise Refused(workspace, "a submission", error.error, error.details) from error
    return {}


def _field_errors(workspace: Workspace, view: View, errors: Any) -> dict[str, str]:
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or set(errors) - inputs:
        raise Refused(workspace, "a submission", "errors for no input of the view", errors)
    if any(not isinstance(text, str) or not text for text in errors.values()):
        raise Refused(workspace, "a submission", "errors without text", errors)
    return dict(errors)


def suggestion_answer(workspace: Workspace, body: str) -> list[Json]:
    """The options that the acknowledgement of an options request offers, out of their groups."""
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise Refused(workspace, "an options request", "invalid_json", body) from error
    if errors := suggestion_errors(answer):
        raise Refused(workspace, "an options request", "invalid_options", errors)
    return options_of(answer)
