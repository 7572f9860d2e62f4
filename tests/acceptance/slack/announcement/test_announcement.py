"""A message to everyone registered, waiting, or both: looked at first, sent once (R8.8, R8.13)."""

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


def test_the_preview_shows_what_people_get_and_how_many(town: Town) -> None:
    yoga(town)
    view = submit(town, form(town, ActionId.MESSAGE_PEOPLE), WORDS).view
    assert "*This goes to 3 people" in said(view)
    assert "Bring a mat & <!channel> *water*" in said(view)
    town.settle(5)
    assert town.told(CHLOE) == []


@pytest.mark.parametrize(
    ("audience", "told"),
    [
        ("registered", {CHLOE, DIEGO}),
        ("waitlisted", {HARUKI}),
        ("everyone", {CHLOE, DIEGO, HARUKI}),
    ],
)
def test_it_goes_to_its_audience_and_nobody_else(town: Town, audience: str, told: set[str]) -> None:
    yoga(town)
    values = WORDS | {BlockId.AUDIENCE: audience}
    preview = submit(town, form(town, ActionId.MESSAGE_PEOPLE), values).view
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


def test_text_that_was_typed_stays_text(town: Town) -> None:
    """It stands in plain text, where nothing pings (R8.11)."""
    yoga(town)
    preview = submit(town, form(town, ActionId.MESSAGE_PEOPLE), WORDS).view
    assert preview is not None
    submit(town, preview)
    town.settle(6)
    message = town.workspace.messages(town.workspace.dm(CHLOE).id)[-1]
    (block,) = [one for one in message.blocks if "Bring a mat" in str(one)]
    assert block["text"]["type"] == "plain_text"
    assert "<!channel>" not in message.text
    assert "Bring a mat" in shown(message)


def test_changed_after_the_preview_it_is_previewed_anew(town: Town) -> None:
    yoga(town)
    preview = submit(town, form(town, ActionId.MESSAGE_PEOPLE), WORDS).view
    assert preview is not None
    again = submit(town, preview, {BlockId.TEXT: "Bring two mats"}).view
    assert again is not None
    assert "You changed it, so that it is not sent yet. This goes to" in said(again)
    town.settle(6)
    assert town.told(CHLOE) == []
    submit(town, again)
    town.settle(6)
    assert "Bring two mats" in town.told(CHLOE)[0]


def test_words_for_nobody_are_not_sent(town: Town) -> None:
    """The preview said "This goes to 0 people", and sent it."""
    town.event(organizer_id=BJORN)
    town.register(CHLOE)
    values = WORDS | {BlockId.AUDIENCE: "waitlisted"}
    view = submit(town, form(town, ActionId.MESSAGE_PEOPLE), values).view
    before = town.sound()
    for _ in range(2):
        assert view is not None
        assert "Nobody is waiting, so that nobody would get this." in said(view)
        assert view.body["submit"]["text"] == "Preview"
        view = submit(town, view, values).view
    assert town.sound() == before


def test_who_left_the_audience_empty_since_the_preview_gets_nothing(town: Town) -> None:
    town.event(organizer_id=BJORN, capacity=1)
    town.register(CHLOE, DIEGO)
    values = WORDS | {BlockId.AUDIENCE: "waitlisted"}
    preview = submit(town, form(town, ActionId.MESSAGE_PEOPLE), values).view
    town.bot.service.unregister("yoga", DIEGO)
    assert preview is not None
    submit(town, preview)
    town.settle(6)
    assert town.told(DIEGO) == town.told(CHLOE) == []


def test_an_empty_message_is_marked(town: Town) -> None:
    yoga(town)
    values = WORDS | {BlockId.TEXT: "  "}
    seen = submit(town, form(town, ActionId.MESSAGE_PEOPLE), values)
    assert seen.errors == {"text": "Must not be empty."}


def test_sent_twice_it_comes_once(town: Town) -> None:
    yoga(town)
    preview = submit(town, form(town, ActionId.MESSAGE_PEOPLE), WORDS).view
    assert preview is not None
    payload_view = town.workspace.views.get(preview.id)
    assert payload_view is not None
    submit(town, preview)
    # As a retry after a lost answer would send it.
    town.workspace.views.update(preview.id, payload_view.body)
    seen = submit(town, preview, WORDS)
    assert "sent already" in said(seen.view)
    town.settle(8)
    assert len(town.told(CHLOE)) == 1


def test_others_may_not(town: Town) -> None:
    yoga(town, co_organizer_ids=[PRIYA])
    preview = submit(town, form(town, ActionId.MESSAGE_PEOPLE, PRIYA), WORDS, PRIYA).view
    assert preview is not None
    town.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    before = town.everything()
    assert NOT_ALLOWED in said(submit(town, preview, user_id=PRIYA).view)
    assert town.everything() == before


def test_an_event_that_vanished_meanwhile_says_so(town: Town) -> None:
    yoga(town)
    preview = submit(town, form(town, ActionId.MESSAGE_PEOPLE), WORDS).view
    assert preview is not None
    town.bot.service.delete_event("yoga")
    assert GONE in said(submit(town, preview).view)


def test_who_left_before_it_went_out_does_not_get_it_and_who_moved_up_does(town: Town) -> None:
    """The audience is who it was when it was sent, less those who left."""
    yoga(town)
    values = WORDS | {BlockId.AUDIENCE: "waitlisted"}
    preview = submit(town, form(town, ActionId.MESSAGE_PEOPLE), values).view
    assert preview is not None
    submit(town, preview)
    town.clock.advance(timedelta(milliseconds=1))
    town.bot.service.unregister("yoga", CHLOE)
    town.settle(6)
    assert any("Bring a mat" in told for told in town.told(HARUKI))
    assert town.told(CHLOE) == []


def test_whom_it_can_not_reach_the_organizers_are_told(town: Town) -> None:
    """R9.2."""
    yoga(town)
    preview = submit(town, form(town, ActionId.MESSAGE_PEOPLE), WORDS).view
    assert preview is not None
    town.api.fail_next("chat.postMessage", Fault.refused("user_disabled"))
    submit(town, preview)
    town.settle(8)
    (told,) = town.told(BJORN)
    assert "Your message" in told
    assert "[Manage]" in told


def test_it_stands_in_the_history(town: Town) -> None:
    yoga(town)
    preview = submit(town, form(town, ActionId.MESSAGE_PEOPLE), WORDS).view
    assert preview is not None
    submit(town, preview)
    managed(town)
    text = said(press(town, ActionId.HISTORY))
    assert f"<@{BJORN}> wrote to everyone registered or waiting: Bring a mat" in text
