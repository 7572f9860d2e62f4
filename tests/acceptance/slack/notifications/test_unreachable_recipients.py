"""Who can't be reached for good is recorded, and the organizers are told whom to reach another way (R9.2)."""

from __future__ import annotations

import logging

import pytest

from bot.notifications.unreachable import MOST_NAMED
from bot.notifications.worker import SWEEP_EVERY
from domain.enums import NotificationKind
from domain.inputs import EventChanges
from domain.models import UnreachableRecipient
from playground.web_api.fault_injection import Fault
from tests.support.notifications.delivery import POST, promote, sent_to, undelivered
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA, SlackHarness

GUESTS = [f"U0GUEST{number:02}" for number in range(30)]


def unreachable(harness: SlackHarness, event_id: str = "yoga") -> list[tuple[str, str, str]]:
    """Return what the event's journal keeps of those who can't be reached."""
    return [
        (person.user_id, person.kind, person.reason)
        for entry in harness.store.list_journal(event_id, limit=100)
        for person in entry.unreachable
    ]


def test_organizer_is_told_whom_what_and_where(harness: SlackHarness) -> None:
    """And the journal keeps it, for the history."""
    harness.event()
    promote(harness, CHLOE, DIEGO)
    harness.api.fail_next(POST, Fault.refused("user_disabled"))
    harness.deliver_due(60)
    (told,) = harness.direct_messages(AMARA)
    assert "by direct message about *Yoga in the park*" in told
    assert "Riverside lawn" in told
    assert f"Got a seat: <@{CHLOE}>" in told
    assert DIEGO not in told
    assert unreachable(harness) == [(CHLOE, "promoted", "user_disabled")]
    assert sent_to(harness) == [CHLOE, DIEGO, AMARA]
    assert undelivered(harness) == ()


@pytest.mark.parametrize(
    "error", ["user_not_found", "user_disabled", "channel_not_found", "cannot_dm_bot"]
)
def test_each_of_slacks_words_for_good_is_one(harness: SlackHarness, error: str) -> None:
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.refused(error))
    harness.deliver_due(60)
    assert unreachable(harness) == [(CHLOE, "promoted", error)]
    assert sent_to(harness) == [CHLOE, AMARA]


def test_cancellation_that_does_not_reach_thirty_is_one_message(harness: SlackHarness) -> None:
    """Grouped: nobody of these exists in Slack, two others do."""
    harness.event(capacity=40)
    harness.register(BJORN, *GUESTS, CHLOE)
    harness.bot.service.cancel_event("yoga")
    harness.deliver_due(10)
    (told,) = harness.direct_messages(AMARA)
    named = [user_id for user_id in GUESTS if f"<@{user_id}>" in told]
    assert named == GUESTS
    assert "Event canceled: " in told
    assert sorted(user_id for user_id, _, _ in unreachable(harness)) == GUESTS
    assert [len(harness.direct_messages(user_id)) for user_id in (BJORN, CHLOE)] == [1, 1]
    harness.workspace.refusals.clear()


def test_more_than_one_message_holds_are_counted(harness: SlackHarness) -> None:
    """All are recorded."""
    harness.event(capacity=100)
    people = [f"U0GUEST{number:02}" for number in range(MOST_NAMED + 3)]
    harness.register(*people)
    harness.bot.service.cancel_event("yoga")
    harness.deliver_due(10)
    (told,) = harness.direct_messages(AMARA)
    assert "• and 3 more" in told
    assert len(unreachable(harness)) == len(people)
    harness.workspace.refusals.clear()


def test_different_news_that_did_not_arrive_stand_apart(harness: SlackHarness) -> None:
    """One edit moves the event and gives a seat; the one who got it can't be reached at all."""
    harness.event()
    harness.register(BJORN, CHLOE, "U0NOBODY")
    harness.bot.service.edit_event("yoga", EventChanges.of(location="Room 5", capacity=3))
    harness.deliver_due()
    (told,) = harness.direct_messages(AMARA)
    assert "Got a seat: <@U0NOBODY>" in told
    assert "Event moved: <@U0NOBODY>" in told
    harness.workspace.refusals.clear()


def test_every_organizer_is_told_but_one_who_can_not_be(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """The others still are; and nobody is told of the organizer, so that it ends."""
    harness.event(co_organizer_ids=(HARUKI, PRIYA))
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.refused("user_disabled"), times=2)
    harness.deliver_due(SWEEP_EVERY.total_seconds() + 5)
    assert sent_to(harness) == [CHLOE, AMARA, HARUKI, PRIYA]
    assert (len(harness.direct_messages(HARUKI)), len(harness.direct_messages(PRIYA))) == (1, 1)
    assert f"{AMARA} can't be told" in caplog.text
    assert undelivered(harness) == ()


def test_where_no_organizer_can_be_told_it_is_logged_and_over(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.refused("user_not_found"), times=2)
    with caplog.at_level(logging.WARNING):
        harness.deliver_due(2 * SWEEP_EVERY.total_seconds())
    assert sent_to(harness) == [CHLOE, AMARA]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert unreachable(harness) == [(CHLOE, "promoted", "user_not_found")]
    assert undelivered(harness) == ()


def test_organizer_who_is_out_of_reach_for_now_is_told_later(harness: SlackHarness) -> None:
    """At least once: the mark of the entry stays on until then, for whoever goes on after a crash."""
    harness.event(co_organizer_ids=(HARUKI,))
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.refused("user_disabled"))
    harness.api.fail_next(POST, Fault.server_error(503))
    harness.deliver_due(3)
    assert (len(harness.direct_messages(AMARA)), len(harness.direct_messages(HARUKI))) == (0, 1)
    assert undelivered(harness) == ("yoga",)
    harness.deliver_due(5)
    assert (len(harness.direct_messages(AMARA)), len(harness.direct_messages(HARUKI))) == (1, 1)
    assert undelivered(harness) == ()


def test_organizer_hears_in_order(harness: SlackHarness) -> None:
    """R9.1: their own later message waits behind the word that could not be sent yet."""
    harness.event(capacity=1)
    harness.register(BJORN, CHLOE, AMARA)
    harness.bot.service.unregister("yoga", BJORN)
    harness.api.fail_next(POST, Fault.refused("user_disabled"))
    harness.api.fail_next(POST, Fault.server_error(503))
    harness.deliver_due(2)
    harness.bot.service.unregister("yoga", CHLOE)
    harness.deliver_due(10)
    first, second = harness.direct_messages(AMARA)
    assert "could be told" in first
    assert "you have a seat" in second


def test_person_who_fails_for_good_at_a_later_try_is_told_of_too(harness: SlackHarness) -> None:
    """The entry's mark, gone before, is on again until the organizer knows."""
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


def test_promotion_that_is_not_true_any_more_reaches_nobody(harness: SlackHarness) -> None:
    """R9.3: who left again need not be reached."""
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.refused("user_disabled"))
    harness.bot.service.unregister("yoga", CHLOE)
    harness.deliver_due()
    assert sent_to(harness) == []
    assert unreachable(harness) == []


def test_journal_says_which_message_it_was(harness: SlackHarness) -> None:
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
