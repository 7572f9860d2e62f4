"""Messages to attendees: previewed first, sent once (R8.8, R8.13)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from domain.inputs import EventChanges
from playground.web_api.fault_injection import Fault
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, PRIYA, SlackHarness, shown
from tests.support.slack.modals import GONE, NOT_ALLOWED, form, manage_modal, press, said, submit

VALUES = {BlockId.AUDIENCE: "everyone", BlockId.TEXT: "Bring a mat & <!channel> *water*"}


def yoga(harness: SlackHarness, **values: Any) -> None:
    harness.event(organizer_id=BJORN, capacity=2, **values)
    harness.register(CHLOE, DIEGO, HARUKI)


def test_preview_shows_message_and_recipient_count(harness: SlackHarness) -> None:
    yoga(harness)
    view = submit(harness, form(harness, ActionId.MESSAGE_ATTENDEES), VALUES).view
    assert "*3 people will get this" in said(view)
    assert "Bring a mat & <!channel> *water*" in said(view)
    harness.deliver_due(5)
    assert harness.direct_messages(CHLOE) == []


@pytest.mark.parametrize(
    ("audience", "recipients"),
    [
        ("registered", {CHLOE, DIEGO}),
        ("waitlisted", {HARUKI}),
        ("everyone", {CHLOE, DIEGO, HARUKI}),
    ],
)
def test_message_goes_to_its_audience_only(
    harness: SlackHarness, audience: str, recipients: set[str]
) -> None:
    yoga(harness)
    values = VALUES | {BlockId.AUDIENCE: audience}
    preview = submit(harness, form(harness, ActionId.MESSAGE_ATTENDEES), values).view
    assert preview is not None
    assert "on its way" in said(submit(harness, preview).view)
    harness.deliver_due(6)
    received = {
        user_id for user_id in (CHLOE, DIEGO, HARUKI, PRIYA) if harness.direct_messages(user_id)
    }
    assert received == recipients
    for user_id in recipients:
        (message,) = harness.direct_messages(user_id)
        assert "Bring a mat & <!channel> *water*" in message
        assert "Yoga in the park" in message
        assert f"<@{BJORN}>" in message


def test_typed_text_stays_text(harness: SlackHarness) -> None:
    """It is plain text, where nothing pings (R8.11)."""
    yoga(harness)
    preview = submit(harness, form(harness, ActionId.MESSAGE_ATTENDEES), VALUES).view
    assert preview is not None
    submit(harness, preview)
    harness.deliver_due(6)
    message = harness.workspace.messages(harness.workspace.dm(CHLOE).id)[-1]
    (block,) = [one for one in message.blocks if "Bring a mat" in str(one)]
    assert block["text"]["type"] == "plain_text"
    assert "<!channel>" not in message.text
    assert "Bring a mat" in shown(message)


def test_change_after_preview_shows_new_preview(harness: SlackHarness) -> None:
    yoga(harness)
    preview = submit(harness, form(harness, ActionId.MESSAGE_ATTENDEES), VALUES).view
    assert preview is not None
    again = submit(harness, preview, {BlockId.TEXT: "Bring two mats"}).view
    assert again is not None
    assert "hasn’t been sent yet" in said(again)
    harness.deliver_due(6)
    assert harness.direct_messages(CHLOE) == []
    submit(harness, again)
    harness.deliver_due(6)
    assert "Bring two mats" in harness.direct_messages(CHLOE)[0]


def test_message_without_recipients_is_not_sent(harness: SlackHarness) -> None:
    """Regression: the preview said 0 people, and the message was sent."""
    harness.event(organizer_id=BJORN)
    harness.register(CHLOE)
    values = VALUES | {BlockId.AUDIENCE: "waitlisted"}
    view = submit(harness, form(harness, ActionId.MESSAGE_ATTENDEES), values).view
    before = harness.assert_invariants()
    for _ in range(2):
        assert view is not None
        assert "no one would get this" in said(view)
        assert view.body["submit"]["text"] == "Preview"
        view = submit(harness, view, values).view
    assert harness.assert_invariants() == before


def test_message_to_audience_that_became_empty_reaches_no_one(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=1)
    harness.register(CHLOE, DIEGO)
    values = VALUES | {BlockId.AUDIENCE: "waitlisted"}
    preview = submit(harness, form(harness, ActionId.MESSAGE_ATTENDEES), values).view
    harness.bot.service.unregister("yoga", DIEGO)
    assert preview is not None
    submit(harness, preview)
    harness.deliver_due(6)
    assert harness.direct_messages(DIEGO) == harness.direct_messages(CHLOE) == []


def test_empty_message_is_a_field_error(harness: SlackHarness) -> None:
    yoga(harness)
    values = VALUES | {BlockId.TEXT: "  "}
    result = submit(harness, form(harness, ActionId.MESSAGE_ATTENDEES), values)
    assert result.errors == {"text": "Must not be empty."}


def test_message_sent_twice_arrives_once(harness: SlackHarness) -> None:
    yoga(harness)
    preview = submit(harness, form(harness, ActionId.MESSAGE_ATTENDEES), VALUES).view
    assert preview is not None
    payload_view = harness.workspace.views.get(preview.id)
    assert payload_view is not None
    submit(harness, preview)
    # As a retry after a lost reply sends it.
    harness.workspace.views.update(preview.id, payload_view.body)
    result = submit(harness, preview, VALUES)
    assert "already sent" in said(result.view)
    harness.deliver_due(8)
    assert len(harness.direct_messages(CHLOE)) == 1


def test_non_organizer_is_refused(harness: SlackHarness) -> None:
    yoga(harness, co_organizer_ids=[PRIYA])
    preview = submit(harness, form(harness, ActionId.MESSAGE_ATTENDEES, PRIYA), VALUES, PRIYA).view
    assert preview is not None
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    before = harness.everything()
    assert NOT_ALLOWED in said(submit(harness, preview, user_id=PRIYA).view)
    assert harness.everything() == before


def test_deleted_event_is_refused(harness: SlackHarness) -> None:
    yoga(harness)
    preview = submit(harness, form(harness, ActionId.MESSAGE_ATTENDEES), VALUES).view
    assert preview is not None
    harness.bot.service.delete_event("yoga")
    assert GONE in said(submit(harness, preview).view)


def test_recipients_are_those_at_commit_who_still_attend(harness: SlackHarness) -> None:
    """Recipients are the audience at the commit, without those who left."""
    yoga(harness)
    values = VALUES | {BlockId.AUDIENCE: "waitlisted"}
    preview = submit(harness, form(harness, ActionId.MESSAGE_ATTENDEES), values).view
    assert preview is not None
    submit(harness, preview)
    harness.clock.advance(timedelta(milliseconds=1))
    harness.bot.service.unregister("yoga", CHLOE)
    harness.deliver_due(6)
    assert any("Bring a mat" in message for message in harness.direct_messages(HARUKI))
    assert harness.direct_messages(CHLOE) == []


def test_unreachable_recipient_is_reported_to_organizers(harness: SlackHarness) -> None:
    """R9.2."""
    yoga(harness)
    preview = submit(harness, form(harness, ActionId.MESSAGE_ATTENDEES), VALUES).view
    assert preview is not None
    harness.api.fail_next("chat.postMessage", Fault.refused("user_disabled"))
    submit(harness, preview)
    harness.deliver_due(8)
    (message,) = harness.direct_messages(BJORN)
    assert "Message from an organizer" in message
    assert f"[{ActionId.MANAGE}]" in message


def test_history_has_the_entry(harness: SlackHarness) -> None:
    yoga(harness)
    preview = submit(harness, form(harness, ActionId.MESSAGE_ATTENDEES), VALUES).view
    assert preview is not None
    submit(harness, preview)
    manage_modal(harness)
    text = said(press(harness, ActionId.HISTORY))
    assert f"<@{BJORN}> messaged everyone: Bring a mat" in text
