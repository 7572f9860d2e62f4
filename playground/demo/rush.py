"""The rush: many simulated members press one button within a second, each as a member's client would.

Slack hands at most so many clicks at once to the bot; how long an answer took counts from the press all the same.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace

from playground.client.member_client import MemberClient
from playground.workspace.model import Json, Member, Message, SlackError
from playground.workspace.state import Workspace

WITHIN_SECONDS = 1.0
MOST_MEMBERS = 1_000

HANDED_OVER_AT_ONCE = 32
"""The bot shares its processor with Slack and the members here: with more at once, all of them wait for each other."""


@dataclass(frozen=True)
class Button:
    """A primary button of a message from the app, and which message that is."""

    channel_id: str
    ts: str
    block_id: str
    action_id: str
    label: str
    title: str


@dataclass(frozen=True)
class Told:
    """What one member saw after pressing: the app's answer, or Slack's complaint about the app.

    `pressed` and `answered` are seconds since the rush began.
    """

    member_id: str
    name: str
    pressed: float
    answered: float
    text: str
    failure: str | None


class Rush:
    """One rush, from its first press to its last answer.

    `commits` are those that the bot made so far, and grows: how many commands each carried.
    """

    def __init__(
        self,
        member_client: MemberClient,
        button: Button,
        size: int,
        commits: Sequence[int],
        number: int = 1,
        within: float = WITHIN_SECONDS,
    ) -> None:
        self.number = number
        self.button = button
        self.size = size
        self._member_client = member_client
        self._commits = commits
        self._within = within
        self._lock = threading.Lock()
        self._told: list[Told] = []
        self._began = self._began_at = 0.0
        self._commits_before = len(commits)
        self._commits_after: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether everybody who pressed has seen something come of it."""
        return self._commits_after is not None

    def run(self) -> None:
        """Presses, and returns once everybody was answered."""
        workspace = self._member_client.workspace
        members = [simulated(number) for number in range(1, self.size + 1)]
        self._commits_before = len(self._commits)
        try:
            admit(workspace, self.button.channel_id, members)
            card = workspace.message(self.button.channel_id, self.button.ts)
            self._began_at, self._began = workspace.now(), time.monotonic()
            with ThreadPoolExecutor(min(self.size, HANDED_OVER_AT_ONCE), "rush") as threads:
                for number, member in enumerate(members):
                    threads.submit(self._press, member, card, number * self._within / self.size)
        finally:
            self._commits_after = len(self._commits)

    def as_json(self, after: int = 0) -> Json:
        """How it stands; of what members were told, what came after the first `after` answers."""
        with self._lock:
            told = self._told[after:]
            answered = len(self._told)
        made = self._commits[self._commits_before : self._commits_after]
        return {
            "number": self.number,
            "size": self.size,
            "answered": answered,
            "told": [asdict(each) for each in told],
            "over": self.is_over,
            "commits": len(made),
            "largest": max(made, default=0),
            "card": self._card(),
        }

    def _card(self) -> Json | None:
        """What the card says, and how long after the first press it came to say so, if it changed at all."""
        try:
            card = self._member_client.workspace.message(self.button.channel_id, self.button.ts)
        except SlackError:
            return None
        changed = float(card.edited_ts or 0) - self._began_at
        return {"text": card.text, "changed": round(changed, 3) if changed > 0 else None}

    def _press(self, member: Member, card: Message, due: float) -> None:
        # Real time: a person watches, and presses are spread over a second of theirs.
        time.sleep(max(0.0, self._began + due - time.monotonic()))
        button, text, failure = self.button, "", None
        try:
            seen = self._member_client.click(
                member.id, card, button.action_id, block_id=button.block_id
            )
            text, failure = " ".join(each.text for each in seen.ephemeral), seen.failure
        except Exception as error:  # noqa: BLE001  # whatever it is, it is shown beside the name
            failure = str(error)
        told = Told(member.id, member.real_name, round(due, 3), self._since(), text, failure)
        with self._lock:
            self._told.append(told)

    def _since(self) -> float:
        return round(time.monotonic() - self._began, 3)


def simulated(number: int) -> Member:
    """The simulated member with this number: the same person in every rush."""
    name = f"Member {number}"
    return Member(f"U0SIM{number:05}", f"member{number}", name, "Etc/UTC", is_simulated=True)


def admit(workspace: Workspace, channel_id: str, members: list[Member]) -> None:
    """Makes them members of the workspace and of the channel, as one change."""
    with workspace.ledger.lock:
        present = {member.id for member in workspace.members()}
        for member in members:
            if member.id not in present:
                workspace.put_member(member, announce=False)
        channel = workspace.channel(channel_id)
        everyone = dict.fromkeys((*channel.members, *(member.id for member in members)))
        workspace.put_channel(replace(channel, members=tuple(everyone)))


def buttons(member_client: MemberClient, member_id: str) -> list[Button]:
    """What a rush may press: the primary buttons of the app's messages that everyone in a channel sees."""
    workspace = member_client.workspace
    return [
        button
        for channel in workspace.channels()
        if member_id in channel.members and not channel.is_im
        for message in workspace.messages(channel.id)
        if message.ephemeral_to is None and message.user_id == workspace.app.bot_user_id
        for button in _primary(message)
    ]


def _primary(message: Message) -> list[Button]:
    headers = [block["text"]["text"] for block in message.blocks if block["type"] == "header"]
    return [
        Button(
            message.channel_id,
            message.ts,
            block["block_id"],
            element["action_id"],
            element["text"]["text"],
            headers[0] if headers else message.text,
        )
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
        if element["type"] == "button" and element.get("style") == "primary"
    ]
