"""*Repeats* in the form that creates an event: its inputs, the preview, and the series (R13.1, R13.2, R13.5)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.blocks.mrkdwn import as_typed
from bot.features.event_form.repetition import NEVER, RULES
from bot.features.event_form.repetition_views import ABOUT_TIMES
from bot.features.event_form.series_views import (
    MISSED_FIRST,
    NO_CARDS,
    NOT_OF_THE_SERIES,
    PRESS_CREATE,
)
from bot.features.event_form.views import COPY_NOTE, PRIVACY_UNKNOWN, warning_text
from bot.notifications.worker import SWEEP_INTERVAL
from bot.slack.error_messages import FieldProblem
from domain.enums import CreationWarning, Frequency
from domain.models import DAYS_AHEAD, Event, Series
from playground.client.member_client import ActionResult
from playground.demo.seed import EVENTS
from playground.web_api.fault_injection import Fault
from playground.workspace.model import View
from tests.support.slack.event_form import INPUTS, opened, opened_short, repeating
from tests.support.slack.harness import BJORN, PRIYA, SlackHarness, reply, shown, text_of
from tests.support.slack.modals import form

SERIES_INPUTS = (
    *(BlockId.UNTIL, BlockId.TIMES, BlockId.LEFT_OUT),
    *(BlockId.DAYS_AHEAD, BlockId.CARD_DAYS, BlockId.MISSED_FIRST),
)


def day(harness: SlackHarness, after: int = 2) -> date:
    return (harness.clock.now() + timedelta(days=after)).date()


def previewed(harness: SlackHarness, choice: str = "weekly", **values: Any) -> ActionResult:
    """Fill in the form for a series, by default of eight dates from the day after tomorrow on, and submit it."""
    view = repeating(harness, opened(harness), choice)
    given = {INPUTS[BlockId[name]]: value for name, value in ({"TIMES": "8"} | values).items()}
    return harness.slack.submit(BJORN, view.id, given, client_checks=False)


def created(harness: SlackHarness, choice: str = "weekly", **values: Any) -> ActionResult:
    """Do the same, and press *Create* in the preview."""
    return confirmed(harness, previewed(harness, choice, **values))


def confirmed(harness: SlackHarness, preview: ActionResult) -> ActionResult:
    assert preview.errors == {}
    assert preview.view is not None
    return harness.slack.submit(BJORN, preview.view.id)


def the_series(harness: SlackHarness) -> tuple[Event, Series]:
    (event,) = harness.bot.service.list_series().items
    assert event.series is not None
    return event, event.series


def occurrences(harness: SlackHarness) -> list[Event]:
    return list(harness.bot.service.list_events().items)


def blocks_of(view: View) -> set[str]:
    return {block["block_id"] for block in view.blocks if block["type"] == "input"}


def submit_label(result: ActionResult) -> str:
    assert result.view is not None
    label: str = result.view.body["submit"]["text"]
    return label


# The inputs


@pytest.mark.parametrize("open_form", [opened_short, opened])
def test_choice_shows_the_inputs_of_a_series_and_keeps_what_was_typed(
    harness: SlackHarness, open_form: Any
) -> None:
    view = open_form(harness)
    assert blocks_of(view).isdisjoint(SERIES_INPUTS)
    now = repeating(harness, view, LOCATION="Studio 5")
    assert blocks_of(now) == {*SERIES_INPUTS, *blocks_of(view)}
    initial = {block["block_id"]: block["element"] for block in now.blocks if "element" in block}
    assert initial[BlockId.TITLE]["initial_value"] == "Pottery"
    assert initial[BlockId.LOCATION]["initial_value"] == "Studio 5"
    assert initial[BlockId.REPEATS]["initial_option"]["value"] == "weekly"
    assert initial[BlockId.DAYS_AHEAD]["initial_value"] == str(DAYS_AHEAD)
    assert as_typed(ABOUT_TIMES) in text_of(now.blocks)


def test_inputs_go_once_the_event_does_not_repeat(harness: SlackHarness) -> None:
    view = repeating(harness, opened_short(harness))
    assert view.body["submit"]["text"] == "Preview"
    now = repeating(harness, view, NEVER)
    assert blocks_of(now).isdisjoint(SERIES_INPUTS)
    assert now.body["submit"]["text"] == "Create"
    assert "is open for registration" in reply(harness.slack.submit(BJORN, now.id))
    assert [one.occurrence for one in occurrences(harness)] == [None]


def test_more_options_keep_the_inputs_of_a_series(harness: SlackHarness) -> None:
    view = repeating(harness, opened_short(harness))
    until = day(harness, 60).isoformat()
    values = {"UNTIL": until, "LEFT_OUT": "Dec 24\nDec 31", "DAYS_AHEAD": "21", "CARD_DAYS": "7"}
    typed: dict[Any, Any] = {INPUTS[BlockId[name]]: value for name, value in values.items()}
    typed[INPUTS[BlockId.MISSED_FIRST]] = [BlockId.MISSED_FIRST.value]
    harness.slack.click(BJORN, view, ActionId.MORE_OPTIONS, values=typed)
    now = harness.workspace.views.stack(BJORN)[-1]
    initial = {block["block_id"]: block["element"] for block in now.blocks if "element" in block}
    assert initial[BlockId.UNTIL]["initial_date"] == until
    for block in (BlockId.LEFT_OUT, BlockId.DAYS_AHEAD, BlockId.CARD_DAYS):
        assert initial[block]["initial_value"] == values[block.name]
    assert initial[BlockId.MISSED_FIRST]["initial_options"] != []
    harness.slack.click(BJORN, now, ActionId.ADD_QUESTION)
    assert harness.slack.submit(BJORN, now.id).errors == {}, "the question is empty"


# The preview


def test_preview_says_the_rule_and_the_next_dates_before_anything_is_created(
    harness: SlackHarness,
) -> None:
    result = previewed(harness)
    said, first = reply(result), day(harness)
    assert f"Every {first:%A}" in said
    assert "(8 dates)" in said
    for weeks in range(3):
        start = datetime.combine(first + timedelta(weeks=weeks), datetime.min.time())
        assert f"{start:%b} {start.day}" in said
    assert as_typed(PRESS_CREATE) in said
    assert submit_label(result) == "Create"
    assert harness.everything().events == {}
    assert "Series created" in str(confirmed(harness, result).view)


@pytest.mark.parametrize("choice", [choice for choice in RULES if choice != "weekly"])
def test_each_choice_is_the_rule_that_it_names(harness: SlackHarness, choice: str) -> None:
    created(harness, choice)
    rule = the_series(harness)[1].recurrence
    assert (rule.frequency, rule.interval) == RULES[choice]


def test_preview_says_which_dates_are_skipped_and_which_are_none_of_its_dates(
    harness: SlackHarness,
) -> None:
    second, other = day(harness, 9), day(harness, 10)
    result = previewed(harness, LEFT_OUT=f"{second}\n{other:%B} {other.day}")
    said = reply(result)
    assert re.search(rf"Skipped: \w+, {second:%b} {second.day}, {second.year}\n", said)
    assert re.search(rf"{re.escape(NOT_OF_THE_SERIES)} \w+, {other:%b} {other.day},", said)
    confirmed(harness, result)
    assert the_series(harness)[1].recurrence.left_out == (second,)
    assert second not in {one.occurrence.day for one in occurrences(harness) if one.occurrence}


@pytest.mark.parametrize(
    "changes", [{"TIMES": "9"}, {"LEFT_OUT": "Dec 24"}, {"CARD_DAYS": "3"}, {"TITLE": "Clay"}]
)
def test_change_after_the_preview_is_previewed_again(
    harness: SlackHarness, changes: dict[str, str]
) -> None:
    view = previewed(harness).view
    assert view is not None
    values = {INPUTS[BlockId[name]]: value for name, value in changes.items()}
    again = harness.slack.submit(BJORN, view.id, values)
    assert as_typed(PRESS_CREATE) in reply(again)
    assert harness.everything().events == {}
    confirmed(harness, again)
    assert the_series(harness)


def test_another_choice_after_the_preview_is_previewed_again(harness: SlackHarness) -> None:
    """Also if it is the first choice once more: the button says *Preview*."""
    view = previewed(harness).view
    assert view is not None
    for choice in ("weekly_2", "weekly"):
        harness.slack.click(BJORN, view, ActionId.REPEATS, selected=choice)
        view = harness.workspace.views.stack(BJORN)[-1]
    assert view.body["submit"]["text"] == "Preview"
    assert as_typed(PRESS_CREATE) in reply(harness.slack.submit(BJORN, view.id))
    assert harness.everything().events == {}


def test_preview_comes_with_the_warnings_about_likely_mistakes(harness: SlackHarness) -> None:
    view = repeating(harness, opened(harness), START_DATE=day(harness, 800).isoformat())
    result = harness.slack.submit(BJORN, view.id, {INPUTS[BlockId.TIMES]: "3"})
    said = reply(result)
    assert as_typed(warning_text([CreationWarning.FAR_AWAY], is_previewed=True)) in said
    assert as_typed(PRESS_CREATE) in said
    assert "Series created" in str(confirmed(harness, result).view), (
        "both are confirmed by one press"
    )


def test_series_with_the_title_and_start_of_another_is_warned_about(harness: SlackHarness) -> None:
    """Also if that one has made no date yet."""
    start = {"START_DATE": day(harness, 50).isoformat()}
    created(harness, **start)
    assert occurrences(harness) == []
    said = reply(previewed(harness, **start))
    assert as_typed(warning_text([CreationWarning.SAME_EVENT], is_previewed=True)) in said


# Wrong input. A number stands for a date so many days from now.

WRONG: dict[str, tuple[dict[str, Any], BlockId, str]] = {
    "no end": ({"TIMES": None}, BlockId.UNTIL, FieldProblem.NO_LAST_DATE),
    "two ends": ({"UNTIL": 30}, BlockId.TIMES, FieldProblem.TWO_ENDS),
    "never": ({"TIMES": "0"}, BlockId.TIMES, "at least 1"),
    "too often": ({"TIMES": "53"}, BlockId.TIMES, "at most 52"),
    "times in words": ({"TIMES": "ten"}, BlockId.TIMES, FieldProblem.NO_NUMBER_OF_TIMES),
    "last date before the first": (
        {"TIMES": None, "UNTIL": 1},
        BlockId.UNTIL,
        "must not be before the first date",
    ),
    "last date too late": ({"TIMES": None, "UNTIL": 800}, BlockId.UNTIL, "at most 52"),
    "no last date at all": (
        {"TIMES": None, "UNTIL": "2026-02-30"},
        BlockId.UNTIL,
        FieldProblem.NO_SUCH_MOMENT,
    ),
    "holiday in words": (
        {"LEFT_OUT": "Dec 22\nChristmas"},
        BlockId.LEFT_OUT,
        "line 2 isn’t a date: “Christmas”",
    ),
    "no date left": (
        {"TIMES": "1", "LEFT_OUT": 2},
        BlockId.LEFT_OUT,
        "must leave at least one date",
    ),
    "too many holidays": (
        {"LEFT_OUT": "\n".join(f"2027-{month}-{day}" for month in (1, 3) for day in range(1, 30))},
        BlockId.LEFT_OUT,
        "at most 52",
    ),
    "days in words": ({"DAYS_AHEAD": "a week"}, BlockId.DAYS_AHEAD, FieldProblem.NO_NUMBER_OF_DAYS),
    "too far ahead": ({"DAYS_AHEAD": "365"}, BlockId.DAYS_AHEAD, "at most 364"),
    "card before registration": (
        {"CARD_DAYS": "29"},
        BlockId.CARD_DAYS,
        "not be before registration opens",
    ),
    "card in words": ({"CARD_DAYS": "soon"}, BlockId.CARD_DAYS, FieldProblem.NO_NUMBER_OF_DAYS),
    "first goes whoever missed it, without a waitlist": (
        {"MISSED_FIRST": [BlockId.MISSED_FIRST.value], "OPTIONS": []},
        BlockId.MISSED_FIRST,
        FieldProblem.MISSED_WITHOUT_WAITLIST,
    ),
    "deadline before registration": (
        {"DAYS_AHEAD": "1", "DEADLINE_DATE": 1, "DEADLINE_TIME": "12:00"},
        BlockId.DEADLINE_DATE,
        "after registration opens, which is 1 day before the start",
    ),
    "past first date": ({"START_DATE": -30}, BlockId.START_DATE, "must be in the future"),
    "no seats": ({"CAPACITY": "0"}, BlockId.CAPACITY, "at least 1"),
}


@pytest.mark.parametrize(("values", "field", "says"), WRONG.values(), ids=WRONG)
def test_wrong_input_is_marked_before_the_preview(
    harness: SlackHarness, values: dict[str, Any], field: BlockId, says: str
) -> None:
    given = {
        name: day(harness, value).isoformat() if isinstance(value, int) else value
        for name, value in values.items()
    }
    result = previewed(harness, **given)
    assert list(result.errors) == [field]
    assert says.lower() in result.errors[field].lower()
    assert submit_label(result) == "Preview"


def test_choice_that_was_never_offered_is_refused(harness: SlackHarness) -> None:
    view = repeating(harness, opened_short(harness))
    payload: dict[str, Any] = {
        "type": "view_submission",
        "team": {"id": harness.workspace.team_id},
        "user": {"id": BJORN, "name": "bjorn", "team_id": harness.workspace.team_id},
        "view": view.as_json(harness.workspace.app, harness.workspace.team_id, with_state=True),
    }
    state = payload["view"]["state"]["values"]
    state[BlockId.REPEATS] = {ActionId.REPEATS: {"selected_option": {"value": "hourly"}}}
    response = harness.slack.interact(payload).response
    assert response is not None
    assert '"response_action": "push"' in response.body
    assert harness.everything().events == {}


# The series


def test_series_has_what_the_form_says_and_its_first_dates_are_made(harness: SlackHarness) -> None:
    until = day(harness, 72)
    created(
        harness,
        TIMES=None,
        UNTIL=until.isoformat(),
        DAYS_AHEAD="10",
        CARD_DAYS="4",
        MISSED_FIRST=[BlockId.MISSED_FIRST.value],
        DESCRIPTION="Bring an apron.",
    )
    event, series = the_series(harness)
    assert (event.title, event.capacity, event.organizer_id) == ("Pottery", 12, BJORN)
    assert (series.recurrence.frequency, series.recurrence.until) == (Frequency.WEEKLY, until)
    assert (series.days_ahead, series.card_days, series.card_channel) == (10, 4, EVENTS)
    assert series.missed_first
    (first,) = occurrences(harness)
    assert (first.event_id, first.starts_at) == (f"{event.event_id}-1", event.starts_at)
    assert first.description == "Bring an apron."


def test_confirmation_says_how_it_goes_on_and_how_one_registers(harness: SlackHarness) -> None:
    said = reply(created(harness, CARD_DAYS="7", MISSED_FIRST=[BlockId.MISSED_FIRST.value]))
    event, _ = the_series(harness)
    for words in (
        f"Every {day(harness):%A}",
        "opens 4 weeks before it, but not until the previous date has started",
        MISSED_FIRST,
        "is posted in",
        "1 week before it.",
        "All of the series",
        f"/register {event.event_id}",
        f"/event {event.event_id}",
    ):
        assert words in said, words


def test_whole_series_can_be_registered_for_as_the_confirmation_says(harness: SlackHarness) -> None:
    created(harness)
    event, _ = the_series(harness)
    harness.slack.command(PRIYA, EVENTS, "/register", event.event_id)
    assert the_series(harness)[0].waitlist_count == 1


def test_cards_of_the_dates_that_are_made_are_posted(harness: SlackHarness) -> None:
    created(harness)
    harness.deliver_due()
    cards = [shown(one) for one in harness.workspace.messages(EVENTS) if "Pottery" in shown(one)]
    assert len(cards) == len(occurrences(harness)) == 4


def test_card_is_posted_so_many_days_before_the_date(harness: SlackHarness) -> None:
    created(harness, CARD_DAYS="1")
    harness.deliver_due()
    assert not any("Pottery" in shown(one) for one in harness.workspace.messages(EVENTS))
    harness.clock.advance(
        the_series(harness)[0].starts_at - timedelta(days=1) - harness.clock.now()
    )
    harness.deliver_due(SWEEP_INTERVAL + 3)
    assert "Pottery" in shown(harness.workspace.messages(EVENTS)[-1])


def test_card_of_a_date_that_is_near_already_is_posted_at_once(harness: SlackHarness) -> None:
    created(harness, CARD_DAYS="7")
    harness.deliver_due()
    cards = [shown(one) for one in harness.workspace.messages(EVENTS) if "Pottery" in shown(one)]
    assert len(cards) == 1


def test_refused_card_is_said_with_what_to_do(harness: SlackHarness) -> None:
    harness.api.fail_next("chat.postMessage", Fault.refused("is_archived"))
    said = reply(created(harness))
    assert "`is_archived`" in said
    assert f"/event {the_series(harness)[0].event_id}-1" in said


def test_series_without_channel_says_that_it_has_no_cards(harness: SlackHarness) -> None:
    said = reply(created(harness, CHANNEL=None))
    assert NO_CARDS in said
    assert "on a card" not in said
    assert the_series(harness)[1].card_channel is None


def test_second_submit_creates_nothing_and_says_the_same(harness: SlackHarness) -> None:
    """R8.13. Its own dates are no other events with the same title and start."""
    view = previewed(harness).view
    assert view is not None
    payload: dict[str, Any] = {
        "type": "view_submission",
        "team": {"id": harness.workspace.team_id},
        "user": {"id": BJORN, "name": "bjorn", "team_id": harness.workspace.team_id},
        "view": view.as_json(harness.workspace.app, harness.workspace.team_id, with_state=True),
    }
    first = harness.slack.interact(payload).response
    before = harness.assert_invariants()
    harness.clock.advance(timedelta(days=3))
    second = harness.slack.interact(payload).response
    assert first is not None
    assert second is not None
    assert "Series created" in first.body
    assert second.body == first.body, "also once the first date has started"
    assert harness.assert_invariants().events == before.events


# Listing (R2.8)


def test_private_series_and_its_dates_are_not_listed(harness: SlackHarness) -> None:
    channel = harness.workspace.channel(EVENTS)
    harness.workspace.put_channel(replace(channel, is_private=True))
    created(harness)
    assert {one.listed for one in (the_series(harness)[0], *occurrences(harness))} == {False}


def test_dates_are_listed_once_slack_says_that_the_channel_is_public(harness: SlackHarness) -> None:
    harness.deliver_due(0)
    preview = previewed(harness)
    harness.api.fail_next("conversations.info", Fault.server_error(503))
    assert PRIVACY_UNKNOWN in reply(confirmed(harness, preview))
    assert {one.listed for one in (the_series(harness)[0], *occurrences(harness))} == {False}
    harness.deliver_due(SWEEP_INTERVAL + 3)
    assert {one.listed for one in (the_series(harness)[0], *occurrences(harness))} == {True}


# Other ways into the form


def test_copy_of_a_date_is_a_single_event_unless_it_is_to_repeat(harness: SlackHarness) -> None:
    """R12.5."""
    created(harness)
    event, _ = the_series(harness)
    view = form(harness, ActionId.DUPLICATE, event_id=f"{event.event_id}-4")
    state = view.state[BlockId.REPEATS][ActionId.REPEATS]
    assert state["selected_option"]["value"] == NEVER
    harness.slack.submit(BJORN, view.id)
    (copy,) = (one for one in occurrences(harness) if one.occurrence is None)
    assert copy.title == "Pottery"


def test_copy_can_repeat_and_still_says_that_it_is_one(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    view = form(harness, ActionId.DUPLICATE)
    harness.slack.click(BJORN, view, ActionId.REPEATS, selected="weekly")
    result = harness.slack.submit(BJORN, view.id, {INPUTS[BlockId.TIMES]: "3"})
    assert as_typed(COPY_NOTE) in reply(result)
    confirmed(harness, result)
    assert the_series(harness)[0].title == "Yoga in the park"
