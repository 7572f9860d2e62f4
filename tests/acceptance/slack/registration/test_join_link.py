"""The join link, only for those with a seat (R12.2)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.blocks.formatting import join_line
from bot.blocks.ids import ActionId
from bot.features.browsing.views import MAX_LISTED
from domain.inputs import MAX_JOIN_LINK_LENGTH
from playground.demo.seed import RANDOM
from tests.support.slack.harness import (
    AMARA,
    BJORN,
    CHLOE,
    SlackHarness,
    reply,
    shown,
    text_of,
)

LINK = "https://example.org/meet_up*1~?a=1&b=2"
SHOWN = join_line(LINK)


def home(harness: SlackHarness, user_id: str) -> str:
    view = harness.slack.open_home(user_id).home
    assert view is not None
    return text_of(view.blocks)


def own_lists(harness: SlackHarness, user_id: str) -> dict[str, str]:
    """Return what a member reads where their own registrations are."""
    return {
        "registrations": reply(harness.slack.command(user_id, RANDOM, "/registrations")),
        "home": home(harness, user_id),
    }


def test_reply_to_registering_has_the_link_with_a_seat_only(harness: SlackHarness) -> None:
    card = harness.card(harness.event(capacity=1, join_link=LINK))
    assert LINK not in str(card.blocks)
    assert SHOWN in reply(harness.slack.click(BJORN, card, ActionId.REGISTER))
    waitlisted = harness.slack.click(CHLOE, card, ActionId.REGISTER)
    assert SHOWN not in reply(waitlisted)
    for user_id, has_seat in ((BJORN, True), (CHLOE, False)):
        harness.register(*([AMARA] if user_id == CHLOE else []))
        asked = harness.slack.click(user_id, card, ActionId.UNREGISTER).ephemeral[-1]
        kept = harness.slack.click(user_id, asked, ActionId.KEEP_REGISTRATION).messages[-1]
        assert (SHOWN in shown(kept)) is has_seat
    assert SHOWN not in harness.current_card_text()


def test_own_registrations_have_the_link_with_a_seat_only(harness: SlackHarness) -> None:
    harness.event(capacity=1, join_link=LINK)
    harness.register(BJORN, CHLOE)
    for user_id, has_seat in ((BJORN, True), (CHLOE, False)):
        for name, text in own_lists(harness, user_id).items():
            assert (SHOWN in text) is has_seat, name
    harness.bot.service.unregister("yoga", BJORN)
    assert all(SHOWN in text for text in own_lists(harness, CHLOE).values())
    assert not any(SHOWN in text for text in own_lists(harness, BJORN).values())


def test_organizer_with_a_seat_has_the_link_in_home(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, join_link=LINK)
    assert SHOWN not in home(harness, BJORN)
    harness.register(BJORN)
    assert home(harness, BJORN).count(SHOWN) == 1


@pytest.mark.parametrize("ended", ["canceled", "over"])
def test_link_goes_with_the_event(harness: SlackHarness, ended: str) -> None:
    event = harness.event(join_link=LINK, ends_at=harness.clock.now() + timedelta(days=3))
    harness.register(BJORN)
    harness.clock.advance(timedelta(days=2, hours=1))
    assert all(SHOWN in text for text in own_lists(harness, BJORN).values()), "it runs"
    if ended == "canceled":
        harness.bot.service.cancel_event("yoga")
    else:
        harness.clock.advance(event.over_at - harness.clock.now())
        listed = harness.slack.command(BJORN, RANDOM, "/registrations").ephemeral[-1]
        past = harness.slack.click(BJORN, listed, ActionId.PAST_REGISTRATIONS)
        assert SHOWN not in reply(past)
    assert not any(SHOWN in text for text in own_lists(harness, BJORN).values())


def test_events_and_choices_have_no_link(harness: SlackHarness) -> None:
    for event_id in ("y1", "y2"):
        harness.event(event_id, join_link=LINK)
        harness.register(BJORN, event_id=event_id)
    assert SHOWN not in reply(harness.slack.command(BJORN, RANDOM, "/events"))
    assert SHOWN not in reply(harness.slack.command(BJORN, RANDOM, "/register", "yoga"))
    assert SHOWN not in reply(harness.slack.command(BJORN, RANDOM, "/unregister", "yoga"))


def test_registrations_with_the_longest_links_are_paged_to_the_end(harness: SlackHarness) -> None:
    """Fewer fit into a message, and each is there once."""
    link = f"https://example.org/{'&' * MAX_JOIN_LINK_LENGTH}"[:MAX_JOIN_LINK_LENGTH]
    for number in range(MAX_LISTED):
        starts_at = harness.clock.now() + timedelta(days=1, hours=number)
        title = f"Number {number}!"
        harness.event(f"e{number}", title=title, starts_at=starts_at, join_link=link)
        harness.register(BJORN, event_id=f"e{number}")
    result = harness.slack.command(BJORN, RANDOM, "/registrations")
    first = message = result.ephemeral[-1]
    texts = [shown(message)]
    while f"[{ActionId.MORE_REGISTRATIONS}]" in texts[-1]:
        message = harness.slack.click(BJORN, message, ActionId.MORE_REGISTRATIONS).messages[-1]
        texts.append(shown(message))
    text = "\n".join(texts)
    assert len(texts) > 2
    assert [text.count(f"*Number {number}!*") for number in range(MAX_LISTED)] == [1] * MAX_LISTED
    assert text.count(join_line(link)) == MAX_LISTED
    back = harness.slack.click(BJORN, message, ActionId.REGISTRATIONS_BACK).messages[-1]
    assert shown(back) == shown(first)
