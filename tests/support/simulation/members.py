"""The members of the simulation: they register, and change their minds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from bot.blocks.ids import ActionId, CallbackId
from domain.errors import RollcallError
from domain.questions import Answers
from domain.service import Service
from playground.client.member_client import ActionResult, MemberClient
from playground.workspace.block_elements import elements
from playground.workspace.model import Json, Message, View
from tests.support.simulation.answers import drawn_answers
from tests.support.simulation.process import Process, ProcessDied
from tests.support.simulation.requests import Acting
from tests.support.simulation.slack import CHANNEL

if TYPE_CHECKING:
    from tests.support.simulation.world import World

Request = Callable[[Service], object]

READING_SECONDS = 5.0
"""The longest that a member reads a question before answering it."""


class Member:
    """Does one thing after another. `act` is the task of a member."""

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
                [self._register] * 3
                + [self._unregister, self._look, self._confirm_late, self._change_answers]
            )
            if self._dice.random() < self._world.weights.second_presses:
                self._world.count("somebody presses twice")
                self._world.scheduler.spawn("a second press", None, partial(act, event_id))
            if self._dice.random() < self._world.weights.user_deletions:
                self._world.scheduler.spawn("a deletion", None, self._delete)
            act(event_id)

    def _delete(self) -> None:
        """Have the member deleted, while or after they do something."""
        self._world.scheduler.sleep(
            self._dice.choice([0.0, 0.5, READING_SECONDS]) * self._dice.random()
        )
        self._world.count("somebody is deleted")
        self._send(lambda service: service.delete_user(self.user_id))

    # In Slack

    def _register(self, event_id: str) -> None:
        """Press the button on the event's card, or type a command."""
        self._world.slack.workspace.views.clear(self.user_id)
        card = self._card(event_id, ActionId.REGISTER)
        if card is not None and self._dice.random() < 0.7:
            shown = self._click("register on a card", card, ActionId.REGISTER, event_id)
        else:
            shown = self._command("/register", event_id)
        self._answer(shown.view, CallbackId.ANSWERS)

    def _answer(self, form: View | None, callback_id: CallbackId) -> None:
        """Answer an event's questions, if the form with them is shown, after a while: they may have changed."""
        if form is None or form.body["callback_id"] != callback_id:
            return
        self._world.scheduler.sleep(self._dice.random() * READING_SECONDS)
        shown = self._world.slack.workspace.views.get(form.id)
        if shown is not None and shown.body["callback_id"] == callback_id:
            self._world.count("a member answers questions")
            answers = drawn_answers(shown, self._dice, self._world.number())
            self._slack.act(
                f"submit {callback_id}",
                lambda client: client.submit(self.user_id, shown.id, answers),
            )

    def _change_answers(self, event_id: str) -> None:
        """Change one's answers, in the list of one's registrations, or past Slack."""
        if self._dice.random() < 0.5:
            answers: Answers = {"size": self._dice.choice(["S", "M"])}
            asked = frozenset[str]() if self._dice.random() < 0.3 else None
            self._send(
                lambda service: service.change_answers(event_id, self.user_id, answers, asked=asked)
            )
            return
        self._world.slack.workspace.views.clear(self.user_id)
        self._command("/registrations", "")
        mine = self._last_with(ActionId.CHANGE_ANSWERS)
        if mine is not None:
            shown = self._click("change answers", mine, ActionId.CHANGE_ANSWERS)
            self._answer(shown.view, CallbackId.CHANGE_ANSWERS)

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
        return next((one for one in cards if has_element(one.blocks, action_id, event_id)), None)

    def _last_with(self, action_id: ActionId) -> Message | None:
        messages = self._world.slack.workspace.messages(CHANNEL)
        mine = [one for one in messages if one.ephemeral_to == self.user_id]
        return next((one for one in reversed(mine) if has_element(one.blocks, action_id)), None)

    # Not in Slack

    def _send(self, request: Request, process: Process | None = None) -> None:
        """Send a request to a process, past Slack. The judge sees the answer."""
        try:
            with self._world.nights.acting():
                (process or self._world.some_process()).request(request)
        except RollcallError:
            pass
        except ProcessDied:
            self._world.count("a process dies with a request")

    def _pause(self) -> None:
        self._world.scheduler.sleep(self._dice.random() * self._world.weights.pause)
        self._world.nights.wait_for_morning()


def has_element(blocks: list[Json], action_id: ActionId, value: str | None = None) -> bool:
    """Return whether something can be pressed: a button, or a select."""
    return any(
        element.get("action_id") == action_id and value in (None, element.get("value"))
        for block in blocks
        for element in elements(block)
    )
