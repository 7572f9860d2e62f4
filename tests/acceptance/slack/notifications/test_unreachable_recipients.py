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
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA, Town

GUESTS = [f"U0GUEST{number:02}" for number in range(30)]


def unreachable(town: Town, event_id: str = "yoga") -> list[tuple[str, str, str]]:
    """Return the unreachable recipients in the event's journal."""
    return [
        (person.user_id, person.kind, person.reason)
        for entry in harness.store.list_journal(event_id, limit=100)
        for person in entry.unreachable
    ]


def test_report_names_the_recipient_the_event_and_the_news(town: Town) -> None:
    """The journal keeps them for the history."""
    town.event()
    promote(town, CHLOE, DIEGO)
    town.api.fail_next(POST, Fault.refused("user_disabled"))
    town.settle(60)
    (told,) = town.told(AMARA)
    assert kind_of(told) == REPORT
    assert "*Yoga in the park*" in told
    assert "Riverside lawn" in told
    assert f": <@{CHLOE}>" in told
    assert DIEGO not in told
    assert unreachable(harness) == [(CHLOE, "promoted", "user_disabled")]
    assert sent_to(harness) == [CHLOE, DIEGO, AMARA]
    assert undelivered(harness) == ()


@pytest.mark.parametrize(
    "error", ["user_not_found", "user_disabled", "channel_not_found", "cannot_dm_bot"]
)
def test_each_permanent_error_of_slack_is_recorded(town: Town, error: str) -> None:
    town.event()
    promote(town, CHLOE)
    town.api.fail_next(POST, Fault.refused(error))
    town.settle(60)
    assert unreachable(town) == [(CHLOE, "promoted", error)]
    assert sent_to(town) == [CHLOE, AMARA]


def test_report_of_thirty_recipients_is_one_message(town: Town) -> None:
    """Thirty attendees don't exist in Slack, two do."""
    town.event(capacity=40)
    town.register(BJORN, *GUESTS, CHLOE)
    town.bot.service.cancel_event("yoga")
    town.settle(10)
    (told,) = town.told(AMARA)
    named = [user_id for user_id in GUESTS if f"<@{user_id}>" in told]
    assert named == GUESTS
    assert told.count("• ") == 1
    assert sorted(user_id for user_id, _, _ in unreachable(town)) == GUESTS
    assert [len(town.told(user_id)) for user_id in (BJORN, CHLOE)] == [1, 1]
    town.workspace.refusals.clear()


def test_report_counts_the_recipients_that_it_does_not_name(town: Town) -> None:
    """The journal has all of them."""
    town.event(capacity=100)
    people = [f"U0GUEST{number:02}" for number in range(MAX_NAMED + 3)]
    town.register(*people)
    town.bot.service.cancel_event("yoga")
    town.settle(10)
    (told,) = town.told(AMARA)
    assert "3 more" in told
    assert len(unreachable(town)) == len(people)
    town.workspace.refusals.clear()


def test_report_groups_recipients_by_news(town: Town) -> None:
    """One edit moves the event and promotes an unreachable attendee, who misses both."""
    town.event()
    town.register(BJORN, CHLOE, "U0NOBODY")
    town.bot.service.edit_event("yoga", EventChanges.of(location="Room 5", capacity=3))
    town.settle()
    (told,) = town.told(AMARA)
    assert told.count(": <@U0NOBODY>") == 2
    town.workspace.refusals.clear()


def test_every_reachable_organizer_gets_the_report(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    """No report follows about an unreachable organizer, which could go on forever."""
    town.event(co_organizer_ids=(HARUKI, PRIYA))
    promote(town, CHLOE)
    town.api.fail_next(POST, Fault.refused("user_disabled"), times=2)
    town.settle(SWEEP_INTERVAL.total_seconds() + 5)
    assert sent_to(town) == [CHLOE, AMARA, HARUKI, PRIYA]
    assert (len(town.told(HARUKI)), len(town.told(PRIYA))) == (1, 1)
    assert f"can't reach {AMARA}" in caplog.text
    assert undelivered(harness) == ()


def test_report_that_reaches_no_organizer_is_logged(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.refused("user_not_found"), times=2)
    with caplog.at_level(logging.WARNING):
        harness.deliver_due(2 * SWEEP_INTERVAL.total_seconds())
    assert sent_to(harness) == [CHLOE, AMARA]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert unreachable(harness) == [(CHLOE, "promoted", "user_not_found")]
    assert undelivered(harness) == ()


def test_report_is_retried_after_a_server_error(town: Town) -> None:
    """The entry stays marked until then, so another process can continue after a crash."""
    town.event(co_organizer_ids=(HARUKI,))
    promote(town, CHLOE)
    town.api.fail_next(POST, Fault.refused("user_disabled"))
    town.api.fail_next(POST, Fault.server_error(503))
    town.settle(3)
    assert (len(town.told(AMARA)), len(town.told(HARUKI))) == (0, 1)
    assert undelivered(town) == ("yoga",)
    town.settle(5)
    assert (len(town.told(AMARA)), len(town.told(HARUKI))) == (1, 1)
    assert undelivered(town) == ()


def test_report_and_later_messages_keep_their_order(town: Town) -> None:
    """R9.1: the organizer's own promotion waits for the deferred report."""
    town.event(capacity=1)
    town.register(BJORN, CHLOE, AMARA)
    town.bot.service.unregister("yoga", BJORN)
    town.api.fail_next(POST, Fault.refused("user_disabled"))
    town.api.fail_next(POST, Fault.server_error(503))
    town.settle(2)
    town.bot.service.unregister("yoga", CHLOE)
    town.settle(10)
    assert kinds_of(town.told(AMARA)) == [REPORT, "promoted"]


def test_recipient_who_turns_out_unreachable_at_a_retry_is_reported(town: Town) -> None:
    """The entry stays marked until the organizer has the report."""
    town.event()
    promote(town, CHLOE)
    town.api.fail_next(POST, Fault.server_error(503))
    town.api.fail_next(POST, Fault.refused("user_disabled"))
    town.api.fail_next(POST, Fault.server_error(503))
    town.settle(6)
    assert town.told(AMARA) == []
    assert undelivered(town) == ("yoga",)
    town.settle(10)
    assert len(town.told(AMARA)) == 1
    assert undelivered(town) == ()


def test_outdated_promotion_is_neither_sent_nor_reported(town: Town) -> None:
    """R9.3."""
    town.event()
    promote(town, CHLOE)
    town.api.fail_next(POST, Fault.refused("user_disabled"))
    town.bot.service.unregister("yoga", CHLOE)
    town.settle()
    assert sent_to(town) == []
    assert unreachable(town) == []


def test_journal_records_the_missed_notification(town: Town) -> None:
    town.event()
    promote(town, CHLOE)
    town.api.fail_next(POST, Fault.refused("user_disabled"))
    town.settle()
    (entry,) = (one for one in town.store.list_journal("yoga", limit=100) if one.notifications)
    assert entry.unreachable == (
        UnreachableRecipient(
            user_id=CHLOE,
            version=entry.version,
            kind=NotificationKind.PROMOTED,
            reason="user_disabled",
        ),
    )
