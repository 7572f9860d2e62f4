"""Slack in the simulation: the stand-in workspace with its members, and what was posted to whom."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from bot.entrypoints.manifest import PATH
from playground.web_api.server import ApiResponse, SlackApi
from playground.workspace.manifest import read_manifest
from playground.workspace.model import InstalledApp, Member
from playground.workspace.state import Workspace

if TYPE_CHECKING:
    from tests.support.simulation.world import World

HOST = "http://slack.simulated"
CHANNEL = "C0EVENTS"
ADMINS = ("UADMIN", "UBOSS")


@dataclass
class Posted:
    """A message, in a channel, to a member, or at a response URL, with its present content."""

    ts: str
    channel: str
    content: dict[str, Any]
    at: float
    key: str = ""
    """The event or job that it was posted for, under its lease."""
    calendar_file: str = ""
    """The line of its text that links to a moved event's new file."""
    is_unanswered: bool = False
    """Whether the bot never heard that it was posted."""
    is_unrecorded: bool = False
    """Whether its process died, or lost a write, before it was recorded as sent."""

    @property
    def may_be_repeated(self) -> bool:
        """Whether the bot may send it again (R9.1)."""
        return self.is_unanswered or self.is_unrecorded

    @property
    def text(self) -> str:
        """The text beside its blocks."""
        return str(self.content.get("text"))


class Slack:
    """The workspace, and the messages that the bot has posted."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.workspace = Workspace(_app(), now=self._now)
        self.workspace.url = HOST
        self.api = SlackApi(self.workspace)
        self.posted: dict[tuple[str, str], Posted] = {}
        """By channel and `ts`. A direct message's channel is the member."""
        self.files: list[Posted] = []
        """The attendee lists that members got."""
        self.replies: dict[str, list[Posted]] = {}
        """By response URL."""
        bot = self.workspace.app.bot_user_id
        for user_id in ADMINS:
            name = f"Member {user_id}"
            self.workspace.put_member(Member(user_id, user_id.lower(), name, is_admin=True))
        self.workspace.add_channel("events", [*ADMINS, bot], id=CHANNEL)

    def _now(self) -> float:
        return self._world.now().timestamp()

    def add_member(self, user_id: str) -> None:
        """Add a member to the workspace and to the channel."""
        self.workspace.put_member(Member(user_id, user_id.lower(), f"Member {user_id}"))
        self.workspace.join(CHANNEL, user_id)

    def messages(self, channel: str) -> list[Posted]:
        """Return the messages in a channel, or to a member."""
        return [one for one in self.posted.values() if one.channel == channel]

    def answer(
        self, url: str, headers: Mapping[str, str], body: bytes, key: str = ""
    ) -> tuple[ApiResponse, Posted | None]:
        """Carry out a request that has arrived. Return the answer, and the message that it posted.

        `key` is the event or job for which it was sent.
        """
        parts = urlsplit(url)
        _, kind, name = parts.path.split("/")
        if kind == "upload":
            return self.api.upload(name, body), None
        if kind == "response":
            return self._answer_at_response_url(url, name, json.loads(body))
        arguments: dict[str, Any] = dict(parse_qsl(parts.query))
        if headers.get("Content-type", "").startswith("application/json"):
            arguments |= json.loads(body or b"{}")
        else:
            arguments |= dict(parse_qsl(body.decode(), keep_blank_values=True))
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        answer = self.api.call(name, token, arguments)
        posted = self._posted_by(name, arguments, answer.body)
        if posted is not None:
            posted.key = key
        return answer, posted

    def _answer_at_response_url(
        self, url: str, key: str, content: dict[str, Any]
    ) -> tuple[ApiResponse, Posted | None]:
        answer = self.api.post_to_response_url(key, content)
        if answer.status != 200:
            return answer, None
        posted = Posted("", url, content, self._world.scheduler.seconds)
        self.replies.setdefault(url, []).append(posted)
        return answer, posted

    def _posted_by(self, method: str, arguments: dict[str, Any], body: Any) -> Posted | None:
        if body["ok"] and method == "files.completeUploadExternal":
            # Without a channel, it is a calendar file, for messages to link to.
            return self._sent_file(arguments) if "channel_id" in arguments else None
        if not body["ok"] or method not in ("chat.postMessage", "chat.update"):
            return None
        channel = arguments.pop("channel")
        if method == "chat.update":
            self.posted[channel, arguments.pop("ts")].content = arguments
            return None
        posted = Posted(body["ts"], channel, arguments, self._world.scheduler.seconds)
        if body["message"].get("files"):
            # Each upload has an address of its own, so without it a message is the same every time.
            arguments["text"], _, posted.calendar_file = arguments["text"].rpartition("\n")
        self.posted[channel, posted.ts] = posted
        return posted

    def _sent_file(self, arguments: Mapping[str, Any]) -> Posted:
        [file] = json.loads(arguments["files"])
        content = self.workspace.file(file["id"]).content or b""
        member = self.workspace.channel(arguments["channel_id"]).dm_with
        sent = Posted(
            "", str(member), {"csv": content.decode("utf-8-sig")}, self._world.scheduler.seconds
        )
        self.files.append(sent)
        return sent


@cache
def _app() -> InstalledApp:
    return read_manifest(PATH)
