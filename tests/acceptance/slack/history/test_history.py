"""Event history for organizers, and registration history for users (R8.10)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId
from bot.features.history import views as history_views
from bot.features.history.views import WHY_PROMOTED
from bot.slack.error_messages import WHO_SEES_ATTENDEES
from domain.commands import Announce, Edit, Remove
from domain.enums import Audience, Cause, Visibility
from domain.inputs import EventChanges
from domain.models import JOURNAL_KEPT, Actor
from playground.demo.seed import RANDOM
from playground.workspace.model import View
from tests.support.environment import ManualClock, commit_together, new_event, service_on
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA, SlackHarness
from tests.support.slack.modals import GONE, NOT_ALLOWED, manage_modal, press, said, top


def yoga(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, co_organizer_ids=[AMARA], capacity=1)
    harness.register(CHLOE, DIEGO, HARUKI)


def history(harness: SlackHarness, user_id: str = BJORN) -> str:
    manage_modal(harness, user_id)
    return said(press(harness, ActionId.HISTORY, user_id))


def mine(harness: SlackHarness, user_id: str, event_id: str = "yoga") -> View:
    result = harness.slack.command(user_id, RANDOM, "/registrations")
    harness.slack.click(
        user_id, result.ephemeral[-1], ActionId.REGISTRATION_HISTORY, value=event_id
    )
    return top(harness, user_id)


def test_history_says_who_did_what_and_why_newest_first(harness: SlackHarness) -> None:
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


def test_history_has_what_organizers_said_and_who_sees_what(harness: SlackHarness) -> None:
    """R8.8, R12.1, R12.2."""
    yoga(harness)
    boss, service = Actor(BJORN), harness.bot.service
    moved = EventChanges.of(location="Room 2")
    service.edit_event("yoga", moved, actor=boss, note="Bring a <coat>")
    access = {"join_link": "https://example.org/meet", "attendees_visible_to": "organizers"}
    service.edit_event("yoga", EventChanges.of(**access), actor=boss)
    service.cancel_event("yoga", actor=boss, reason="No <heating>")
    text = history(harness)
    assert (
        f"• <@{BJORN}> changed the event\n"
        "◦ Location: Riverside lawn → Room 2\n"
        "◦ Note to attendees: Bring a &lt;coat&gt;"
    ) in text
    assert "Join link: none → " in text
    everyone, organizers = (
        WHO_SEES_ATTENDEES[one] for one in (Visibility.EVERYONE, Visibility.ORGANIZERS)
    )
    assert f"Who can see who’s going: {everyone} → {organizers}" in text
    assert f"<@{BJORN}> canceled the event: No &lt;heating&gt;" in text


def test_history_is_paged(harness: SlackHarness) -> None:
    yoga(harness)
    for _ in range(6):
        harness.bot.service.unregister("yoga", HARUKI)
        harness.register(HARUKI)
    first = history(harness)
    second = said(press(harness, ActionId.HISTORY_PAGE))
    assert "created the event" in second
    assert "created the event" not in first
    assert said(press(harness, ActionId.HISTORY_BACK)) == first


def old_yoga(harness: SlackHarness) -> None:
    """Let two people get and join the waitlist for a seat 400 days ago, and a third one today."""
    today = harness.clock.now()
    service = service_on(harness.store, clock=ManualClock(today - JOURNAL_KEPT))
    new_event(
        service,
        "yoga",
        starts_at=today + timedelta(days=2),
        organizer_id=BJORN,
        capacity=1,
    )
    for user_id in (CHLOE, DIEGO):
        service.ensure_user(harness.draft(user_id))
        service.register("yoga", user_id)
    harness.register(HARUKI)
    harness.deliver_due()
    harness.bot.service.sweep()


def test_history_says_that_its_beginning_is_no_longer_kept(harness: SlackHarness) -> None:
    """R7.8."""
    old_yoga(harness)
    text = history(harness)
    assert text.splitlines()[-1] == history_views.CUT
    assert f"<@{HARUKI}> joined the waitlist" in text
    assert f"<@{CHLOE}>" not in text


def test_history_that_begins_later_says_so_only_on_its_last_page(harness: SlackHarness) -> None:
    old_yoga(harness)
    for _ in range(5):
        harness.bot.service.unregister("yoga", HARUKI)
        harness.register(HARUKI)
    assert history_views.CUT not in history(harness)
    assert history_views.CUT in said(press(harness, ActionId.HISTORY_PAGE))


def test_whole_history_says_nothing_of_what_is_kept(harness: SlackHarness) -> None:
    yoga(harness)
    assert history_views.CUT not in history(harness)
    assert history_views.CUT not in said(mine(harness, DIEGO))


@pytest.mark.parametrize(("user_id", "moves"), [(HARUKI, 1), (DIEGO, 0)])
def test_own_history_says_that_its_beginning_is_no_longer_kept(
    harness: SlackHarness, user_id: str, moves: int
) -> None:
    """R7.8, also if nothing of it is left."""
    old_yoga(harness)
    text = said(mine(harness, user_id))
    assert text.splitlines()[-1] == history_views.CUT
    assert text.count("•") == moves


def test_non_organizer_is_refused(harness: SlackHarness) -> None:
    yoga(harness)
    manage_modal(harness, BJORN)
    press(harness, ActionId.HISTORY)
    harness.bot.service.edit_event("yoga", EventChanges.of(organizer_id=PRIYA))
    manage_modal(harness, AMARA)
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    result = harness.slack.click(BJORN, harness.workspace.views.stack(BJORN)[0], ActionId.HISTORY)
    assert NOT_ALLOWED in said(result.view)


def test_history_of_deleted_event_is_refused(harness: SlackHarness) -> None:
    yoga(harness)
    manage_modal(harness)
    harness.bot.service.delete_event("yoga")
    assert GONE in said(press(harness, ActionId.HISTORY))


def test_history_has_undelivered_message(harness: SlackHarness) -> None:
    """R9.2."""
    harness.event(organizer_id=BJORN, capacity=1)
    harness.register(CHLOE, "U0NOBODY")
    harness.bot.service.edit_event("yoga", EventChanges.of(capacity=2))
    harness.deliver_due(4)
    assert "Couldn’t be notified: <@U0NOBODY>" in history(harness)
    assert harness.workspace.refusals == ["chat.postMessage: channel_not_found"]
    harness.workspace.refusals.clear()


def test_history_has_reminder_and_deleted_users(harness: SlackHarness) -> None:
    yoga(harness)
    harness.clock.advance(timedelta(hours=24))
    harness.deliver_due(65)
    harness.slack.update_member(CHLOE, deleted=True)
    harness.bot.service.delete_user(DIEGO)
    text = history(harness)
    assert "reminded everyone registered" in text
    assert f"unregistered <@{CHLOE}>: no longer in this workspace" in text
    assert f"unregistered <@{DIEGO}>: their data was deleted" in text


def test_history_separates_organizers_of_one_commit(harness: SlackHarness) -> None:
    """Regression: requests in one batch were all attributed to the first organizer."""
    yoga(harness)
    amara, bjorn = Actor(AMARA), Actor(BJORN)
    commit_together(
        harness.store,
        "yoga",
        [
            Edit(EventChanges.of(location="Room 2"), bjorn),
            Edit(EventChanges.of(title="Pilates"), amara),
            Announce("Bring a mat", Audience.EVERYONE, bjorn, "1"),
            Announce("And water", Audience.EVERYONE, amara, "2"),
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


def test_registration_history_names_no_one_else(harness: SlackHarness) -> None:
    yoga(harness)
    harness.register(PRIYA)
    harness.bot.service.unregister("yoga", DIEGO)
    harness.bot.service.unregister("yoga", CHLOE)
    text = said(mine(harness, PRIYA))
    assert text.count("you moved up by 1") == 2
    assert "You registered and joined the waitlist" in text
    for other in (CHLOE, DIEGO, HARUKI):
        assert other not in text


def test_registration_history_says_why_promoted(harness: SlackHarness) -> None:
    yoga(harness)
    harness.bot.service.unregister("yoga", CHLOE)
    assert f"You got a seat: {WHY_PROMOTED[Cause.SEAT_FREED]}" in said(mine(harness, DIEGO))
    harness.bot.service.edit_event("yoga", EventChanges.of(capacity=5))
    assert f"You got a seat: {WHY_PROMOTED[Cause.CAPACITY_INCREASED]}" in said(
        mine(harness, HARUKI)
    )


def test_registration_history_omits_changes_behind(harness: SlackHarness) -> None:
    yoga(harness)
    harness.register(PRIYA)
    before = said(mine(harness, DIEGO))
    harness.bot.service.unregister("yoga", PRIYA)
    harness.bot.service.unregister("yoga", HARUKI)
    assert said(mine(harness, DIEGO)) == before


def test_registration_history_has_removal_and_return(harness: SlackHarness) -> None:
    yoga(harness)
    harness.bot.service.remove("yoga", DIEGO, actor=Actor(BJORN), reason="by mistake")
    harness.register(DIEGO)
    text = said(mine(harness, DIEGO))
    assert text.index("You registered") < text.index("An organizer removed you: by mistake")


def test_registration_history_is_paged(harness: SlackHarness) -> None:
    yoga(harness)
    for _ in range(20):
        harness.bot.service.unregister("yoga", HARUKI)
        harness.register(HARUKI)
    first = said(mine(harness, HARUKI))
    second = said(press(harness, ActionId.REGISTRATION_HISTORY_PAGE, HARUKI))
    assert second != first
    assert said(press(harness, ActionId.REGISTRATION_HISTORY_BACK, HARUKI)) == first


@pytest.mark.parametrize("gone", [True, False])
def test_registration_history_of_deleted_event_is_refused(
    harness: SlackHarness, gone: bool
) -> None:
    yoga(harness)
    result = harness.slack.command(DIEGO, RANDOM, "/registrations")
    if gone:
        harness.bot.service.delete_event("yoga")
    said_ = harness.slack.click(DIEGO, result.ephemeral[-1], ActionId.REGISTRATION_HISTORY)
    assert said_.failure is None
    assert bool(said_.ephemeral) is gone


def test_registration_history_of_non_attendee_is_empty(harness: SlackHarness) -> None:
    yoga(harness)
    harness.register(PRIYA)
    result = harness.slack.command(PRIYA, RANDOM, "/registrations")
    harness.bot.service.delete_user(PRIYA)
    harness.slack.click(PRIYA, result.ephemeral[-1], ActionId.REGISTRATION_HISTORY)
    text = said(top(harness, PRIYA))
    for other in (CHLOE, DIEGO, HARUKI):
        assert other not in text
