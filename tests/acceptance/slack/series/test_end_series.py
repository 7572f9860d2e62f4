"""Ending a series, canceling and deleting one date or all of it, and the histories (R13.3, R8.8, R8.10)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.features.ending.views import CANCEL_THEM, KEEPS_DATES
from domain.enums import EventStatus
from domain.errors import UnknownEvent
from domain.models import Event
from tests.support.series import new_series, register_for_all
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, SlackHarness, reply
from tests.support.slack.modals import form, manage_modal, press, said, submit, top


def series(harness: SlackHarness, **values: Any) -> Event:
    """Create a series of Bjorn's with two created dates. Chloe registered for all of it, Diego for the first one."""
    starts_at = (harness.clock.now() + timedelta(days=2)).replace(hour=12)
    event = new_series(
        harness.bot.service, starts_at=starts_at, organizer_id=BJORN, days_ahead=10, **values
    )
    harness.bot.service.ensure_user(harness.draft(CHLOE))
    register_for_all(harness.bot.service, CHLOE)
    harness.register(DIEGO, event_id="yoga-1")
    return event


def statuses(harness: SlackHarness) -> list[EventStatus]:
    """Return the status of each date, and of the series."""
    ids = ("yoga-1", "yoga-2", "yoga")
    return [harness.bot.service.get_event(event_id).status for event_id in ids]


OPEN, CANCELED = EventStatus.OPEN, EventStatus.CANCELED


class TestEnding:
    def test_created_dates_stay(self, harness: SlackHarness) -> None:
        series(harness)
        view = form(harness, ActionId.END_SERIES)
        assert "1 person registered for all of it will be notified" in said(view)
        text = said(submit(harness, view, {BlockId.REASON: "No room"}).view)
        assert "2 dates that are already open will take place" in text
        assert statuses(harness) == [OPEN, OPEN, CANCELED]
        harness.deliver_due()
        assert len([one for one in harness.direct_messages(CHLOE) if "No room" in one]) == 1
        assert harness.direct_messages(DIEGO) == []

    def test_created_dates_are_canceled_too(self, harness: SlackHarness) -> None:
        series(harness)
        view = form(harness, ActionId.END_SERIES)
        text = said(submit(harness, view, {BlockId.CREATED_DATES: CANCEL_THEM}).view)
        assert "2 dates that are already open are canceled, and the attendees are notified" in text
        assert statuses(harness) == [CANCELED, CANCELED, CANCELED]
        harness.deliver_due()
        assert len([one for one in harness.direct_messages(DIEGO) if "canceled" in one]) == 1

    def test_dates_of_a_series_that_has_ended_are_canceled_later(
        self, harness: SlackHarness
    ) -> None:
        series(harness)
        harness.bot.service.end_series("yoga")
        view = form(harness, ActionId.END_SERIES)
        assert "attendees of these dates will be notified" in said(view)
        submit(harness, view)
        assert statuses(harness) == [CANCELED, CANCELED, CANCELED]

    def test_second_submit_cancels_nothing(self, harness: SlackHarness) -> None:
        series(harness)
        view = form(harness, ActionId.END_SERIES)
        harness.bot.service.end_series("yoga")
        assert "already ended. Nothing changed." in said(submit(harness, view).view)
        assert statuses(harness) == [OPEN, OPEN, CANCELED]


class TestOneDate:
    def test_canceling_one_says_that_the_series_goes_on(self, harness: SlackHarness) -> None:
        series(harness)
        view = form(harness, ActionId.CANCEL_EVENT, event_id="yoga-1")
        assert "This cancels only this date. The series goes on." in said(view)
        text = said(submit(harness, view).view)
        assert "Only this date is canceled" in text
        assert statuses(harness) == [CANCELED, OPEN, OPEN]

    def test_deleting_one_says_that_the_series_goes_on(self, harness: SlackHarness) -> None:
        series(harness)
        view = form(harness, ActionId.DELETE_EVENT, event_id="yoga-1")
        assert "This deletes only this date. The series goes on." in said(view)
        submit(harness, view, {BlockId.CONFIRMATION: "Yoga"})
        assert harness.bot.service.get_event("yoga").status is OPEN


def test_deleted_series_leaves_its_dates(harness: SlackHarness) -> None:
    series(harness)
    view = form(harness, ActionId.DELETE_EVENT)
    assert KEEPS_DATES in said(view)
    submit(harness, view, {BlockId.CONFIRMATION: "Yoga"})
    assert KEEPS_DATES in said(top(harness))
    with pytest.raises(UnknownEvent):
        harness.bot.service.get_event("yoga")
    text = said(manage_modal(harness, event_id="yoga-1"))
    assert "One date of a series" not in text
    press(harness, ActionId.EDIT)
    assert "title" in top(harness).state


def test_admin_takes_over_a_series(harness: SlackHarness) -> None:
    series(harness)
    harness.bot.service.ensure_user(harness.draft(BJORN))
    harness.bot.service.delete_user(BJORN)
    harness.deliver_due()
    messages = harness.workspace.messages(harness.workspace.dm(AMARA).id)
    about_series = next(one for one in messages if "'yoga'" in str(one.blocks))
    text = reply(harness.slack.click(AMARA, about_series, ActionId.TAKE_OVER))
    assert "organizer of the series *Yoga* and of its new dates" in text
    assert harness.bot.service.get_event("yoga").organizer_ids == (AMARA,)
    assert harness.bot.service.get_event("yoga-1").organizer_ids == ()


def test_histories_say_what_was_created_changed_and_ended(harness: SlackHarness) -> None:
    starts_at = series(harness, times=6).starts_at
    service = harness.bot.service
    skipped = (starts_at + timedelta(weeks=3)).date()
    service.change_left_out("yoga", leave_out=[skipped])
    service.delete_event("yoga-2")
    service.end_series("yoga", reason="No room")
    manage_modal(harness)
    text = said(press(harness, ActionId.HISTORY))
    assert "Rollcall ended the series: No room" in text
    assert f"Skipped: {skipped:%a, %b} {skipped.day}" in text
    assert f"<@{CHLOE}> registered for all of the series" in text
    assert "`/event yoga-1`" in text
    assert "deleted since (`yoga-2`)" in text
    assert f"<@{BJORN}> created the series" in text
    text = said(form(harness, ActionId.HISTORY, event_id="yoga-1"))
    assert "To manage the series: `/event yoga`" in text
    assert "Rollcall created this date of the series" in text


def test_message_reaches_those_who_registered_for_all(harness: SlackHarness) -> None:
    series(harness)
    view = form(harness, ActionId.MESSAGE_ATTENDEES)
    assert "Everyone registered for all of the series (1 person)" in str(view.blocks)
    submit(harness, view, {BlockId.TEXT: "Bring a mat"})
    submit(harness, top(harness))
    harness.deliver_due()
    assert any("Bring a mat" in one for one in harness.direct_messages(CHLOE))
    assert not any("Bring a mat" in one for one in harness.direct_messages(DIEGO))
