"""Creating an event: the form, wrong input, and the card (R8.7, R8.13, R2.8)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.blocks.ids import ActionId, BlockId, EventOption
from bot.blocks.mrkdwn import as_typed
from bot.features.event_form.end_choices import NO_END
from bot.features.event_form.views import NO_CARD, times_in, warning_text
from bot.slack.error_messages import FieldProblem, field_error
from domain.enums import CreationWarning, Visibility
from domain.inputs import DEFAULT_REMINDERS, UserChanges, utf16_length
from playground.client.member_client import ActionResult
from playground.demo.seed import EVENTS, LEADS, RANDOM
from playground.web_api.fault_injection import Fault
from playground.workspace.model import View
from tests.support.slack import sentences
from tests.support.slack.event_form import (
    INPUTS,
    changes_of_the_clock,
    filled,
    offered_ends,
    opened,
    opened_short,
)
from tests.support.slack.harness import (
    AMARA,
    BJORN,
    CHLOE,
    PRIYA,
    SlackHarness,
    reply,
    shown,
    text_of,
)


def sent(harness: SlackHarness, *, client_checks: bool = True, **values: Any) -> ActionResult:
    """Fill in the form and submit it."""
    view = opened(harness)
    if "END" in values:
        offered_ends(harness, view, values["END"])
    return harness.slack.submit(
        BJORN, view.id, filled(harness, **values), client_checks=client_checks
    )


def only_event(harness: SlackHarness) -> Any:
    (event,) = harness.assert_invariants().events.values()
    return event


# The event and its card


def test_form_creates_event_and_posts_card(harness: SlackHarness) -> None:
    day = (harness.clock.now() + timedelta(days=2)).date()
    result = sent(
        harness,
        END_DATE=day.isoformat(),
        END="20:00",
        LOCATION="Studio 5",
        DESCRIPTION="Bring an apron.\nClay is there.",
        DEADLINE_DATE=day.isoformat(),
        DEADLINE_TIME="12:00",
        CO_ORGANIZERS=[CHLOE, BJORN],
    )
    assert result.errors == {}
    assert "*Pottery* is open for registration." in reply(result)

    event = only_event(harness)
    zone = ZoneInfo(harness.workspace.member(BJORN).tz)
    start = datetime.combine(day, datetime.min.time(), zone).replace(hour=18)
    assert event.starts_at == start
    assert event.starts_at.tzinfo is UTC or event.starts_at.utcoffset() == timedelta(0)
    assert event.ends_at == start.replace(hour=20)
    assert event.registration_deadline == start.replace(hour=12)
    assert event.time_zone == zone.key, "the member's own zone unless another is chosen"
    assert (event.capacity, event.has_waitlist, event.listed) == (12, True, True)
    assert (event.organizer_id, event.co_organizer_ids) == (BJORN, (CHLOE,))

    card = harness.workspace.messages(EVENTS)[-1]
    for words in ("Pottery", "Studio 5", "Bring an apron.", sentences.taken(0, 12), f"<@{BJORN}>"):
        assert words in shown(card)
    for label in (f"[{ActionId.REGISTER}]", f"[{ActionId.UNREGISTER}]", f"[{ActionId.MANAGE}]"):
        assert label in shown(card)


def test_app_home_button_opens_form(harness: SlackHarness) -> None:
    home = harness.slack.open_home(BJORN).home
    assert home is not None
    view = harness.slack.click(BJORN, home, ActionId.CREATE_EVENT).view
    assert view is not None
    assert view.title == "Create event"


def test_time_zone_can_be_searched(harness: SlackHarness) -> None:
    view = opened(harness)
    offered = harness.slack.options(BJORN, view, ActionId.TIME_ZONE, query="sao pau").options
    assert [option["value"] for option in offered] == ["America/Sao_Paulo"]
    harness.slack.submit(BJORN, view.id, filled(harness, TIME_ZONE="America/Sao_Paulo"))
    assert only_event(harness).time_zone == "America/Sao_Paulo"


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("São Paulo", "America/Sao_Paulo"),
        ("Zürich", "Europe/Zurich"),
        ("ZU\u0308R", "Europe/Zurich"),
    ],
)
def test_time_zone_search_takes_accents(harness: SlackHarness, typed: str, zone: str) -> None:
    offered = harness.slack.options(BJORN, opened(harness), ActionId.TIME_ZONE, query=typed).options
    assert zone in [option["value"] for option in offered]


def test_only_time_zones_that_an_event_can_have_are_offered(harness: SlackHarness) -> None:
    """The machine's list also has names of no place."""
    view = opened(harness)
    assert harness.slack.options(BJORN, view, ActionId.TIME_ZONE, query="factory").options == []


def test_waitlist_unticked_creates_none(harness: SlackHarness) -> None:
    sent(harness, OPTIONS=[])
    assert only_event(harness).has_waitlist is False


def test_no_channel_posts_no_card(harness: SlackHarness) -> None:
    before = len(harness.workspace.messages(EVENTS))
    result = sent(harness, CHANNEL=None)
    assert "is open for registration" in reply(result)
    assert len(harness.workspace.messages(EVENTS)) == before


@pytest.mark.parametrize(
    ("ticked", "listed"),
    [([EventOption.WAITLIST], False), ([EventOption.WAITLIST, EventOption.LISTED], True)],
)
def test_private_channel_event_is_listed_only_if_ticked(
    harness: SlackHarness, ticked: list[EventOption], listed: bool
) -> None:
    """R2.8."""
    harness.slack.join(harness.workspace.app.bot_user_id, LEADS)
    view = opened(harness)
    values = filled(harness, CHANNEL=LEADS, OPTIONS=[option.value for option in ticked])
    harness.slack.submit(BJORN, view.id, values)
    assert only_event(harness).listed is listed


def test_channel_without_app_explains_how_to_post_card(
    harness: SlackHarness,
) -> None:
    view = opened(harness, PRIYA, LEADS)
    result = harness.slack.submit(PRIYA, view.id, filled(harness, CHANNEL=LEADS))
    assert "is open for registration" in reply(result)
    assert "`/invite @Rollcall`" in reply(result)
    event = only_event(harness)
    assert event.listed is False, "the app can't see the channel: it is private"
    harness.workspace.refusals.clear()

    harness.slack.join(harness.workspace.app.bot_user_id, LEADS)
    harness.slack.command(PRIYA, LEADS, "/event", event.event_id)
    manage = harness.workspace.views.stack(PRIYA)[-1]
    harness.slack.click(PRIYA, manage, ActionId.POST_CARD)
    form = harness.workspace.views.stack(PRIYA)[-1]
    posted = harness.slack.submit(PRIYA, form.id, {INPUTS[BlockId.CHANNEL]: LEADS})
    assert sentences.card_posted(event, LEADS) in reply(posted)
    assert sentences.taken(0, 12) in shown(harness.workspace.messages(LEADS)[-1])


def test_failed_card_keeps_event(harness: SlackHarness) -> None:
    harness.api.fail_next("chat.postMessage", Fault.closed())
    result = sent(harness)
    assert sentences.card_on_its_way(only_event(harness)) in reply(result)


def test_refused_card_shows_reason(harness: SlackHarness) -> None:
    harness.api.fail_next("chat.postMessage", Fault.refused("is_archived"))
    assert "`is_archived`" in reply(sent(harness))


# Wrong input


WRONG: dict[str, tuple[dict[str, Any], BlockId, str]] = {
    "a title of 10,000 characters": (
        {"TITLE": "x" * 10_000},
        BlockId.TITLE,
        "at most 120 characters",
    ),
    "a title of spaces": ({"TITLE": "   "}, BlockId.TITLE, "not be empty"),
    "a title that shows nothing": ({"TITLE": "\u200b\u3164"}, BlockId.TITLE, "not be empty"),
    "a long location": ({"LOCATION": "x" * 201}, BlockId.LOCATION, "at most 200 characters"),
    "a long description": ({"DESCRIPTION": "x" * 2_501}, BlockId.DESCRIPTION, "at most 2500"),
    "no seats": ({"CAPACITY": "0"}, BlockId.CAPACITY, "at least 1"),
    "less than none": ({"CAPACITY": "-1"}, BlockId.CAPACITY, "at least 1"),
    "a seat and a half": ({"CAPACITY": "1.5"}, BlockId.CAPACITY, "a whole number"),
    "one too many": ({"CAPACITY": "100001"}, BlockId.CAPACITY, "at most 100,000"),
    "a number in words": ({"CAPACITY": "ten"}, BlockId.CAPACITY, "a whole number"),
    "a digit of another kind": ({"CAPACITY": "²"}, BlockId.CAPACITY, "a whole number"),
    "a number without end": ({"CAPACITY": "9" * 5_000}, BlockId.CAPACITY, "a whole number"),
    "no day": ({"START_DATE": None}, BlockId.START_DATE, FieldProblem.NO_DAY),
    "no time": ({"START_TIME": None}, BlockId.START_TIME, FieldProblem.TIME_MISSING),
    "neither day nor time": (
        {"START_DATE": None, "START_TIME": None},
        BlockId.START_DATE,
        "choose",
    ),
    "a day that does not exist": (
        {"START_DATE": "2027-02-30"},
        BlockId.START_TIME,
        FieldProblem.NO_SUCH_MOMENT,
    ),
    "an end before the start on its day": (
        {"END": "17:00"},
        BlockId.END,
        FieldProblem.ENDS_TOO_EARLY,
    ),
    "a deadline without a day": (
        {"DEADLINE_TIME": "20:00"},
        BlockId.DEADLINE_DATE,
        FieldProblem.NO_DAY,
    ),
    "a past day": ({"START_DATE": "2020-01-01"}, BlockId.START_DATE, "future"),
}


@pytest.mark.parametrize(("values", "field", "says"), WRONG.values(), ids=WRONG)
def test_wrong_input_is_a_field_error_and_input_kept(
    harness: SlackHarness, values: dict[str, Any], field: BlockId, says: str
) -> None:
    result = sent(harness, client_checks=False, **values)
    assert list(result.errors) == [field]
    assert says.lower() in result.errors[field].lower()
    assert harness.everything().events == {}
    assert result.view is not None
    if "TITLE" not in values:
        kept = result.view.state[BlockId.TITLE][ActionId.INPUT]["value"]
        assert kept == "Pottery"


def test_end_before_start_is_a_field_error(harness: SlackHarness) -> None:
    day = (harness.clock.now() + timedelta(days=2)).date().isoformat()
    result = sent(harness, END_DATE=day, END="17:00")
    assert result.errors == {BlockId.END_DATE: "Must be after the start."}


def test_deadline_after_start_is_a_field_error(harness: SlackHarness) -> None:
    day = (harness.clock.now() + timedelta(days=3)).date().isoformat()
    result = sent(harness, DEADLINE_DATE=day, DEADLINE_TIME="17:00")
    assert result.errors == {BlockId.DEADLINE_DATE: "Must not be after the start."}


# An end that is a duration


@pytest.mark.parametrize(
    ("typed", "value", "label"),
    [
        ("2h", "120 min", "2 hours"),
        ("90 min", "90 min", "1 hour 30 minutes"),
        ("1:30", "90 min", "1 hour 30 minutes"),
        ("2h30", "150 min", "2 hours 30 minutes"),
        ("1,5 hours", "90 min", "1 hour 30 minutes"),
        ("2 days", "2880 min", "2 days"),
        ("", "60 min", "1 hour"),
        ("19:30", "19:30", "7:30 PM"),
        ("7:30", "19:30", "7:30 PM"),
        ("7:30", "07:30", "7:30 AM"),
        ("8 p.m.", "20:00", "8:00 PM"),
        ("12 am", "00:00", "12:00 AM"),
        ("19h30", "19:30", "7:30 PM"),
        ("19h30", "1170 min", "19 hours 30 minutes"),
    ],
)
def test_end_is_offered_as_it_is_meant(
    harness: SlackHarness, typed: str, value: str, label: str
) -> None:
    assert offered_ends(harness, opened_short(harness), typed)[value] == label


@pytest.mark.parametrize("typed", ["8 days", "7:75", "13 pm", "soon", "²", "9" * 3_000])
def test_no_end_is_offered_for_what_is_none(harness: SlackHarness, typed: str) -> None:
    assert offered_ends(harness, opened_short(harness), typed) == {}


def test_midnight_is_the_end_of_the_day_of_the_start(harness: SlackHarness) -> None:
    view = opened_short(harness)
    offered_ends(harness, view, "24:00")
    assert harness.slack.submit(BJORN, view.id, filled(harness, END="00:00")).errors == {}
    event = only_event(harness)
    assert event.ends_at == event.starts_at + timedelta(hours=6)


def test_midnight_that_the_clocks_skip_is_the_first_moment_of_the_next_day(
    harness: SlackHarness,
) -> None:
    """Egypt's clocks go forward at the midnight that begins the last Friday of April."""
    first_of_may = datetime(harness.clock.now().year + 1, 5, 1, tzinfo=ZoneInfo("Africa/Cairo"))
    friday = first_of_may - timedelta(days=(first_of_may.weekday() - 5) % 7 + 1)
    view = opened(harness)
    offered_ends(harness, view, "midnight")
    harness.slack.options(BJORN, view, ActionId.TIME_ZONE, query="cairo")
    day = (friday - timedelta(days=1)).date().isoformat()
    values = {"START_DATE": day, "END": "00:00", "TIME_ZONE": "Africa/Cairo"}
    assert harness.slack.submit(BJORN, view.id, filled(harness, **values)).errors == {}
    ends_at = only_event(harness).ends_at.astimezone(ZoneInfo("Africa/Cairo"))
    assert f"{ends_at:%Y-%m-%d %H:%M}" == f"{friday:%Y-%m-%d} 01:00"


def test_midnight_after_the_last_day_is_a_field_error(harness: SlackHarness) -> None:
    result = sent(harness, START_DATE="9999-12-31", END="00:00", client_checks=False)
    assert result.errors == {BlockId.END: field_error(FieldProblem.NO_SUCH_MOMENT)}


def test_midnight_with_an_end_date_begins_that_day(harness: SlackHarness) -> None:
    day = (harness.clock.now() + timedelta(days=3)).date().isoformat()
    assert sent(harness, END="00:00", END_DATE=day).errors == {}
    event = only_event(harness)
    assert event.ends_at == event.starts_at + timedelta(hours=6)


def test_first_form_takes_a_duration_over_midnight(harness: SlackHarness) -> None:
    view = opened_short(harness)
    offered_ends(harness, view, "3h")
    values = filled(harness, START_TIME="22:00", END="180 min")
    assert harness.slack.submit(BJORN, view.id, values).errors == {}
    event = only_event(harness)
    assert event.ends_at == event.starts_at + timedelta(hours=3)


def test_duration_is_kept_when_more_options_open(harness: SlackHarness) -> None:
    view = opened_short(harness)
    offered_ends(harness, view, "90 min")
    values = filled(harness, END="90 min")
    harness.slack.click(BJORN, view, ActionId.MORE_OPTIONS, values=values)
    now = harness.workspace.views.stack(BJORN)[-1]
    assert harness.slack.submit(BJORN, now.id, {}).errors == {}
    event = only_event(harness)
    assert event.ends_at == event.starts_at + timedelta(minutes=90)


@pytest.mark.parametrize("which", [0, 1])
def test_duration_is_the_time_that_passes_when_clocks_change(
    harness: SlackHarness, which: int
) -> None:
    day = changes_of_the_clock(harness.clock.now().year + 1)[which]
    assert sent(harness, START_DATE=day, START_TIME="01:00", END="180 min").errors == {}
    event = only_event(harness)
    assert event.ends_at == event.starts_at + timedelta(hours=3)


def test_end_that_was_chosen_can_be_taken_back(harness: SlackHarness) -> None:
    view = opened(harness)
    assert NO_END in offered_ends(harness, view, "")
    harness.slack.submit(BJORN, view.id, filled(harness, END=NO_END))
    assert only_event(harness).ends_at is None


def test_end_date_may_repeat_the_day_on_which_a_duration_ends(harness: SlackHarness) -> None:
    day = (harness.clock.now() + timedelta(days=3)).date().isoformat()
    assert sent(harness, START_TIME="22:00", END="180 min", END_DATE=day).errors == {}
    event = only_event(harness)
    assert event.ends_at == event.starts_at + timedelta(hours=3)


def test_end_date_that_contradicts_a_duration_is_a_field_error(harness: SlackHarness) -> None:
    day = (harness.clock.now() + timedelta(days=3)).date().isoformat()
    result = sent(harness, END="180 min", END_DATE=day)
    assert result.errors == {BlockId.END_DATE: field_error(FieldProblem.ENDS_ON_ANOTHER_DAY)}
    assert harness.everything().events == {}


@pytest.mark.parametrize("value", ["0 min", "99999 min", "25:00", "soon", "٣٠ min"])
def test_end_that_was_never_offered_is_a_field_error(harness: SlackHarness, value: str) -> None:
    payload = submission(harness, opened_short(harness), filled(harness))
    payload["view"]["state"]["values"][BlockId.END] = {
        ActionId.END: {"selected_option": {"value": value}}
    }
    response = harness.slack.interact(payload).response
    assert response is not None
    assert json.loads(response.body)["errors"] == {
        BlockId.END: field_error(FieldProblem.NO_SUCH_MOMENT)
    }


def test_duration_past_the_last_year_is_a_field_error(harness: SlackHarness) -> None:
    result = sent(harness, START_DATE="9999-12-31", END="10080 min", client_checks=False)
    assert result.errors == {BlockId.END: field_error(FieldProblem.NO_SUCH_MOMENT)}


def test_skipped_daylight_saving_hour_is_a_field_error(harness: SlackHarness) -> None:
    forward, _ = changes_of_the_clock(harness.clock.now().year + 1)
    result = sent(harness, START_DATE=forward, START_TIME="02:30")
    assert result.errors == {
        BlockId.START_TIME: "02:30 does not exist on this day in Europe/Stockholm: the clocks go forward."
    }
    assert harness.everything().events == {}


def test_repeated_daylight_saving_hour_means_first(harness: SlackHarness) -> None:
    _, back = changes_of_the_clock(harness.clock.now().year + 1)
    assert sent(harness, START_DATE=back, START_TIME="02:30").errors == {}
    assert only_event(harness).starts_at == datetime.fromisoformat(f"{back}T00:30:00+00:00")


def test_unknown_time_zone_is_a_field_error(harness: SlackHarness) -> None:
    view = opened(harness)
    payload = submission(harness, view, filled(harness))
    payload["view"]["state"]["values"][BlockId.TIME_ZONE] = {
        ActionId.TIME_ZONE: {"selected_option": {"value": "Mars/Olympus"}}
    }
    response = harness.slack.interact(payload).response
    assert response is not None
    assert f'"errors": {{"time_zone": "{field_error(FieldProblem.NO_TIME_ZONE)}"}}' in response.body


def submission(
    harness: SlackHarness, view: View, values: Mapping[tuple[str, str], Any]
) -> dict[str, Any]:
    """Return the payload of a form, to change it in ways that no Slack client does."""
    state: dict[str, Any] = {}
    pickers = {BlockId.START_DATE: "selected_date", BlockId.START_TIME: "selected_time"}
    for (block, action), value in values.items():
        state[block] = {action: {pickers.get(BlockId(block), "value"): value}}
    state.pop(BlockId.CHANNEL, None)
    return {
        "type": "view_submission",
        "team": {"id": harness.workspace.team_id},
        "user": {"id": view.user_id, "name": "bjorn", "team_id": harness.workspace.team_id},
        "view": view.as_json(harness.workspace.app, harness.workspace.team_id, with_state=True)
        | {"state": {"values": state}},
    }


# Submitted twice (R8.13)


def test_second_submit_creates_no_second_event(
    harness: SlackHarness,
) -> None:
    view = opened(harness)
    payload = submission(harness, view, filled(harness))
    payload["view"]["state"]["values"][BlockId.TIME_ZONE] = {
        ActionId.TIME_ZONE: {"selected_option": {"value": "Europe/Stockholm"}}
    }
    payload["view"]["state"]["values"][BlockId.CHANNEL] = {
        ActionId.INPUT: {"selected_conversation": EVENTS}
    }
    first = harness.slack.interact(payload)
    before = harness.assert_invariants()
    cards = len(harness.workspace.messages(EVENTS))
    second = harness.slack.interact(payload)
    assert first.response is not None
    assert second.response is not None
    assert second.response.body == first.response.body
    assert harness.assert_invariants() == before
    assert len(harness.workspace.messages(EVENTS)) == cards


def test_submit_after_event_was_deleted_is_refused(harness: SlackHarness) -> None:
    view = opened(harness)
    payload = submission(harness, view, filled(harness))
    payload["view"]["state"]["values"][BlockId.TIME_ZONE] = {
        ActionId.TIME_ZONE: {"selected_option": {"value": "Europe/Stockholm"}}
    }
    harness.slack.interact(payload)
    harness.bot.service.delete_event(only_event(harness).event_id)
    again = harness.slack.interact(payload).response
    assert again is not None
    assert '"response_action": "push"' in again.body
    assert "Traceback" not in again.body


def test_two_forms_create_two_events(harness: SlackHarness) -> None:
    for title in ("Pottery", "Painting"):
        assert sent(harness, TITLE=title).errors == {}
    assert len(harness.assert_invariants().events) == 2


# Slack does not respond


def test_form_asks_for_the_time_zone_if_slack_cannot_say(harness: SlackHarness) -> None:
    """R8.7: never UTC without a word."""
    harness.api.fail_next("users.info", Fault.server_error(500))
    view = opened_short(harness)
    assert view.state[BlockId.TIME_ZONE][ActionId.TIME_ZONE]["selected_option"] is None
    result = harness.slack.submit(BJORN, view.id, filled(harness), client_checks=False)
    assert list(result.errors) == [BlockId.TIME_ZONE]


def test_form_falls_back_to_the_stored_time_zone(harness: SlackHarness) -> None:
    harness.bot.service.ensure_user(harness.draft(BJORN))
    harness.bot.service.update_user(BJORN, UserChanges.of(time_zone="Asia/Tokyo"))
    harness.api.fail_next("users.info", Fault.server_error(500))
    assert as_typed(times_in("Asia/Tokyo")) in text_of(opened_short(harness).blocks)


# First what most events need


def test_first_form_creates_an_event_with_defaults(harness: SlackHarness) -> None:
    view = opened_short(harness)
    zone = harness.workspace.member(BJORN).tz
    assert as_typed(times_in(zone)) in text_of(view.blocks)
    offered_ends(harness, view, "20:00")
    assert harness.slack.submit(BJORN, view.id, filled(harness, END="20:00")).errors == {}
    event = only_event(harness)
    assert (event.title, event.capacity, event.time_zone) == ("Pottery", 12, zone)
    assert event.ends_at == event.starts_at + timedelta(hours=2), "on the same day"
    assert (event.has_waitlist, event.reminders) == (True, DEFAULT_REMINDERS)
    assert sentences.taken(0, 12) in shown(harness.workspace.messages(EVENTS)[-1])


def test_first_form_marks_an_end_before_the_start(harness: SlackHarness) -> None:
    view = opened_short(harness)
    offered_ends(harness, view, "17:00")
    result = harness.slack.submit(BJORN, view.id, filled(harness, END="17:00"))
    assert result.errors == {BlockId.END: field_error(FieldProblem.ENDS_TOO_EARLY)}


SCRIPTS = {"Latin": "a", "Arabic": "ع", "Chinese": "中", "emoji": "🎉"}


@pytest.mark.parametrize("char", SCRIPTS.values(), ids=SCRIPTS)
def test_more_options_keep_what_was_typed(harness: SlackHarness, char: str) -> None:
    view = opened_short(harness)
    units = utf16_length(char)
    values = filled(
        harness, TITLE=char * (120 // units), LOCATION=char * (200 // units), END="20:00"
    )
    offered_ends(harness, view, "20:00")
    harness.slack.click(BJORN, view, ActionId.MORE_OPTIONS, values=values)
    now = harness.workspace.views.stack(BJORN)[-1]
    initial = {block["block_id"]: block["element"] for block in now.blocks if "element" in block}
    assert initial[BlockId.TITLE]["initial_value"] == values[INPUTS[BlockId.TITLE]]
    assert initial[BlockId.LOCATION]["initial_value"] == values[INPUTS[BlockId.LOCATION]]
    assert initial[BlockId.START_DATE]["initial_date"] == values[INPUTS[BlockId.START_DATE]]
    assert initial[BlockId.START_TIME]["initial_time"] == "18:00"
    assert initial[BlockId.END]["initial_option"]["value"] == "20:00"
    assert initial[BlockId.CAPACITY]["initial_value"] == "12"
    assert initial[BlockId.CHANNEL]["initial_conversation"] == EVENTS
    harness.slack.submit(BJORN, now.id, {INPUTS[BlockId.DESCRIPTION]: char * (2_500 // units)})
    event = only_event(harness)
    assert event.title == values[INPUTS[BlockId.TITLE]]
    assert utf16_length(event.description) == 2_500


def test_more_options_keep_a_channel_that_was_cleared(harness: SlackHarness) -> None:
    view = opened_short(harness)
    harness.slack.click(BJORN, view, ActionId.MORE_OPTIONS, values={INPUTS[BlockId.CHANNEL]: None})
    now = harness.workspace.views.stack(BJORN)[-1]
    assert now.state[BlockId.CHANNEL][ActionId.INPUT]["selected_conversation"] is None


def test_join_link_and_visibility_are_stored(harness: SlackHarness) -> None:
    """R12.1, R12.2."""
    link = "https://example.org/meeting"
    sent(harness, JOIN_LINK=link, VISIBLE_TO=Visibility.ORGANIZERS.value)
    event = only_event(harness)
    assert (event.join_link, event.attendees_visible_to) == (link, Visibility.ORGANIZERS)


def test_reply_without_channel_says_how_to_post_a_card(harness: SlackHarness) -> None:
    created = reply(sent(harness, CHANNEL=None))
    assert as_typed(NO_CARD) in created
    assert f"/register {only_event(harness).event_id}" in created


def test_reply_with_card_leaves_registering_to_it(harness: SlackHarness) -> None:
    assert "/register" not in reply(sent(harness))


@pytest.mark.parametrize("text", ["create Yoga in the park", "Create   Yoga in the park"])
def test_create_command_fills_in_title(harness: SlackHarness, text: str) -> None:
    view = harness.slack.command(BJORN, RANDOM, "/event", text).view
    assert view is not None
    assert view.title == "Create event"
    assert view.state[BlockId.TITLE][ActionId.INPUT]["value"] == "Yoga in the park"


def test_create_command_cuts_a_title_that_is_too_long(harness: SlackHarness) -> None:
    view = harness.slack.command(BJORN, RANDOM, "/event", f"create {'🎉' * 200}").view
    assert view is not None
    typed = view.state[BlockId.TITLE][ActionId.INPUT]["value"]
    assert 0 < utf16_length(typed) <= 120


def test_event_without_text_opens_form(harness: SlackHarness) -> None:
    view = harness.slack.command(BJORN, RANDOM, "/event").view
    assert view is not None
    assert view.title == "Create event"


def test_admin_is_not_organizer_of_others_events(harness: SlackHarness) -> None:
    sent(harness)
    assert only_event(harness).is_organizer(AMARA) is False


# Likely mistakes: R12.6


def test_same_title_and_start_is_warned_about_once(harness: SlackHarness) -> None:
    sent(harness)
    warned = sent(harness)
    assert as_typed(warning_text([CreationWarning.SAME_EVENT])) in reply(warned)
    assert warned.view is not None
    assert len(harness.assert_invariants().events) == 1
    assert "is open for registration" in reply(harness.slack.submit(BJORN, warned.view.id))
    assert len(harness.assert_invariants().events) == 2


def test_same_title_and_start_of_a_private_event_is_not_given_away(harness: SlackHarness) -> None:
    harness.slack.join(harness.workspace.app.bot_user_id, LEADS)
    view = opened_short(harness, PRIYA)
    harness.slack.submit(PRIYA, view.id, filled(harness, CHANNEL=LEADS))
    assert only_event(harness).listed is False
    assert "is open for registration" in reply(sent(harness))


def test_start_more_than_two_years_away_is_warned_about_once(harness: SlackHarness) -> None:
    view = opened_short(harness)
    day = (harness.clock.now() + timedelta(days=800)).date().isoformat()
    warned = harness.slack.submit(BJORN, view.id, filled(harness, START_DATE=day))
    assert as_typed(warning_text([CreationWarning.FAR_AWAY])) in reply(warned)
    assert harness.everything().events == {}
    assert warned.view is not None
    later = (harness.clock.now() + timedelta(days=900)).date().isoformat()
    again = harness.slack.submit(BJORN, view.id, {INPUTS[BlockId.START_DATE]: later})
    assert as_typed(warning_text([CreationWarning.FAR_AWAY])) in reply(again), "another start"
    harness.slack.submit(BJORN, view.id)
    assert only_event(harness).starts_at.date().isoformat() == later


def test_warning_is_not_repeated_after_more_options(harness: SlackHarness) -> None:
    view = opened_short(harness)
    day = (harness.clock.now() + timedelta(days=800)).date().isoformat()
    warned = harness.slack.submit(BJORN, view.id, filled(harness, START_DATE=day)).view
    assert warned is not None
    harness.slack.click(BJORN, warned, ActionId.MORE_OPTIONS)
    harness.slack.submit(BJORN, view.id)
    assert only_event(harness).starts_at.date().isoformat() == day


@pytest.mark.parametrize("char", SCRIPTS.values(), ids=SCRIPTS)
def test_warning_keeps_the_largest_inputs(harness: SlackHarness, char: str) -> None:
    """The form is the acknowledgement, which Socket Mode limits."""
    units = utf16_length(char)
    values: dict[str, Any] = {
        "TITLE": char * (120 // units),
        "LOCATION": char * (200 // units),
        "DESCRIPTION": char * (2_500 // units),
        "JOIN_LINK": "https://example.org/" + "x" * 480,
        "START_DATE": (harness.clock.now() + timedelta(days=800)).date().isoformat(),
    }
    warned = sent(harness, **values)
    assert as_typed(warning_text([CreationWarning.FAR_AWAY])) in reply(warned)
    assert warned.view is not None
    harness.slack.submit(BJORN, warned.view.id)
    event = only_event(harness)
    assert (event.title, event.description) == (values["TITLE"], values["DESCRIPTION"])
