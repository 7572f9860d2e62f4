"""The state of one workspace: who is in it, its channels, its messages, its files, and what is open."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from playground.client.inputs import with_ids
from playground.workspace.ledger import Ledger
from playground.workspace.model import (
    Channel,
    InstalledApp,
    Json,
    Member,
    Message,
    SlackError,
    View,
    from_saved_channel,
)
from playground.workspace.trigger_ids import ResponseTarget, ResponseUrls, Trigger, Triggers
from playground.workspace.views import Views


@dataclass(frozen=True)
class StoredFile:
    """An uploaded file; `done` once the app has completed the upload."""

    id: str
    name: str
    length: int
    content: bytes | None = None
    title: str = ""
    done: bool = False


class Workspace:
    """One workspace with one app installed. Thread-safe; time is what `now` says, in seconds.

    With a `path`, members, channels, messages and App Homes survive in that SQLite file; messages that
    only one member sees, open modals, trigger ids, response URLs and files do not.
    `url` is where this workspace answers; who serves it sets it.
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
        self.refusals: list[str] = []
        """What the bot sent that Slack would not have taken, in words; tests hold it to be empty."""
        self.ledger = Ledger(now, path)
        self.views = Views(self.ledger)
        self.triggers = Triggers(now)
        self.response_urls = ResponseUrls(now)
        saved = self.ledger.saved
        self._members = {key: Member(**member) for key, member in saved.all("member")}
        self._channels = {key: from_saved_channel(value) for key, value in saved.all("channel")}
        self._messages: dict[str, dict[str, Message]] = {}
        for _, message in saved.all("message"):
            self._keep(Message(**message))
        self._read = {key: str(mark["ts"]) for key, mark in saved.all("read")}
        self._files: dict[str, StoredFile] = {}
        self.put_member(
            Member(app.bot_user_id, app.name.lower(), app.name, is_bot=True), announce=False
        )

    def close(self) -> None:
        """Closes the file."""
        self.ledger.saved.close()

    # Members

    def put_member(self, member: Member, *, announce: bool = True) -> Member:
        """Adds a member, or replaces the one with that id."""
        with self.ledger.lock:
            self._members[member.id] = member
            self.ledger.saved.put("member", member.id, asdict(member))
            if announce:
                self.ledger.changed("member", user_id=None)
            return member

    def member(self, user_id: str) -> Member:
        """The member, deactivated or not. Raises SlackError: `user_not_found`."""
        with self.ledger.lock:
            if user_id not in self._members:
                raise SlackError("user_not_found")
            return self._members[user_id]

    def members(self) -> list[Member]:
        """Everyone, the bot included."""
        with self.ledger.lock:
            return list(self._members.values())

    # Channels

    def put_channel(self, channel: Channel) -> Channel:
        """Adds a channel, or replaces the one with that id."""
        with self.ledger.lock:
            self._channels[channel.id] = channel
            self.ledger.saved.put("channel", channel.id, asdict(channel))
            self.ledger.changed("channel", channel_id=channel.id)
            return channel

    def add_channel(
        self, name: str, members: Iterable[str], *, private: bool = False, id: str | None = None
    ) -> Channel:
        """Creates a channel with these members; invite the bot by naming its user id too."""
        created = int(self.now())
        channel_id = id or self.ledger.new_id("C")
        return self.put_channel(Channel(channel_id, name, private, tuple(members), created=created))

    def channel(self, channel_id: str) -> Channel:
        """The channel or direct message. Raises SlackError: `channel_not_found`."""
        with self.ledger.lock:
            if channel_id not in self._channels:
                raise SlackError("channel_not_found")
            return self._channels[channel_id]

    def channel_named(self, name: str) -> Channel:
        """The channel with this name, without its `#`. Raises SlackError: `channel_not_found`."""
        for channel in self.channels():
            if channel.name == name and not channel.is_im:
                return channel
        raise SlackError("channel_not_found")

    def channels(self) -> list[Channel]:
        """Every channel and direct message."""
        with self.ledger.lock:
            return list(self._channels.values())

    def join(self, channel_id: str, user_id: str) -> Channel:
        """Makes the member (or the bot) a member of the channel; it may be one already."""
        with self.ledger.lock:
            channel = self.channel(channel_id)
            if user_id in channel.members:
                return channel
            return self.put_channel(replace(channel, members=(*channel.members, user_id)))

    def dm(self, user_id: str) -> Channel:
        """The direct message between the member and the bot, opened if need be.

        Raises SlackError: `user_not_found`.
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
                Channel(channel_id, "directmessage", True, both, user_id, created=created)
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
        """Adds a message, and gives its blocks the ids that they lack. Judges nothing."""
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
        """Changes a message's fields. Raises SlackError: `message_not_found`."""
        with self.ledger.lock:
            present = self.message(message.channel_id, message.ts)
            if "blocks" in changes:
                changes["blocks"] = with_ids(changes["blocks"], self.ledger.new_id)
            return self._put_message(replace(present, **changes))

    def delete(self, message: Message) -> None:
        """Removes a message; it may be gone already."""
        with self.ledger.lock:
            self._messages.get(message.channel_id, {}).pop(message.ts, None)
            self.ledger.saved.drop("message", f"{message.ts} {message.channel_id}")
            self._announce(message)

    def message(self, channel_id: str, ts: str) -> Message:
        """The message as it stands. Raises SlackError: `message_not_found`."""
        with self.ledger.lock:
            found = self._messages.get(channel_id, {}).get(ts)
            if found is None:
                raise SlackError("message_not_found")
            return found

    def messages(self, channel_id: str, seen_by: str | None = None) -> list[Message]:
        """The channel's messages, oldest first: all, or those that this member sees."""
        with self.ledger.lock:
            messages = list(self._messages.get(channel_id, {}).values())
        return [message for message in messages if seen_by is None or message.seen_by(seen_by)]

    def seen_since(self, seq: int, user_id: str) -> list[Message]:
        """The messages that came or changed after change number `seq`, as far as the member sees them."""
        with self.ledger.lock:
            keys = {(c.channel_id, c.ts): None for c in self.ledger.since(seq) if c.ts}
            found = [
                message
                for channel_id, ts in keys
                if (message := self._messages.get(channel_id or "", {}).get(ts or ""))
                and message.seen_by(user_id)
                and user_id in self._channels[message.channel_id].members
            ]
        return sorted(found, key=lambda message: message.ts)

    def mark_read(self, channel_id: str, user_id: str) -> None:
        """Notes that the member has seen the channel up to now."""
        with self.ledger.lock:
            newest = max(self._messages.get(channel_id, {}), default="")
            key = f"{user_id} {channel_id}"
            if self._read.get(key, "") < newest:
                self._read[key] = newest
                self.ledger.saved.put("read", key, {"ts": newest})
                self.ledger.changed("channel", channel_id=channel_id, user_id=user_id)

    def unread(self, channel_id: str, user_id: str) -> int:
        """How many of others' messages came since the member last looked."""
        with self.ledger.lock:
            last = self._read.get(f"{user_id} {channel_id}", "")
            messages = self._messages.get(channel_id, {}).values()
            return sum(
                message.ts > last and message.user_id != user_id and not message.ephemeral_to
                for message in messages
            )

    # Passes and files

    def new_trigger(
        self, user_id: str, channel_id: str | None = None, view: View | None = None
    ) -> str:
        """A trigger id for something that the member just did."""
        key = f"{self.ledger.new_id('')}.{self.team_id}.{secrets.token_hex(8)}"
        return self.triggers.issue(key, Trigger(user_id, channel_id, view.id if view else None))

    def new_response_url(self, user_id: str, channel_id: str, message_ts: str | None = None) -> str:
        """A response URL to send along with a command or a click."""
        target = ResponseTarget(user_id, channel_id, message_ts)
        return f"{self.url}/response/{self.response_urls.issue(secrets.token_hex(12), target)}"

    def put_file(self, file: StoredFile) -> StoredFile:
        """Adds or replaces an uploaded file."""
        with self.ledger.lock:
            self._files[file.id] = file
            return file

    def file(self, file_id: str) -> StoredFile:
        """The file. Raises SlackError: `file_not_found`."""
        with self.ledger.lock:
            if file_id not in self._files:
                raise SlackError("file_not_found")
            return self._files[file_id]

    def _put_message(self, message: Message) -> Message:
        self._keep(message)
        if message.ephemeral_to is None:
            key = f"{message.ts} {message.channel_id}"
            self.ledger.saved.put("message", key, asdict(message))
        self._announce(message)
        return message

    def _keep(self, message: Message) -> None:
        self._messages.setdefault(message.channel_id, {})[message.ts] = message

    def _announce(self, message: Message) -> None:
        self.ledger.changed(
            "message",
            channel_id=message.channel_id,
            ts=message.ts,
            user_id=message.ephemeral_to,
        )
