"""Calendar files, read back with another library (R8.16)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import vobject

from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import as_typed
from bot.features.calendar import views as calendar_views
from bot.features.calendar.calendar_file import calendar_file
from domain.inputs import EventChanges
from domain.models import Event
from playground.demo.seed import RANDOM
from playground.web_api.fault_injection import Fault
from tests.support.slack import sentences
from tests.support.slack.harness import BJORN, CHLOE, SlackHarness, files, reply


def read(event: Event) -> Any:
    """Read the file with another library."""
    return vobject.readOne(calendar_file(event, "T1").content.read().decode())


def test_calendar_file_has_title_time_and_location(harness: SlackHarness) -> None:
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
def test_typed_text_is_read_back(harness: SlackHarness, title: str) -> None:
    event = harness.event(title=title, location=title, description=f"{title}\n\n{title}")
    entry = read(event).vevent
    assert entry.summary.value == title
    assert entry.location.value == title
    assert entry.description.value == f"{title}\n\n{title}"


def test_lines_are_folded_to_75_octets(harness: SlackHarness) -> None:
    """RFC 5545, 3.1: at most 75 octets in a line, which ends with CRLF."""
    content = calendar_file(harness.event(title="é" * 120), "T1").content.read()
    lines = content.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert not any(b"\n" in line for line in lines)


def test_changed_event_keeps_uid_and_raises_sequence(harness: SlackHarness) -> None:
    first = read(harness.event()).vevent
    later = harness.clock.now() + timedelta(days=5)
    harness.bot.service.edit_event("yoga", EventChanges.of(starts_at=later))
    second = read(harness.bot.service.get_event("yoga")).vevent
    assert second.uid.value == first.uid.value
    assert int(second.sequence.value) > int(first.sequence.value)
    assert second.dtstart.value == later


def test_canceled_event_removes_entry(harness: SlackHarness) -> None:
    first = read(harness.event()).vevent
    harness.bot.service.cancel_event("yoga")
    calendar = read(harness.bot.service.get_event("yoga"))
    assert calendar.method.value == "CANCEL"
    assert calendar.vevent.status.value == "CANCELLED"  # codespell:ignore
    assert calendar.vevent.uid.value == first.uid.value
    assert int(calendar.vevent.sequence.value) > int(first.sequence.value)


def test_uid_differs_between_workspaces(harness: SlackHarness) -> None:
    event = harness.event()
    other = vobject.readOne(calendar_file(event, "T2").content.read().decode())
    assert other.vevent.uid.value != read(event).vevent.uid.value


def test_control_characters_are_dropped(harness: SlackHarness) -> None:
    """Also those stored before input was cleaned."""
    event = harness.event().model_copy(update={"description": "a\x00b\x0bc\x7fd"})
    assert read(event).vevent.description.value == "abcd"


def press(harness: SlackHarness, user_id: str = CHLOE) -> str:
    harness.register(user_id)
    result = harness.slack.command(user_id, RANDOM, "/registrations")
    return reply(harness.slack.click(user_id, result.ephemeral[-1], ActionId.ADD_TO_CALENDAR))


def test_file_is_sent_by_direct_message(harness: SlackHarness) -> None:
    event = harness.event()
    assert as_typed(calendar_views.file_sent(event).text) in press(harness)
    (file,) = files(harness, CHLOE)
    assert file.name == "Yoga in the park.ics"
    assert file.content is not None
    entry = vobject.readOne(file.content.decode()).vevent
    assert entry.uid.value == f"{event.event_id}.{harness.workspace.team_id}@rollcall"


def test_waitlisted_user_gets_no_calendar_entry(harness: SlackHarness) -> None:
    """They may still see the button from when they had a seat."""
    harness.event(capacity=1)
    harness.register(CHLOE)
    message = harness.slack.command(CHLOE, RANDOM, "/registrations").ephemeral[-1]
    harness.bot.service.unregister("yoga", CHLOE)
    harness.register(BJORN, CHLOE)
    said = reply(harness.slack.click(CHLOE, message, ActionId.ADD_TO_CALENDAR))
    assert "1st on the waitlist" in said
    assert files(harness, CHLOE) == []
    harness.bot.service.cancel_event("yoga")
    said = reply(harness.slack.click(CHLOE, message, ActionId.ADD_TO_CALENDAR))
    assert "nothing to remove" in said
    assert files(harness, CHLOE) == []


def test_reply_says_that_the_file_is_where_the_button_was_pressed(harness: SlackHarness) -> None:
    event = harness.event(capacity=1)
    harness.register(BJORN, CHLOE)
    harness.bot.service.unregister("yoga", BJORN)
    harness.deliver_due()
    (promotion,) = harness.workspace.messages(harness.workspace.dm(CHLOE).id)
    said = reply(harness.slack.click(CHLOE, promotion, ActionId.ADD_TO_CALENDAR))
    assert as_typed(calendar_views.file_sent(event, is_here=True).text) in said
    assert "direct message" not in said


def test_reply_about_a_canceled_event_says_that_the_file_removes_it(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE)
    harness.bot.service.cancel_event("yoga")
    message = harness.slack.command(CHLOE, RANDOM, "/registrations").ephemeral[-1]
    said = reply(harness.slack.click(CHLOE, message, ActionId.ADD_TO_CALENDAR))
    assert "remove *Yoga in the park* from your calendar" in said
    assert "in a direct message" in said


def test_message_about_a_cancellation_has_the_file_that_removes_the_event(
    harness: SlackHarness,
) -> None:
    harness.event()
    harness.register(CHLOE)
    harness.bot.service.cancel_event("yoga")
    harness.deliver_due()
    (message,) = harness.workspace.messages(harness.workspace.dm(CHLOE).id)
    said = reply(harness.slack.click(CHLOE, message, ActionId.ADD_TO_CALENDAR))
    assert "remove *Yoga in the park* from your calendar" in said
    assert "direct message" not in said


def test_canceled_event_is_to_be_removed_by_hand_where_slack_takes_no_files(
    harness: SlackHarness,
) -> None:
    harness.event()
    harness.register(CHLOE)
    harness.bot.service.cancel_event("yoga")
    harness.api.fail_next("files.getUploadURLExternal", Fault.refused("file_uploads_disabled"))
    result = harness.slack.command(CHLOE, RANDOM, "/registrations")
    said = reply(harness.slack.click(CHLOE, result.ephemeral[-1], ActionId.ADD_TO_CALENDAR))
    assert "Please remove *Yoga in the park* from your calendar" in said


def test_second_press_sends_same_entry(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE)
    result = harness.slack.command(CHLOE, RANDOM, "/registrations")
    for _ in range(2):
        harness.slack.click(CHLOE, result.ephemeral[-1], ActionId.ADD_TO_CALENDAR)
    first, second = files(harness, CHLOE)
    assert first.content == second.content


def test_failed_upload_asks_to_try_again(harness: SlackHarness) -> None:
    event = harness.event()
    harness.api.fail_next("files.completeUploadExternal", Fault.server_error())
    assert as_typed(calendar_views.file_not_sent(event).text) in press(harness)
    assert files(harness, CHLOE) == []


def test_calendar_file_of_deleted_event_is_refused(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    harness.register(CHLOE)
    result = harness.slack.command(CHLOE, RANDOM, "/registrations")
    harness.bot.service.delete_event("yoga")
    said = harness.slack.click(CHLOE, result.ephemeral[-1], ActionId.ADD_TO_CALENDAR)
    assert sentences.EVENT_GONE in reply(said)
    assert files(harness, CHLOE) == []
