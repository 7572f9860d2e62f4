"""A walk through everything the bot offers, and the workspace that it needs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.blocks.ids import ANSWER_BLOCK, ActionId, BlockId, QuestionInput, question_block
from bot.features.browsing.views import MAX_LISTED
from bot.notifications.worker import SWEEP_INTERVAL
from domain.inputs import EventChanges
from domain.models import Event
from playground.client.member_client import MemberClient
from playground.demo.seed import EVENTS, LEADS, RANDOM
from playground.web_api.fault_injection import Fault
from playground.workspace.model import Message, View
from tests.support.questions import DAYS, LUNCH, NOTES, SIZE
from tests.support.series import new_series
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA, SlackHarness

CROWD = 33
"""Attendees of `fair`: more than one page of the roster."""

OF_THE_CROWD = {"chat.postMessage: channel_not_found", "users.info: user_not_found"}
"""Slack's refusals that the crowd explains: they are not members, so they have no names and get no messages."""

TALKS = 17
"""Events that Haruki is registered for: more than one message shows."""


def prepare(harness: SlackHarness) -> None:
    """Fill a town with the events that the walk needs: full, empty, closed, private, longer than a page."""
    harness.event("yoga", co_organizer_ids=[PRIYA])
    harness.event("choir", title="Choir", organizer_id=BJORN, capacity=1, has_waitlist=False)
    harness.event("chess", title="Chess", organizer_id=DIEGO)
    harness.event("fair", title="Fair", capacity=CROWD + 5)
    harness.event("retreat", title="Retreat", listed=False, organizer_id=CHLOE)
    harness.bot.service.close_event("chess")
    harness.event(
        "picnic",
        title="Picnic",
        organizer_id=BJORN,
        starts_at=harness.clock.now() + timedelta(days=60),
    )
    soon = harness.clock.now() + timedelta(seconds=20)
    harness.event("breakfast", title="Breakfast", starts_at=soon, organizer_id=PRIYA)
    harness.register(CHLOE, HARUKI, event_id="breakfast")
    for number in range(MAX_LISTED):
        harness.event(f"run{number}", title="Run", starts_at=soon, organizer_id=PRIYA)
        harness.register(CHLOE, event_id=f"run{number}")
    for number in range(TALKS):
        start = harness.clock.now() + timedelta(days=3 + number)
        harness.event(f"talk{number}", title=f"Talk {number}", organizer_id=PRIYA, starts_at=start)
        harness.register(HARUKI, event_id=f"talk{number}")
    harness.register(BJORN, CHLOE, DIEGO)
    harness.register(BJORN, *(f"U0CROWD{number}" for number in range(CROWD)), event_id="fair")
    harness.register(CHLOE, event_id="choir")
    harness.register(CHLOE, DIEGO, event_id="picnic")
    for _ in range(CROWD):
        # More than one page of one's own history.
        harness.register(PRIYA, event_id="picnic")
        harness.bot.service.unregister("picnic", PRIYA)
    in_spring = harness.clock.now() + timedelta(days=90)
    harness.event("dinner", title="Dinner", questions=(LUNCH, DAYS, NOTES), starts_at=in_spring)
    soon_due = harness.clock.now() + timedelta(days=7, seconds=30)
    new_series(
        harness.bot.service,
        "stretch",
        title="Stretching",
        starts_at=soon_due,
        listed=False,
        organizer_id=BJORN,
    )
    harness.register(DIEGO, event_id="stretch")
    for event_id in ("yoga", "choir", "chess", "fair"):
        harness.card_in(EVENTS, _event(harness, event_id))
    harness.deliver_due(SWEEP_INTERVAL + 3)  # breakfast is over, and a sweep knows it
    harness.card_in(EVENTS, _event(harness, "stretch-1"))


def _event(harness: SlackHarness, event_id: str) -> Event:
    event = harness.store.get_event(event_id)
    assert event is not None
    return event


class Walk:
    """Members who use everything."""

    def __init__(self, harness: SlackHarness, slack: MemberClient) -> None:
        self._harness = harness
        self._slack = slack

    def _press(self, user_id: str, target: Message | View, action: str, **how: Any) -> None:
        result = self._slack.click(user_id, target, action, **how)
        assert result.failure is None, (action, result.failure)

    def _card(self, event_id: str) -> Message:
        return next(
            message
            for message in self._harness.workspace.messages(EVENTS, visible_to=AMARA)
            if any(block["block_id"] == f"event:{event_id}" for block in message.blocks)
        )

    def _on_top(self, user_id: str) -> View:
        return self._harness.workspace.views.stack(user_id)[-1]

    def everything(self) -> None:
        """Use every command, button, form and select at least once."""
        for step in (self.commands, self.cards, self.pickers, self.browse, self.create):
            step()
        self.answer()
        self.manage()
        self.organize()
        self.manage_series()
        self.move()
        self.look_back()
        self.end()
        self.leave_and_forget()
        self.change_members()

    def commands(self) -> None:
        for text in (
            "",
            "help",
            "register choir",
            "unregister",
            "events",
            "registrations",
            "event",
        ):
            self._slack.command(PRIYA, RANDOM, "/rollcall", text)
        for name, text in (
            ("/register", ""),
            ("/register", "yoga"),
            ("/register", "talk"),
            ("/unregister", ""),
            ("/unregister", "talk"),
            ("/events", ""),
            ("/registrations", "waitlisted"),
            ("/registrations", "soon"),
            ("/event", "create"),
            ("/event", "yoga"),
        ):
            self._slack.command(HARUKI, RANDOM, name, text)
        self._slack.command(AMARA, LEADS, "/event", "fair")

    def cards(self) -> None:
        self._press(PRIYA, self._card("yoga"), ActionId.REGISTER)
        self._press(BJORN, self._card("yoga"), ActionId.UNREGISTER)
        question = self._harness.workspace.messages(EVENTS, visible_to=BJORN)[-1]
        self._press(BJORN, question, ActionId.KEEP_REGISTRATION)
        self._press(BJORN, self._card("yoga"), ActionId.UNREGISTER)
        question = self._harness.workspace.messages(EVENTS, visible_to=BJORN)[-1]
        self._press(BJORN, question, ActionId.UNREGISTER_CONFIRMED)
        self._press(HARUKI, self._card("fair"), ActionId.GOING)
        for action in (ActionId.MORE_GOING, ActionId.GOING_BACK):
            page = self._harness.workspace.messages(EVENTS, visible_to=HARUKI)[-1]
            self._press(HARUKI, page, action)
        self._harness.deliver_due(2)
        promoted = self._harness.workspace.messages(self._harness.workspace.dm(DIEGO).id)[-1]
        self._press(DIEGO, promoted, ActionId.GIVE_UP_SEAT)
        enrolled = next(
            message
            for message in self._harness.workspace.messages(self._harness.workspace.dm(DIEGO).id)
            if ActionId.STOP_SERIES in str(message.blocks)
        )
        self._press(DIEGO, enrolled, ActionId.STOP_SERIES)
        self._press(HARUKI, self._card("stretch-1"), ActionId.ALL_OF_SERIES)

    def pickers(self) -> None:
        for command, chosen in (("/register", "talk0"), ("/unregister", "talk1")):
            view = self._slack.command(HARUKI, RANDOM, command).view
            assert view is not None
            self._slack.options(HARUKI, view.id, ActionId.EVENT, query="talk")
            self._slack.submit(HARUKI, view.id, {(BlockId.EVENT, ActionId.EVENT): chosen})
        view = self._slack.command(BJORN, RANDOM, "/register").view
        assert view is not None
        self._slack.options(BJORN, view.id, ActionId.EVENT, query="talk 2")
        self._slack.submit(BJORN, view.id, {(BlockId.EVENT, ActionId.EVENT): "talk2"})
        self._press(BJORN, self._on_top(BJORN), ActionId.CHOOSE_TO_UNREGISTER)

    def browse(self) -> None:
        def last(user_id: str) -> Message:
            return self._harness.workspace.messages(RANDOM, visible_to=user_id)[-1]

        self._slack.command(CHLOE, RANDOM, "/register", "talk")
        self._press(CHLOE, last(CHLOE), ActionId.CHOOSE_TO_REGISTER, value="talk3")
        self._press(CHLOE, last(CHLOE), ActionId.CHOOSE_TO_UNREGISTER)
        self._slack.command(CHLOE, RANDOM, "/events")
        self._press(CHLOE, last(CHLOE), ActionId.REGISTER, value="talk2")
        self._slack.command(CHLOE, RANDOM, "/events")
        self._press(CHLOE, last(CHLOE), ActionId.MORE_EVENTS)
        self._press(CHLOE, last(CHLOE), ActionId.EVENTS_BACK)
        self._slack.command(HARUKI, RANDOM, "/registrations")
        self._press(HARUKI, last(HARUKI), ActionId.MORE_REGISTRATIONS)
        self._press(HARUKI, last(HARUKI), ActionId.REGISTRATIONS_BACK)
        home = self._slack.open_home(HARUKI).home
        assert home is not None
        self._press(HARUKI, home, ActionId.REGISTER, value="fair")
        self._press(HARUKI, home, ActionId.UNREGISTER, value="talk4")
        self._press(HARUKI, home, ActionId.CREATE_EVENT)
        for user_id, action in (
            (HARUKI, ActionId.HOME_REGISTRATIONS),
            (HARUKI, ActionId.HOME_PAST_REGISTRATIONS),
            (BJORN, ActionId.HOME_UPCOMING),
        ):
            home = self._slack.open_home(user_id).home
            assert home is not None
            self._press(user_id, home, action)
        home = self._slack.open_home(PRIYA).home
        assert home is not None
        second = self._slack.click(PRIYA, home, ActionId.HOME_ORGANIZED).home
        assert second is not None
        self._press(PRIYA, second, ActionId.HOME_BACK)
        self._slack.command(HARUKI, RANDOM, "/registrations")
        self._press(HARUKI, last(HARUKI), ActionId.ADD_TO_CALENDAR)
        self._slack.command(CHLOE, RANDOM, "/registrations")
        for action in (
            ActionId.PAST_REGISTRATIONS,
            ActionId.PAST_REGISTRATIONS,
            ActionId.PAST_REGISTRATIONS_BACK,
        ):
            self._press(CHLOE, last(CHLOE), action)

    def create(self) -> None:
        view = self._slack.command(BJORN, EVENTS, "/event", "create").view
        assert view is not None
        self._press(BJORN, view, ActionId.MORE_OPTIONS)
        self._press(BJORN, self._on_top(BJORN), ActionId.ADD_QUESTION)
        self._slack.options(BJORN, view.id, ActionId.TIME_ZONE, query="lima")
        self._slack.options(BJORN, view.id, ActionId.END, query="8 pm")
        filled: dict[BlockId, Any] = {
            BlockId.TITLE: "Quiz",
            BlockId.DESCRIPTION: "Bring *friends*\nand <!channel>",
            BlockId.LOCATION: "Library",
            BlockId.START_DATE: f"{self._harness.clock.now() + timedelta(days=40):%Y-%m-%d}",
            BlockId.START_TIME: "18:00",
            BlockId.END_DATE: f"{self._harness.clock.now() + timedelta(days=40):%Y-%m-%d}",
            BlockId.DEADLINE_DATE: f"{self._harness.clock.now() + timedelta(days=39):%Y-%m-%d}",
            BlockId.DEADLINE_TIME: "12:00",
            BlockId.CAPACITY: "12",
            BlockId.CO_ORGANIZERS: [CHLOE],
            BlockId.CHANNEL: EVENTS,
        }
        values: dict[tuple[str, str], Any] = {
            (block, ActionId.INPUT): value for block, value in filled.items()
        }
        values[BlockId.TIME_ZONE, ActionId.TIME_ZONE] = "America/Lima"
        values[BlockId.END, ActionId.END] = "20:00"
        question = {QuestionInput.TEXT: "Which team, *red* or <!here>?", QuestionInput.KIND: "one"}
        question[QuestionInput.OPTIONS] = "Red\nBlue"
        for part, value in question.items():
            values[question_block(1, part), ActionId.INPUT] = value
        assert self._slack.submit(BJORN, view.id, values).errors == {}
        self.create_series()

    def create_series(self) -> None:
        view = self._slack.command(BJORN, EVENTS, "/event", "create").view
        assert view is not None
        self._press(BJORN, view, ActionId.REPEATS, selected="weekly")
        first = self._harness.clock.now() + timedelta(days=40)
        filled: dict[BlockId, Any] = {
            BlockId.TITLE: "Drawing",
            BlockId.START_DATE: f"{first:%Y-%m-%d}",
            BlockId.START_TIME: "18:00",
            BlockId.CAPACITY: "12",
            BlockId.TIMES: "10",
            BlockId.LEFT_OUT: f"{first + timedelta(weeks=1):%Y-%m-%d}",
        }
        values: dict[tuple[str, str], Any] = {
            (block, ActionId.INPUT): value for block, value in filled.items()
        }
        preview = self._slack.submit(BJORN, view.id, values)
        assert preview.errors == {}
        assert preview.view is not None
        assert self._slack.submit(BJORN, preview.view.id).errors == {}

    def manage(self) -> None:
        self._press(AMARA, self._card("fair"), ActionId.MANAGE)
        for action in (ActionId.ATTENDEES_PAGE, ActionId.ATTENDEES_BACK):
            self._press(AMARA, self._on_top(AMARA), action)
        for action in (ActionId.CLOSE, ActionId.REOPEN, ActionId.POST_CARD):
            self._press(AMARA, self._on_top(AMARA), action)
        form = self._on_top(AMARA)
        self._slack.submit(AMARA, form.id, {(BlockId.CHANNEL, ActionId.INPUT): RANDOM})
        self._slack.close(AMARA, self._on_top(AMARA).id)
        self._press(PRIYA, self._card("yoga"), ActionId.MANAGE)
        self._press(PRIYA, self._on_top(PRIYA), ActionId.CHANGE_CAPACITY)
        form = self._on_top(PRIYA)
        self._slack.submit(PRIYA, form.id, {(BlockId.CAPACITY, ActionId.INPUT): "4"})
        self._slack.submit(PRIYA, self._on_top(PRIYA).id)

    def organize(self) -> None:
        def pressed(action: ActionId, **how: Any) -> View:
            self._slack.command(AMARA, RANDOM, "/event", "fair")
            self._press(AMARA, self._on_top(AMARA), action, **how)
            return self._on_top(AMARA)

        form = pressed(ActionId.EDIT)
        self._press(AMARA, form, ActionId.ADD_QUESTION_TO_EVENT)
        moved = {BlockId.LOCATION: "Hall 2", BlockId.NOTE: "See https://example.com/map_1"}
        self._slack.submit(
            AMARA, form.id, {(block, ActionId.INPUT): value for block, value in moved.items()}
        )
        form = pressed(ActionId.MESSAGE_ATTENDEES)
        filled: dict[tuple[str, str], Any] = {
            (BlockId.TEXT, ActionId.INPUT): "Bring *friends* and <!channel>"
        }
        for values in (filled, {}):
            self._slack.submit(AMARA, form.id, values)
        form = pressed(ActionId.ADD_ATTENDEES)
        added: dict[tuple[str, str], Any] = {(BlockId.ATTENDEES, ActionId.INPUT): [CHLOE, BJORN]}
        for values in (added, {}):
            self._slack.submit(AMARA, form.id, values)
        pressed(ActionId.EXPORT)
        pressed(ActionId.DUPLICATE)
        pressed(ActionId.ATTENDEE)
        form = pressed(ActionId.FIND_ATTENDEE, selected=BJORN)
        self._slack.submit(AMARA, form.id, {(BlockId.REASON, ActionId.INPUT): "no <show>"})
        pressed(ActionId.HISTORY)
        for action in (ActionId.HISTORY_PAGE, ActionId.HISTORY_BACK):
            self._press(AMARA, self._on_top(AMARA), action)
        self._harness.deliver_due(10)
        message = self._harness.workspace.messages(self._harness.workspace.dm(BJORN).id)[-1]
        self._press(BJORN, message, ActionId.SHOW_EVENTS)

    def manage_series(self) -> None:
        """Edit, resize and end a series, skip one of its dates, and go from one date to the series."""

        def pressed(action: ActionId, event_id: str = "stretch") -> View:
            self._slack.command(BJORN, RANDOM, "/event", event_id)
            self._press(BJORN, self._on_top(BJORN), action)
            return self._on_top(BJORN)

        def submit(form: View, *steps: dict[BlockId, Any]) -> None:
            for values in steps:
                given: dict[tuple[str, str], Any] = {
                    (block, ActionId.INPUT): value for block, value in values.items()
                }
                self._slack.submit(BJORN, form.id, given)

        pressed(ActionId.MANAGE_OTHER, "stretch-1")
        for answer in (ActionId.EDIT_THIS_DATE, ActionId.EDIT_LATER_DATES):
            pressed(ActionId.EDIT, "stretch-1")
            self._press(BJORN, self._on_top(BJORN), answer)
            submit(self._on_top(BJORN), {BlockId.LOCATION: f"Hall of {answer}"})
        submit(pressed(ActionId.EDIT_SERIES), {BlockId.TITLE: "Stretching <!here>"})
        submit(pressed(ActionId.CHANGE_SERIES_CAPACITY), {BlockId.CAPACITY: "7"}, {})
        form = pressed(ActionId.SKIP_DATES)
        days = next(block for block in form.blocks if block["block_id"] == BlockId.SKIPPED)
        submit(form, {BlockId.SKIPPED: [days["element"]["options"][-1]["value"]]})
        pressed(ActionId.HISTORY)
        chosen = {BlockId.CREATED_DATES: "cancel", BlockId.REASON: "No room <!here>"}
        submit(pressed(ActionId.END_SERIES), chosen)

    def answer(self) -> None:
        """Answer an event's questions, change the answers, and read them as its organizer."""
        form = self._slack.command(CHLOE, RANDOM, "/register", "dinner").view
        assert form is not None
        answers: dict[tuple[str, str], Any] = {
            (f"{ANSWER_BLOCK}lunch", ActionId.INPUT): "=Meat",
            (f"{ANSWER_BLOCK}days", ActionId.INPUT): ["=Monday", "=Friday"],
            (f"{ANSWER_BLOCK}notes", ActionId.INPUT): "No *nuts* <!here>",
        }
        self._slack.submit(CHLOE, form.id, answers)
        self._slack.close(CHLOE, self._on_top(CHLOE).id)
        self._harness.bot.service.edit_event(
            "dinner", EventChanges.of(questions=(LUNCH, NOTES, SIZE))
        )
        self._harness.deliver_due(2)
        message = self._harness.workspace.messages(self._harness.workspace.dm(CHLOE).id)[-1]
        self._press(CHLOE, message, ActionId.CHANGE_ANSWERS)
        changed: dict[tuple[str, str], Any] = {(f"{ANSWER_BLOCK}size", ActionId.INPUT): "=M"}
        self._slack.submit(CHLOE, self._on_top(CHLOE).id, changed)
        self._slack.command(AMARA, RANDOM, "/event", "dinner")
        self._press(AMARA, self._on_top(AMARA), ActionId.ANSWER_TOTALS)

    def move(self) -> None:
        """Move an event while Slack takes no file."""
        refused = Fault.refused("file_uploads_disabled")
        self._harness.api.fail_next("files.getUploadURLExternal", refused)
        self._harness.bot.service.edit_event("talk5", EventChanges.of(location="Room 2"))
        self._harness.deliver_due(2)
        message = self._harness.workspace.messages(self._harness.workspace.dm(HARUKI).id)[-1]
        self._press(HARUKI, message, ActionId.UPDATE_CALENDAR)

    def look_back(self) -> None:
        self._slack.command(PRIYA, RANDOM, "/register", "picnic")
        self._slack.command(PRIYA, RANDOM, "/registrations")
        mine = self._harness.workspace.messages(RANDOM, visible_to=PRIYA)[-1]
        self._press(PRIYA, mine, ActionId.REGISTRATION_HISTORY, value="picnic")
        for action in (ActionId.REGISTRATION_HISTORY_PAGE, ActionId.REGISTRATION_HISTORY_BACK):
            self._press(PRIYA, self._on_top(PRIYA), action)

    def end(self) -> None:
        ends: tuple[tuple[ActionId, dict[tuple[str, str], Any]], ...] = (
            (ActionId.CANCEL_EVENT, {(BlockId.REASON, ActionId.INPUT): "Rain <!here>"}),
            (ActionId.DELETE_EVENT, {(BlockId.CONFIRMATION, ActionId.INPUT): "Picnic"}),
        )
        for action, values in ends:
            self._slack.command(BJORN, RANDOM, "/event", "picnic")
            self._press(BJORN, self._on_top(BJORN), action)
            self._slack.submit(BJORN, self._on_top(BJORN).id, values)

    def change_members(self) -> None:
        self._slack.update_member(DIEGO, name="diego.q")
        self._slack.update_member(DIEGO, deleted=True)
        self._slack.update_member(DIEGO, deleted=False)
        self._slack.event({"type": "app_uninstalled"})
        self._slack.event({"type": "tokens_revoked", "tokens": {"bot": ["U0ROLLCALL"]}})

    def leave_and_forget(self) -> None:
        def ask(user_id: str) -> Message:
            self._slack.command(user_id, RANDOM, "/rollcall", "forget-me")
            return self._harness.workspace.messages(RANDOM, visible_to=user_id)[-1]

        for action in (ActionId.KEEP_DATA, ActionId.FORGET_ME):
            self._press(CHLOE, ask(CHLOE), action)
        self._harness.deliver_due(10)
        orphaned = self._harness.workspace.messages(self._harness.workspace.dm(AMARA).id)[-1]
        self._press(AMARA, orphaned, ActionId.TAKE_OVER)
        self._press(DIEGO, ask(DIEGO), ActionId.SUCCESSOR, selected=HARUKI)
        question = self._harness.workspace.messages(RANDOM, visible_to=DIEGO)[-1]
        self._press(DIEGO, question, ActionId.FORGET_ME)
