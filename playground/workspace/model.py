"""Frozen values of a workspace: members, channels, messages, views and the installed app."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Json: TypeAlias = dict[str, Any]


class SlackError(Exception):
    """An error response from Slack: `error` is the code, `details` the other fields of the response."""

    def __init__(self, error: str, **details: Any) -> None:
        super().__init__(error)
        self.error = error
        self.details = details


@dataclass(frozen=True)
class SlashCommand:
    """A slash command of the installed app; `name` includes the slash."""

    name: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = False


@dataclass(frozen=True)
class InstalledApp:
    """The app as installed in this workspace.

    `commands` and `events` come from the manifest; None delivers everything.
    """

    scopes: frozenset[str]
    name: str = "Rollcall"
    app_id: str = "A0ROLLCALL"
    bot_id: str = "B0ROLLCALL"
    bot_user_id: str = "U0ROLLCALL"
    bot_token: str = "xoxb-playground"
    commands: tuple[SlashCommand, ...] | None = None
    events: frozenset[str] | None = None
    home_tab: bool = True
    messages_tab: bool = True
    messages_read_only: bool = False
    socket_mode: bool = False
    """Whether Slack sends requests over a WebSocket, whose frames are limited."""


@dataclass(frozen=True)
class Organization:
    """The Enterprise organization that a workspace is in."""

    id: str = "E0PLAYGRND"
    name: str = "Playground Group"


@dataclass(frozen=True)
class Member:
    """A person or the bot. `name` is the login handle, which people don't see; `tz` is an IANA name.

    People see `display_name`, or `real_name` if that is empty. A guest is restricted (in several
    channels) or ultra-restricted (in one). `is_simulated` members exist only for the rush.
    `team_id` is the home of a member of another workspace: one of the same organization, or for a
    Slack Connect stranger any. `enterprise_id` is the organization of such a stranger, if there is one.
    """

    id: str
    name: str
    real_name: str
    tz: str = "Etc/UTC"
    locale: str = "en-US"
    is_admin: bool = False
    is_bot: bool = False
    deleted: bool = False
    is_simulated: bool = False
    team_id: str | None = None
    is_stranger: bool = False
    enterprise_id: str | None = None
    display_name: str = ""
    is_restricted: bool = False
    is_ultra_restricted: bool = False


@dataclass(frozen=True)
class Channel:
    """A channel, or the direct message between the member `dm_with` and the bot."""

    id: str
    name: str
    is_private: bool = False
    members: tuple[str, ...] = ()
    dm_with: str | None = None
    topic: str = ""
    is_archived: bool = False
    created: int = 0
    number: int = 0
    """How many channels the workspace had before: their order."""

    @property
    def is_im(self) -> bool:
        """Whether this is a direct message with the bot."""
        return self.dm_with is not None


@dataclass(frozen=True)
class Message:
    """The current version of a message. An ephemeral message is visible to `ephemeral_to` only."""

    channel_id: str
    ts: str
    user_id: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    files: list[Json] = field(default_factory=list)
    ephemeral_to: str | None = None
    edited_ts: str | None = None

    def visible_to(self, user_id: str) -> bool:
        """Return whether this member sees the message, provided they see its channel."""
        return self.ephemeral_to is None or self.ephemeral_to == user_id

    def as_json(self, app: InstalledApp, team_id: str) -> Json:
        """Return the message in Slack's shape."""
        shape: Json = {
            "type": "message",
            "user": self.user_id,
            "ts": self.ts,
            "text": self.text,
            "team": team_id,
        }
        if self.user_id == app.bot_user_id:
            shape |= {"bot_id": app.bot_id, "app_id": app.app_id, "bot_profile": bot_profile(app)}
        if self.blocks:
            shape["blocks"] = self.blocks
        if self.metadata:
            shape["metadata"] = self.metadata
        if self.files:
            shape["files"] = self.files
        if self.edited_ts:
            shape["edited"] = {"user": self.user_id, "ts": self.edited_ts}
        return shape


@dataclass(frozen=True)
class View:
    """The current version of one member's modal or App Home.

    `body` is the view that the app sent, with missing ids filled in. `state` has the values of the
    member's inputs by block id and action id, in Slack's shape.
    """

    id: str
    user_id: str
    body: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    channel_id: str | None = None
    state: dict[str, dict[str, Json]] = field(default_factory=dict)

    @property
    def kind(self) -> Literal["modal", "home"]:
        """The kind of view."""
        return "home" if self.body["type"] == "home" else "modal"

    @property
    def blocks(self) -> list[Json]:
        """The view's blocks, each with its block id."""
        blocks: list[Json] = self.body["blocks"]
        return blocks

    @property
    def callback_id(self) -> str:
        """The callback id, empty if the app gave none."""
        return str(self.body.get("callback_id", ""))

    @property
    def private_metadata(self) -> str:
        """The private metadata, empty if the app gave none."""
        return str(self.body.get("private_metadata", ""))

    @property
    def title(self) -> str:
        """The title's text, empty for an App Home."""
        return str((self.body.get("title") or {}).get("text", ""))

    def as_json(self, app: InstalledApp, team_id: str, *, with_state: bool) -> Json:
        """Return the view in Slack's shape. Web API responses omit the state; payloads have it."""
        body = self.body
        # In Slack's payloads an App Home has this title (slackapi/node-slack-sdk#1486).
        home_title = {"type": "plain_text", "text": "View Title", "emoji": True}
        return {
            "id": self.id,
            "team_id": team_id,
            "type": body["type"],
            "blocks": self.blocks,
            "private_metadata": self.private_metadata,
            "callback_id": self.callback_id,
            "state": {"values": self.state if with_state else {}},
            "hash": self.hash,
            "title": home_title if self.kind == "home" else body.get("title"),
            "clear_on_close": bool(body.get("clear_on_close", False)),
            "notify_on_close": bool(body.get("notify_on_close", False)),
            "close": body.get("close"),
            "submit": body.get("submit"),
            "previous_view_id": self.previous_id,
            "root_view_id": self.root_id,
            "app_id": app.app_id,
            "external_id": str(body.get("external_id", "")),
            "app_installed_team_id": team_id,
            "bot_id": app.bot_id,
        }


@dataclass(frozen=True)
class WorkspaceChange:
    """A change in a workspace, for its watchers. With `user_id`, it concerns that member only."""

    seq: int
    kind: Literal["message", "view", "home", "channel", "member", "backstage"]
    channel_id: str | None = None
    ts: str | None = None
    user_id: str | None = None


def bot_profile(app: InstalledApp) -> Json:
    """Return the bot in the shape of `bots.info` and of a message's `bot_profile`."""
    return {
        "id": app.bot_id,
        "app_id": app.app_id,
        "user_id": app.bot_user_id,
        "name": app.name,
        "deleted": False,
        "updated": 0,
        "icons": {},
    }


def member_json(member: Member, team_id: str, *, tz_offset: int, locale: bool) -> Json:
    """Return a member in the shape of `users.info`; `tz_offset` is the current one, in seconds."""
    shape: Json = {
        "id": member.id,
        "team_id": team_id,
        "name": member.name,
        "deleted": member.deleted,
        "real_name": member.real_name,
        "tz": member.tz,
        "tz_label": member.tz,
        "tz_offset": tz_offset,
        "profile": {
            "real_name": member.real_name,
            "display_name": member.display_name,
            "real_name_normalized": member.real_name,
            "display_name_normalized": member.display_name,
            "team": team_id,
        },
        "is_admin": member.is_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": member.is_restricted or member.is_ultra_restricted,
        "is_ultra_restricted": member.is_ultra_restricted,
        "is_bot": member.is_bot,
        "is_app_user": False,
        "updated": 0,
    }
    if member.deleted:
        for omitted in ("tz", "tz_label", "tz_offset", "is_admin", "is_owner", "is_primary_owner"):
            del shape[omitted]
    return shape | {"locale": member.locale} if locale else shape


def channel_json(channel: Channel, *, bot_user_id: str) -> Json:
    """Return a channel or direct message in the shape of `conversations.info`."""
    if channel.is_im:
        return {
            "id": channel.id,
            "created": channel.created,
            "is_im": True,
            "is_archived": False,
            "is_org_shared": False,
            "user": channel.dm_with,
            "is_user_deleted": False,
            "priority": 0,
        }
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_general": channel.name == "general",
        "is_shared": False,
        "is_ext_shared": False,
        "is_org_shared": False,
        "is_member": bot_user_id in channel.members,
        "created": channel.created,
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "num_members": len(channel.members),
    }


def from_saved_channel(saved: Mapping[str, Any]) -> Channel:
    """Rebuild a channel from `dataclasses.asdict` and JSON."""
    return Channel(**{**saved, "members": tuple(saved["members"])})
