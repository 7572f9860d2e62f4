"""The Web API methods for members, conversations and files.

See chat_methods.py for messages and view_methods.py for views.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from playground.web_api.arguments import Arguments, invalid
from playground.workspace.model import (
    Channel,
    Json,
    Member,
    SlackError,
    bot_profile,
    channel_json,
    member_json,
)
from playground.workspace.state import StoredFile, Workspace

T = TypeVar("T")

Method: TypeAlias = Callable[[Workspace, Arguments], Json]


def require_scope(workspace: Workspace, scope: str) -> None:
    """Check that the app has the scope. Raises `SlackError` with `missing_scope`."""
    if scope not in workspace.app.scopes:
        provided = ",".join(sorted(workspace.app.scopes))
        raise SlackError("missing_scope", needed=scope, provided=provided)


def as_user_json(workspace: Workspace, member: Member, *, locale: bool = False) -> Json:
    """Return the member in the shape of `users.info`, with the current UTC offset."""
    now = datetime.fromtimestamp(workspace.now(), UTC)
    offset = now.astimezone(ZoneInfo(member.tz)).utcoffset()
    seconds = int(offset.total_seconds()) if offset else 0
    shape = member_json(
        member, member.team_id or workspace.team_id, tz_offset=seconds, locale=locale
    )
    return shape | _membership(workspace, member)


def _membership(workspace: Workspace, member: Member) -> Json:
    """Return what `users.info` says about a member's organization, and about a stranger."""
    organization = workspace.organization
    if member.is_stranger:
        theirs: Json = {"enterprise_id": member.enterprise_id, "teams": [member.team_id]}
        return {"is_stranger": True} | ({"enterprise_user": theirs} if member.enterprise_id else {})
    if organization is None:
        return {}
    enterprise_user = {
        "id": member.id,
        "enterprise_id": organization.id,
        "enterprise_name": organization.name,
        "is_admin": False,
        "is_owner": False,
        "teams": [member.team_id or workspace.team_id],
    }
    return {"is_stranger": False, "enterprise_user": enterprise_user}


def visible_channel(workspace: Workspace, channel_id: str) -> Channel:
    """Return the channel if it is visible to the bot. Raises `SlackError` with `channel_not_found`."""
    channel = workspace.channel(channel_id)
    if channel.is_private and workspace.app.bot_user_id not in channel.members:
        raise SlackError("channel_not_found")
    return channel


MAX_PAGE = 1_000
"""The most items that Slack returns on one page of any list."""


def _page(
    arguments: Arguments, items: Sequence[T], as_json: Callable[[T], object], key: str, default: int
) -> Json:
    """Return a page of a list. Raises `SlackError` with `invalid_cursor` or `invalid_limit`."""
    given = arguments.text("cursor") or "0"
    if not (given.isascii() and given.isdecimal() and int(given) <= len(items)):
        raise SlackError("invalid_cursor")
    limit = arguments.number("limit", default) or default
    if not 0 < limit <= MAX_PAGE:
        raise SlackError("invalid_limit")
    start, end = int(given), int(given) + limit
    cursor = str(end) if end < len(items) else ""
    return {
        key: [as_json(item) for item in items[start:end]],
        "response_metadata": {"next_cursor": cursor},
    }


def api_test(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `api.test`. Respond ok, or with the requested error."""
    if "error" in arguments:
        raise SlackError(arguments.text("error"))
    return {"args": {}}


def auth_test(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `auth.test`."""
    app, organization = workspace.app, workspace.organization
    enterprise = {"enterprise_id": organization.id} if organization else {}
    return enterprise | {
        "url": f"{workspace.url}/",
        "team": workspace.name,
        "user": workspace.member(app.bot_user_id).name,
        "team_id": workspace.team_id,
        "user_id": app.bot_user_id,
        "bot_id": app.bot_id,
        "is_enterprise_install": workspace.is_org_wide,
    }


def bots_info(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `bots.info`."""
    require_scope(workspace, "users:read")
    if arguments.text("bot", workspace.app.bot_id) != workspace.app.bot_id:
        raise SlackError("bot_not_found")
    return {"bot": bot_profile(workspace.app)}


def users_info(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `users.info`, with the locale if requested."""
    require_scope(workspace, "users:read")
    member = workspace.member(arguments.require("user"))
    return {"user": as_user_json(workspace, member, locale=arguments.flag("include_locale"))}


def users_list(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `users.list`, paginated."""
    require_scope(workspace, "users:read")
    locale = arguments.flag("include_locale")

    def as_json(member: Member) -> Json:
        return as_user_json(workspace, member, locale=locale)

    page = _page(arguments, workspace.members(), as_json, "members", MAX_PAGE)
    return page | {"cache_ts": int(workspace.now())}


def _read_scope(channel: Channel) -> str:
    if channel.is_im:
        return "im:read"
    return "groups:read" if channel.is_private else "channels:read"


def conversations_info(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `conversations.info`."""
    channel = visible_channel(workspace, arguments.require("channel"))
    require_scope(workspace, _read_scope(channel))
    return {"channel": channel_json(channel, bot_user_id=workspace.app.bot_user_id)}


def conversations_members(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `conversations.members`, paginated."""
    channel = visible_channel(workspace, arguments.require("channel"))
    require_scope(workspace, _read_scope(channel))
    return _page(arguments, channel.members, str, "members", 100)


def conversations_list(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `conversations.list`: the channels visible to the bot, by type, paginated."""
    types = {kind.strip() for kind in arguments.text("types", "public_channel").split(",")}
    scopes = {
        "public_channel": "channels:read",
        "private_channel": "groups:read",
        "im": "im:read",
        "mpim": "mpim:read",
    }
    if types - scopes.keys():
        raise SlackError("invalid_types")
    for kind in sorted(types):
        require_scope(workspace, scopes[kind])
    bot = workspace.app.bot_user_id
    found = [
        channel
        for channel in workspace.channels()
        if _type(channel) in types and (not channel.is_private or bot in channel.members)
    ]
    return _page(
        arguments, found, lambda channel: channel_json(channel, bot_user_id=bot), "channels", 100
    )


def _type(channel: Channel) -> str:
    if channel.is_im:
        return "im"
    return "private_channel" if channel.is_private else "public_channel"


def conversations_open(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `conversations.open` with one user: open their direct message with the bot."""
    require_scope(workspace, "im:write")
    if "channel" in arguments:
        channel = visible_channel(workspace, arguments.text("channel"))
    else:
        users = [user for user in arguments.text("users").split(",") if user]
        if not users:
            raise SlackError("users_list_not_supplied")
        if len(users) > 1:
            require_scope(workspace, "mpim:write")
            raise SlackError("not_enough_users")
        member = workspace.member(users[0])
        if member.deleted:
            raise SlackError("user_disabled")
        if member.is_bot:
            raise SlackError("cannot_dm_bot")
        channel = workspace.dm(member.id)
    if arguments.flag("return_im"):
        return {"channel": channel_json(channel, bot_user_id=workspace.app.bot_user_id)}
    return {"channel": {"id": channel.id}}


def get_upload_url(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `files.getUploadURLExternal`. The bytes are then posted to the returned URL."""
    require_scope(workspace, "files:write")
    name, length = arguments.require("filename"), arguments.number("length", 0)
    if length <= 0:
        raise invalid("must be more than 0: length")
    file = workspace.put_file(StoredFile(workspace.ledger.new_id("F"), name, length))
    return {"upload_url": f"{workspace.url}/upload/{file.id}", "file_id": file.id}


def complete_upload(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `files.completeUploadExternal`. With a channel, share the files there as the bot.

    Unlike in `chat.postMessage`, a user id is not accepted as a channel.
    """
    require_scope(workspace, "files:write")
    listed = arguments.json("files")
    if not isinstance(listed, list) or not listed:
        raise invalid("missing required field: files")
    files = [_uploaded(workspace, item) for item in listed]
    channel_id = arguments.text("channel_id")
    if channel_id:
        channel = visible_channel(workspace, channel_id)
        if workspace.app.bot_user_id not in channel.members:
            raise SlackError("not_in_channel")
    shared = [file_json(workspace, workspace.put_file(replace(f, is_complete=True))) for f in files]
    if channel_id:
        comment = arguments.text("initial_comment")
        workspace.post(channel_id, workspace.app.bot_user_id, comment, files=shared)
    return {"files": shared}


def _uploaded(workspace: Workspace, item: Json) -> StoredFile:
    file = workspace.file(str(item.get("id")))
    if file.content is None or file.is_complete:
        raise SlackError("file_not_found")
    return replace(file, title=str(item.get("title") or file.name))


def file_address(workspace: Workspace, file: StoredFile) -> str:
    """Return the permalink of a file."""
    return f"{workspace.url}/files/{file.id}/{quote(file.name)}"


def file_json(workspace: Workspace, file: StoredFile) -> Json:
    """Return a file in Slack's shape."""
    url = file_address(workspace, file)
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "size": file.length,
        "filetype": file.name.rpartition(".")[2],
        "user": workspace.app.bot_user_id,
        "url_private": url,
        "url_private_download": url,
        "permalink": url,
    }


METHODS: dict[str, Method] = {
    "api.test": api_test,
    "auth.test": auth_test,
    "bots.info": bots_info,
    "users.info": users_info,
    "users.list": users_list,
    "conversations.info": conversations_info,
    "conversations.list": conversations_list,
    "conversations.members": conversations_members,
    "conversations.open": conversations_open,
    "files.getUploadURLExternal": get_upload_url,
    "files.completeUploadExternal": complete_upload,
}
