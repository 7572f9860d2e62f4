"""The rush: many simulated members press one button within a second.

The number of concurrent clicks is limited. Response times still count from the press.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace

from bot.slack import error_messages
from domain.errors import Queued
from playground.client.member_client import MemberClient
from playground.workspace.model import Json, Member, Message, SlackError
from playground.workspace.state import Workspace

PRESS_WINDOW_SECONDS = 1.0
MAX_MEMBERS = 1_000

MAX_CONCURRENT_CLICKS = 32
"""The bot, the simulated Slack and the members share one machine; more concurrency slows all of them down."""


REPLY_SECONDS = 10.0
"""How long a member waits for a reply after the acknowledgement."""

IN_QUEUE = error_messages.sentence(Queued())
"""The text for a member who has to wait for the reply."""


@dataclass(frozen=True)
class Button:
    """A primary button in a message from the app."""

    channel_id: str
    ts: str
    block_id: str
    action_id: str
    label: str
    title: str


@dataclass(frozen=True)
class PressResult:
    """The app's ephemeral response to one member's press, or Slack's error about the app.

    `pressed` and `answered` are seconds since the rush began. `has_waited` says that the app asked the member to
    wait and responded later.
    """

    member_id: str
    name: str
    pressed: float
    answered: float
    text: str
    failure: str | None
    has_waited: bool


@dataclass(frozen=True)
class Counts:
    """The bot's commits and functions since the demo started. Both grow during a rush."""

    commits: Sequence[int]
    """The number of commands in each commit."""
    functions: Callable[[], int] = lambda: 0
    """Returns how many Lambda functions have started."""

    def now(self) -> tuple[int, int]:
        """Return the number of commits, and that of functions that have started."""
        return len(self.commits), self.functions()


class Rush:
    """One rush, from its first press to its last response."""

    def __init__(
        self,
        member_client: MemberClient,
        button: Button,
        size: int,
        counts: Counts,
        number: int = 1,
        within: float = PRESS_WINDOW_SECONDS,
        *,
        is_on_lambda: bool = False,
    ) -> None:
        self.number = number
        self.button = button
        self.size = size
        self._member_client = member_client
        self._counts = counts
        self._is_on_lambda = is_on_lambda
        self._within = within
        self._lock = threading.Lock()
        self._results: list[PressResult] = []
        self._began = self._began_at = 0.0
        self._before = counts.now()
        self._after: tuple[int, int] | None = None
        self._ended = threading.Event()

    @property
    def is_over(self) -> bool:
        """Whether every member has got a response."""
        return self._after is not None

    def end(self) -> None:
        """Have no member press or wait any more."""
        self._ended.set()

    def run(self) -> None:
        """Press the button as every member, and wait for all responses."""
        workspace = self._member_client.workspace
        members = [simulated_member(number) for number in range(1, self.size + 1)]
        self._before = self._counts.now()
        try:
            add_members(workspace, self.button.channel_id, members)
            card = workspace.message(self.button.channel_id, self.button.ts)
            self._began_at, self._began = workspace.now(), time.monotonic()
            with ThreadPoolExecutor(min(self.size, MAX_CONCURRENT_CLICKS), "rush") as threads:
                for number, member in enumerate(members):
                    threads.submit(self._press, member, card, number * self._within / self.size)
        finally:
            self._after = self._counts.now()

    def as_json(self, after: int = 0) -> Json:
        """Return the rush's progress, with the results after the first `after`."""
        with self._lock:
            results = self._results[after:]
            answered = len(self._results)
        (commits, functions), (commits_before, functions_before) = (
            self._after or self._counts.now(),
            self._before,
        )
        made = self._counts.commits[commits_before:commits]
        return {
            "number": self.number,
            "size": self.size,
            "answered": answered,
            "results": [asdict(each) for each in results],
            "is_over": self.is_over,
            "commits": len(made),
            "largest_commit": max(made, default=0),
            "card": self._card(),
            "functions": functions - functions_before if self._is_on_lambda else None,
        }

    def _card(self) -> Json | None:
        """Return the card's text, and the seconds from the first press to its latest update, if any."""
        try:
            card = self._member_client.workspace.message(self.button.channel_id, self.button.ts)
        except SlackError:
            return None
        changed = float(card.edited_ts or 0) - self._began_at
        return {"text": card.text, "changed": round(changed, 3) if changed > 0 else None}

    def _press(self, member: Member, card: Message, due: float) -> None:
        # Real time, because a person is watching.
        if self._ended.wait(max(0.0, self._began + due - time.monotonic())):
            return
        if self._is_on_lambda:  # other members' presses do not delay this one there
            due = self._since_start()
        button, texts, failure = self.button, list[str](), None
        before = self._member_client.workspace.ledger.seq
        try:
            result = self._member_client.click(
                member.id, card, button.action_id, block_id=button.block_id
            )
            failure = result.failure
            if failure is None:
                texts = self._wait_for_reply(member.id, before)
                if all(text == IN_QUEUE for text in texts):
                    failure = f"No reply within {REPLY_SECONDS:g} seconds."
        except Exception as error:  # noqa: BLE001  # the page shows any error
            failure = str(error)
        answered = self._since_start()
        press = PressResult(
            member.id,
            member.real_name,
            round(due, 3),
            answered,
            " ".join(text for text in texts if text != IN_QUEUE),
            failure,
            has_waited=IN_QUEUE in texts and failure is None,
        )
        with self._lock:
            self._results.append(press)

    def _wait_for_reply(self, member_id: str, before: int) -> list[str]:
        """Return the texts up to the reply, which may come after the acknowledgement, and after "in the queue"."""
        until = time.monotonic() + REPLY_SECONDS
        while True:
            messages = self._member_client.workspace.visible_messages_since(before, member_id)
            texts = [one.text for one in messages if one.ephemeral_to == member_id]
            if any(text != IN_QUEUE for text in texts) or time.monotonic() >= until:
                return texts
            if self._ended.wait(0.005):
                return texts

    def _since_start(self) -> float:
        return round(time.monotonic() - self._began, 3)


def simulated_member(number: int) -> Member:
    """Return the simulated member with this number, the same one in every rush."""
    name = f"Member {number}"
    return Member(f"U0SIM{number:05}", f"member{number}", name, "Etc/UTC", is_simulated=True)


def add_members(workspace: Workspace, channel_id: str, members: list[Member]) -> None:
    """Add members to the workspace and the channel in a single change."""
    with workspace.ledger.lock:
        present = {member.id for member in workspace.members()}
        for member in members:
            if member.id not in present:
                workspace.put_member(member, announce=False)
        channel = workspace.channel(channel_id)
        everyone = dict.fromkeys((*channel.members, *(member.id for member in members)))
        workspace.put_channel(replace(channel, members=tuple(everyone)))


def primary_buttons(member_client: MemberClient, member_id: str) -> list[Button]:
    """Return the buttons for a rush: primary buttons of the app's messages in the member's channels."""
    workspace = member_client.workspace
    return [
        button
        for channel in workspace.channels()
        if member_id in channel.members and not channel.is_im
        for message in workspace.messages(channel.id)
        if message.ephemeral_to is None and message.user_id == workspace.app.bot_user_id
        for button in _primary_buttons_of(message)
    ]


def _primary_buttons_of(message: Message) -> list[Button]:
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
