"""The state of one workspace: members, channels, messages, files and open views."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from playground.workspace.block_elements import with_ids
from playground.workspace.ledger import Ledger
from playground.workspace.model import (
    Channel,
    InstalledApp,
    Json,
    Member,
    Message,
    Organization,
    SlackError,
    View,
    from_saved_channel,
)
from playground.workspace.trigger_ids import ResponseTarget, ResponseUrls, Trigger, Triggers
from playground.workspace.views import OpenViews


@dataclass(frozen=True)
class StoredFile:
    """An uploaded file; `is_complete` once the app has completed the upload."""

    id: str
    name: str
    length: int
    content: bytes | None = None
    title: str = ""
    is_complete: bool = False


class Workspace:
    """One workspace with one app installed. Thread-safe. `now` is the clock, in seconds.

    With a `path`, members, channels, messages and App Homes are stored in that SQLite file. Ephemeral
    messages, open modals, trigger ids, response URLs and files are kept in memory only.
    The server sets `url` to its address.
    """

    def __init__(
        self,
        app: InstalledApp,
        *,
        now: Callable[[], float],
        path: Path | None = None,
        team_id: str = "T0PLAYGRND",
        name: str = "Playground",
    ) -> None:
        self.app = app
        self.now = now
        self.team_id = team_id
        self.name = name
        self.url = ""
        self.organization: Organization | None = None
        """The Enterprise switch: payloads and responses then name the organization as Slack does."""
        self.is_org_wide = False
        """Whether the app is installed in the whole organization."""
        self.refusals: list[str] = []
        """A sentence for each request of the bot that Slack would have refused. Tests expect none."""
        self.ledger = Ledger(now, path)
        self.views = OpenViews(self.ledger)
        self.triggers = Triggers(now)
        self.response_urls = ResponseUrls(now)
        rows = self.ledger.rows
        self._members = {key: Member(**member) for key, member in rows.all("member")}
        saved = [from_saved_channel(value) for _, value in rows.all("channel")]
        self._channels = {
            channel.id: channel for channel in sorted(saved, key=lambda each: each.number)
        }
        self._messages: dict[str, dict[str, Message]] = {}
        for _, message in rows.all("message"):
            self._keep(Message(**message))
        self._read = {key: str(row["ts"]) for key, row in rows.all("read")}
        self._files: dict[str, StoredFile] = {}
        self.put_member(
            Member(app.bot_user_id, app.name.lower(), app.name, is_bot=True), announce=False
        )

    def close(self) -> None:
        """Close the file."""
        self.ledger.rows.close()

    # Members

    def put_member(self, member: Member, *, announce: bool = True) -> Member:
        """Add a member, or replace the one with this id."""
        with self.ledger.lock:
            self._members[member.id] = member
            self.ledger.rows.put("member", member.id, asdict(member))
            if announce:
                self.ledger.announce("member", user_id=None)
            return member

    def member(self, user_id: str) -> Member:
        """Return the member, deactivated or not. Raises `SlackError` with `user_not_found`."""
        with self.ledger.lock:
            if user_id not in self._members:
                raise SlackError("user_not_found")
            return self._members[user_id]

    def members(self) -> list[Member]:
        """Return all members, including the bot."""
        with self.ledger.lock:
            return list(self._members.values())

    # Channels

    def put_channel(self, channel: Channel) -> Channel:
        """Add a channel, or replace the one with this id."""
        with self.ledger.lock:
            self._channels[channel.id] = channel
            self.ledger.rows.put("channel", channel.id, asdict(channel))
            self.ledger.announce("channel", channel_id=channel.id)
            return channel

    def add_channel(
        self, name: str, members: Iterable[str], *, private: bool = False, id: str | None = None
    ) -> Channel:
        """Create a channel with these members. To invite the bot, include its user id."""
        created = int(self.now())
        channel_id = id or self.ledger.new_id("C")
        with self.ledger.lock:
            number = len(self._channels)
            return self.put_channel(
                Channel(channel_id, name, private, tuple(members), created=created, number=number)
            )

    def channel(self, channel_id: str) -> Channel:
        """Return the channel or direct message. Raises `SlackError` with `channel_not_found`."""
        with self.ledger.lock:
            if channel_id not in self._channels:
                raise SlackError("channel_not_found")
            return self._channels[channel_id]

    def channel_named(self, name: str) -> Channel:
        """Return the channel with this name (no `#`). Raises `SlackError` with `channel_not_found`."""
        for channel in self.channels():
            if channel.name == name and not channel.is_im:
                return channel
        raise SlackError("channel_not_found")

    def channels(self) -> list[Channel]:
        """Return all channels and direct messages."""
        with self.ledger.lock:
            return list(self._channels.values())

    def join(self, channel_id: str, user_id: str) -> Channel:
        """Add a member or the bot to the channel, if they aren't in it yet."""
        with self.ledger.lock:
            channel = self.channel(channel_id)
            if user_id in channel.members:
                return channel
            return self.put_channel(replace(channel, members=(*channel.members, user_id)))

    def dm(self, user_id: str) -> Channel:
        """Return the direct message between the member and the bot; open it if necessary.

        Raises `SlackError` with `user_not_found`.
        """
        with self.ledger.lock:
            member = self.member(user_id)
            for channel in self._channels.values():
                if channel.dm_with == user_id:
                    return channel
            both = (member.id, self.app.bot_user_id)
            channel_id = self.ledger.new_id("D")
            created = int(self.now())
            return self.put_channel(
                Channel(
                    channel_id,
                    "directmessage",
                    is_private=True,
                    members=both,
                    dm_with=user_id,
                    created=created,
                    number=len(self._channels),
                )
            )

    # Messages

    def post(
        self,
        channel_id: str,
        user_id: str,
        text: str,
        *,
        blocks: list[Json] | None = None,
        metadata: Json | None = None,
        files: list[Json] | None = None,
        ephemeral_to: str | None = None,
    ) -> Message:
        """Add a message and fill in missing ids of its blocks. Checks no limits."""
        with self.ledger.lock:
            message = Message(
                channel_id,
                self.ledger.new_ts(),
                user_id,
                text,
                with_ids(blocks or [], self.ledger.new_id),
                metadata,
                files or [],
                ephemeral_to,
            )
            return self._put_message(message)

    def update(self, message: Message, **changes: Any) -> Message:
        """Change fields of a message. Raises `SlackError` with `message_not_found`."""
        with self.ledger.lock:
            present = self.message(message.channel_id, message.ts)
            if "blocks" in changes:
                changes["blocks"] = with_ids(changes["blocks"], self.ledger.new_id)
            return self._put_message(replace(present, **changes))

    def delete(self, message: Message) -> None:
        """Delete a message if it still exists."""
        with self.ledger.lock:
            self._messages.get(message.channel_id, {}).pop(message.ts, None)
            self.ledger.rows.delete("message", f"{message.ts} {message.channel_id}")
            self._announce(message)

    def message(self, channel_id: str, ts: str) -> Message:
        """Return the current version of a message. Raises `SlackError` with `message_not_found`."""
        with self.ledger.lock:
            found = self._messages.get(channel_id, {}).get(ts)
            if found is None:
                raise SlackError("message_not_found")
            return found

    def messages(self, channel_id: str, visible_to: str | None = None) -> list[Message]:
        """Return the channel's messages, oldest first: all, or those visible to this member."""
        with self.ledger.lock:
            messages = list(self._messages.get(channel_id, {}).values())
        return [
            message for message in messages if visible_to is None or message.visible_to(visible_to)
        ]

    def visible_messages_since(self, seq: int, user_id: str) -> list[Message]:
        """Return the messages visible to the member that are new or changed since change number `seq`."""
        with self.ledger.lock:
            keys = {(c.channel_id, c.ts): None for c in self.ledger.since(seq) if c.ts}
            found = [
                message
                for channel_id, ts in keys
                if (message := self._messages.get(channel_id or "", {}).get(ts or ""))
                and message.visible_to(user_id)
                and user_id in self._channels[message.channel_id].members
            ]
        return sorted(found, key=lambda message: message.ts)

    def mark_read(self, channel_id: str, user_id: str) -> None:
        """Mark everything in the channel as read by the member."""
        with self.ledger.lock:
            newest = max(self._messages.get(channel_id, {}), default="")
            key = f"{user_id} {channel_id}"
            if self._read.get(key, "") < newest:
                self._read[key] = newest
                self.ledger.rows.put("read", key, {"ts": newest})
                self.ledger.announce("channel", channel_id=channel_id, user_id=user_id)

    def unread(self, channel_id: str, user_id: str) -> int:
        """Return the number of messages by others since the member last read the channel."""
        with self.ledger.lock:
            last_read = self._read.get(f"{user_id} {channel_id}", "")
            messages = self._messages.get(channel_id, {}).values()
            return sum(
                message.ts > last_read and message.user_id != user_id and not message.ephemeral_to
                for message in messages
            )

    # Trigger ids, response URLs and files

    def new_trigger(
        self, user_id: str, channel_id: str | None = None, view: View | None = None
    ) -> str:
        """Issue a trigger id for something that the member just did."""
        key = f"{self.ledger.new_id('')}.{self.team_id}.{secrets.token_hex(8)}"
        return self.triggers.issue(key, Trigger(user_id, channel_id, view.id if view else None))

    def new_response_url(self, user_id: str, channel_id: str, message_ts: str | None = None) -> str:
        """Issue a response URL to send with a command or a click."""
        target = ResponseTarget(user_id, channel_id, message_ts)
        return f"{self.url}/response/{self.response_urls.issue(secrets.token_hex(12), target)}"

    def put_file(self, file: StoredFile) -> StoredFile:
        """Add or replace an uploaded file."""
        with self.ledger.lock:
            self._files[file.id] = file
            return file

    def files(self) -> list[StoredFile]:
        """Return all uploaded files."""
        with self.ledger.lock:
            return list(self._files.values())

    def file(self, file_id: str) -> StoredFile:
        """Return the file. Raises `SlackError` with `file_not_found`."""
        with self.ledger.lock:
            if file_id not in self._files:
                raise SlackError("file_not_found")
            return self._files[file_id]

    def _put_message(self, message: Message) -> Message:
        self._keep(message)
        if message.ephemeral_to is None:
            key = f"{message.ts} {message.channel_id}"
            self.ledger.rows.put("message", key, asdict(message))
        self._announce(message)
        return message

    def _keep(self, message: Message) -> None:
        self._messages.setdefault(message.channel_id, {})[message.ts] = message

    def _announce(self, message: Message) -> None:
        self.ledger.announce(
            "message",
            channel_id=message.channel_id,
            ts=message.ts,
            user_id=message.ephemeral_to,
        )
