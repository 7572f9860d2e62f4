"""The `chat.*` methods and response URLs: everything that posts or changes a message."""

from typing import Any

from playground.web_api.arguments import Arguments
from playground.web_api.web_methods import (
    Method,
    file_address,
    file_json,
    require_scope,
    visible_channel,
)
from playground.workspace.block_kit_limits import TEXT_IN_BLOCKS, block_errors, text_length
from playground.workspace.model import Channel, Json, Message, SlackError
from playground.workspace.state import Workspace
from playground.workspace.trigger_ids import ResponseTarget

MAX_POSTED_TEXT = 40_000
"""The maximum length of a new message. Slack truncates longer texts; the stand-in refuses them, so tests fail."""
MAX_UPDATED_TEXT = 4_000


def content(arguments: Arguments, max_length: int = MAX_POSTED_TEXT) -> Json:
    """Return the text, blocks and metadata after checking them.

    Raises `SlackError` with `no_text`, `msg_too_long`, `msg_blocks_too_long`, `invalid_blocks`,
    `invalid_blocks_format` or `invalid_metadata_format`.
    """
    given: Json = {}
    blocks = arguments.json("blocks", error="invalid_blocks_format")
    if blocks is not None:
        given["blocks"] = checked_blocks(blocks)
    if "text" in arguments:
        given["text"] = arguments.text("text")
        if len(given["text"]) > max_length:
            raise SlackError("msg_too_long")
    if not given.get("text", "").strip() and not given.get("blocks"):
        raise SlackError("no_text")
    metadata: Any = arguments.json("metadata", error="invalid_metadata_format")
    if metadata is not None:
        if not isinstance(metadata, dict) or set(metadata) != {"event_type", "event_payload"}:
            raise SlackError("invalid_metadata_format")
        given["metadata"] = metadata
    return given


def checked_blocks(blocks: Any) -> list[Json]:
    """Return a message's blocks if Slack would accept them. Raises `SlackError` as `content` does."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if errors := block_errors(blocks):
        bare_errors = [error.removeprefix("[ERROR] ") for error in errors]
        raise SlackError(
            "invalid_blocks", errors=bare_errors, response_metadata={"messages": errors}
        )
    if text_length(blocks) > TEXT_IN_BLOCKS:
        raise SlackError("msg_blocks_too_long")
    return blocks


def _destination(workspace: Workspace, channel_id: str) -> Channel:
    app = workspace.app
    if channel_id.startswith(("U", "W")):
        member = next((each for each in workspace.members() if each.id == channel_id), None)
        if member is None or member.deleted or member.is_bot:
            raise SlackError("channel_not_found")
        channel = workspace.dm(member.id)
    else:
        channel = _channel_by_id_or_name(workspace, channel_id)
    if channel.dm_with and workspace.member(channel.dm_with).deleted:
        raise SlackError("channel_not_found")
    if channel.is_im and not app.messages_tab:
        raise SlackError("messages_tab_disabled")
    if channel.is_archived:
        raise SlackError("is_archived")
    if app.bot_user_id not in channel.members and "chat:write.public" not in app.scopes:
        raise SlackError("not_in_channel")
    return channel


def _channel_by_id_or_name(workspace: Workspace, channel: str) -> Channel:
    """Return the channel with this id or, as Slack does for `chat.postMessage` only, with this name."""
    try:
        return visible_channel(workspace, channel)
    except SlackError:
        named = workspace.channel_named(channel.removeprefix("#"))
        return visible_channel(workspace, named.id)


def _linked_files(workspace: Workspace, text: str) -> list[Json]:
    """Return the app's files to which a message's text links. The message shares them; links in blocks do not."""
    return [
        file_json(workspace, file)
        for file in workspace.files()
        if file.is_complete and file_address(workspace, file) in text
    ]


def post_message(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `chat.postMessage`.

    A user id as the channel opens the direct message with that user. A channel's name works as its id.
    """
    require_scope(workspace, "chat:write")
    channel_id = arguments.require("channel")
    given = content(arguments)
    channel = _destination(workspace, channel_id)
    message = workspace.post(
        channel.id,
        workspace.app.bot_user_id,
        given.get("text", ""),
        blocks=given.get("blocks"),
        files=_linked_files(workspace, given.get("text", "")),
        metadata=given.get("metadata"),
    )
    shape = message.as_json(workspace.app, workspace.team_id)
    return {"channel": channel.id, "ts": message.ts, "message": shape}


def _own_message(workspace: Workspace, arguments: Arguments, error_if_not_own: str) -> Message:
    channel = visible_channel(workspace, arguments.require("channel"))
    message = workspace.message(channel.id, arguments.require("ts"))
    if message.ephemeral_to is not None:
        raise SlackError("message_not_found")
    if message.user_id != workspace.app.bot_user_id:
        raise SlackError(error_if_not_own)
    if channel.is_archived:
        raise SlackError("is_archived")
    return message


def update(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `chat.update` of the bot's own message. Without `blocks`, the message keeps its blocks."""
    require_scope(workspace, "chat:write")
    message = _own_message(workspace, arguments, "cant_update_message")
    given = content(arguments, MAX_UPDATED_TEXT)
    message = workspace.update(message, **given, edited_ts=workspace.ledger.new_ts())
    shape = message.as_json(workspace.app, workspace.team_id)
    return {"channel": message.channel_id, "ts": message.ts, "text": message.text, "message": shape}


def delete(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `chat.delete` of the bot's own message."""
    require_scope(workspace, "chat:write")
    message = _own_message(workspace, arguments, "cant_delete_message")
    workspace.delete(message)
    return {"channel": message.channel_id, "ts": message.ts}


def post_ephemeral(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `chat.postEphemeral`. Both the bot and the user must be in the channel."""
    require_scope(workspace, "chat:write")
    channel_id, user_id = arguments.require("channel"), arguments.require("user")
    given = content(arguments)
    channel = visible_channel(workspace, channel_id)
    if workspace.app.bot_user_id not in channel.members:
        raise SlackError("not_in_channel")
    if user_id not in channel.members:
        raise SlackError("user_not_in_channel")
    message = workspace.post(
        channel.id,
        workspace.app.bot_user_id,
        given.get("text", ""),
        blocks=given.get("blocks"),
        ephemeral_to=user_id,
    )
    return {"message_ts": message.ts}


def get_permalink(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `chat.getPermalink`. The link opens the demo page."""
    channel = visible_channel(workspace, arguments.require("channel"))
    message = workspace.message(channel.id, arguments.require("message_ts"))
    link = f"{workspace.url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


def post_to_response_url(workspace: Workspace, target: ResponseTarget, body: Json) -> None:
    """Handle a POST to a response URL: post a message, or replace or delete the original.

    With neither `replace_original` nor `response_type`, the original is replaced, as in Slack.
    Raises `SlackError` as `content` does.
    """
    arguments = Arguments(body)
    original = _original(workspace, target)
    if arguments.flag("delete_original"):
        if original is not None:
            workspace.delete(original)
        return
    given = content(arguments)
    replaces = arguments.flag("replace_original") or (
        "replace_original" not in arguments and "response_type" not in arguments
    )
    if replaces and original is not None:
        workspace.update(original, **({"text": "", "blocks": []} | given))
        return
    in_channel = arguments.text("response_type", "ephemeral") == "in_channel"
    workspace.post(
        target.channel_id,
        workspace.app.bot_user_id,
        given.get("text", ""),
        blocks=given.get("blocks"),
        metadata=given.get("metadata"),
        ephemeral_to=None if in_channel else target.user_id,
    )


def _original(workspace: Workspace, target: ResponseTarget) -> Message | None:
    if target.message_ts is None:
        return None
    try:
        return workspace.message(target.channel_id, target.message_ts)
    except SlackError:
        return None


METHODS: dict[str, Method] = {
    "chat.postMessage": post_message,
    "chat.update": update,
    "chat.delete": delete,
    "chat.postEphemeral": post_ephemeral,
    "chat.getPermalink": get_permalink,
}
