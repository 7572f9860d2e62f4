"""Unreachable recipients are recorded, and organizers get a report to reach them another way (R9.2)."""

from __future__ import annotations

import logging

import pytest

from bot.notifications.unreachable import MAX_NAMED
from bot.notifications.worker import SWEEP_INTERVAL
from domain.enums import NotificationKind
from domain.inputs import EventChanges
from domain.models import UnreachableRecipient
from playground.web_api.fault_injection import Fault
from tests.support.notifications.delivery import POST, promote, sent_to, undelivered
from tests.support.notifications.message_kinds import REPORT, kind_of, kinds_of
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA, SlackHarness

ORGANIZER_ADDED = NotificationKind.ORGANIZER_ADDED.value

GUESTS = [f"U0GUEST{number:02}" for number in range(30)]


def unreachable(harness: SlackHarness, event_id: str = "yoga") -> list[tuple[str, str, str]]:
    """Return the unreachable recipients in the event's journal."""
    return [
        (recipient.user_id, recipient.kind, recipient.reason)
        for entry in harness.store.list_journal(event_id, limit=100)
        for recipient in entry.unreachable
    ]


def test_report_names_the_recipient_the_event_and_the_news(harness: SlackHarness) -> None:
    """The journal keeps them for the history."""
    harness.event()
    promote(harness, CHLOE, DIEGO)
    harness.api.fail_next(POST, Fault.refused("user_disabled"))
    harness.deliver_due(60)
    (message,) = harness.direct_messages(AMARA)
    assert kind_of(message) == REPORT
    assert "*Yoga in the park*" in message
    assert "Riverside lawn" in message
    assert f": <@{CHLOE}>" in message
    assert DIEGO not in message
    assert unreachable(harness) == [(CHLOE, "promoted", "user_disabled")]
    assert sent_to(harness) == [CHLOE, DIEGO, AMARA]
    assert undelivered(harness) == ()


@pytest.mark.parametrize(
    "error", ["user_not_found", "user_disabled", "channel_not_found", "cannot_dm_bot"]
)
def test_each_permanent_error_of_slack_is_recorded(harness: SlackHarness, error: str) -> None:
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.refused(error))
    harness.deliver_due(60)
    assert unreachable(harness) == [(CHLOE, "promoted", error)]
    assert sent_to(harness) == [CHLOE, AMARA]


def test_report_of_thirty_recipients_is_one_message(harness: SlackHarness) -> None:
    """Thirty attendees don't exist in Slack, two do."""
    harness.event(capacity=40)
    harness.register(BJORN, *GUESTS, CHLOE)
    harness.bot.service.cancel_event("yoga")
    harness.deliver_due(10)
    (message,) = harness.direct_messages(AMARA)
    named = [user_id for user_id in GUESTS if f"<@{user_id}>" in message]
    assert named == GUESTS
    assert message.count("• ") == 1
    assert sorted(user_id for user_id, _, _ in unreachable(harness)) == GUESTS
    assert [len(harness.direct_messages(user_id)) for user_id in (BJORN, CHLOE)] == [1, 1]
    harness.workspace.refusals.clear()


def test_report_counts_the_recipients_that_it_does_not_name(harness: SlackHarness) -> None:
    """The journal has all of them."""
    harness.event(capacity=100)
    user_ids = [f"U0GUEST{number:02}" for number in range(MAX_NAMED + 3)]
    harness.register(*user_ids)
    harness.bot.service.cancel_event("yoga")
    harness.deliver_due(10)
    (message,) = harness.direct_messages(AMARA)
    assert "3 more" in message
    assert len(unreachable(harness)) == len(user_ids)
    harness.workspace.refusals.clear()


def test_report_groups_recipients_by_news(harness: SlackHarness) -> None:
    """One edit moves the event and promotes an unreachable attendee, who misses both."""
    harness.event()
    harness.register(BJORN, CHLOE, "U0NOBODY")
    harness.bot.service.edit_event("yoga", EventChanges.of(location="Room 5", capacity=3))
    harness.deliver_due()
    (message,) = harness.direct_messages(AMARA)
    assert message.count(": <@U0NOBODY>") == 2
    harness.workspace.refusals.clear()


def test_every_reachable_organizer_gets_the_report(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """No report follows about an unreachable organizer, which could go on forever."""
    harness.event(co_organizer_ids=(HARUKI, PRIYA))
    harness.deliver_due()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.refused("user_disabled"), times=2)
    harness.deliver_due(SWEEP_INTERVAL + 5)
    assert sent_to(harness) == [HARUKI, PRIYA, CHLOE, AMARA, HARUKI, PRIYA]
    for organizer in (HARUKI, PRIYA):
        assert kinds_of(harness.direct_messages(organizer)) == [ORGANIZER_ADDED, REPORT]
    assert f"can't reach {AMARA}" in caplog.text
    assert undelivered(harness) == ()


def test_report_that_reaches_no_organizer_is_logged(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.refused("user_not_found"), times=2)
    with caplog.at_level(logging.WARNING):
        harness.deliver_due(2 * SWEEP_INTERVAL)
    assert sent_to(harness) == [CHLOE, AMARA]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert unreachable(harness) == [(CHLOE, "promoted", "user_not_found")]
    assert undelivered(harness) == ()


def test_report_is_retried_after_a_server_error(harness: SlackHarness) -> None:
    """The entry stays marked until then, so another process can continue after a crash."""
    harness.event(co_organizer_ids=(HARUKI,))
    harness.deliver_due()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.refused("user_disabled"))
    harness.api.fail_next(POST, Fault.server_error(503))
    harness.deliver_due(3)
    assert harness.direct_messages(AMARA) == []
    assert kinds_of(harness.direct_messages(HARUKI)) == [ORGANIZER_ADDED, REPORT]
    assert undelivered(harness) == ("yoga",)
    harness.deliver_due(5)
    assert kinds_of(harness.direct_messages(AMARA)) == [REPORT]
    assert kinds_of(harness.direct_messages(HARUKI)) == [ORGANIZER_ADDED, REPORT]
    assert undelivered(harness) == ()


def test_report_and_later_messages_keep_their_order(harness: SlackHarness) -> None:
    """R9.1: the organizer's own promotion waits for the deferred report."""
    harness.event(capacity=1)
    harness.register(BJORN, CHLOE, AMARA)
    harness.bot.service.unregister("yoga", BJORN)
    harness.api.fail_next(POST, Fault.refused("user_disabled"))
    harness.api.fail_next(POST, Fault.server_error(503))
    harness.deliver_due(2)
    harness.bot.service.unregister("yoga", CHLOE)
    harness.deliver_due(10)
    assert kinds_of(harness.direct_messages(AMARA)) == [REPORT, "promoted"]


def test_recipient_found_unreachable_at_a_retry_is_reported(harness: SlackHarness) -> None:
    """The entry stays marked until the organizer has the report."""
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.server_error(503))
    harness.api.fail_next(POST, Fault.refused("user_disabled"))
    harness.api.fail_next(POST, Fault.server_error(503))
    harness.deliver_due(6)
    assert harness.direct_messages(AMARA) == []
    assert undelivered(harness) == ("yoga",)
    harness.deliver_due(10)
    assert len(harness.direct_messages(AMARA)) == 1
    assert undelivered(harness) == ()


def test_outdated_promotion_is_neither_sent_nor_reported(harness: SlackHarness) -> None:
    """R9.3."""
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.refused("user_disabled"))
    harness.bot.service.unregister("yoga", CHLOE)
    harness.deliver_due()
    assert sent_to(harness) == []
    assert unreachable(harness) == []


def test_journal_records_the_missed_notification(harness: SlackHarness) -> None:
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.refused("user_disabled"))
    harness.deliver_due()
    (entry,) = (one for one in harness.store.list_journal("yoga", limit=100) if one.notifications)
    assert entry.unreachable == (
        UnreachableRecipient(
            user_id=CHLOE,
            version=entry.version,
            kind=NotificationKind.PROMOTED,
            reason="user_disabled",
        ),
    )
