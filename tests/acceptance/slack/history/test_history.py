"""Event history for organizers, and registration history for users (R8.10)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId
from bot.features.history.views import WHY_PROMOTED
from domain.commands import Edit, Message, Remove
from domain.enums import Audience, Cause
from domain.inputs import EventChanges
from domain.models import Actor
from playground.demo.seed import RANDOM
from playground.workspace.model import View
from tests.support.environment import commit_together
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA, SlackHarness
from tests.support.slack.modals import GONE, NOT_ALLOWED, manage_modal, press, said, top


def yoga(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, co_organizer_ids=[AMARA], capacity=1)
    harness.register(CHLOE, DIEGO, HARUKI)


def history(harness: SlackHarness, user_id: str = BJORN) -> str:
    manage_modal(harness, user_id)
    return said(press(harness, ActionId.HISTORY, user_id))


def mine(harness: SlackHarness, user_id: str, event_id: str = "yoga") -> View:
    seen = harness.slack.command(user_id, RANDOM, "/registrations")
    harness.slack.click(user_id, seen.ephemeral[-1], ActionId.REGISTRATION_HISTORY, value=event_id)
    return top(harness, user_id)


def test_history_says_who_did_what_and_why_newest_first(town: Town) -> None:
    yoga(town)
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
        f"<@{HARUKI}> got a seat from the waitlist: {WHY_PROMOTED[Cause.SEAT_FREED]}",
        f"<@{BJORN}> changed the event",
        "Seats: 1 → 2",
        f"<@{DIEGO}> got a seat from the waitlist: {WHY_PROMOTED[Cause.CAPACITY_INCREASED]}",
        f"<@{BJORN}> changed the event",
        "Start: <!date^",
        "Location: Riverside lawn → Room 2",
        f"<@{HARUKI}> joined the waitlist",
        f"<@{DIEGO}> joined the waitlist",
        f"<@{CHLOE}> got a seat",
        f"<@{BJORN}> created the event",
    ]
    assert len(lines) == len(expected)
    for line, part in zip(lines, expected, strict=True):
        assert part in line


def test_history_is_paged(town: Town) -> None:
    yoga(town)
    for _ in range(6):
        harness.bot.service.unregister("yoga", HARUKI)
        harness.register(HARUKI)
    first = history(harness)
    second = said(press(harness, ActionId.HISTORY_PAGE))
    assert "created the event" in second
    assert "created the event" not in first
    assert said(press(harness, ActionId.HISTORY_BACK)) == first


def test_non_organizer_is_refused(town: Town) -> None:
    yoga(town)
    managed(town, BJORN)
    press(town, ActionId.HISTORY)
    town.bot.service.edit_event("yoga", EventChanges.of(organizer_id=PRIYA))
    managed(town, AMARA)
    town.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    seen = town.slack.click(BJORN, town.workspace.views.stack(BJORN)[0], ActionId.HISTORY)
    assert NOT_ALLOWED in said(seen.view)


def test_history_of_deleted_event_is_refused(town: Town) -> None:
    yoga(town)
    managed(town)
    town.bot.service.delete_event("yoga")
    assert GONE in said(press(town, ActionId.HISTORY))


def test_history_has_undelivered_message(town: Town) -> None:
    """R9.2."""
    town.event(organizer_id=BJORN, capacity=1)
    town.register(CHLOE, "U0NOBODY")
    town.bot.service.edit_event("yoga", EventChanges.of(capacity=2))
    town.settle(4)
    assert "Couldn’t be notified: <@U0NOBODY>" in history(town)
    assert town.workspace.refusals == ["chat.postMessage: channel_not_found"]
    town.workspace.refusals.clear()


def test_history_has_reminder_and_deleted_users(town: Town) -> None:
    yoga(town)
    town.clock.advance(timedelta(hours=24))
    town.settle(65)
    town.slack.change_member(CHLOE, deleted=True)
    town.bot.service.delete_user(DIEGO)
    text = history(town)
    assert "reminded everyone registered" in text
    assert f"unregistered <@{CHLOE}>: no longer in this workspace" in text
    assert f"unregistered <@{DIEGO}>: their data was deleted" in text


def test_history_separates_organizers_of_one_commit(town: Town) -> None:
    """Regression: requests in one batch were all attributed to the first organizer."""
    yoga(town)
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
        f"<@{BJORN}> changed the event\n◦ Location",
        f"<@{AMARA}> changed the event\n◦ Title",
        f"<@{BJORN}> messaged everyone: Bring a mat",
        f"<@{AMARA}> messaged everyone: And water",
        f"<@{BJORN}> removed <@{DIEGO}>: full",
        f"<@{AMARA}> removed <@{HARUKI}>: full",
    ):
        assert line in text


# Registration history


def test_registration_history_names_no_one_else(town: Town) -> None:
    yoga(town)
    town.register(PRIYA)
    town.bot.service.unregister("yoga", DIEGO)
    town.bot.service.unregister("yoga", CHLOE)
    text = said(mine(town, PRIYA))
    assert text.count("you moved up by 1") == 2
    assert "You registered and joined the waitlist" in text
    for other in (CHLOE, DIEGO, HARUKI):
        assert other not in text


def test_registration_history_says_why_promoted(town: Town) -> None:
    yoga(town)
    town.bot.service.unregister("yoga", CHLOE)
    assert f"You got a seat: {WHY_PROMOTED[Cause.SEAT_FREED]}" in said(mine(town, DIEGO))
    town.bot.service.edit_event("yoga", EventChanges.of(capacity=5))
    assert f"You got a seat: {WHY_PROMOTED[Cause.CAPACITY_INCREASED]}" in said(mine(town, HARUKI))


def test_registration_history_omits_changes_behind(town: Town) -> None:
    yoga(town)
    town.register(PRIYA)
    before = said(mine(town, DIEGO))
    town.bot.service.unregister("yoga", PRIYA)
    town.bot.service.unregister("yoga", HARUKI)
    assert said(mine(town, DIEGO)) == before


def test_registration_history_has_removal_and_return(town: Town) -> None:
    yoga(town)
    town.bot.service.remove("yoga", DIEGO, actor=Actor(BJORN), reason="by mistake")
    town.register(DIEGO)
    text = said(mine(town, DIEGO))
    assert text.index("You registered") < text.index("An organizer removed you: by mistake")


def test_registration_history_is_paged(town: Town) -> None:
    yoga(town)
    for _ in range(20):
        harness.bot.service.unregister("yoga", HARUKI)
        harness.register(HARUKI)
    first = said(mine(harness, HARUKI))
    second = said(press(harness, ActionId.REGISTRATION_HISTORY_PAGE, HARUKI))
    assert second != first
    assert said(press(harness, ActionId.REGISTRATION_HISTORY_BACK, HARUKI)) == first


@pytest.mark.parametrize("gone", [True, False])
def test_registration_history_of_deleted_event_is_refused(town: Town, gone: bool) -> None:
    yoga(town)
    seen = town.slack.command(CHLOE, RANDOM, "/registrations")
    if gone:
        harness.bot.service.delete_event("yoga")
    said_ = harness.slack.click(CHLOE, seen.ephemeral[-1], ActionId.REGISTRATION_HISTORY)
    assert said_.failure is None
    assert bool(said_.ephemeral) is gone


def test_registration_history_of_non_attendee_is_empty(town: Town) -> None:
    yoga(town)
    town.register(PRIYA)
    seen = town.slack.command(PRIYA, RANDOM, "/registrations")
    town.bot.service.delete_user(PRIYA)
    town.slack.click(PRIYA, seen.ephemeral[-1], ActionId.REGISTRATION_HISTORY)
    text = said(top(town, PRIYA))
    for other in (CHLOE, DIEGO, HARUKI):
        assert other not in text
