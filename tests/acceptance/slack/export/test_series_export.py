"""Who came to which occurrence of a series, as a CSV file in a direct message (R8.8, R8.11, R13)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.errors import NotOrganizer
from domain.inputs import UserDraft
from domain.models import Actor
from tests.support.series import new_series
from tests.support.slack.exports import rows
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, PRIYA, SlackHarness, files

WEEK = timedelta(weeks=1)


def yoga(harness: SlackHarness) -> datetime:
    """Make three events with one seat of a series for which Chloé, then Priya registered. Return its start."""
    first = harness.clock.now() + timedelta(days=1)
    new_series(
        harness.bot.service,
        starts_at=first,
        times=4,
        days_ahead=16,
        capacity=1,
        organizer_id=BJORN,
        time_zone="Asia/Tokyo",
    )
    for user_id in (CHLOE, PRIYA):
        harness.register(user_id, event_id="yoga")
        harness.bot.service.sweep()
    return first


def export(harness: SlackHarness, request_id: str = "r1", user_id: str = BJORN) -> None:
    harness.bot.service.export("yoga", request_id=request_id, actor=Actor(user_id))
    harness.deliver_due(3)


def table(harness: SlackHarness) -> list[list[str]]:
    (file,) = files(harness, BJORN)
    return rows(file)


def test_file_has_a_row_for_each_attendee_and_a_column_for_each_date(harness: SlackHarness) -> None:
    first = yoga(harness)
    harness.bot.service.unregister("yoga-2", CHLOE)
    export(harness)
    head, *attendees = table(harness)
    tokyo = ZoneInfo("Asia/Tokyo")
    dates = [(first + n * WEEK).astimezone(tokyo) for n in range(3)]
    assert head == [
        *("Name", "User ID", "All of the series", "Came to"),
        *(f"{one:%Y-%m-%d %H:%M} (Asia/Tokyo)" for one in dates),
    ]
    assert attendees == [
        ["Chloé Tremblay", CHLOE, "registered", "0", "registered", "", "registered"],
        ["Priya Raman", PRIYA, "registered", "0", "waitlisted", "registered", "waitlisted"],
    ]


def test_dates_that_started_with_a_seat_count(harness: SlackHarness) -> None:
    yoga(harness)
    harness.bot.service.unregister("yoga", PRIYA)
    harness.clock.advance(timedelta(days=1))
    harness.bot.service.cancel_event("yoga-2")
    harness.bot.service.unregister("yoga-3", CHLOE)
    harness.clock.advance(2 * WEEK)
    export(harness)
    head, *attendees = table(harness)
    assert head[5].endswith(", canceled")
    assert [(row[0], row[2], row[3]) for row in attendees] == [
        ("Chloé Tremblay", "registered", "1"),
        ("Priya Raman", "", "1"),
    ]


def test_typed_name_starts_no_formula(harness: SlackHarness) -> None:
    yoga(harness)
    harness.bot.service.create_user(UserDraft.of(user_id="emp-7", name="=1+1"))
    harness.bot.service.register("yoga-1", "emp-7")
    export(harness)
    assert table(harness)[1][:4] == ["'=1+1", "emp-7", "", "0"]


def test_deleted_date_has_no_column(harness: SlackHarness) -> None:
    yoga(harness)
    harness.bot.service.delete_event("yoga-2")
    export(harness)
    assert len(table(harness)[0]) == 6


def test_one_request_sends_one_file(harness: SlackHarness) -> None:
    yoga(harness)
    export(harness)
    export(harness)
    assert len(files(harness, BJORN)) == 1


def test_export_is_for_organizers(harness: SlackHarness) -> None:
    yoga(harness)
    with pytest.raises(NotOrganizer):
        export(harness, user_id=DIEGO)
