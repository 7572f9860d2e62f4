"""Notifications with what organizers add: co-organizers, a reason, a note, a join link (R8.8, R12.2)."""

from __future__ import annotations

from bot.blocks.ids import ActionId
from domain.enums import NotificationKind
from domain.inputs import EventChanges
from domain.models import Actor
from tests.support.notifications.message_kinds import kinds_of
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, PRIYA, SlackHarness
from tests.support.slack.modals import said

LINK = "https://example.org/meet?a=1&b=2"
SHOWN = "<https://example.org/meet?a=1&amp;b=2>"


def test_co_organizers_of_a_new_event_learn_that_they_are(harness: SlackHarness) -> None:
    harness.event(co_organizer_ids=(BJORN, CHLOE))
    harness.deliver_due()
    for user_id in (BJORN, CHLOE):
        (message,) = harness.direct_messages(user_id)
        assert f"<@{AMARA}> added you" in message
    assert harness.direct_messages(AMARA) == []


def test_co_organizer_who_is_added_later_can_manage_from_the_message(
    harness: SlackHarness,
) -> None:
    harness.event(co_organizer_ids=(BJORN,))
    changes = EventChanges.of(co_organizer_ids=[BJORN, CHLOE, AMARA])
    harness.bot.service.edit_event("yoga", changes, actor=Actor(BJORN))
    harness.deliver_due()
    assert kinds_of(harness.direct_messages(BJORN)) == [NotificationKind.ORGANIZER_ADDED]
    (message,) = harness.workspace.messages(harness.workspace.dm(CHLOE).id)
    opened = harness.slack.click(CHLOE, message, ActionId.MANAGE)
    assert "Yoga in the park" in said(opened.view)


def test_admin_who_adds_themselves_is_not_notified(harness: SlackHarness) -> None:
    harness.event()
    changes = EventChanges.of(co_organizer_ids=[PRIYA])
    harness.bot.service.edit_event("yoga", changes, actor=Actor(PRIYA, is_admin=True))
    harness.deliver_due()
    assert harness.direct_messages(PRIYA) == []


def test_attendees_read_who_canceled_and_why(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE)
    harness.bot.service.cancel_event("yoga", actor=Actor(AMARA), reason="No <!channel> heating")
    harness.deliver_due(5)
    (message,) = harness.direct_messages(CHLOE)
    assert f"by <@{AMARA}>. Reason: No &lt;!channel&gt; heating" in message


def test_attendees_read_the_note_with_a_new_location(harness: SlackHarness) -> None:
    harness.event()
    harness.register(CHLOE)
    changes = EventChanges.of(location="Room 2")
    harness.bot.service.edit_event("yoga", changes, actor=Actor(AMARA), note="Bring a coat")
    harness.deliver_due(5)
    (message,) = harness.direct_messages(CHLOE)
    assert f"Note from <@{AMARA}>: Bring a coat" in message


def test_join_link_comes_with_the_seat(harness: SlackHarness) -> None:
    """Not with what the waitlisted get, too."""
    harness.event(capacity=1, join_link=LINK)
    harness.register(CHLOE, DIEGO)
    harness.bot.service.edit_event("yoga", EventChanges.of(location="Room 2"))
    harness.bot.service.close_event("yoga")
    harness.deliver_due(5)
    assert [SHOWN in one for one in harness.direct_messages(DIEGO)] == [False, False]
    harness.bot.service.unregister("yoga", CHLOE)
    harness.deliver_due(5)
    *_, promoted = harness.direct_messages(DIEGO)
    assert SHOWN in promoted
