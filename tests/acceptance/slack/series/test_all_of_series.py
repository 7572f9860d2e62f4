"""All of the series: registering for it, and what members see of it (R13.4, R13.5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.blocks.ids import ANSWER_BLOCK, ActionId, BlockId
from bot.blocks.mrkdwn import as_typed
from bot.features.cards.views import ALL_OF_SERIES, MISSED_FIRST
from bot.features.home.views import REGISTRATIONS_HEADING
from bot.features.registration.views import ONLY_THIS
from domain.inputs import EventChanges
from domain.models import Event
from playground.client.member_client import ActionResult
from playground.demo.seed import EVENTS, RANDOM
from playground.workspace.model import Message
from tests.support.questions import LUNCH, SIZE
from tests.support.series import new_series
from tests.support.slack import sentences
from tests.support.slack.harness import (
    BJORN,
    CHLOE,
    DIEGO,
    HARUKI,
    PRIYA,
    SlackHarness,
    files,
    reply,
    shown,
)
from tests.support.slack.modals import said, top

WEEK = timedelta(days=7)
REGISTERED = "You’re registered for all of *Yoga*."
ALREADY = "You’re already registered for all of *Yoga*."
STOPPED = "You’re no longer registered for all of *Yoga*"
LATER = "I’ll register you for each later date"


def first(harness: SlackHarness) -> datetime:
    return harness.clock.now() + timedelta(days=2)


def series(harness: SlackHarness, series_id: str = "yoga", **values: Any) -> Event:
    """Create a series with two dates that are open, as `yoga-1` and `yoga-2`."""
    given: dict[str, Any] = {"starts_at": first(harness), "days_ahead": 13, "organizer_id": BJORN}
    return new_series(harness.bot.service, series_id, **given | values)


def card(harness: SlackHarness, event_id: str = "yoga-1") -> Message:
    return harness.card_in(EVENTS, harness.bot.service.get_event(event_id))


def press_all(harness: SlackHarness, user_id: str = PRIYA) -> ActionResult:
    result = harness.slack.click(user_id, card(harness), ActionId.ALL_OF_SERIES)
    assert result.failure is None
    return result


def stamp(moment: datetime) -> str:
    return f"<!date^{int(moment.timestamp())}^"


def labels(message: Message) -> list[str]:
    elements = (one for block in message.blocks for one in block.get("elements", ()))
    return [one["text"]["text"] for one in elements if one["type"] == "button"]


class TestCard:
    def test_registers_for_all(self, harness: SlackHarness) -> None:
        series(harness)
        assert labels(card(harness))[:3] == ["Register", "Unregister", ALL_OF_SERIES]
        said_to_priya = reply(press_all(harness))
        assert said_to_priya.startswith(REGISTERED)
        assert harness.bot.service.find_registration("yoga-2", PRIYA) is not None
        harness.assert_invariants()

    def test_rule_of_fairness_is_on_it(self, harness: SlackHarness) -> None:
        """R13.5."""
        series(harness, missed_first=True)
        new_series(harness.bot.service, "choir", starts_at=first(harness), days_ahead=13)
        assert MISSED_FIRST in shown(card(harness))
        assert MISSED_FIRST not in shown(card(harness, "choir-1"))

    def test_who_has_a_seat_in_a_series_is_refused(self, harness: SlackHarness) -> None:
        """No button asks it, but a forged payload can. A series has neither seats nor a waitlist."""
        series(harness)
        message = card(harness)
        for block in message.blocks:
            for element in block.get("elements", ()):
                element |= {"value": "yoga"} if "action_id" in element else {}
        said_to_priya = reply(harness.slack.click(PRIYA, message, ActionId.GOING))
        assert "one date of a series at a time" in said_to_priya

    @pytest.mark.parametrize("cancels", [True, False])
    def test_ended_series_says_so(self, harness: SlackHarness, cancels: bool) -> None:
        series(harness)
        old = card(harness)
        harness.bot.service.end_series("yoga", cancels=cancels)
        assert "The series *Yoga* has ended" in reply(
            harness.slack.click(PRIYA, old, ActionId.ALL_OF_SERIES)
        )
        assert harness.bot.service.find_registration("yoga", PRIYA) is None
        assert (ALL_OF_SERIES in labels(card(harness))) is not cancels

    def test_deleted_series_says_so(self, harness: SlackHarness) -> None:
        series(harness)
        old = card(harness)
        harness.bot.service.delete_event("yoga")
        assert sentences.EVENT_GONE in reply(
            harness.slack.click(PRIYA, old, ActionId.ALL_OF_SERIES)
        )


class TestReply:
    def test_says_for_each_date_what_came_of_it(self, harness: SlackHarness) -> None:
        event = series(harness, location="Park")
        harness.register(HARUKI, CHLOE, DIEGO, event_id="yoga-2")
        text = reply(press_all(harness))
        start = event.starts_at
        seated, waitlisted = (line for line in text.split("\n") if line.startswith("•"))
        assert stamp(start) in seated
        assert "you have a seat" in seated
        assert stamp(start + WEEK) in waitlisted
        assert "you’re 2nd on the waitlist" in waitlisted
        assert "Every Wednesday, until" in text
        assert "· Park" in text
        assert LATER in text
        assert f"[{ActionId.CHOOSE_TO_UNREGISTER}]\n[{ActionId.ADD_TO_CALENDAR}]" in text

    def test_nothing_open_yet_lists_nothing(self, harness: SlackHarness) -> None:
        series(harness, days_ahead=1)
        result = harness.slack.command(PRIYA, RANDOM, "/register", "yoga")
        text = reply(result)
        assert text.startswith(REGISTERED)
        assert "•" not in text
        assert LATER in text

    def test_second_press_says_the_truth(self, harness: SlackHarness) -> None:
        series(harness)
        press_all(harness)
        text = reply(press_all(harness))
        assert text.startswith(ALREADY)
        assert "waitlist" not in text
        result = harness.slack.click(PRIYA, _last(harness), ActionId.CHOOSE_TO_UNREGISTER)
        assert STOPPED in reply(result)

    def test_stopping_in_it_offers_to_register_again(self, harness: SlackHarness) -> None:
        series(harness)
        press_all(harness)
        harness.slack.click(PRIYA, _last(harness), ActionId.CHOOSE_TO_UNREGISTER)
        text = shown(_last(harness))
        assert text.startswith(STOPPED)
        assert "still signed up for these dates" in text
        harness.slack.click(PRIYA, _last(harness), ActionId.CHOOSE_TO_REGISTER)
        assert shown(_last(harness)).startswith(REGISTERED)

    def test_registration_for_one_offers_all(self, harness: SlackHarness) -> None:
        series(harness)
        harness.slack.click(PRIYA, card(harness), ActionId.REGISTER)
        assert ALL_OF_SERIES in labels(_last(harness))
        result = harness.slack.click(PRIYA, _last(harness), ActionId.ALL_OF_SERIES)
        text = reply(result)
        assert text.startswith(REGISTERED)
        assert text.count("you have a seat") == 2

    def test_leaving_one_says_that_the_others_stay(self, harness: SlackHarness) -> None:
        event = series(harness)
        press_all(harness)
        text = reply(harness.slack.click(PRIYA, card(harness), ActionId.UNREGISTER))
        assert stamp(event.starts_at) in text
        assert ONLY_THIS in text
        assert harness.bot.service.find_registration("yoga", PRIYA) is not None


def _last(harness: SlackHarness, channel_id: str = EVENTS, user_id: str = PRIYA) -> Message:
    return harness.workspace.messages(channel_id, visible_to=user_id)[-1]


class TestQuestions:
    def test_form_registers_for_all(self, harness: SlackHarness) -> None:
        """R12.3."""
        series(harness, questions=(LUNCH,))
        view = press_all(harness).view
        assert view is not None
        assert "Your answers count for every date." in said(view)
        assert "seats taken" not in said(view)
        harness.slack.submit(PRIYA, view.id, {(f"{ANSWER_BLOCK}lunch", ActionId.INPUT): "=Meat"})
        text = said(top(harness, PRIYA))
        assert text.startswith(REGISTERED)
        assert text.count("you have a seat") == 2
        own = harness.bot.service.get_registration("yoga-2", PRIYA)
        assert own.registration.answers == {"lunch": "Meat"}

    def test_questions_added_later_are_asked_for_later_dates(self, harness: SlackHarness) -> None:
        series(harness, days_ahead=1)
        harness.register(PRIYA, event_id="yoga")
        service = harness.bot.service
        required = SIZE.model_copy(update={"required": True})
        service.edit_series("yoga", EventChanges.of(questions=(required,)))
        harness.deliver_due()
        assert "for later dates of *Yoga*: Which size?" in harness.direct_messages(PRIYA)[-1]
        harness.clock.advance(timedelta(days=1).total_seconds())
        service.sweep()
        harness.deliver_due()
        text = harness.direct_messages(PRIYA)[-1]
        assert "You have a seat in *Yoga*" in text
        assert "Please also answer: Which size?" in text
        asked = harness.workspace.messages(harness.workspace.dm(PRIYA).id)[-2]
        harness.slack.click(PRIYA, asked, ActionId.CHANGE_ANSWERS)
        view = top(harness, PRIYA)
        harness.slack.submit(PRIYA, view.id, {(f"{ANSWER_BLOCK}size", ActionId.INPUT): "=M"})
        assert "I use them for later dates." in said(top(harness, PRIYA))


class TestLists:
    def test_registrations_have_a_row_for_the_series(self, harness: SlackHarness) -> None:
        event = series(harness)
        press_all(harness)
        text = reply(harness.slack.command(PRIYA, RANDOM, "/registrations"))
        row, *dates = text.split("*Yoga* · ")[1:]
        assert row.startswith("You’re registered for all of the series\nEvery Wednesday, until")
        assert f"Next date: {stamp(event.starts_at)}" in row
        assert f"[{ActionId.STOP_SERIES}]" in row
        assert "waitlist" not in row
        assert [one.startswith("You have a seat") for one in dates] == [True, True]

    def test_it_is_registered_and_not_waitlisted(self, harness: SlackHarness) -> None:
        series(harness)
        press_all(harness)
        service = harness.bot.service

        def listed(words: str) -> str:
            return reply(harness.slack.command(PRIYA, RANDOM, "/registrations", words))

        assert "all of the series" in listed("registered")
        assert "all of the series" not in listed("waitlisted")
        assert service.list_registrations_to_come(PRIYA).past_count == 0

    def test_home_stops_it(self, harness: SlackHarness) -> None:
        series(harness)
        press_all(harness)
        home = harness.slack.open_home(PRIYA).home
        own = said(home).partition(REGISTRATIONS_HEADING)[2]
        assert "You’re registered for all of the series" in own
        assert home is not None
        assert STOPPED in reply(harness.slack.click(PRIYA, home, ActionId.STOP_SERIES))
        assert "all of the series" not in said(harness.workspace.views.home(PRIYA))

    def test_ended_series_stays_until_its_last_date(self, harness: SlackHarness) -> None:
        event = series(harness)
        press_all(harness)
        harness.bot.service.end_series("yoga", actor=None)
        text = reply(harness.slack.command(PRIYA, RANDOM, "/registrations"))
        row = text.split("*Yoga* · ")[1]
        assert row.startswith("The series has ended\n")
        assert f"Next date: {stamp(event.starts_at)}" in row
        assert f"[{ActionId.STOP_SERIES}]" not in row
        harness.clock.advance((WEEK + timedelta(days=3)).total_seconds())
        text = reply(harness.slack.command(PRIYA, RANDOM, "/registrations"))
        assert "series" not in text
        assert harness.bot.service.list_registrations_to_come(PRIYA).past_count == 2


class TestCommands:
    def test_title_offers_the_series_beside_its_dates(self, harness: SlackHarness) -> None:
        series(harness, "weekly")
        harness.slack.command(PRIYA, RANDOM, "/register", "weekly")
        text = reply(harness.slack.command(PRIYA, RANDOM, "/unregister", "yog"))
        assert "*Yoga* · You’re registered for all of the series\nEvery" in text
        assert text.count(f"[{ActionId.CHOOSE_TO_UNREGISTER}]") == 3
        result = harness.slack.click(
            PRIYA, _last(harness, RANDOM), ActionId.CHOOSE_TO_UNREGISTER, value="weekly"
        )
        assert STOPPED in reply(result)

    def test_picker_names_it_and_stops_it(self, harness: SlackHarness) -> None:
        series(harness)
        press_all(harness)
        view = harness.slack.command(PRIYA, RANDOM, "/unregister").view
        assert view is not None
        offered = harness.slack.options(PRIYA, view.id, ActionId.EVENT, query="")
        assert "Yoga · all of the series" in as_typed(str(offered))
        harness.slack.submit(PRIYA, view.id, {(BlockId.EVENT, ActionId.EVENT): "yoga"})
        assert said(top(harness, PRIYA)).startswith(STOPPED)

    def test_picker_finds_it_by_its_id(self, harness: SlackHarness) -> None:
        series(harness)
        view = harness.slack.command(PRIYA, RANDOM, "/register").view
        assert view is not None
        offered = harness.slack.options(PRIYA, view.id, ActionId.EVENT, query="yoga")
        assert "Yoga · all of the series" in as_typed(str(offered))
        harness.slack.submit(PRIYA, view.id, {(BlockId.EVENT, ActionId.EVENT): "yoga"})
        assert said(top(harness, PRIYA)).startswith(REGISTERED)

    def test_not_registered_speaks_of_the_series(self, harness: SlackHarness) -> None:
        series(harness)
        home = harness.slack.open_home(PRIYA).home
        assert home is not None
        press_all(harness)
        row = harness.slack.open_home(PRIYA).home
        assert row is not None
        for expected in (STOPPED, "You’re not registered for all of *Yoga*."):
            assert expected in reply(harness.slack.click(PRIYA, row, ActionId.STOP_SERIES))


class TestMessages:
    def test_end_of_the_series_reads_as_one(self, harness: SlackHarness) -> None:
        series(harness)
        press_all(harness)
        harness.bot.service.end_series("yoga", reason="Too hot")
        harness.deliver_due()
        text = harness.direct_messages(PRIYA)[-1]
        assert "The series *Yoga* has been ended" in text
        assert "Reason: Too hot" in text
        assert "Every Wednesday, until" in text
        assert "canceled by" not in text
        message = harness.workspace.messages(harness.workspace.dm(PRIYA).id)[-1]
        harness.slack.click(PRIYA, message, ActionId.UPDATE_CALENDAR)
        assert files(harness, PRIYA) != []

    def test_forget_me_names_a_series_by_its_rule(self, harness: SlackHarness) -> None:
        series(harness, days_ahead=1)
        text = reply(harness.slack.command(BJORN, RANDOM, "/rollcall", "forget-me"))
        assert "*Yoga*, Every Wednesday, until" in text
