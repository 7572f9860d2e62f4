"""Messages to attendees: previewed first, sent once (R8.8, R8.13)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from domain.inputs import EventChanges
from playground.web_api.fault_injection import Fault
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, PRIYA, Town, shown
from tests.support.slack.modals import GONE, NOT_ALLOWED, form, managed, press, said, submit

WORDS = {BlockId.AUDIENCE: "everyone", BlockId.TEXT: "Bring a mat & <!channel> *water*"}


def yoga(town: Town, **values: Any) -> None:
    town.event(organizer_id=BJORN, capacity=2, **values)
    town.register(CHLOE, DIEGO, HARUKI)


def test_preview_shows_message_and_recipient_count(town: Town) -> None:
    yoga(town)
    view = submit(town, form(town, ActionId.MESSAGE_ATTENDEES), WORDS).view
    assert "*3 people will get this" in said(view)
    assert "Bring a mat & <!channel> *water*" in said(view)
    town.settle(5)
    assert town.told(CHLOE) == []


@pytest.mark.parametrize(
    ("audience", "told"),
    [
        ("registered", {CHLOE, DIEGO}),
        ("waiting", {HARUKI}),
        ("everyone", {CHLOE, DIEGO, HARUKI}),
    ],
)
def test_message_goes_to_its_audience_only(town: Town, audience: str, told: set[str]) -> None:
    yoga(town)
    values = WORDS | {BlockId.AUDIENCE: audience}
    preview = submit(town, form(town, ActionId.MESSAGE_ATTENDEES), values).view
    assert preview is not None
    assert "on its way" in said(submit(town, preview).view)
    town.settle(6)
    heard = {user_id for user_id in (CHLOE, DIEGO, HARUKI, PRIYA) if town.told(user_id)}
    assert heard == told
    for user_id in told:
        (message,) = town.told(user_id)
        assert "Bring a mat & <!channel> *water*" in message
        assert "Yoga in the park" in message
        assert f"<@{BJORN}>" in message


def test_typed_text_stays_text(town: Town) -> None:
    """It is plain text, where nothing pings (R8.11)."""
    yoga(town)
    preview = submit(town, form(town, ActionId.MESSAGE_ATTENDEES), WORDS).view
    assert preview is not None
    submit(town, preview)
    town.settle(6)
    message = town.workspace.messages(town.workspace.dm(CHLOE).id)[-1]
    (block,) = [one for one in message.blocks if "Bring a mat" in str(one)]
    assert block["text"]["type"] == "plain_text"
    assert "<!channel>" not in message.text
    assert "Bring a mat" in shown(message)


def test_change_after_preview_shows_new_preview(town: Town) -> None:
    yoga(town)
    preview = submit(town, form(town, ActionId.MESSAGE_ATTENDEES), WORDS).view
    assert preview is not None
    again = submit(town, preview, {BlockId.TEXT: "Bring two mats"}).view
    assert again is not None
    assert "hasn’t been sent yet" in said(again)
    town.settle(6)
    assert town.told(CHLOE) == []
    submit(town, again)
    town.settle(6)
    assert "Bring two mats" in town.told(CHLOE)[0]


def test_message_without_recipients_is_not_sent(town: Town) -> None:
    """Regression: the preview said 0 people, and the message was sent."""
    town.event(organizer_id=BJORN)
    town.register(CHLOE)
    values = WORDS | {BlockId.AUDIENCE: "waiting"}
    view = submit(town, form(town, ActionId.MESSAGE_ATTENDEES), values).view
    before = town.sound()
    for _ in range(2):
        assert view is not None
        assert "no one would get this" in said(view)
        assert view.body["submit"]["text"] == "Preview"
        view = submit(town, view, values).view
    assert town.sound() == before


def test_message_to_audience_that_became_empty_reaches_no_one(town: Town) -> None:
    town.event(organizer_id=BJORN, capacity=1)
    town.register(CHLOE, DIEGO)
    values = WORDS | {BlockId.AUDIENCE: "waiting"}
    preview = submit(town, form(town, ActionId.MESSAGE_ATTENDEES), values).view
    town.bot.service.unregister("yoga", DIEGO)
    assert preview is not None
    submit(town, preview)
    town.settle(6)
    assert town.told(DIEGO) == town.told(CHLOE) == []


def test_empty_message_is_marked(town: Town) -> None:
    yoga(town)
    values = WORDS | {BlockId.TEXT: "  "}
    seen = submit(town, form(town, ActionId.MESSAGE_ATTENDEES), values)
    assert seen.errors == {"text": "Must not be empty."}


def test_message_sent_twice_arrives_once(town: Town) -> None:
    yoga(town)
    preview = submit(town, form(town, ActionId.MESSAGE_ATTENDEES), WORDS).view
    assert preview is not None
    payload_view = town.workspace.views.get(preview.id)
    assert payload_view is not None
    submit(town, preview)
    # As a retry after a lost reply sends it.
    town.workspace.views.update(preview.id, payload_view.body)
    seen = submit(town, preview, WORDS)
    assert "already sent" in said(seen.view)
    town.settle(8)
    assert len(town.told(CHLOE)) == 1


def test_non_organizer_is_refused(town: Town) -> None:
    yoga(town, co_organizer_ids=[PRIYA])
    preview = submit(town, form(town, ActionId.MESSAGE_ATTENDEES, PRIYA), WORDS, PRIYA).view
    assert preview is not None
    town.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    before = town.everything()
    assert NOT_ALLOWED in said(submit(town, preview, user_id=PRIYA).view)
    assert town.everything() == before


def test_deleted_event_is_refused(town: Town) -> None:
    yoga(town)
    preview = submit(town, form(town, ActionId.MESSAGE_ATTENDEES), WORDS).view
    assert preview is not None
    town.bot.service.delete_event("yoga")
    assert GONE in said(submit(town, preview).view)


def test_recipients_are_those_at_commit_who_still_attend(town: Town) -> None:
    """Recipients are the audience at the commit, without those who left."""
    yoga(town)
    values = WORDS | {BlockId.AUDIENCE: "waiting"}
    preview = submit(town, form(town, ActionId.MESSAGE_ATTENDEES), values).view
    assert preview is not None
    submit(town, preview)
    town.clock.advance(timedelta(milliseconds=1))
    town.bot.service.unregister("yoga", CHLOE)
    town.settle(6)
    assert any("Bring a mat" in told for told in town.told(HARUKI))
    assert town.told(CHLOE) == []


def test_unreachable_recipient_is_reported_to_organizers(town: Town) -> None:
    """R9.2."""
    yoga(town)
    preview = submit(town, form(town, ActionId.MESSAGE_ATTENDEES), WORDS).view
    assert preview is not None
    town.api.fail_next("chat.postMessage", Fault.refused("user_disabled"))
    submit(town, preview)
    town.settle(8)
    (told,) = town.told(BJORN)
    assert "Message from an organizer" in told
    assert f"[{ActionId.MANAGE}]" in told


def test_history_has_it(town: Town) -> None:
    yoga(town)
    preview = submit(town, form(town, ActionId.MESSAGE_ATTENDEES), WORDS).view
    assert preview is not None
    submit(town, preview)
    managed(town)
    text = said(press(town, ActionId.HISTORY))
    assert f"<@{BJORN}> messaged everyone: Bring a mat" in text
