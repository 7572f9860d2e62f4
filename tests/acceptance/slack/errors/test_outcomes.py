"""Every request has one of three endings, also when the store or Slack fails (R8.12, R8.13)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.features.account import views as account_views
from bot.features.manage import views as manage_views
from bot.slack.error_messages import FAILED, SENTENCES, too_late, unexpected
from domain.commands import ChangeOutcome
from domain.enums import EventStatus
from domain.errors import Busy, NotConfirmed, NotOrganizer, UnknownEvent
from domain.inputs import EventChanges
from domain.models import User, UserDeletion
from domain.planning.plan import Plan
from domain.ports import AnswerLost, Unavailable
from playground.demo.seed import EVENTS, RANDOM
from playground.web_api.fault_injection import Fault
from storage.sqlite.store import SQLiteStore
from tests.support.builders import an_event
from tests.support.environment import ManualClock, run_all
from tests.support.slack import sentences
from tests.support.slack.harness import (
    AMARA,
    BJORN,
    CHLOE,
    SlackHarness,
    loggers_that_warned,
    reply,
    run_bot,
    shown,
)

UNEXPECTED = unexpected("REFERENCE").text.partition("`")[0]


class FailingStore(SQLiteStore):
    """Loses the responses of commits and fails to read users when a test says so."""

    def __init__(self, path: Path, workspace_id: str) -> None:
        super().__init__(path, workspace_id)
        self.lose: Callable[[], bool] = lambda: False
        """Called at each commit; returns whether its response is lost."""
        self.applies = True
        """Whether a commit whose response is lost was applied."""
        self.unreadable = False
        self.broken = False
        self.before_commit: Callable[[], None] = lambda: None

    def commit(self, plan: Plan) -> None:
        if self.broken:
            raise ZeroDivisionError("nobody foresaw this")
        self.before_commit()
        if self.lose():
            if self.applies:
                self.applies = False
                super().commit(plan)
            raise AnswerLost
        super().commit(plan)

    def start_user_deletion(self, user_id: str, deletion_id: str, *, revision: str) -> str | None:
        held = super().start_user_deletion(user_id, deletion_id, revision=revision)
        if self.lose():
            raise AnswerLost
        return held

    def get_user(self, user_id: str) -> User | None:
        if self.unreadable:
            raise Unavailable
        return super().get_user(user_id)


class Background:
    """Work that waits until a test lets it run."""

    def __init__(self) -> None:
        self.pending: list[Callable[[], None]] = []

    def __call__(self, work: Callable[[], None]) -> None:
        self.pending.append(work)

    def run(self) -> None:
        run_all(self.pending)


@pytest.fixture
def background() -> Background:
    return Background()


@pytest.fixture
def failing(
    server: tuple[object, str], tmp_path: Path, background: Background
) -> Iterator[SlackHarness]:
    """Return a harness whose store can fail."""
    with run_bot(server, FailingStore, tmp_path / "rollcall.sqlite", background) as harness:
        yield harness


def store_of(harness: SlackHarness) -> FailingStore:
    assert isinstance(harness.store, FailingStore)
    return harness.store


def lose_answers_for(clock: ManualClock, seconds: float) -> Callable[[], bool]:
    """Return True until the time has passed, by the clock."""
    until = clock.now() + timedelta(seconds=seconds)
    return lambda: clock.now() < until


def test_busy_reply_says_that_nothing_changed(failing: SlackHarness) -> None:
    failing.event()
    store_of(failing).unreadable = True
    result = failing.slack.command(BJORN, RANDOM, "/register", "yoga")
    assert SENTENCES[Busy](None) in reply(result)
    store_of(failing).unreadable = False
    assert failing.assert_invariants().registrations == {}


def test_event_that_meets_a_busy_store_is_sent_again(failing: SlackHarness) -> None:
    """Slack repeats an event that was answered with 503."""
    failing.event()
    failing.register(BJORN)
    store_of(failing).unreadable = True
    change = {"type": "user_change", "user": {"id": BJORN, "name": "bjorn", "deleted": True}}
    result = failing.slack.event(change, event_id="Ev1")
    assert result.response is not None
    assert result.response.status == 503
    store_of(failing).unreadable = False
    assert failing.slack.event(change, event_id="Ev1").failure is None
    assert failing.assert_invariants().seated("yoga") == []


@pytest.mark.parametrize(
    ("applied", "ending"),
    [(True, sentences.seat()), (False, sentences.BUSY)],
)
def test_unconfirmed_command_is_resolved_and_its_user_gets_the_outcome(
    failing: SlackHarness, background: Background, applied: bool, ending: str
) -> None:
    failing.event()
    failing.bot.service.ensure_user(failing.draft(BJORN))
    store_of(failing).lose = lambda: True
    store_of(failing).applies = applied
    result = failing.slack.command(BJORN, RANDOM, "/register", "yoga")
    assert SENTENCES[NotConfirmed](None) in reply(result)

    store_of(failing).lose = lambda: False
    if not applied:
        # Another commit takes the version, so the lost one will never apply.
        failing.register(CHLOE)
    background.run()
    last = failing.workspace.messages(RANDOM, visible_to=BJORN)[-1]
    assert last.ephemeral_to == BJORN
    assert ending in shown(last)
    assert (BJORN in failing.assert_invariants().seated("yoga")) is applied


def test_unconfirmed_click_is_resolved_with_an_ephemeral_message(
    failing: SlackHarness, background: Background
) -> None:
    card = failing.card(failing.event())
    failing.bot.service.ensure_user(failing.draft(BJORN))
    store_of(failing).lose = lambda: True
    result = failing.slack.click(BJORN, card, ActionId.REGISTER)
    assert SENTENCES[NotConfirmed](None) in reply(result)
    store_of(failing).lose = lambda: False
    background.run()
    last = failing.workspace.messages(EVENTS, visible_to=BJORN)[-1]
    assert "You have a seat" in shown(last)


def test_unconfirmed_form_is_resolved_with_a_direct_message(
    failing: SlackHarness, background: Background
) -> None:
    failing.event()
    failing.slack.command(AMARA, EVENTS, "/event", "yoga")
    manage = failing.workspace.views.stack(AMARA)[-1]
    failing.slack.click(AMARA, manage, ActionId.CHANGE_CAPACITY)
    form = failing.workspace.views.stack(AMARA)[-1]
    failing.slack.submit(AMARA, form.id, {(BlockId.CAPACITY, ActionId.INPUT): "4"})
    confirm = failing.workspace.views.stack(AMARA)[-1]
    store_of(failing).lose = lambda: True
    result = failing.slack.submit(AMARA, confirm.id)
    assert SENTENCES[NotConfirmed](None) in reply(result)
    store_of(failing).lose = lambda: False
    background.run()
    (message,) = failing.direct_messages(AMARA)
    assert "*Yoga in the park* has 4 seats." in message


def test_unconfirmed_removal_is_resolved_with_the_attendees_name(
    failing: SlackHarness, background: Background
) -> None:
    """The organizer read sentences.unregistered()."""
    failing.event()
    failing.register(BJORN)
    failing.slack.command(AMARA, EVENTS, "/event", "yoga")
    manage = failing.workspace.views.stack(AMARA)[-1]
    failing.slack.click(AMARA, manage, ActionId.ATTENDEE, value=BJORN)
    form = failing.workspace.views.stack(AMARA)[-1]
    store_of(failing).lose = lambda: True
    assert SENTENCES[NotConfirmed](None) in reply(failing.slack.submit(AMARA, form.id))
    store_of(failing).lose = lambda: False
    background.run()
    (message,) = failing.direct_messages(AMARA)
    assert f"Removed <@{BJORN}> from *Yoga in the park*." in message


def test_unconfirmed_deletion_of_a_user_is_resolved_with_a_message(
    failing: SlackHarness, background: Background
) -> None:
    failing.event()
    failing.register(BJORN)
    asked = failing.slack.command(BJORN, RANDOM, "/rollcall", "forget-me").ephemeral[-1]
    store_of(failing).lose = lambda: True
    result = failing.slack.click(BJORN, asked, ActionId.FORGET_ME)
    assert SENTENCES[NotConfirmed](None) in reply(result)
    store_of(failing).lose = lambda: False
    background.run()
    last = failing.workspace.messages(RANDOM, visible_to=BJORN)[-1]
    assert account_views.forgotten(UserDeletion(BJORN, is_done=True)).text in shown(last)
    assert BJORN not in failing.assert_invariants().users


def test_outcome_of_an_unconfirmed_deletion_says_who_organizes_the_events(
    failing: SlackHarness, background: Background
) -> None:
    """R2.9."""
    failing.bot.service.ensure_user(failing.draft(BJORN))
    failing.event(organizer_id=BJORN, co_organizer_ids=(CHLOE,))
    asked = failing.slack.command(BJORN, RANDOM, "/rollcall", "forget-me").ephemeral[-1]
    store_of(failing).lose = lambda: True
    failing.slack.click(BJORN, asked, ActionId.FORGET_ME)
    store_of(failing).lose = lambda: False
    background.run()
    last = shown(failing.workspace.messages(RANDOM, visible_to=BJORN)[-1])
    assert re.search(rf"\*Yoga in the park\*, .+ – <@{CHLOE}> organizes it now", last)


def test_organizer_of_an_unconfirmed_event_learns_how_to_post_its_card(
    failing: SlackHarness, background: Background
) -> None:
    failing.bot.service.ensure_user(failing.draft(BJORN))
    form = failing.slack.command(BJORN, EVENTS, "/event", "create").view
    assert form is not None
    day = (failing.clock.now() + timedelta(days=2)).date().isoformat()
    typed = {
        BlockId.TITLE: "Pottery",
        BlockId.START_DATE: day,
        BlockId.START_TIME: "18:00",
        BlockId.CAPACITY: "12",
        BlockId.CHANNEL: EVENTS,
    }
    store_of(failing).lose = lambda: True
    values = {(block.value, ActionId.INPUT.value): value for block, value in typed.items()}
    result = failing.slack.submit(BJORN, form.id, values)
    assert SENTENCES[NotConfirmed](None) in reply(result)
    assert failing.workspace.views.stack(BJORN)[-1].title != FAILED

    store_of(failing).lose = lambda: False
    background.run()
    (event,) = failing.assert_invariants().events.values()
    (message,) = failing.direct_messages(BJORN)
    assert "*Pottery* has 12 seats." in message
    assert f"`/event {event.event_id}`" in message


def test_outcome_that_slack_does_not_take_is_sent_later(
    failing: SlackHarness, background: Background, caplog: pytest.LogCaptureFixture
) -> None:
    card = failing.card(failing.event())
    failing.bot.service.ensure_user(failing.draft(BJORN))
    store_of(failing).lose = lambda: True
    failing.slack.click(BJORN, card, ActionId.REGISTER)
    store_of(failing).lose = lambda: False
    failing.api.fail_next("response_url", Fault.closed(), times=2)
    background.run()
    assert loggers_that_warned(caplog) == {"bot.slack.reply_sender"}
    failing.deliver_due()
    (message,) = failing.direct_messages(BJORN)
    assert "You have a seat" in message


def test_lost_answer_of_the_store_is_requested_again(
    failing: SlackHarness,
) -> None:
    failing.event()
    store_of(failing).lose = lose_answers_for(failing.clock, 0.05)
    result = failing.slack.command(BJORN, RANDOM, "/register", "yoga")
    assert "You have a seat" in reply(result)
    assert failing.assert_invariants().seated("yoga") == [BJORN]


def test_unexpected_error_is_logged_once_with_the_reference_in_the_reply(
    failing: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    card = failing.card(failing.event())
    store_of(failing).broken = True
    result = failing.slack.click(BJORN, card, ActionId.REGISTER)
    said = reply(result)
    assert UNEXPECTED in said
    assert "ZeroDivisionError" not in said
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info is not None
    reference = record.getMessage().rpartition(" ")[2]
    assert f"`{reference}`" in said


def test_row_that_cannot_be_read_is_logged_with_its_key_and_none_of_its_values(
    failing: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """R7.6, R10.4. The person gets the reference of that line."""
    failing.event()
    with failing.store._file.writing() as connection:
        connection.execute("UPDATE events SET body = json_set(body, '$.capacity', 'My surprise')")
    said = reply(failing.slack.command(BJORN, RANDOM, "/events"))
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    line = logging.Formatter().format(record)
    assert record.reference in line  # type: ignore[attr-defined]  # `extra`
    assert f"`{record.reference}`" in said  # type: ignore[attr-defined]
    assert "the row of events with event_id yoga can't be read: capacity: Input should be" in line
    assert "pydantic" not in line
    assert "surprise" not in line


def test_form_that_fails_unexpectedly_keeps_its_input(failing: SlackHarness) -> None:
    failing.event()
    view = failing.slack.command(BJORN, RANDOM, "/register").view
    assert view is not None
    failing.slack.options(BJORN, view, ActionId.EVENT)
    store_of(failing).broken = True
    result = failing.slack.submit(BJORN, view.id, {(BlockId.EVENT, ActionId.EVENT): "yoga"})
    assert UNEXPECTED in reply(result)
    assert failing.workspace.views.stack(BJORN)[0].state, "the form is still there, below"


@pytest.mark.parametrize("fault", [Fault.closed(), Fault.server_error(503)])
def test_seat_is_kept_and_second_click_changes_nothing_if_slack_does_not_accept_the_reply(
    harness: SlackHarness, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    card = harness.card(harness.event())
    harness.api.fail_next("response_url", fault, times=2)
    result = harness.slack.click(BJORN, card, ActionId.REGISTER)
    assert result.messages == []
    assert result.failure is None
    assert loggers_that_warned(caplog) == {"bot.slack.reply_sender"}
    assert harness.assert_invariants().seated("yoga") == [BJORN]
    harness.api.faults.clear()
    again = harness.slack.click(BJORN, card, ActionId.REGISTER)
    assert "You already have a seat" in reply(again)


def test_late_outcome_of_a_change_says_what_the_event_is_like() -> None:
    """A canceled event has no seats to offer."""
    said = {
        status: manage_views.event_changed(ChangeOutcome(an_event(capacity=4, status=status))).text
        for status in EventStatus
    }
    assert "registration is closed" in said[EventStatus.CLOSED]
    assert "registration" not in said[EventStatus.OPEN]
    assert "seats" not in said[EventStatus.CANCELED]


def test_capacity_increase_in_steps_is_shown_as_unfinished(
    failing: SlackHarness, background: Background
) -> None:
    failing.event(capacity=1)
    many = [f"U{number}" for number in range(61)]
    failing.register(*many)
    changed = failing.bot.service.edit_event("yoga", EventChanges.of(capacity=61))
    assert changed.event.capacity_target == 61
    result = failing.slack.command(AMARA, EVENTS, "/event", "yoga")
    assert "being increased to 61" in reply(result)
    while background.pending:
        background.run()
    assert len(failing.assert_invariants().seated("yoga")) == 61


@pytest.mark.parametrize("error", ["expired_trigger_id", "exchanged_trigger_id"])
def test_form_that_opens_too_late_asks_to_try_again(harness: SlackHarness, error: str) -> None:
    harness.event()
    harness.api.fail_next("views.open", Fault.refused(error))
    result = harness.slack.command(BJORN, RANDOM, "/register")
    assert too_late().text in reply(result)


def test_form_opened_three_times_does_not_fail(
    harness: SlackHarness,
) -> None:
    """Slack allows three modals in a stack: Manage, and the form twice."""
    harness.event(organizer_id=BJORN)
    harness.slack.command(BJORN, RANDOM, "/event", "yoga")
    manage = harness.workspace.views.stack(BJORN)[-1]
    for _ in range(3):
        assert harness.slack.click(BJORN, manage, ActionId.CANCEL_EVENT).failure is None
    assert harness.workspace.refusals == ["views.push: push_limit_reached"]
    harness.workspace.refusals.clear()
    harness.bot.service.delete_event("yoga")
    form = harness.workspace.views.stack(BJORN)[-1]
    result = harness.slack.submit(BJORN, form.id)
    assert SENTENCES[UnknownEvent](None) in reply(result)


def test_change_is_made_if_its_modal_was_closed(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    harness.slack.command(BJORN, RANDOM, "/event", "yoga")
    harness.api.fail_next("views.update", Fault.refused("not_found"))
    manage = harness.workspace.views.stack(BJORN)[-1]
    assert harness.slack.click(BJORN, manage, ActionId.CLOSE).failure is None
    assert harness.assert_invariants().events["yoga"].status is EventStatus.CLOSED


def test_form_whose_modal_was_closed_meanwhile_is_no_error(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    harness.slack.command(BJORN, RANDOM, "/event", "yoga")
    harness.api.fail_next("views.push", Fault.refused("not_found"))
    manage = harness.workspace.views.stack(BJORN)[-1]
    result = harness.slack.click(BJORN, manage, ActionId.EDIT)
    assert UNEXPECTED not in reply(result)
    assert not harness.direct_messages(BJORN)


def test_modal_that_slack_refuses_is_an_unexpected_error(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    harness.slack.command(BJORN, RANDOM, "/event", "yoga")
    harness.api.fail_next("views.update", Fault.refused("view_too_large"))
    manage = harness.workspace.views.stack(BJORN)[-1]
    result = harness.slack.click(BJORN, manage, ActionId.CLOSE)
    assert UNEXPECTED in reply(result)


def test_click_is_answered_later_if_slack_accepts_nothing(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    card = harness.card(harness.event())
    harness.api.faults.set_default(Fault.closed())
    result = harness.slack.click(BJORN, card, ActionId.MANAGE)
    harness.api.faults.set_default(None)
    assert result.failure is None
    assert loggers_that_warned(caplog) == {"bot.slack.reply_sender"}
    harness.deliver_due()
    (message,) = harness.direct_messages(BJORN)
    assert SENTENCES[NotOrganizer](None) in message


def test_deletion_longer_than_slacks_limit_says_it_has_started(
    failing: SlackHarness, background: Background
) -> None:
    for number in range(3):
        failing.event(f"e{number}")
        failing.register(BJORN, event_id=f"e{number}")
    asked = failing.slack.command(BJORN, RANDOM, "/rollcall", "forget-me").ephemeral[-1]
    store_of(failing).before_commit = lambda: failing.clock.advance(timedelta(seconds=1.3))
    done = failing.slack.click(BJORN, asked, ActionId.FORGET_ME)
    assert account_views.forgotten(UserDeletion(BJORN)).text in shown(done.messages[-1])
    assert BJORN in failing.everything().users
    background.run()
    assert BJORN not in failing.assert_invariants().users


def test_deletion_that_has_started_says_who_will_organize_the_events(
    failing: SlackHarness, background: Background
) -> None:
    """The store is so slow that every event still has its organizer when the reply is sent."""
    for number in range(3):
        failing.event(f"e{number}", organizer_id=BJORN, co_organizer_ids=(CHLOE,))
        failing.register(BJORN, event_id=f"e{number}")
    asked = failing.slack.command(BJORN, RANDOM, "/rollcall", "forget-me").ephemeral[-1]
    store_of(failing).before_commit = lambda: failing.clock.advance(timedelta(seconds=1.3))
    done = failing.slack.click(BJORN, asked, ActionId.FORGET_ME)
    said = shown(done.messages[-1])
    assert failing.bot.service.get_event("e0").organizer_ids == (BJORN, CHLOE)
    assert said.count(f"<@{CHLOE}> will organize it") == 3
    assert account_views.NO_LONGER_SOON in said


def test_capacity_increase_in_steps_says_it_has_started(failing: SlackHarness) -> None:
    failing.event(capacity=1)
    failing.register(*[f"U{number}" for number in range(61)])
    failing.slack.command(AMARA, EVENTS, "/event", "yoga")
    manage = failing.workspace.views.stack(AMARA)[-1]
    failing.slack.click(AMARA, manage, ActionId.CHANGE_CAPACITY)
    form = failing.workspace.views.stack(AMARA)[-1]
    failing.slack.submit(AMARA, form.id, {(BlockId.CAPACITY, ActionId.INPUT): "61"})
    result = failing.slack.submit(AMARA, failing.workspace.views.stack(AMARA)[-1].id)
    assert "*Yoga in the park* now has 50 seats. More are being added" in reply(result)
