"""Add to calendar: an .ics on pressing the button (R8.16), read back with another library."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import vobject

from bot.blocks.ids import ActionId
from bot.features.calendar.calendar_file import calendar_file
from domain.inputs import EventChanges
from domain.models import Event
from playground.demo.seed import RANDOM
from playground.web_api.fault_injection import Fault
from tests.support.slack.harness import BJORN, CHLOE, SlackHarness, answer, files


def read(event: Event) -> Any:
    """Return the file as another library reads it."""
    return vobject.readOne(calendar_file(event, "T1").content.read().decode())


def test_it_says_what_when_and_where(harness: SlackHarness) -> None:
    starts_at = harness.clock.now() + timedelta(days=2)
    event = harness.event(
        ends_at=starts_at + timedelta(hours=1),
        starts_at=starts_at,
        description="Bring a mat; water, too\nand \\friends",
    )
    calendar = read(event)
    assert calendar.method.value == "PUBLISH"
    entry = calendar.vevent
    assert entry.summary.value == "Yoga in the park"
    assert entry.location.value == "Riverside lawn"
    assert entry.description.value == "Bring a mat; water, too\nand \\friends"
    assert entry.dtstart.value == event.starts_at
    assert entry.dtend.value == event.ends_at
    assert entry.status.value == "CONFIRMED"


@pytest.mark.parametrize(
    "title",
    ["a" * 120, "é" * 120, "春" * 120, "A, B; C\\D", 'BEGIN:VEVENT "x"', "=:;,"],
)
def test_whatever_was_typed_is_read_back(harness: SlackHarness, title: str) -> None:
    event = harness.event(title=title, location=title, description=f"{title}\n\n{title}")
    entry = read(event).vevent
    assert entry.summary.value == title
    assert entry.location.value == title
    assert entry.description.value == f"{title}\n\n{title}"


def test_lines_are_folded_as_the_standard_says(harness: SlackHarness) -> None:
    """RFC 5545, 3.1: 75 octets a line, and a carriage return before each line feed."""
    content = calendar_file(harness.event(title="é" * 120), "T1").content.read()
    lines = content.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert not any(b"\n" in line for line in lines)


def test_changed_it_is_the_same_entry_with_a_greater_sequence(harness: SlackHarness) -> None:
    first = read(harness.event()).vevent
    later = harness.clock.now() + timedelta(days=5)
    harness.bot.service.edit_event("yoga", EventChanges.of(starts_at=later))
    second = read(harness.bot.service.get_event("yoga")).vevent
    assert second.uid.value == first.uid.value
    assert int(second.sequence.value) > int(first.sequence.value)
    assert second.dtstart.value == later


def test_canceled_it_takes_the_entry_out(harness: SlackHarness) -> None:
    first = read(harness.event()).vevent
    harness.bot.service.cancel_event("yoga")
    calendar = read(harness.bot.service.get_event("yoga"))
    assert calendar.method.value == "CANCEL"
    assert calendar.vevent.status.value == "CANCELLED"
    assert calendar.vevent.uid.value == first.uid.value
    assert int(calendar.vevent.sequence.value) > int(first.sequence.value)


def test_two_workspaces_events_are_two_entries(harness: SlackHarness) -> None:
    event = harness.event()
    other = vobject.readOne(calendar_file(event, "T2").content.read().decode())
    assert other.vevent.uid.value != read(event).vevent.uid.value


def test_control_characters_do_not_break_it(harness: SlackHarness) -> None:
    event = harness.event(description="a\x00b\x0bc\x7fd")
    assert read(event).vevent.description.value == "abcd"


def press(harness: SlackHarness, user_id: str = CHLOE) -> str:
    harness.register(user_id)
    seen = harness.slack.command(user_id, RANDOM, "/registrations")
    return answer(harness.slack.click(user_id, seen.ephemeral[-1], ActionId.ADD_TO_CALENDAR))


def test_the_file_comes_by_direct_message_and_the_answer_says_so(harness: SlackHarness) -> None:
    event = harness.event()
    assert "in your direct messages" in press(harness)
    (file,) = files(harness, CHLOE)
    assert file.name == "Yoga in the park.ics"
    assert file.content is not None
    entry = vobject.readOne(file.content.decode()).vevent
    assert entry.uid.value == f"{event.event_id}.{harness.workspace.team_id}@rollcall"


def test_who_waits_gets_no_entry_that_looks_like_a_seat(harness: SlackHarness) -> None:
    """Of an event that was moved those who wait are told too, with the same buttons."""
    harness.event(capacity=1)
    harness.register(BJORN, CHLOE)
    harness.bot.service.edit_event("yoga", EventChanges.of(location="Room 2"))
    harness.deliver_due(6)
    message = harness.workspace.messages(harness.workspace.dm(CHLOE).id)[-1]
    said = answer(harness.slack.click(CHLOE, message, ActionId.ADD_TO_CALENDAR))
    assert "you have no seat yet: you are 1st in line" in said
    assert files(harness, CHLOE) == []
    harness.bot.service.cancel_event("yoga")
    said = answer(harness.slack.click(CHLOE, message, ActionId.ADD_TO_CALENDAR))
    assert "in your direct messages" in said


def test_pressed_twice_the_second_is_the_same_entry(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE)
    seen = harness.slack.command(CHLOE, RANDOM, "/registrations")
    for _ in range(2):
        harness.slack.click(CHLOE, seen.ephemeral[-1], ActionId.ADD_TO_CALENDAR)
    first, second = files(harness, CHLOE)
    assert first.content == second.content


def test_where_slack_does_not_take_it_the_person_is_told_to_press_again(
    harness: SlackHarness,
) -> None:
    harness.event()
    harness.api.fail_next("files.completeUploadExternal", Fault.server_error())
    assert "press again" in press(harness)
    assert files(harness, CHLOE) == []


def test_of_an_event_that_vanished_there_is_none(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    harness.register(CHLOE)
    seen = harness.slack.command(CHLOE, RANDOM, "/registrations")
    harness.bot.service.delete_event("yoga")
    said = harness.slack.click(CHLOE, seen.ephemeral[-1], ActionId.ADD_TO_CALENDAR)
    assert "no longer exists" in answer(said)
    assert files(harness, CHLOE) == []
