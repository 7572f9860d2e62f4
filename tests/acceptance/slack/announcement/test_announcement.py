"""A message to everyone registered, waiting, or both: looked at first, sent once (R8.8, R8.13)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId, BlockId
from domain.inputs import EventChanges
from playground.web_api.fault_injection import Fault
from tests.support.slack.harness import BJORN, CHLOE, DIEGO, HARUKI, PRIYA, SlackHarness, shown
from tests.support.slack.modals import GONE, NOT_ALLOWED, form, managed, press, said, submit

WORDS = {BlockId.AUDIENCE: "everyone", BlockId.TEXT: "Bring a mat & <!channel> *water*"}


def yoga(harness: SlackHarness, **values: Any) -> None:
    harness.event(organizer_id=BJORN, capacity=2, **values)
    harness.register(CHLOE, DIEGO, HARUKI)


def test_the_preview_shows_what_people_get_and_how_many(harness: SlackHarness) -> None:
    yoga(harness)
    view = submit(harness, form(harness, ActionId.MESSAGE_PEOPLE), WORDS).view
    assert "*This goes to 3 people" in said(view)
    assert "Bring a mat & <!channel> *water*" in said(view)
    harness.deliver_due(5)
    assert harness.direct_messages(CHLOE) == []


@pytest.mark.parametrize(
    ("audience", "told"),
    [
        ("registered", {CHLOE, DIEGO}),
        ("waiting", {HARUKI}),
        ("everyone", {CHLOE, DIEGO, HARUKI}),
    ],
)
def test_it_goes_to_its_audience_and_nobody_else(
    harness: SlackHarness, audience: str, told: set[str]
) -> None:
    yoga(harness)
    values = WORDS | {BlockId.AUDIENCE: audience}
    preview = submit(harness, form(harness, ActionId.MESSAGE_PEOPLE), values).view
    assert preview is not None
    assert "on its way" in said(submit(harness, preview).view)
    harness.deliver_due(6)
    heard = {
        user_id for user_id in (CHLOE, DIEGO, HARUKI, PRIYA) if harness.direct_messages(user_id)
    }
    assert heard == told
    for user_id in told:
        (message,) = harness.direct_messages(user_id)
        assert "Bring a mat & <!channel> *water*" in message
        assert "Yoga in the park" in message
        assert f"<@{BJORN}>" in message


def test_text_that_was_typed_stays_text(harness: SlackHarness) -> None:
    """It stands in plain text, where nothing pings (R8.11)."""
    yoga(harness)
    preview = submit(harness, form(harness, ActionId.MESSAGE_PEOPLE), WORDS).view
    assert preview is not None
    submit(harness, preview)
    harness.deliver_due(6)
    message = harness.workspace.messages(harness.workspace.dm(CHLOE).id)[-1]
    (block,) = [one for one in message.blocks if "Bring a mat" in str(one)]
    assert block["text"]["type"] == "plain_text"
    assert "<!channel>" not in message.text
    assert "Bring a mat" in shown(message)


def test_changed_after_the_preview_it_is_previewed_anew(harness: SlackHarness) -> None:
    yoga(harness)
    preview = submit(harness, form(harness, ActionId.MESSAGE_PEOPLE), WORDS).view
    assert preview is not None
    again = submit(harness, preview, {BlockId.TEXT: "Bring two mats"}).view
    assert again is not None
    assert "You changed it, so that it is not sent yet. This goes to" in said(again)
    harness.deliver_due(6)
    assert harness.direct_messages(CHLOE) == []
    submit(harness, again)
    harness.deliver_due(6)
    assert "Bring two mats" in harness.direct_messages(CHLOE)[0]


def test_words_for_nobody_are_not_sent(harness: SlackHarness) -> None:
    """The preview said "This goes to 0 people", and sent it."""
    harness.event(organizer_id=BJORN)
    harness.register(CHLOE)
    values = WORDS | {BlockId.AUDIENCE: "waiting"}
    view = submit(harness, form(harness, ActionId.MESSAGE_PEOPLE), values).view
    before = harness.assert_invariants()
    for _ in range(2):
        assert view is not None
        assert "Nobody is waiting, so that nobody would get this." in said(view)
        assert view.body["submit"]["text"] == "Preview"
        view = submit(harness, view, values).view
    assert harness.assert_invariants() == before


def test_who_left_the_audience_empty_since_the_preview_gets_nothing(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, capacity=1)
    harness.register(CHLOE, DIEGO)
    values = WORDS | {BlockId.AUDIENCE: "waiting"}
    preview = submit(harness, form(harness, ActionId.MESSAGE_PEOPLE), values).view
    harness.bot.service.unregister("yoga", DIEGO)
    assert preview is not None
    submit(harness, preview)
    harness.deliver_due(6)
    assert harness.direct_messages(DIEGO) == harness.direct_messages(CHLOE) == []


def test_an_empty_message_is_marked(harness: SlackHarness) -> None:
    yoga(harness)
    values = WORDS | {BlockId.TEXT: "  "}
    seen = submit(harness, form(harness, ActionId.MESSAGE_PEOPLE), values)
    assert seen.errors == {"text": "Must not be empty."}


def test_sent_twice_it_comes_once(harness: SlackHarness) -> None:
    yoga(harness)
    preview = submit(harness, form(harness, ActionId.MESSAGE_PEOPLE), WORDS).view
    assert preview is not None
    payload_view = harness.workspace.views.get(preview.id)
    assert payload_view is not None
    submit(harness, preview)
    # As a retry after a lost answer would send it.
    harness.workspace.views.update(preview.id, payload_view.body)
    seen = submit(harness, preview, WORDS)
    assert "sent already" in said(seen.view)
    harness.deliver_due(8)
    assert len(harness.direct_messages(CHLOE)) == 1


def test_others_may_not(harness: SlackHarness) -> None:
    yoga(harness, co_organizer_ids=[PRIYA])
    preview = submit(harness, form(harness, ActionId.MESSAGE_PEOPLE, PRIYA), WORDS, PRIYA).view
    assert preview is not None
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    before = harness.everything()
    assert NOT_ALLOWED in said(submit(harness, preview, user_id=PRIYA).view)
    assert harness.everything() == before


def test_an_event_that_vanished_meanwhile_says_so(harness: SlackHarness) -> None:
    yoga(harness)
    preview = submit(harness, form(harness, ActionId.MESSAGE_PEOPLE), WORDS).view
    assert preview is not None
    harness.bot.service.delete_event("yoga")
    assert GONE in said(submit(harness, preview).view)


def test_who_left_before_it_went_out_does_not_get_it_and_who_moved_up_does(
    harness: SlackHarness,
) -> None:
    """The audience is who it was when it was sent, less those who left."""
    yoga(harness)
    values = WORDS | {BlockId.AUDIENCE: "waiting"}
    preview = submit(harness, form(harness, ActionId.MESSAGE_PEOPLE), values).view
    assert preview is not None
    submit(harness, preview)
    harness.clock.advance(timedelta(milliseconds=1))
    harness.bot.service.unregister("yoga", CHLOE)
    harness.deliver_due(6)
    assert any("Bring a mat" in told for told in harness.direct_messages(HARUKI))
    assert harness.direct_messages(CHLOE) == []


def test_whom_it_can_not_reach_the_organizers_are_told(harness: SlackHarness) -> None:
    """R9.2."""
    yoga(harness)
    preview = submit(harness, form(harness, ActionId.MESSAGE_PEOPLE), WORDS).view
    assert preview is not None
    harness.api.fail_next("chat.postMessage", Fault.refused("user_disabled"))
    submit(harness, preview)
    harness.deliver_due(8)
    (told,) = harness.direct_messages(BJORN)
    assert "Your message" in told
    assert "[Manage]" in told


def test_it_stands_in_the_history(harness: SlackHarness) -> None:
    yoga(harness)
    preview = submit(harness, form(harness, ActionId.MESSAGE_PEOPLE), WORDS).view
    assert preview is not None
    submit(harness, preview)
    managed(harness)
    text = said(press(harness, ActionId.HISTORY))
    assert f"<@{BJORN}> wrote to everyone registered or waiting: Bring a mat" in text
