"""The members of the simulation: some register and change their minds, and organizers run events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.blocks.ids import ActionId
from domain.enums import Audience
from domain.errors import RollcallError
from domain.inputs import AnnouncementDraft, EventChanges, EventDraft
from domain.service import Service
from playground.client.member_client import ActionResult, MemberClient
from playground.workspace.block_elements import elements
from playground.workspace.model import Message
from tests.support.environment import START
from tests.support.simulation.process import ProcessDied
from tests.support.simulation.requests import Acting
from tests.support.simulation.slack import CHANNEL

if TYPE_CHECKING:
    from tests.support.simulation.world import World

Request = Callable[[Service], object]

READING_SECONDS = 5.0
"""The longest that a member reads a question before answering it."""


class Member:
    """Does one thing after another. `act` is the task of a member, `organize` that of an organizer."""

    def __init__(self, world: World, user_id: str) -> None:
        self._world = world
        self._dice = world.dice_for(user_id)
        self.user_id = user_id
        self._slack = Acting(world, user_id)
        self._questions: list[Message] = []
        """Whether to unregister, as they were when they were read. A press on one may come late."""

    def act(self) -> None:
        """Register and unregister, sometimes twice at the same time, until the end."""
        while not self._world.is_over:
            self._pause()
            event_id = self._dice.choice(self._world.event_ids)
            act = self._dice.choice(
                [self._register] * 3 + [self._unregister, self._look, self._confirm_late]
            )
            if self._dice.random() < self._world.weights.second_presses:
                self._world.count("somebody presses twice")
                self._world.scheduler.spawn("a second press", None, partial(act, event_id))
            act(event_id)
            if self._dice.random() < self._world.weights.user_deletions:
                self._world.count("somebody is deleted")
                self._send(lambda service: service.delete_user(self.user_id))

    # In Slack

    def _register(self, event_id: str) -> None:
        """Press the button on the event's card, or type a command."""
        card = self._card(event_id, ActionId.REGISTER)
        if card is not None and self._dice.random() < 0.7:
            self._click("register on a card", card, ActionId.REGISTER, event_id)
        else:
            self._command("/register", event_id)

    def _unregister(self, event_id: str) -> None:
        """Unregister as one registers, and confirm it if asked."""
        card = self._card(event_id, ActionId.UNREGISTER)
        if card is not None and self._dice.random() < 0.7:
            self._click("unregister on a card", card, ActionId.UNREGISTER, event_id)
        else:
            self._command("/unregister", event_id)
        self._world.scheduler.sleep(self._dice.random() * READING_SECONDS)
        question = self._last_with(ActionId.UNREGISTER_CONFIRMED)
        if question is not None:
            self._questions.append(question)
            choice = self._dice.choice(
                [ActionId.UNREGISTER_CONFIRMED] * 3 + [ActionId.KEEP_REGISTRATION]
            )
            self._click(choice.value, question, choice)

    def _confirm_late(self, _: str) -> None:
        """Confirm what was asked some time ago, and may be answered by now."""
        if self._questions:
            question = self._dice.choice(self._questions)
            self._click("confirm late", question, ActionId.UNREGISTER_CONFIRMED)

    def _look(self, event_id: str) -> None:
        """Read one's registrations."""
        if self._dice.random() < 0.5:
            self._command("/registrations", "")
        else:
            self._slack.act("open App Home", lambda client: client.open_home(self.user_id))
            self._send(lambda service: service.get_registration(event_id, self.user_id))

    def _command(self, name: str, text: str) -> ActionResult:
        return self._slack.act(
            name, lambda client: client.command(self.user_id, CHANNEL, name, text)
        )

    def _click(
        self, name: str, message: Message, action_id: ActionId, value: str | None = None
    ) -> ActionResult:
        def click(client: MemberClient) -> ActionResult:
            return client.click(self.user_id, message, action_id, value)

        return self._slack.act(name, click)

    def _card(self, event_id: str, action_id: ActionId) -> Message | None:
        messages = self._world.slack.workspace.messages(CHANNEL)
        cards = (one for one in messages if one.ephemeral_to is None)
        return next((one for one in cards if _has(one, action_id, event_id)), None)

    def _last_with(self, action_id: ActionId) -> Message | None:
        messages = self._world.slack.workspace.messages(CHANNEL)
        mine = [one for one in messages if one.ephemeral_to == self.user_id]
        return next((one for one in reversed(mine) if _has(one, action_id)), None)

    # Not in Slack

    def organize(self, event_id: str) -> None:
        """Create an event, perhaps while something is down, and run it until the end."""
        self._world.scheduler.sleep(self._dice.random() * self._world.weights.pause * 2)
        draft = EventDraft.of(
            event_id=event_id,
            title=f"Event {event_id}",
            starts_at=START + timedelta(days=40),
            time_zone="Europe/Berlin",
            organizer_id=self.user_id,
            capacity=self._dice.randint(1, 5),
            has_waitlist=self._dice.random() < 0.8,
            card_channel=CHANNEL,
        )
        while self._world.data.get_event(event_id) is None and not self._world.is_over:
            # The form keeps its id: a second Submit creates nothing twice.
            self._send(lambda service: service.create_event_once(draft))
            self._pause()
        weights = self._world.weights
        while not self._world.is_over:
            self._pause()
            if self._dice.random() < max(weights.second_presses, weights.small_limits / 2):
                self._world.count("two organizers change an event at once")
                another = partial(self._send, self._change(event_id))
                self._world.scheduler.spawn("another organizer", None, another)
            self._send(self._change(event_id))

    def _change(self, event_id: str) -> Request:
        dice, number = self._dice, self._world.number()
        name = dice.choices(
            ["capacity", "move", "announce", "close", "reopen", "remove", "cancel", "delete"],
            [6, 3, 6, 1, 3, 2, 0.1, 0.1],
        )[0]
        attendee = dice.choice(self._world.member_ids)
        event = self._world.data.get_event(event_id)
        more = [0, 0, 0, 9] if self._world.weights.small_limits else [0, 0, 1, 2, 9]
        seats = (event.registered_count if event else 0) + dice.choice(more)
        audience = dice.choice(list(Audience))
        requests: dict[str, Request] = {
            "capacity": lambda service: service.edit_event(
                event_id, EventChanges.of(capacity=max(1, seats))
            ),
            "move": lambda service: service.edit_event(
                event_id, EventChanges.of(location=f"Room {number}")
            ),
            "announce": lambda service: service.announce(
                event_id,
                AnnouncementDraft.of(text=f"Announcement {number}", audience=audience),
                request_id=f"announcement {number}",
            ),
            "close": lambda service: service.close_event(event_id),
            "reopen": lambda service: service.reopen_event(event_id),
            "remove": lambda service: service.remove(event_id, attendee, reason=f"Reason {number}"),
            "cancel": lambda service: service.cancel_event(event_id),
            "delete": lambda service: service.delete_event(event_id),
        }
        return requests[name]

    def _send(self, request: Request) -> None:
        """Send a request to a process, past Slack. The judge sees the answer."""
        try:
            self._world.some_process().request(request)
        except RollcallError:
            pass
        except ProcessDied:
            self._world.count("a process dies with a request")

    def _pause(self) -> None:
        self._world.scheduler.sleep(self._dice.random() * self._world.weights.pause)


def _has(message: Message, action_id: ActionId, value: str | None = None) -> bool:
    return any(
        element.get("action_id") == action_id and value in (None, element.get("value"))
        for block in message.blocks
        for element in elements(block)
    )
