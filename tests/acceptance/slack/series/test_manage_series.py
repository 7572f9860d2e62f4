"""Manage of a series, and of one of its dates: rule, dates, capacity, skipped dates (R13.1, R13.3, R8.8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.formatting import long_date
from bot.blocks.ids import ActionId, BlockId
from bot.features.manage.series_views import ENDED, PROMOTES
from bot.slack import error_messages
from bot.slack.refusals import NotForSeries
from domain.errors import NotASeries, SeriesBusy
from domain.inputs import EventChanges
from domain.models import Event
from playground.demo.seed import EVENTS, RANDOM
from playground.workspace.model import View
from tests.support.series import new_series, register_for_all
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, SlackHarness, reply
from tests.support.slack.modals import NOT_ALLOWED, manage_modal, press, said, submit, top

WEEK = timedelta(weeks=1)


def series(harness: SlackHarness, **values: Any) -> Event:
    """Create a series of Bjorn's whose first three dates were created. It takes place at noon in UTC."""
    starts_at = (harness.clock.now() + timedelta(days=2)).replace(hour=12)
    return new_series(
        harness.bot.service, starts_at=starts_at, organizer_id=BJORN, days_ahead=17, **values
    )


def day(harness: SlackHarness, number: int) -> str:
    """Return the date of an occurrence as people read it."""
    return long_date(made(harness, number).starts_at)


def made(harness: SlackHarness, number: int) -> Event:
    return harness.bot.service.get_event(f"yoga-{number}")


def refused(error: Exception) -> str:
    """Return the first sentence of a refusal."""
    return error_messages.sentence(error).split(". ")[0]  # type: ignore[arg-type]  # every one here is a refusal


def test_series_says_when_registration_opens(harness: SlackHarness) -> None:
    series(harness, missed_first=True)
    text = said(manage_modal(harness))
    assert "opens 17 days before it, but not until the previous date has started." in text


def test_series_shows_its_rule_its_dates_and_who_registered_for_all(harness: SlackHarness) -> None:
    starts_at = series(harness, location="Park").starts_at
    for user_id in (CHLOE, DIEGO, HARUKI):
        harness.bot.service.ensure_user(harness.draft(user_id))
        register_for_all(harness.bot.service, user_id)
    text = said(manage_modal(harness))
    assert f"Every {starts_at:%A}, until" in text
    assert f"{day(harness, 1)}: 2 of 2 seats, 1 on the waitlist" in text
    assert f"Not open yet: {long_date(starts_at + 3 * WEEK)}" in text
    assert "*Registered for all of the series* (3)" in text
    for action in (ActionId.POST_CARD, ActionId.CLOSE, ActionId.ADD_ATTENDEES, ActionId.EDIT):
        assert f"[{action}]" not in text


def test_series_without_any_date_yet_is_found_by_its_title(harness: SlackHarness) -> None:
    starts_at = harness.clock.now() + timedelta(days=90)
    new_series(harness.bot.service, "later", starts_at=starts_at, organizer_id=BJORN)
    text = said(harness.slack.command(BJORN, RANDOM, "/event", "Yoga").view)
    assert "Every " in text
    assert "Not open yet" in text
    text = said(harness.slack.open_home(BJORN).home)
    assert "*Yoga* · Series" in text


def test_several_matches_tell_the_series_from_its_dates(harness: SlackHarness) -> None:
    series(harness)
    text = reply(harness.slack.command(BJORN, RANDOM, "/event", "yog"))
    assert "*Yoga* · Series" in text
    assert text.count("[manage]") == 4


def test_date_leads_to_its_series_and_back(harness: SlackHarness) -> None:
    series(harness)
    manage_modal(harness, event_id="yoga-2")
    assert "One date of a series: Every " in said(top(harness))
    assert "Not open yet" in said(press(harness, ActionId.MANAGE_OTHER))
    assert "One date of a series" in said(press(harness, ActionId.MANAGE_OTHER, value="yoga-1"))
    assert len(harness.workspace.views.stack(BJORN)) == 1


def test_nobody_else_sees_it(harness: SlackHarness) -> None:
    series(harness)
    assert NOT_ALLOWED in reply(harness.slack.command(CHLOE, RANDOM, "/event", "yoga"))


def test_someone_is_removed_from_all_of_it(harness: SlackHarness) -> None:
    series(harness)
    harness.bot.service.ensure_user(harness.draft(CHLOE))
    register_for_all(harness.bot.service, CHLOE)
    manage_modal(harness)
    view = press(harness, ActionId.ATTENDEE, value=CHLOE)
    assert "They keep the dates" in said(view)
    text = said(submit(harness, view).view)
    assert f"Removed <@{CHLOE}> from all of *Yoga*" in text
    assert harness.bot.service.get_event("yoga").waitlist_count == 0
    assert harness.bot.service.find_registration("yoga-1", CHLOE) is not None


class TestCapacity:
    def test_new_capacity_reaches_all_dates_but_those_with_their_own(
        self, harness: SlackHarness
    ) -> None:
        series(harness)
        harness.register(CHLOE, DIEGO, HARUKI, event_id="yoga-1")
        harness.bot.service.edit_event("yoga-2", EventChanges.of(capacity=9))
        manage_modal(harness)
        view = press(harness, ActionId.CHANGE_SERIES_CAPACITY)
        text = said(submit(harness, view, {BlockId.CAPACITY: "5"}).view)
        assert f"{PROMOTES}\n• {day(harness, 1)}: 1 person" in text
        submit(harness, top(harness))
        capacities = [made(harness, number).capacity for number in (1, 2, 3)]
        assert capacities == [5, 9, 5]
        assert harness.bot.service.get_event("yoga").capacity == 5
        assert made(harness, 1).registered_count == 3

    def test_capacity_that_is_too_low_names_the_date(self, harness: SlackHarness) -> None:
        series(harness)
        harness.register(CHLOE, DIEGO, event_id="yoga-2")
        manage_modal(harness)
        view = press(harness, ActionId.CHANGE_SERIES_CAPACITY)
        text = said(submit(harness, view, {BlockId.CAPACITY: "1"}).view)
        assert f"2 people already have a seat on {day(harness, 2)}" in text
        view = top(harness)
        submit(harness, view, {BlockId.CAPACITY: "3"})
        harness.register(HARUKI, event_id="yoga-2")
        assert harness.bot.service.get_event("yoga").capacity == 2

    def test_capacity_of_one_date_says_that_it_is_only_that(self, harness: SlackHarness) -> None:
        series(harness)
        manage_modal(harness, event_id="yoga-1")
        assert "only this date" in said(press(harness, ActionId.CHANGE_CAPACITY))


class TestSkipping:
    def form(self, harness: SlackHarness) -> View:
        manage_modal(harness)
        return press(harness, ActionId.SKIP_DATES)

    def test_skipped_date_is_not_created(self, harness: SlackHarness) -> None:
        starts_at = series(harness, times=6).starts_at
        fourth = (starts_at + 3 * WEEK).date()
        submit(harness, self.form(harness), {BlockId.SKIPPED: [fourth.isoformat()]})
        assert f"*Yoga* skips: {long_date(fourth)}" in said(top(harness))
        harness.clock.advance(2 * WEEK)
        harness.bot.service.sweep()
        assert made(harness, 4).starts_at.date() == (starts_at + 4 * WEEK).date()
        assert f"Skipped: {long_date(fourth)}" not in said(manage_modal(harness))

    def test_skips_of_two_organizers_both_count(self, harness: SlackHarness) -> None:
        starts_at = series(harness, times=9).starts_at
        days = [(starts_at + number * WEEK).date() for number in (4, 5, 6)]
        harness.bot.service.change_left_out("yoga", leave_out=[days[0]])
        view = self.form(harness)
        harness.bot.service.change_left_out("yoga", leave_out=[days[1]])
        submit(harness, view, {BlockId.SKIPPED: [days[2].isoformat()]})
        rule = harness.bot.service.get_event("yoga").recurrence
        assert rule is not None
        assert rule.left_out == (days[1], days[2])

    def test_date_that_was_created_meanwhile_is_refused_at_its_field(
        self, harness: SlackHarness
    ) -> None:
        starts_at = series(harness, times=6).starts_at
        view = self.form(harness)
        harness.clock.advance(WEEK)
        harness.bot.service.sweep()
        fourth = (starts_at + 3 * WEEK).date()
        result = submit(harness, view, {BlockId.SKIPPED: [fourth.isoformat()]})
        assert "aren’t open yet" in (result.errors or {})[BlockId.SKIPPED]


def pointed_at(view: View, event_id: str) -> View:
    """Have every button of a view name another event, as in a forged payload."""
    for block in view.blocks:
        for element in [*block.get("elements", ()), block.get("accessory") or {}]:
            if element.get("type") == "button":
                element["value"] = event_id
    return view


SINGLE = [
    *(ActionId.EDIT, ActionId.CHANGE_CAPACITY, ActionId.CLOSE, ActionId.ADD_ATTENDEES),
    *(ActionId.POST_CARD, ActionId.DUPLICATE, ActionId.CANCEL_EVENT),
]
"""The buttons of an event's Manage that a series has no use for."""


@pytest.mark.parametrize("action", SINGLE)
def test_button_of_an_event_is_refused_for_a_series(
    harness: SlackHarness, action: ActionId
) -> None:
    series(harness)
    view = pointed_at(manage_modal(harness, event_id="yoga-1"), "yoga")
    before = harness.everything()
    assert refused(NotForSeries()) in reply(harness.slack.click(BJORN, view, action))
    assert harness.everything() == before


FORMS: dict[ActionId, dict[BlockId, Any]] = {
    ActionId.CHANGE_CAPACITY: {BlockId.CAPACITY: "9"},
    ActionId.ADD_ATTENDEES: {BlockId.ATTENDEES: [HARUKI]},
    ActionId.POST_CARD: {BlockId.CHANNEL: EVENTS},
    ActionId.CANCEL_EVENT: {},
}


@pytest.mark.parametrize("action", FORMS)
def test_form_of_an_event_is_refused_for_a_series(harness: SlackHarness, action: ActionId) -> None:
    series(harness)
    manage_modal(harness, event_id="yoga-1")
    view = press(harness, action)
    view.body["private_metadata"] = view.private_metadata.replace('"yoga-1"', '"yoga"')
    before = harness.everything()
    assert refused(NotForSeries()) in said(submit(harness, view, FORMS[action]).view)
    assert harness.everything() == before


def test_organizer_who_registered_for_all_of_it_can_stop_in_home(harness: SlackHarness) -> None:
    series(harness)
    harness.bot.service.ensure_user(harness.draft(BJORN))
    register_for_all(harness.bot.service, BJORN)
    home = harness.slack.open_home(BJORN).home
    assert home is not None
    harness.slack.click(BJORN, home, ActionId.STOP_SERIES)
    assert harness.bot.service.get_event("yoga").waitlist_count == 0


@pytest.mark.parametrize(
    "action",
    [
        *(ActionId.EDIT_SERIES, ActionId.CHANGE_SERIES_CAPACITY),
        *(ActionId.SKIP_DATES, ActionId.END_SERIES),
    ],
)
def test_button_of_a_series_is_refused_for_an_event(
    harness: SlackHarness, action: ActionId
) -> None:
    series(harness)
    harness.event("talk", organizer_id=BJORN, title="Talk")
    view = pointed_at(manage_modal(harness), "talk")
    before = harness.everything()
    said_ = reply(harness.slack.click(BJORN, view, action))
    assert refused(NotASeries("talk", "Talk")) in said_
    assert harness.everything() == before


def test_series_that_has_ended_offers_no_changes(harness: SlackHarness) -> None:
    series(harness)
    harness.bot.service.end_series("yoga")
    text = said(manage_modal(harness))
    assert ENDED in text
    for action in (ActionId.EDIT_SERIES, ActionId.CHANGE_SERIES_CAPACITY, ActionId.SKIP_DATES):
        assert f"[{action}]" not in text
    assert f"[{ActionId.END_SERIES}]" in text


def test_busy_series_says_why(harness: SlackHarness) -> None:
    """R8.12: what it waits for, and that nothing changed."""
    assert "earlier change" in error_messages.sentence(SeriesBusy())
    assert "nothing changed" in error_messages.sentence(SeriesBusy())
