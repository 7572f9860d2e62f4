"""History: who did what, when and why, for organizers; and what moved one's own place, for oneself (R8.10)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId
from domain.commands import Edit, Message, Remove
from domain.enums import Audience
from domain.inputs import EventChanges
from domain.models import Actor
from playground.demo.seed import RANDOM
from playground.workspace.model import View
from tests.support.environment import commit_together
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA, SlackHarness
from tests.support.slack.modals import GONE, NOT_ALLOWED, managed, press, said, top


def yoga(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, co_organizer_ids=[AMARA], capacity=1)
    harness.register(CHLOE, DIEGO, HARUKI)


def history(harness: SlackHarness, user_id: str = BJORN) -> str:
    managed(harness, user_id)
    return said(press(harness, ActionId.HISTORY, user_id))


def mine(harness: SlackHarness, user_id: str, event_id: str = "yoga") -> View:
    seen = harness.slack.command(user_id, RANDOM, "/registrations")
    harness.slack.click(user_id, seen.ephemeral[-1], ActionId.MY_PLACE, value=event_id)
    return top(harness, user_id)


def test_it_says_who_did_what_and_why_newest_first(harness: SlackHarness) -> None:
    yoga(harness)
    boss = Actor(BJORN)
    later = harness.clock.now() + timedelta(days=4)
    harness.bot.service.edit_event(
        "yoga", EventChanges.of(starts_at=later, location="Room 2"), actor=boss
    )
    harness.bot.service.edit_event("yoga", EventChanges.of(capacity=2), actor=boss)
    harness.bot.service.remove("yoga", CHLOE, actor=Actor(AMARA), reason="no <show>")
    harness.bot.service.close_event("yoga", actor=boss)
    lines = [line for line in history(harness).splitlines() if "•" in line or "→" in line]
    expected = [
        f"<@{BJORN}> closed registration",
        f"<@{AMARA}> removed <@{CHLOE}>: no &lt;show&gt;",
        f"<@{HARUKI}> moved up to a seat: a seat came free",
        f"<@{BJORN}> changed the event",
        "Seats: 1 → 2",
        f"<@{DIEGO}> moved up to a seat: the capacity was raised",
        f"<@{BJORN}> changed the event",
        "Start: <!date^",
        "Place: Riverside lawn → Room 2",
        f"<@{HARUKI}> joined the line",
        f"<@{DIEGO}> joined the line",
        f"<@{CHLOE}> got a seat",
        f"<@{BJORN}> created the event",
    ]
    assert len(lines) == len(expected)
    for line, part in zip(lines, expected, strict=True):
        assert part in line


def test_it_is_turned_page_by_page(harness: SlackHarness) -> None:
    yoga(harness)
    for _ in range(6):
        harness.bot.service.unregister("yoga", HARUKI)
        harness.register(HARUKI)
    first = history(harness)
    second = said(press(harness, ActionId.HISTORY_PAGE))
    assert "created the event" in second
    assert "created the event" not in first
    assert said(press(harness, ActionId.HISTORY_BACK)) == first


def test_others_may_not(harness: SlackHarness) -> None:
    yoga(harness)
    managed(harness, BJORN)
    press(harness, ActionId.HISTORY)
    harness.bot.service.edit_event("yoga", EventChanges.of(organizer_id=PRIYA))
    managed(harness, AMARA)
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    seen = harness.slack.click(BJORN, harness.workspace.views.stack(BJORN)[0], ActionId.HISTORY)
    assert NOT_ALLOWED in said(seen.view)


def test_of_an_event_that_vanished_there_is_none(harness: SlackHarness) -> None:
    yoga(harness)
    managed(harness)
    harness.bot.service.delete_event("yoga")
    assert GONE in said(press(harness, ActionId.HISTORY))


def test_a_message_that_did_not_arrive_is_in_it(harness: SlackHarness) -> None:
    """R9.2."""
    harness.event(organizer_id=BJORN, capacity=1)
    harness.register(CHLOE, "U0NOBODY")
    harness.bot.service.edit_event("yoga", EventChanges.of(capacity=2))
    harness.deliver_due(4)
    assert "Could not be told of it: <@U0NOBODY>" in history(harness)
    assert harness.workspace.refusals == ["chat.postMessage: channel_not_found"]
    harness.workspace.refusals.clear()


def test_a_reminder_and_those_who_are_gone_are_in_it(harness: SlackHarness) -> None:
    yoga(harness)
    harness.clock.advance(timedelta(hours=24))
    harness.deliver_due(65)
    harness.slack.update_member(CHLOE, deleted=True)
    harness.bot.service.delete_user(DIEGO)
    text = history(harness)
    assert "Everyone registered was reminded" in text
    assert f"<@{CHLOE}> left: no longer in this workspace" in text
    assert f"<@{DIEGO}> left: deleted from Rollcall" in text


def test_what_several_organizers_did_in_one_commit_is_each_ones_own(harness: SlackHarness) -> None:
    """Their requests may go through together: one line named the first for all."""
    yoga(harness)
    amara, bjorn = Actor(AMARA), Actor(BJORN)
    commit_together(
        harness.store,
        "yoga",
        [
            Edit(EventChanges.of(location="Room 2"), bjorn),
            Edit(EventChanges.of(title="Pilates"), amara),
            Message("Bring a mat", Audience.EVERYONE, bjorn, "1"),
            Message("And water", Audience.EVERYONE, amara, "2"),
            Remove(DIEGO, bjorn, "full"),
            Remove(HARUKI, amara, "full"),
        ],
    )
    text = history(harness)
    for line in (
        f"<@{BJORN}> changed the event\n◦ Place",
        f"<@{AMARA}> changed the event\n◦ Title",
        f"<@{BJORN}> wrote to everyone registered or waiting: Bring a mat",
        f"<@{AMARA}> wrote to everyone registered or waiting: And water",
        f"<@{BJORN}> removed <@{DIEGO}>: full",
        f"<@{AMARA}> removed <@{HARUKI}>: full",
    ):
        assert line in text


# One's own


def test_one_sees_what_moved_ones_own_place_and_nobody_elses_name(harness: SlackHarness) -> None:
    yoga(harness)
    harness.register(PRIYA)
    harness.bot.service.unregister("yoga", DIEGO)
    harness.bot.service.unregister("yoga", CHLOE)
    text = said(mine(harness, PRIYA))
    assert text.count("1 person ahead of you got a seat or left: you moved up by 1") == 2
    assert "You registered, and joined the line" in text
    for other in (CHLOE, DIEGO, HARUKI):
        assert other not in text


def test_who_got_a_seat_sees_why(harness: SlackHarness) -> None:
    yoga(harness)
    harness.bot.service.unregister("yoga", CHLOE)
    assert "You got a seat: a seat came free" in said(mine(harness, DIEGO))
    harness.bot.service.edit_event("yoga", EventChanges.of(capacity=5))
    assert "You got a seat: the capacity was raised" in said(mine(harness, HARUKI))


def test_what_happened_behind_one_moved_nothing(harness: SlackHarness) -> None:
    yoga(harness)
    harness.register(PRIYA)
    before = said(mine(harness, DIEGO))
    harness.bot.service.unregister("yoga", PRIYA)
    harness.bot.service.unregister("yoga", HARUKI)
    assert said(mine(harness, DIEGO)) == before


def test_who_was_removed_and_came_back_sees_both(harness: SlackHarness) -> None:
    yoga(harness)
    harness.bot.service.remove("yoga", DIEGO, actor=Actor(BJORN), reason="by mistake")
    harness.register(DIEGO)
    text = said(mine(harness, DIEGO))
    assert text.index("You registered") < text.index("An organizer removed you: by mistake")


def test_ones_own_is_turned_page_by_page(harness: SlackHarness) -> None:
    yoga(harness)
    for _ in range(20):
        harness.bot.service.unregister("yoga", HARUKI)
        harness.register(HARUKI)
    first = said(mine(harness, HARUKI))
    second = said(press(harness, ActionId.MY_PLACE_PAGE, HARUKI))
    assert second != first
    assert said(press(harness, ActionId.MY_PLACE_BACK, HARUKI)) == first


@pytest.mark.parametrize("gone", [True, False])
def test_of_an_event_that_vanished_ones_own_is_gone_too(harness: SlackHarness, gone: bool) -> None:
    yoga(harness)
    seen = harness.slack.command(CHLOE, RANDOM, "/registrations")
    if gone:
        harness.bot.service.delete_event("yoga")
    said_ = harness.slack.click(CHLOE, seen.ephemeral[-1], ActionId.MY_PLACE)
    assert said_.failure is None
    assert bool(said_.ephemeral) is gone


def test_one_who_was_never_in_it_sees_nothing_of_others(harness: SlackHarness) -> None:
    yoga(harness)
    harness.register(PRIYA)
    seen = harness.slack.command(PRIYA, RANDOM, "/registrations")
    harness.bot.service.delete_user(PRIYA)
    harness.slack.click(PRIYA, seen.ephemeral[-1], ActionId.MY_PLACE)
    text = said(top(harness, PRIYA))
    for other in (CHLOE, DIEGO, HARUKI):
        assert other not in text
