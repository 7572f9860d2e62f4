"""The `views.*` methods: modals and App Homes."""

from typing import Any

from playground.web_api.arguments import Arguments, invalid
from playground.web_api.web_methods import Method
from playground.workspace.block_kit_limits import too_large, view_errors
from playground.workspace.model import Json, SlackError, View
from playground.workspace.state import Workspace
from playground.workspace.trigger_ids import Trigger


def checked_view(view: Any, kind: str) -> Json:
    """Return the view if Slack would accept it.

    Raises `SlackError` with `invalid_arguments` or `view_too_large`.
    """
    if not isinstance(view, dict):
        raise invalid("missing required field: view")
    if errors := view_errors(view):
        raise invalid(*errors)
    if view["type"] != kind:
        raise invalid(f"must be of type {kind} [json-pointer:/view/type]")
    if too_large(view):
        raise SlackError("view_too_large")
    return view


def _check_external_id(workspace: Workspace, view: Json, own: View | None = None) -> None:
    taken = view.get("external_id") and workspace.views.by_external_id(view["external_id"])
    if taken and (own is None or taken.id != own.id):
        raise SlackError("duplicate_external_id")


def _response(workspace: Workspace, view: View) -> Json:
    return {"view": view.as_json(workspace.app, workspace.team_id, with_state=False)}


def _use_trigger(workspace: Workspace, arguments: Arguments) -> Trigger:
    return workspace.triggers.use(arguments.text("trigger_id"))


def current_conversation(workspace: Workspace, channel_id: str | None) -> str | None:
    """Return the channel for `default_to_current_conversation`; the bot's direct message doesn't count."""
    if channel_id is None or workspace.channel(channel_id).is_im:
        return None
    return channel_id


def open_view(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `views.open`."""
    body = checked_view(arguments.json("view"), "modal")
    _check_external_id(workspace, body)
    trigger = _use_trigger(workspace, arguments)
    channel_id = current_conversation(workspace, trigger.channel_id)
    return _response(workspace, workspace.views.open(trigger.user_id, body, channel_id))


def push_view(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `views.push`. A stack has at most three views."""
    body = checked_view(arguments.json("view"), "modal")
    _check_external_id(workspace, body)
    trigger = _use_trigger(workspace, arguments)
    return _response(workspace, workspace.views.push(trigger.user_id, body))


def update_view(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `views.update` by view id or external id. With a hash, the view must be unchanged."""
    if "view_id" in arguments:
        present = workspace.views.get(arguments.text("view_id"))
    elif "external_id" in arguments:
        present = workspace.views.by_external_id(arguments.text("external_id"))
    else:
        raise invalid("missing required field: view_id or external_id")
    if present is None:
        raise SlackError("not_found")
    body = checked_view(arguments.json("view"), present.kind)
    _check_external_id(workspace, body, present)
    if "hash" in arguments and arguments.text("hash") != present.hash:
        raise SlackError("hash_conflict")
    return _response(workspace, workspace.views.update(present.id, body))


def publish_view(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `views.publish` of a member's App Home. With a hash, it must be unchanged."""
    body = checked_view(arguments.json("view"), "home")
    if not workspace.app.home_tab:
        raise SlackError("not_enabled")
    member = workspace.member(arguments.require("user_id"))
    present = workspace.views.home(member.id)
    if "hash" in arguments and (present is None or arguments.text("hash") != present.hash):
        raise SlackError("hash_conflict")
    return _response(workspace, workspace.views.publish(member.id, body))


METHODS: dict[str, Method] = {
    "views.open": open_view,
    "views.push": push_view,
    "views.update": update_view,
    "views.publish": publish_view,
}
