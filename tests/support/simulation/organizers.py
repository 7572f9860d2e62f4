"""The organizers of the simulation: they run events in Slack's forms or past Slack, and some leave (R2.9)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.blocks.ids import ActionId, BlockId, CallbackId
from domain.enums import Audience
from domain.inputs import AnnouncementDraft, EventChanges, EventDraft, UserDraft
from domain.models import Actor
from playground.client.inputs import Values
from playground.client.member_client import ActionResult, MemberClient
from playground.workspace.model import View
from tests.support.environment import START
from tests.support.simulation.answers import QUESTIONS
from tests.support.simulation.members import Member, Request, has_element
from tests.support.simulation.slack import ADMINS, CHANNEL

if TYPE_CHECKING:
    from tests.support.simulation.world import World

TRIES = 3
"""How often an organizer opens a form that Slack did not show."""


class Organizer(Member):
    """Runs one event, in Slack or past it. `organize` is its task."""

    def __init__(self, world: World, number: int, user_id: str | None = None) -> None:
        """Create the organizer of an event with this number, or someone else who may manage it."""
        super().__init__(world, user_id or f"UORG{number}")
        self._number = number

    @property
    def _event_id(self) -> str:
        return self._world.event_ids[self._number]

    def organize(self) -> None:
        """Create an event, perhaps while something is down, and run it until the end."""
        self._world.scheduler.sleep(self._dice.random() * self._world.weights.pause * 2)
        if self._dice.random() < 0.5:
            self._create_in_slack()
        self._create()
        while not self._world.is_over:
            self._pause()
            if self._dice.random() < self._world.weights.leaving:
                self._leave()
            weights = self._world.weights
            if self._dice.random() < max(weights.second_presses, weights.small_limits / 2):
                self._world.count("two organizers change an event at once")
                another = partial(self._send, self._change(self._event_id))
                self._world.scheduler.spawn("another organizer", None, another)
            if self._dice.random() < 0.5:
                self._one_of_them()._change_in_slack()
            else:
                self._send(self._change(self._event_id))

    def _one_of_them(self) -> Organizer:
        """Return one of those who organize the event now, or the first one, who may have left."""
        event = self._world.data.get_event(self._event_id)
        user_ids = [self.user_id, *(event.organizer_ids if event is not None else ())]
        return Organizer(self._world, self._number, self._dice.choice(user_ids[-3:]))

    def _create_in_slack(self) -> None:
        """Submit the form, sometimes twice. The form keeps its id: a second Submit creates nothing twice."""
        form = self._open(lambda: self._command("/event", "create").view)
        if form is None or form.body["callback_id"] != CallbackId.CREATE_EVENT:
            return  # it shows the outcome of something else, which took long
        event_id = json.loads(form.body["private_metadata"])["event_id"]
        self._world.event_ids[self._number] = event_id
        self._world.asked_for.add(event_id)
        self._click_in(form, ActionId.MORE_OPTIONS)
        values: dict[BlockId, object] = {
            BlockId.TITLE: f"Event {event_id}",
            BlockId.START_DATE: "2026-12-12",
            BlockId.START_TIME: "10:00",
            BlockId.CAPACITY: self._dice.randint(1, 5),
            BlockId.OPTIONS: ["waitlist"] if self._dice.random() < 0.8 else [],
            BlockId.CHANNEL: CHANNEL,
            BlockId.CO_ORGANIZERS: self._co_organizers(),
        }
        self._world.count("an event is created in its form")
        self._submit(form, values, is_double=self._dice.random() < 0.5)

    def _create(self) -> None:
        """Create the event past Slack, unless it exists."""
        event_id = self._event_id
        draft = EventDraft.of(
            event_id=event_id,
            title=f"Event {event_id}",
            starts_at=START + timedelta(days=40),
            time_zone="Europe/Berlin",
            organizer_id=self.user_id,
            co_organizer_ids=[one for one in self._co_organizers() if one != self.user_id],
            capacity=self._dice.randint(1, 5),
            has_waitlist=self._dice.random() < 0.8,
            card_channel=CHANNEL,
            questions=self._dice.choice(QUESTIONS),
        )
        while self._world.data.get_event(event_id) is None and not self._world.is_over:
            for user_id in (self.user_id, *draft.co_organizer_ids):
                user = UserDraft.of(user_id=user_id, name=f"Member {user_id}")
                self._send(lambda service, user=user: service.ensure_user(user))  # type: ignore[misc]  # a default
            self._send(lambda service: service.create_event_once(draft))
            self._pause()

    def _co_organizers(self) -> list[str]:
        others = [f"UORG{number}" for number in range(self._world.weights.events)]
        candidates = [*others, *self._world.member_ids[:2]]
        return self._dice.sample(candidates, self._dice.choice([0, 0, 1, 2]))

    def _leave(self) -> None:
        """Have one of the event's organizers leave: they delete their data, or leave the workspace."""
        event = self._world.data.get_event(self._event_id)
        leaving = self._dice.choice([self.user_id, *(event.organizer_ids if event else ())])
        self._world.count("an organizer leaves")
        self._send(lambda service: service.delete_user(leaving))

    # In Slack

    def _change_in_slack(self) -> None:
        """Close what is open, open Manage, and press a button there."""
        self._world.slack.workspace.views.clear(self.user_id)
        modal = self._open(lambda: self._command("/event", self._event_id).view)
        if modal is None:
            return
        if self._wants_export():
            self._export(modal)
            return
        act = self._dice.choices(
            [
                self._press(ActionId.CLOSE),
                self._press(ActionId.REOPEN),
                self._announce,
                self._set_capacity,
                self._move,
                self._remove,
                self._add,
                self._end(ActionId.CANCEL_EVENT),
                self._end(ActionId.DELETE_EVENT),
            ],
            [1, 3, 4, 4, 3, 2, 3, 0.1, 0.1],
        )[0]
        act(modal)

    def _wants_export(self) -> bool:
        is_drawn = self._dice.random() < self._world.weights.exporting
        return is_drawn and not self._world.exports.are_enough

    def _press(self, action_id: ActionId) -> Callable[[View], object]:
        return lambda modal: self._click_in(modal, action_id)

    def _export(self, modal: View) -> None:
        if self._dice.random() < 0.3:
            self._world.count("somebody presses Export twice")
            again = partial(self._click_in, modal, ActionId.EXPORT)
            self._world.scheduler.spawn("a second press", None, again)
        self._click_in(modal, ActionId.EXPORT)

    def _announce(self, modal: View) -> None:
        form = self._click_in(modal, ActionId.MESSAGE_ATTENDEES)
        values: dict[BlockId, object] = {
            BlockId.TEXT: f"Announcement {self._world.number()}",
            BlockId.AUDIENCE: self._dice.choice(list(Audience)).value,
        }
        preview = self._submit(form, values)
        self._submit(preview, {}, is_double=self._dice.random() < 0.5)

    def _set_capacity(self, modal: View) -> None:
        form = self._click_in(modal, ActionId.CHANGE_CAPACITY)
        preview = self._submit(form, {BlockId.CAPACITY: self._dice.randint(1, 8)})
        self._submit(preview, {})

    def _move(self, modal: View) -> None:
        form = self._click_in(modal, ActionId.EDIT)
        values: dict[BlockId, object] = {BlockId.LOCATION: f"Room {self._world.number()}"}
        if self._dice.random() < 0.3:
            values[BlockId.CO_ORGANIZERS] = self._co_organizers()
        self._submit(form, values)

    def _remove(self, modal: View) -> None:
        attendee = self._dice.choice(self._world.member_ids)
        form = self._click_in(modal, ActionId.FIND_ATTENDEE, selected=attendee)
        self._submit(form, {BlockId.REASON: f"Reason {self._world.number()}"})

    def _add(self, modal: View) -> None:
        form = self._click_in(modal, ActionId.ADD_ATTENDEES)
        preview = self._submit(form, {BlockId.ATTENDEES: self._some_members()})
        self._submit(preview, {}, is_double=self._dice.random() < 0.5)

    def _some_members(self) -> list[str]:
        """Return members to add, sometimes the organizer, and one whom Rollcall has never met."""
        stranger = f"UADDED{self._world.number()}"
        self._world.slack.add_member(stranger)
        candidates = [*self._world.member_ids, self.user_id, stranger]
        return self._dice.sample(candidates, self._dice.randint(1, 4))

    def _end(self, action_id: ActionId) -> Callable[[View], object]:
        title = {BlockId.CONFIRMATION: f"Event {self._event_id}"}
        values: dict[BlockId, object] = {**title} if action_id is ActionId.DELETE_EVENT else {}
        return lambda modal: self._submit(self._click_in(modal, action_id), values)

    # A member's Slack shows a form, or it doesn't: then there is nothing to press

    def _open(self, ask: Callable[[], View | None]) -> View | None:
        for _ in range(TRIES):
            view = ask()
            if view is not None or self._world.is_over:
                return view
            self._pause()
        return None

    def _click_in(
        self, modal: View, action_id: ActionId, selected: str | None = None
    ) -> View | None:
        """Press a button of a modal, if it has it. Return what is on top then, if that is another view."""
        shown = self._as_shown(modal)
        if shown is None or not has_element(shown.blocks, action_id):
            return None

        def click(client: MemberClient) -> ActionResult:
            return client.click(self.user_id, shown, action_id, selected=selected)

        return self._other_than(modal, self._slack.act(action_id.value, click).view)

    def _submit(
        self, form: View | None, values: dict[BlockId, object], *, is_double: bool = False
    ) -> View | None:
        """Submit a form, if there is one, once or twice. Return what it shows then."""
        shown = form and self._as_shown(form)
        if shown is None or not _asks_for(shown, values):
            return None
        typed: Values = {(block, ActionId.INPUT): value for block, value in values.items()}
        if is_double:
            self._world.count("somebody submits twice")
            again = partial(self._submit, shown, values)
            self._world.scheduler.spawn("a second Submit", None, again)
        callback = str(shown.body["callback_id"])
        self._slack.act(
            f"submit {callback}", lambda client: client.submit(self.user_id, shown.id, typed)
        )
        return self._as_shown(shown)

    def _as_shown(self, view: View) -> View | None:
        """Return a modal as it is now, None if it is closed."""
        return self._world.slack.workspace.views.get(view.id)

    def _other_than(self, modal: View, view: View | None) -> View | None:
        return None if view is None or view.id == modal.id else view

    # Not in Slack

    def _change(self, event_id: str) -> Request:
        dice, number = self._dice, self._world.number()
        name = dice.choices(
            [
                *("capacity", "move", "organizers", "announce", "questions"),
                *("close", "reopen", "remove", "add", "cancel", "delete"),
            ],
            [6, 3, 1, 6, 2, 1, 3, 2, 3, 0.1, 0.1],
        )[0]
        if self._wants_export():
            name = "export"
        attendee = dice.choice(self._world.member_ids)
        audience = dice.choice(list(Audience))
        questions = dice.choice(QUESTIONS)
        event = self._world.data.get_event(event_id)
        more = [0, 0, 0, 9] if self._world.weights.small_limits else [0, 0, 1, 2, 9]
        seats = (event.registered_count if event else 0) + dice.choice(more)
        actor = Actor(dice.choice([self.user_id, ADMINS[0]]), is_admin=True)
        requests: dict[str, Request] = {
            "capacity": lambda service: service.edit_event(
                event_id, EventChanges.of(capacity=max(1, seats))
            ),
            "move": lambda service: service.edit_event(
                event_id, EventChanges.of(location=f"Room {number}")
            ),
            "organizers": lambda service: service.edit_event(
                event_id, EventChanges.of(co_organizer_ids=self._co_organizers())
            ),
            "announce": lambda service: service.announce(
                event_id,
                AnnouncementDraft.of(text=f"Announcement {number}", audience=audience),
                request_id=f"announcement {number}",
            ),
            "export": lambda service: service.export(
                event_id, request_id=f"export {number}", actor=actor
            ),
            "questions": lambda service: service.edit_event(
                event_id, EventChanges.of(questions=questions)
            ),
            "close": lambda service: service.close_event(event_id),
            "reopen": lambda service: service.reopen_event(event_id),
            "remove": lambda service: service.remove(event_id, attendee, reason=f"Reason {number}"),
            "add": lambda service: service.add_attendees(
                event_id,
                self._some_members(),
                actor=actor,
                request_id=f"addition {number}",
                creates_users=True,
            ),
            "cancel": lambda service: service.cancel_event(event_id),
            "delete": lambda service: service.delete_event(event_id),
        }
        return requests[name]


def _asks_for(form: View, values: dict[BlockId, object]) -> bool:
    """Return whether a modal can be submitted with these values. It may show a note by now."""
    asked = {block.get("block_id") for block in form.blocks}
    return "submit" in form.body and asked.issuperset(values)


class Admin(Member):
    """A workspace admin, who takes over events that have no organizer. `take_over` is the task."""

    def take_over(self) -> None:
        """Press each button to take an event over, sometimes an old one, until the end."""
        while not self._world.is_over:
            self._pause()
            workspace = self._world.slack.workspace
            offers = [
                message
                for message in workspace.messages(workspace.dm(self.user_id).id)
                if has_element(message.blocks, ActionId.TAKE_OVER)
            ]
            if offers and self._dice.random() < 0.5:
                self._world.count("an admin takes an event over")
                self._click("take over", self._dice.choice(offers), ActionId.TAKE_OVER)
