"""The payloads that Slack sends to the bot: commands, interactions and events."""

from html import escape
from typing import Any
from urllib.parse import quote

from playground.client.inputs import element_state
from playground.workspace.block_elements import INPUT_TYPES, State, options_of
from playground.workspace.model import Channel, Json, Member, Message, View
from playground.workspace.state import Workspace

_VERIFICATION_TOKEN = "playground-verification-token"


def channel_name(channel: Channel) -> str:
    """Return the channel's name as in payloads, which hide the names of private channels."""
    if channel.is_im:
        return "directmessage"
    return "privategroup" if channel.is_private else channel.name


def escape_text(text: str) -> str:
    """Escape Slack's three control characters in what a member typed, as Slack does."""
    return escape(text, quote=False)


def command(
    workspace: Workspace, member: Member, channel: Channel, name: str, text: str
) -> dict[str, str]:
    """Return the form fields of a slash command."""
    organization = workspace.organization
    enterprise = (
        {"enterprise_id": organization.id, "enterprise_name": organization.name}
        if organization
        else {}
    )
    return enterprise | {
        "token": _VERIFICATION_TOKEN,
        "team_id": workspace.team_id,
        "team_domain": workspace.name.lower(),
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": member.id,
        "user_name": member.name,
        "command": name,
        "text": text,
        "api_app_id": workspace.app.app_id,
        "is_enterprise_install": "false",
        "response_url": workspace.new_response_url(member.id, channel.id),
        "trigger_id": workspace.new_trigger(member.id, channel.id),
    }


def _interaction(workspace: Workspace, kind: str, member: Member) -> Json:
    organization = workspace.organization
    team: Json = {"id": workspace.team_id, "domain": workspace.name.lower()}
    if organization:
        team |= {"enterprise_id": organization.id, "enterprise_name": organization.name}
    return {
        "type": kind,
        "token": _VERIFICATION_TOKEN,
        "api_app_id": workspace.app.app_id,
        "team": team,
        "enterprise": {"id": organization.id, "name": organization.name} if organization else None,
        "is_enterprise_install": False,
        "user": {
            "id": member.id,
            "username": member.name,
            "name": member.name,
            "team_id": _team_of(workspace, member, kind),
        },
    }


def _team_of(workspace: Workspace, member: Member, kind: str) -> str:
    """Return a payload's `user.team_id`.

    In an organization it is the member's home workspace, wherever they press (slackapi/bolt-js#1875), and the
    organization in an options request, as Slack's page on `block_suggestion` says.
    """
    organization = workspace.organization
    own = organization.id if organization and not member.is_stranger else member.enterprise_id
    if kind == "block_suggestion" and own:
        return own
    return member.team_id or workspace.team_id


def _container(workspace: Workspace, target: Message | View) -> Json:
    """Return the payload's container. As in Slack, an ephemeral message comes without its content."""
    if isinstance(target, View):
        shape = target.as_json(workspace.app, workspace.team_id, with_state=True)
        return {"container": {"type": "view", "view_id": target.id}, "view": shape}
    channel = workspace.channel(target.channel_id)
    ephemeral = target.ephemeral_to is not None
    payload: Json = {
        "container": {
            "type": "message",
            "message_ts": target.ts,
            "channel_id": channel.id,
            "is_ephemeral": ephemeral,
        },
        "channel": {"id": channel.id, "name": channel_name(channel)},
    }
    if not ephemeral:
        payload["message"] = target.as_json(workspace.app, workspace.team_id)
    return payload


def block_actions(
    workspace: Workspace,
    member: Member,
    target: Message | View,
    action: Json,
    message_state: State | None = None,
) -> Json:
    """Return the payload of a click or a choice. Messages have a response URL.

    `message_state` has what the member chose in the message so far; a view has its own.
    """
    payload = _interaction(workspace, "block_actions", member) | _container(workspace, target)
    payload["actions"] = [action | {"action_ts": workspace.ledger.new_ts()}]
    if isinstance(target, View):
        payload["trigger_id"] = workspace.new_trigger(member.id, target.channel_id, target)
    else:
        payload["state"] = {"values": message_state or {}}
        payload["response_url"] = workspace.new_response_url(
            member.id, target.channel_id, target.ts
        )
        payload["trigger_id"] = workspace.new_trigger(member.id, target.channel_id)
    return payload


def action(block: Json, element: Json, chosen: Any, suggested: dict[str, Json]) -> Json:
    """Return an entry of `actions` for a pressed button or a chosen plain value.

    Raises `ValueError` for an option that was never offered.
    """
    base = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block["block_id"],
    }
    if element["type"] == "button":
        copied = {name: element[name] for name in ("text", "value", "style") if name in element}
        return base | copied
    if element["type"] == "overflow":
        options = {option["value"]: option for option in options_of(element)}
        if chosen not in options:
            raise ValueError(f"{element['action_id']} offers {sorted(options)}, not {chosen!r}")
        return base | {"selected_option": options[chosen]}
    field = INPUT_TYPES[element["type"]].initial_field
    initial = {field: element[field]} if field in element else {}
    return base | initial | element_state(element, chosen, suggested)


def view_submission(workspace: Workspace, member: Member, view: View) -> Json:
    """Return the payload of a modal's submission, with the state of its inputs."""
    return _interaction(workspace, "view_submission", member) | {
        "view": view.as_json(workspace.app, workspace.team_id, with_state=True),
        "trigger_id": workspace.new_trigger(member.id, view.channel_id, view),
        "response_urls": [],
    }


def view_closed(workspace: Workspace, member: Member, view: View, *, cleared: bool) -> Json:
    """Return the payload of a closed modal."""
    return _interaction(workspace, "view_closed", member) | {
        "view": view.as_json(workspace.app, workspace.team_id, with_state=True),
        "is_cleared": cleared,
    }


def block_suggestion(
    workspace: Workspace, member: Member, target: Message | View, ids: tuple[str, str], query: str
) -> Json:
    """Return the request for the options of an external select; `ids` is (block id, action id)."""
    return (
        _interaction(workspace, "block_suggestion", member)
        | _container(workspace, target)
        | {"block_id": ids[0], "action_id": ids[1], "value": query}
    )


def event_callback(workspace: Workspace, event: Json, event_id: str) -> Json:
    """Return an event in its envelope."""
    organization_id = workspace.organization.id if workspace.organization else None
    enterprise = {"enterprise_id": organization_id} if organization_id else {}
    return enterprise | {
        "token": _VERIFICATION_TOKEN,
        "team_id": workspace.team_id,
        "context_team_id": workspace.team_id,
        "context_enterprise_id": organization_id,
        "api_app_id": workspace.app.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(workspace.now()),
        "authorizations": [
            {
                "enterprise_id": organization_id,
                "team_id": workspace.team_id,
                "user_id": workspace.app.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{quote(event_id)}",
    }
