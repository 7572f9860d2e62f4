"""The new calendar file that comes with the message about a moved event (R8.16)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import vobject

from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import as_typed
from bot.features.calendar import views as calendar_views
from bot.notifications import calendar_files
from bot.notifications.calendar_files import RETRY_DELAY
from domain.enums import NotificationKind
from domain.inputs import EventChanges, UserDraft
from playground.web_api.fault_injection import Fault
from tests.support.notifications.message_kinds import kinds_of
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, SlackHarness, files, reply

JOIN_LINK = "https://meet.example/yoga?pwd=a_b~c"

UPLOAD_STEPS = ("files.getUploadURLExternal", "files.completeUploadExternal")


def move(harness: SlackHarness, location: str = "Room 2", *, later: int = 5) -> None:
    """Move the event, and deliver the messages about it."""
    starts_at = harness.clock.now() + timedelta(days=later)
    harness.bot.service.edit_event(
        "yoga", EventChanges.of(location=location, starts_at=starts_at, ends_at=None)
    )
    harness.deliver_due(6)


def yoga(harness: SlackHarness, *user_ids: str, capacity: int = 20, **values: Any) -> None:
    harness.event(capacity=capacity, join_link=JOIN_LINK, **values)
    harness.register(*user_ids)


def read(harness: SlackHarness, user_id: str) -> Any:
    """Read a member's newest file with another library."""
    content = files(harness, user_id)[-1].content
    assert content is not None
    return vobject.readOne(content.decode()).vevent


def test_members_with_a_seat_get_the_new_file_with_the_message(harness: SlackHarness) -> None:
    yoga(harness, BJORN, CHLOE, DIEGO)
    move(harness)
    event = harness.bot.service.get_event("yoga")
    for user_id in (BJORN, CHLOE, DIEGO):
        (message,) = harness.direct_messages(user_id)
        assert "new calendar file" in message
        assert f"[{ActionId.UPDATE_CALENDAR}]" not in message, "the file is there"
        entry = read(harness, user_id)
        assert entry.uid.value == f"yoga.{harness.workspace.team_id}@rollcall"
        assert (entry.dtstart.value, entry.location.value) == (event.starts_at, "Room 2")
        assert entry.url.value == JOIN_LINK


def test_file_is_uploaded_once_for_all_recipients(harness: SlackHarness) -> None:
    yoga(harness, BJORN, CHLOE, DIEGO)
    before = len(harness.api.calls("chat.postMessage"))
    move(harness)
    assert [len(harness.api.calls(step)) for step in UPLOAD_STEPS] == [1, 1]
    assert len(harness.api.calls("chat.postMessage")) - before == 3
    assert harness.api.calls("conversations.open") == []


def test_each_move_brings_a_file_of_its_own(harness: SlackHarness) -> None:
    yoga(harness, CHLOE)
    move(harness, "Room 2")
    first = read(harness, CHLOE)
    move(harness, "Room 3")
    second = read(harness, CHLOE)
    assert second.location.value == "Room 3"
    assert int(second.sequence.value) > int(first.sequence.value)


def test_waitlisted_member_gets_no_file(harness: SlackHarness) -> None:
    """It has the join link (R12.2)."""
    yoga(harness, BJORN, CHLOE, capacity=1)
    move(harness)
    assert len(files(harness, BJORN)) == 1
    assert files(harness, CHLOE) == []
    (message,) = harness.direct_messages(CHLOE)
    assert "new calendar file" not in message
    assert f"[{ActionId.UPDATE_CALENDAR}]" not in message, "there is no entry to update"


def test_nothing_is_uploaded_if_only_the_waitlist_or_nobody_in_slack_gets_the_message(
    harness: SlackHarness,
) -> None:
    harness.bot.service.create_user(UserDraft.of(user_id="payroll", name="Payroll"))
    yoga(harness, capacity=1)
    harness.bot.service.register("yoga", "payroll")
    harness.register(CHLOE)
    move(harness)
    assert kinds_of(harness.direct_messages(CHLOE)) == [NotificationKind.MOVED]
    assert harness.api.calls(UPLOAD_STEPS[0]) == []


def test_event_that_was_canceled_meanwhile_has_no_new_file(harness: SlackHarness) -> None:
    yoga(harness, CHLOE)
    harness.bot.service.edit_event("yoga", EventChanges.of(location="Room 2"))
    harness.bot.service.cancel_event("yoga")
    harness.deliver_due(6)
    assert kinds_of(harness.direct_messages(CHLOE)) == [
        NotificationKind.MOVED,
        NotificationKind.CANCELED,
    ]
    assert files(harness, CHLOE) == []


REFUSALS = {
    "no files here": Fault.refused("file_uploads_disabled"),
    "no scope": Fault.refused("missing_scope"),
    "no app": Fault.refused("accesslimited"),
    "unknown": Fault.refused("purple_moon"),
    "rate limit": Fault.rate_limited(30),
    "500": Fault.server_error(500),
    "closed": Fault.closed(),
    "answer lost": Fault.closed(applied=True),
    "cut off": Fault.cut_off(),
    "proxy's page": Fault.proxy_page(),
}


@pytest.mark.parametrize("step", UPLOAD_STEPS)
@pytest.mark.parametrize("fault", REFUSALS.values(), ids=REFUSALS)
def test_message_goes_out_without_a_file_that_slack_does_not_take(
    harness: SlackHarness, fault: Fault, step: str
) -> None:
    """It neither waits for the file nor is lost, and the upload is not tried again for the next recipient."""
    yoga(harness, BJORN, CHLOE)
    harness.api.fail_next(step, fault)
    move(harness)
    for user_id in (BJORN, CHLOE):
        (message,) = harness.direct_messages(user_id)
        assert "new calendar file" not in message
        assert f"[{ActionId.UPDATE_CALENDAR}]" in message
        assert files(harness, user_id) == []
    assert len(harness.api.calls(step)) == 1
    assert harness.store.list_undelivered(limit=10, cursor=None).items == ()


def press_update(harness: SlackHarness, meanwhile: Callable[[], object] = lambda: None) -> str:
    """Move an event while Slack takes no file, press the button in the message, and return the reply."""
    yoga(harness, CHLOE)
    harness.api.fail_next(UPLOAD_STEPS[0], Fault.server_error(500))
    move(harness)
    (message,) = harness.workspace.messages(harness.workspace.dm(CHLOE).id)
    meanwhile()
    return reply(harness.slack.click(CHLOE, message, ActionId.UPDATE_CALENDAR))


def test_button_sends_the_file_that_slack_did_not_take(harness: SlackHarness) -> None:
    press_update(harness)
    assert read(harness, CHLOE).location.value == "Room 2"
    messages = harness.workspace.messages(harness.workspace.dm(CHLOE).id)
    (comment,) = [message.text for message in messages if message.files]
    assert "update the event in your calendar" in comment


def test_reply_in_the_direct_message_with_the_file_names_no_other_message(
    harness: SlackHarness,
) -> None:
    said = press_update(harness)
    event = harness.bot.service.get_event("yoga")
    assert as_typed(calendar_views.file_sent(event, is_update=True, is_here=True).text) in said
    assert "direct message" not in said


def test_button_sends_no_file_to_someone_who_has_left(harness: SlackHarness) -> None:
    said = press_update(harness, lambda: harness.bot.service.unregister("yoga", CHLOE))
    event = harness.bot.service.get_event("yoga")
    assert as_typed(calendar_views.not_registered(event).text) in said
    assert files(harness, CHLOE) == []


def test_button_sends_no_file_once_the_event_is_over(harness: SlackHarness) -> None:
    said = press_update(harness, lambda: harness.clock.advance(timedelta(days=6)))
    event = harness.bot.service.get_event("yoga")
    assert as_typed(calendar_views.nothing_to_update(event).text) in said
    assert files(harness, CHLOE) == []


def test_button_sends_the_file_that_removes_a_canceled_event(harness: SlackHarness) -> None:
    """Also to someone who has left: the event may still be in their calendar."""

    def leave_and_cancel() -> None:
        harness.bot.service.unregister("yoga", CHLOE)
        harness.bot.service.cancel_event("yoga")

    said = press_update(harness, leave_and_cancel)
    event = harness.bot.service.get_event("yoga")
    assert as_typed(calendar_views.file_sent(event, is_update=True, is_here=True).text) in said
    assert len(files(harness, CHLOE)) == 1


def test_updated_entry_has_no_links_that_would_add_a_second_one(harness: SlackHarness) -> None:
    assert "https://" not in press_update(harness)


def test_moved_event_is_to_be_updated_by_hand_where_slack_takes_no_files(
    harness: SlackHarness,
) -> None:
    yoga(harness, CHLOE)
    harness.api.fail_next(UPLOAD_STEPS[0], Fault.refused("file_uploads_disabled"), times=2)
    move(harness)
    (message,) = harness.workspace.messages(harness.workspace.dm(CHLOE).id)
    said = reply(harness.slack.click(CHLOE, message, ActionId.UPDATE_CALENDAR))
    assert "Please update *Yoga in the park* in your calendar" in said
    assert "https://" not in said


def test_next_move_after_a_while_brings_its_file(harness: SlackHarness) -> None:
    yoga(harness, CHLOE)
    harness.api.fail_next(UPLOAD_STEPS[0], Fault.refused("file_uploads_disabled"))
    move(harness, "Room 2")
    assert files(harness, CHLOE) == []
    harness.clock.advance(timedelta(seconds=RETRY_DELAY))
    move(harness, "Room 3")
    assert read(harness, CHLOE).location.value == "Room 3"


def test_repeated_message_has_its_file(harness: SlackHarness) -> None:
    """The message that Slack did not take is sent again, with the same upload."""
    yoga(harness, CHLOE)
    harness.api.fail_next("chat.postMessage", Fault.server_error(503))
    move(harness)
    harness.clock.advance(timedelta(seconds=10))
    harness.deliver_due(6)
    assert kinds_of(harness.direct_messages(CHLOE)) == [NotificationKind.MOVED]
    assert len(files(harness, CHLOE)) == 1
    assert len(harness.api.calls(UPLOAD_STEPS[0])) == 1


def test_link_that_was_forgotten_is_uploaded_again(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that restarts has forgotten all of them."""
    monkeypatch.setattr(calendar_files, "MAX_LINKS", 0)  # each is forgotten at once
    yoga(harness, BJORN, CHLOE)
    move(harness)
    assert read(harness, BJORN).location.value == read(harness, CHLOE).location.value == "Room 2"
    assert len(harness.api.calls(UPLOAD_STEPS[0])) == 2


def test_message_slack_pauses_is_preceded_by_no_upload(harness: SlackHarness) -> None:
    yoga(harness, CHLOE)
    harness.api.fail_next("chat.postMessage", Fault.rate_limited(60), times=1)
    move(harness)
    uploads = len(harness.api.calls(UPLOAD_STEPS[0]))
    harness.deliver_due(6)
    assert len(harness.api.calls(UPLOAD_STEPS[0])) == uploads
