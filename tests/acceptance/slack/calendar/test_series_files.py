"""Calendar files of series and their occurrences, as members get them (R8.16, R13)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId
from bot.blocks.recurrence_text import repeats_at
from bot.features.calendar import views as calendar_views
from bot.notifications.worker import SWEEP_INTERVAL
from domain.inputs import EventChanges
from playground.web_api.fault_injection import Fault
from playground.workspace.model import Message
from tests.support.calendars import MemberCalendar
from tests.support.series import new_series
from tests.support.slack.harness import BJORN, PRIYA, SlackHarness, files, reply

WEEK = timedelta(weeks=1)


@pytest.fixture
def message(harness: SlackHarness) -> Message:
    """Have a series register Priya for its first event, and return the message about it."""
    starts_at = harness.clock.now() + timedelta(days=7, seconds=30)
    create(harness, starts_at)
    harness.register(PRIYA, event_id="yoga")
    harness.deliver_due(SWEEP_INTERVAL + 3)
    return last_message(harness)


def create(harness: SlackHarness, starts_at: datetime, **values: Any) -> None:
    """Create a series where the clocks never change."""
    given: dict[str, Any] = {"times": 4, "organizer_id": BJORN, "time_zone": "Asia/Tokyo"} | values
    new_series(harness.bot.service, starts_at=starts_at, **given)


def last_message(harness: SlackHarness) -> Message:
    return harness.workspace.messages(harness.workspace.dm(PRIYA).id)[-1]


def about(message: Message, event_id: str) -> Message:
    """Return a message whose buttons are about another event, or a series."""
    blocks = json.dumps(message.blocks).replace('"value": "yoga-1"', f'"value": "{event_id}"')
    return replace(message, blocks=json.loads(blocks))


def add(harness: SlackHarness, message: Message, event_id: str = "yoga") -> str:
    """Press Add to calendar, and return the reply."""
    result = harness.slack.click(PRIYA, about(message, event_id), ActionId.ADD_TO_CALENDAR)
    return reply(result)


def starts(harness: SlackHarness) -> list[datetime]:
    """Return what Priya's calendar shows after she opened all files that she got."""
    content = [file.content or b"" for file in files(harness, PRIYA)]
    return MemberCalendar.of(*content).starts()


def planned(harness: SlackHarness) -> list[datetime]:
    first = harness.bot.service.get_event("yoga").starts_at
    return [first, first + WEEK, first + 2 * WEEK, first + 3 * WEEK]


def move(harness: SlackHarness, **changes: Any) -> None:
    harness.bot.service.edit_event("yoga-1", EventChanges.of(**changes))
    harness.deliver_due(6)


def test_file_has_all_dates_of_the_series(harness: SlackHarness, message: Message) -> None:
    said = add(harness, message)
    assert "the calendar file for all of *Yoga*" in said
    assert starts(harness) == planned(harness)


def test_file_is_for_those_registered_for_all_of_it(
    harness: SlackHarness, message: Message
) -> None:
    harness.slack.click(PRIYA, message, ActionId.STOP_SERIES)
    assert "You’re not registered for all of *Yoga*" in add(harness, message)
    assert files(harness, PRIYA) == []


def test_series_without_dates_has_nothing_to_add(harness: SlackHarness, message: Message) -> None:
    harness.bot.service.end_series("yoga", cancels=True)
    assert "no more dates" in add(harness, message)
    assert files(harness, PRIYA) == []


def test_rule_is_said_where_slack_takes_no_files(harness: SlackHarness, message: Message) -> None:
    harness.api.fail_next("files.getUploadURLExternal", Fault.refused("file_uploads_disabled"))
    series = harness.bot.service.get_event("yoga")
    assert repeats_at(series) in add(harness, message)


def test_failed_upload_asks_to_try_again(harness: SlackHarness, message: Message) -> None:
    harness.api.fail_next("files.completeUploadExternal", Fault.server_error())
    series = harness.bot.service.get_event("yoga")
    assert calendar_views.series_file_not_sent(series).text in add(harness, message)


def test_one_occurrence_and_the_series_show_it_once(
    harness: SlackHarness, message: Message
) -> None:
    add(harness, message, "yoga-1")
    assert starts(harness) == planned(harness)[:1]
    add(harness, message)
    add(harness, message, "yoga-1")
    assert starts(harness) == planned(harness)


def test_moved_occurrence_brings_a_file_that_moves_it_in_the_series(
    harness: SlackHarness, message: Message
) -> None:
    add(harness, message)
    first, *others = planned(harness)
    later = first + timedelta(hours=3)
    move(harness, starts_at=later, ends_at=None)
    assert "new calendar file" in last_message(harness).text
    assert starts(harness) == [later, *others]


def test_canceled_occurrence_is_removed_from_the_series(
    harness: SlackHarness, message: Message
) -> None:
    add(harness, message)
    harness.bot.service.cancel_event("yoga-1")
    harness.deliver_due(6)
    harness.slack.click(PRIYA, last_message(harness), ActionId.ADD_TO_CALENDAR)
    assert starts(harness) == planned(harness)[1:]


def test_moved_series_brings_a_file_for_each_occurrence(
    harness: SlackHarness, message: Message
) -> None:
    add(harness, message)
    first, *others = planned(harness)
    harness.bot.service.edit_series(
        "yoga", EventChanges.of(starts_at=first + timedelta(hours=2), ends_at=None), number=1
    )
    harness.deliver_due(6)
    assert starts(harness) == [first + timedelta(hours=2), *others]
    add(harness, message)
    assert starts(harness) == [start + timedelta(hours=2) for start in (first, *others)]


def test_file_that_depends_on_the_member_comes_when_they_press_the_button(
    harness: SlackHarness,
) -> None:
    """The series moves by a week: its first event is where the second one was."""
    first = harness.clock.now() + timedelta(days=3)
    create(harness, first, days_ahead=14)
    harness.register(PRIYA, event_id="yoga-2")
    changes = EventChanges.of(starts_at=first + WEEK, ends_at=None)
    harness.bot.service.edit_series("yoga", changes, number=1)
    harness.deliver_due(6)
    assert files(harness, PRIYA) == []
    harness.slack.click(PRIYA, last_message(harness), ActionId.UPDATE_CALENDAR)
    assert starts(harness) == [first + 2 * WEEK]
