"""Every request has one of three endings, also when the store or Slack fails (R8.12, R8.13)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.features.account.views import forgotten
from bot.slack.error_messages import too_late
from domain.enums import EventStatus
from domain.inputs import EventChanges
from domain.models import User
from domain.planning.plan import Plan
from domain.ports import AnswerLost, Unavailable
from playground.demo.seed import EVENTS, RANDOM
from playground.web_api.fault_injection import Fault
from storage.sqlite.store import SQLiteStore
from tests.support.environment import ManualClock
from tests.support.slack import sentences
from tests.support.slack.harness import AMARA, BJORN, CHLOE, Town, answer, running, shown


class FailingStore(SQLiteStore):
    """Loses answers of commits and fails to read users, when a test says so."""

    def __init__(self, path: Path, workspace_id: str) -> None:
        super().__init__(path, workspace_id)
        self.lose: Callable[[], bool] = lambda: False
        """Asked at each commit: whether it fails with its answer lost."""
        self.applies = True
        """Whether a commit whose answer is lost has applied."""
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

    def start_user_deletion(self, user_id: str, mark: str, *, revision: str) -> str | None:
        held = super().start_user_deletion(user_id, mark, revision=revision)
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
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, work: Callable[[], None]) -> None:
        self.waiting.append(work)

    def run(self) -> None:
        waiting, self.waiting = self.waiting, []
        for work in waiting:
            work()


@pytest.fixture
def background() -> Background:
    return Background()


@pytest.fixture
def failing(server: tuple[object, str], tmp_path: Path, background: Background) -> Iterator[Town]:
    """A town whose store can fail."""
    with running(server, FailingStore, tmp_path / "rollcall.sqlite", background) as town:
        yield town


def store_of(town: Town) -> FailingStore:
    assert isinstance(town.store, FailingStore)
    return town.store


def lose_answers_for(clock: ManualClock, seconds: float) -> Callable[[], bool]:
    """Say yes for so long, by the clock."""
    until = clock.now() + timedelta(seconds=seconds)
    return lambda: clock.now() < until


def test_busy_says_that_nothing_was_changed(failing: Town) -> None:
    failing.event()
    store_of(failing).unreadable = True
    seen = failing.slack.command(BJORN, RANDOM, "/register", "yoga")
    assert sentences.BUSY in answer(seen)
    store_of(failing).unreadable = False
    assert failing.sound().registrations == {}


@pytest.mark.parametrize(
    ("applied", "ending"),
    [(True, sentences.seat()), (False, sentences.BUSY)],
)
def test_a_command_not_confirmed_is_settled_and_its_person_told(
    failing: Town, background: Background, applied: bool, ending: str
) -> None:
    failing.event()
    failing.bot.service.ensure_user(failing.draft(BJORN))
    store_of(failing).lose = lambda: True
    store_of(failing).applies = applied
    seen = failing.slack.command(BJORN, RANDOM, "/register", "yoga")
    assert sentences.NOT_CONFIRMED in answer(seen)

    store_of(failing).lose = lambda: False
    if not applied:
        # Somebody else's commit takes the version: the lost one will never apply.
        failing.register(CHLOE)
    background.run()
    last = failing.workspace.messages(RANDOM, seen_by=BJORN)[-1]
    assert last.ephemeral_to == BJORN
    assert ending in shown(last)
    assert (BJORN in failing.sound().seated("yoga")) is applied


def test_a_click_not_confirmed_is_settled_beside_the_card(
    failing: Town, background: Background
) -> None:
    card = failing.card(failing.event())
    failing.bot.service.ensure_user(failing.draft(BJORN))
    store_of(failing).lose = lambda: True
    seen = failing.slack.click(BJORN, card, ActionId.REGISTER)
    assert sentences.NOT_CONFIRMED in answer(seen)
    store_of(failing).lose = lambda: False
    background.run()
    last = failing.workspace.messages(EVENTS, seen_by=BJORN)[-1]
    assert sentences.seat() in shown(last)


def test_a_form_not_confirmed_is_settled_by_direct_message(
    failing: Town, background: Background
) -> None:
    failing.event()
    failing.slack.command(AMARA, EVENTS, "/event", "yoga")
    manage = failing.workspace.views.stack(AMARA)[-1]
    failing.slack.click(AMARA, manage, ActionId.CHANGE_CAPACITY)
    form = failing.workspace.views.stack(AMARA)[-1]
    failing.slack.submit(AMARA, form.id, {(BlockId.CAPACITY, ActionId.INPUT): "4"})
    confirm = failing.workspace.views.stack(AMARA)[-1]
    store_of(failing).lose = lambda: True
    seen = failing.slack.submit(AMARA, confirm.id)
    assert sentences.NOT_CONFIRMED in answer(seen)
    store_of(failing).lose = lambda: False
    background.run()
    (told,) = failing.told(AMARA)
    assert "*Yoga in the park* is open, with 4 seats." in told


def test_a_removal_not_confirmed_is_told_as_the_other_persons(
    failing: Town, background: Background
) -> None:
    """The organizer read sentences.unregistered()."""
    failing.event()
    failing.register(BJORN)
    failing.slack.command(AMARA, EVENTS, "/event", "yoga")
    manage = failing.workspace.views.stack(AMARA)[-1]
    failing.slack.click(AMARA, manage, ActionId.ATTENDEE, value=BJORN)
    form = failing.workspace.views.stack(AMARA)[-1]
    store_of(failing).lose = lambda: True
    assert sentences.NOT_CONFIRMED in answer(failing.slack.submit(AMARA, form.id))
    store_of(failing).lose = lambda: False
    background.run()
    (told,) = failing.told(AMARA)
    assert f"Removed <@{BJORN}> from *Yoga in the park*." in told


def test_a_person_is_told_when_a_deletion_not_confirmed_is_done(
    failing: Town, background: Background
) -> None:
    failing.event()
    failing.register(BJORN)
    asked = failing.slack.command(BJORN, RANDOM, "/rollcall", "forget-me").ephemeral[-1]
    store_of(failing).lose = lambda: True
    seen = failing.slack.click(BJORN, asked, ActionId.FORGET_ME)
    assert sentences.NOT_CONFIRMED in answer(seen)
    store_of(failing).lose = lambda: False
    background.run()
    last = failing.workspace.messages(RANDOM, seen_by=BJORN)[-1]
    assert forgotten(True).text in shown(last)
    assert BJORN not in failing.sound().users


def test_the_organizer_of_an_event_not_confirmed_is_told_how_to_post_its_card(
    failing: Town, background: Background
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
    seen = failing.slack.submit(BJORN, form.id, values)
    assert sentences.NOT_CONFIRMED in answer(seen)
    assert failing.workspace.views.stack(BJORN)[-1].title == "Not confirmed yet"

    store_of(failing).lose = lambda: False
    background.run()
    (event,) = failing.sound().events.values()
    (told,) = failing.told(BJORN)
    assert "*Pottery* is open, with 12 seats." in told
    assert f"`/event {event.event_id}`" in told


def test_one_who_cant_be_told_how_it_ended_keeps_nobody_else_from_it(
    failing: Town, background: Background, caplog: pytest.LogCaptureFixture
) -> None:
    card = failing.card(failing.event())
    failing.bot.service.ensure_user(failing.draft(BJORN))
    store_of(failing).lose = lambda: True
    failing.slack.click(BJORN, card, ActionId.REGISTER)
    store_of(failing).lose = lambda: False
    failing.api.fail_next("response_url", Fault.closed(), times=2)
    background.run()
    assert "could not be told how it ended" in caplog.text


def test_an_answer_that_was_lost_on_the_way_to_the_store_is_asked_for_again(failing: Town) -> None:
    failing.event()
    store_of(failing).lose = lose_answers_for(failing.clock, 0.05)
    seen = failing.slack.command(BJORN, RANDOM, "/register", "yoga")
    assert sentences.seat() in answer(seen)
    assert failing.sound().seated("yoga") == [BJORN]


def test_what_nobody_foresaw_is_logged_once_with_the_reference_that_the_person_sees(
    failing: Town, caplog: pytest.LogCaptureFixture
) -> None:
    card = failing.card(failing.event())
    store_of(failing).broken = True
    seen = failing.slack.click(BJORN, card, ActionId.REGISTER)
    said = answer(seen)
    assert sentences.UNFORESEEN in said
    assert "ZeroDivisionError" not in said
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info is not None
    reference = record.getMessage().rpartition(" ")[2]
    assert f"`{reference}`" in said


def test_a_form_that_fails_in_an_unforeseen_way_keeps_what_was_typed(failing: Town) -> None:
    failing.event()
    view = failing.slack.command(BJORN, RANDOM, "/register").view
    assert view is not None
    failing.slack.options(BJORN, view, ActionId.EVENT)
    store_of(failing).broken = True
    seen = failing.slack.submit(BJORN, view.id, {(BlockId.EVENT, ActionId.EVENT): "yoga"})
    assert sentences.UNFORESEEN in answer(seen)
    assert failing.workspace.views.stack(BJORN)[0].state, "the form is still there, below"


@pytest.mark.parametrize("fault", [Fault.closed(), Fault.server_error(503)])
def test_a_seat_is_kept_and_nothing_is_done_twice_when_slack_does_not_take_the_answer(
    town: Town, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    card = town.card(town.event())
    town.api.fail_next("response_url", fault, times=2)
    seen = town.slack.click(BJORN, card, ActionId.REGISTER)
    assert seen.messages == []
    assert seen.failure is not None, "Slack shows that the click had no answer"
    assert "Traceback" not in (seen.response.body if seen.response else "")
    assert "not answered" in caplog.text
    assert town.sound().seated("yoga") == [BJORN]
    town.api.faults.clear()
    again = town.slack.click(BJORN, card, ActionId.REGISTER)
    assert sentences.already() in answer(again)


def test_a_raise_that_takes_several_commits_says_that_it_has_started(
    failing: Town, background: Background
) -> None:
    failing.event(capacity=1)
    many = [f"U{number}" for number in range(61)]
    failing.register(*many)
    changed = failing.bot.service.edit_event("yoga", EventChanges.of(capacity=61))
    assert changed.event.capacity_target == 61
    seen = failing.slack.command(AMARA, EVENTS, "/event", "yoga")
    assert "growing to 61" in answer(seen)
    while background.waiting:
        background.run()
    assert len(failing.sound().seated("yoga")) == 61


@pytest.mark.parametrize("error", ["expired_trigger_id", "exchanged_trigger_id"])
def test_a_form_that_opens_too_late_asks_to_try_again(town: Town, error: str) -> None:
    town.api.fail_next("views.open", Fault.refused(error))
    seen = town.slack.command(BJORN, RANDOM, "/register")
    assert too_late().text in answer(seen)


def test_a_form_that_is_opened_three_times_by_impatience_fails_nobody(town: Town) -> None:
    """Slack takes three modals, one over the other: Manage, and the form twice."""
    town.event(organizer_id=BJORN)
    town.slack.command(BJORN, RANDOM, "/event", "yoga")
    manage = town.workspace.views.stack(BJORN)[-1]
    for _ in range(3):
        assert town.slack.click(BJORN, manage, ActionId.CANCEL_EVENT).failure is None
    assert town.workspace.refusals == ["views.push: push_limit_reached"]
    town.workspace.refusals.clear()
    town.bot.service.delete_event("yoga")
    form = town.workspace.views.stack(BJORN)[-1]
    seen = town.slack.submit(BJORN, form.id)
    assert sentences.EVENT_GONE in answer(seen)


def test_a_modal_closed_meanwhile_keeps_nothing_from_being_done(town: Town) -> None:
    town.event(organizer_id=BJORN)
    town.slack.command(BJORN, RANDOM, "/event", "yoga")
    town.api.fail_next("views.update", Fault.refused("not_found"))
    manage = town.workspace.views.stack(BJORN)[-1]
    assert town.slack.click(BJORN, manage, ActionId.CLOSE).failure is None
    assert town.sound().events["yoga"].status is EventStatus.CLOSED


def test_a_modal_that_slack_does_not_take_is_an_unforeseen_failure(town: Town) -> None:
    town.event(organizer_id=BJORN)
    town.slack.command(BJORN, RANDOM, "/event", "yoga")
    town.api.fail_next("views.update", Fault.refused("view_too_large"))
    manage = town.workspace.views.stack(BJORN)[-1]
    seen = town.slack.click(BJORN, manage, ActionId.CLOSE)
    assert sentences.UNFORESEEN in answer(seen)


def test_a_click_for_which_slack_takes_no_answer_at_all_is_shown_as_failed(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    card = town.card(town.event())
    town.api.faults.stand(Fault.closed())
    seen = town.slack.click(BJORN, card, ActionId.MANAGE)
    town.api.faults.stand(None)
    assert seen.failure is not None
    assert "not answered" in caplog.text


def test_what_takes_longer_than_slack_waits_is_said_to_have_started(
    failing: Town, background: Background
) -> None:
    for number in range(3):
        failing.event(f"e{number}")
        failing.register(BJORN, event_id=f"e{number}")
    asked = failing.slack.command(BJORN, RANDOM, "/rollcall", "forget-me").ephemeral[-1]
    store_of(failing).before_commit = lambda: failing.clock.advance(timedelta(seconds=1.3))
    done = failing.slack.click(BJORN, asked, ActionId.FORGET_ME)
    assert forgotten(False).text in shown(done.messages[-1])
    assert BJORN in failing.everything().users
    background.run()
    assert BJORN not in failing.sound().users


def test_a_raise_in_steps_set_in_the_form_says_that_it_has_started(failing: Town) -> None:
    failing.event(capacity=1)
    failing.register(*[f"U{number}" for number in range(61)])
    failing.slack.command(AMARA, EVENTS, "/event", "yoga")
    manage = failing.workspace.views.stack(AMARA)[-1]
    failing.slack.click(AMARA, manage, ActionId.CHANGE_CAPACITY)
    form = failing.workspace.views.stack(AMARA)[-1]
    failing.slack.submit(AMARA, form.id, {(BlockId.CAPACITY, ActionId.INPUT): "61"})
    seen = failing.slack.submit(AMARA, failing.workspace.views.stack(AMARA)[-1].id)
    assert "*Yoga in the park* now has 50 seats and will grow to 61" in answer(seen)
