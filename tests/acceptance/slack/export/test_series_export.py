"""Who came to which occurrence of a series, as a CSV file in a direct message (R8.8, R8.11, R13)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.blocks.fullness import fullness_lines
from domain.errors import NotOrganizer
from domain.inputs import UserDraft
from domain.models import Actor
from playground.web_api.fault_injection import Fault
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
    (file,) = (one for one in files(harness, BJORN) if one.name == "Yoga.csv")
    return rows(file)


def test_file_has_a_row_for_each_attendee_and_a_column_for_each_date(harness: SlackHarness) -> None:
    first = yoga(harness)
    harness.bot.service.unregister("yoga-2", CHLOE)
    export(harness)
    head, *attendees = table(harness)
    tokyo = ZoneInfo("Asia/Tokyo")
    dates = [(first + n * WEEK).astimezone(tokyo) for n in range(3)]
    assert head == [
        *("Name", "User ID", "All of the series", "Had a seat"),
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
    assert len(files(harness, BJORN)) == 2, "a table and a picture"


def test_export_is_for_organizers(harness: SlackHarness) -> None:
    yoga(harness)
    with pytest.raises(NotOrganizer):
        export(harness, user_id=DIEGO)


def test_message_has_a_picture_of_how_full_each_date_is_and_says_it(harness: SlackHarness) -> None:
    yoga(harness)
    export(harness)
    _, picture = files(harness, BJORN)
    assert picture.name == "Yoga.png"
    assert (picture.content or b"").startswith(b"\x89PNG")
    lines = fullness_lines(harness.bot.service.get_whole_series("yoga", BJORN).made)
    assert lines[0].endswith("1 of 1 seat, 1 on the waitlist")
    message = harness.workspace.messages(harness.workspace.dm(BJORN).id)[-1]
    assert len(message.files) == 2
    assert all(line in message.text for line in lines)
    (*_, call) = harness.api.calls("files.getUploadURLExternal")
    assert "; ".join(lines) in call.args["alt_txt"]


def test_series_that_has_made_nothing_has_no_picture(harness: SlackHarness) -> None:
    new_series(harness.bot.service, starts_at=harness.clock.now() + 9 * WEEK, organizer_id=BJORN)
    export(harness)
    assert table(harness) == [["Name", "User ID", "All of the series", "Had a seat"]]
    assert len(files(harness, BJORN)) == 1


def test_picture_that_slack_does_not_take_comes_with_the_table_later(harness: SlackHarness) -> None:
    yoga(harness)
    harness.api.fail_next("files.completeUploadExternal", Fault.server_error())
    export(harness)
    assert files(harness, BJORN) == []
    harness.clock.advance(60)
    harness.deliver_due(3)
    assert len(files(harness, BJORN)) == 2
