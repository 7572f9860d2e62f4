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
from tests.support.slack import sentences
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA, Town

GUESTS = [f"U0GUEST{number:02}" for number in range(30)]


def unreachable(town: Town, event_id: str = "yoga") -> list[tuple[str, str, str]]:
    """Return what the event's journal keeps of those who can't be reached."""
    return [
        (person.user_id, person.kind, person.reason)
        for entry in town.store.list_journal(event_id, limit=100)
        for person in entry.unreachable
    ]


def test_organizer_is_told_whom_what_and_where(town: Town) -> None:
    """And the journal keeps it, for the history."""
    town.event()
    promote(town, CHLOE, DIEGO)
    town.api.fail_next(POST, Fault.refused("user_disabled"))
    town.settle(60)
    (told,) = town.told(AMARA)
    assert "by direct message about *Yoga in the park*" in told
    assert "Riverside lawn" in told
    assert f"Got a seat: <@{CHLOE}>" in told
    assert DIEGO not in told
    assert unreachable(town) == [(CHLOE, "promoted", "user_disabled")]
    assert sent_to(town) == [CHLOE, DIEGO, AMARA]
    assert undelivered(town) == ()


@pytest.mark.parametrize(
    "error", ["user_not_found", "user_disabled", "channel_not_found", "cannot_dm_bot"]
)
def test_each_of_slacks_words_for_good_is_one(town: Town, error: str) -> None:
    town.event()
    promote(town, CHLOE)
    town.api.fail_next(POST, Fault.refused(error))
    town.settle(60)
    assert unreachable(town) == [(CHLOE, "promoted", error)]
    assert sent_to(town) == [CHLOE, AMARA]


def test_cancellation_that_does_not_reach_thirty_is_one_message(town: Town) -> None:
    """Grouped: nobody of these exists in Slack, two others do."""
    town.event(capacity=40)
    town.register(BJORN, *GUESTS, CHLOE)
    town.bot.service.cancel_event("yoga")
    town.settle(10)
    (told,) = town.told(AMARA)
    named = [user_id for user_id in GUESTS if f"<@{user_id}>" in told]
    assert named == GUESTS
    assert "Event canceled: " in told
    assert sorted(user_id for user_id, _, _ in unreachable(town)) == GUESTS
    assert [len(town.told(user_id)) for user_id in (BJORN, CHLOE)] == [1, 1]
    town.workspace.refusals.clear()


def test_more_than_one_message_holds_are_counted(town: Town) -> None:
    """All are recorded."""
    town.event(capacity=100)
    people = [f"U0GUEST{number:02}" for number in range(MOST_NAMED + 3)]
    town.register(*people)
    town.bot.service.cancel_event("yoga")
    town.settle(10)
    (told,) = town.told(AMARA)
    assert "• and 3 more" in told
    assert len(unreachable(town)) == len(people)
    town.workspace.refusals.clear()


def test_different_news_that_did_not_arrive_stand_apart(town: Town) -> None:
    """One edit moves the event and gives a seat; the one who got it can't be reached at all."""
    town.event()
    town.register(BJORN, CHLOE, "U0NOBODY")
    town.bot.service.edit_event("yoga", EventChanges.of(location="Room 5", capacity=3))
    town.settle()
    (told,) = town.told(AMARA)
    assert "Got a seat: <@U0NOBODY>" in told
    assert "Time or location changed: <@U0NOBODY>" in told
    town.workspace.refusals.clear()


def test_every_organizer_is_told_but_one_who_can_not_be(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    """The others still are; and nobody is told of the organizer, so that it ends."""
    town.event(co_organizer_ids=(HARUKI, PRIYA))
    promote(town, CHLOE)
    town.api.fail_next(POST, Fault.refused("user_disabled"), times=2)
    town.settle(SWEEP_EVERY.total_seconds() + 5)
    assert sent_to(town) == [CHLOE, AMARA, HARUKI, PRIYA]
    assert (len(town.told(HARUKI)), len(town.told(PRIYA))) == (1, 1)
    assert f"{AMARA} can't be told" in caplog.text
    assert undelivered(town) == ()


def test_where_no_organizer_can_be_told_it_is_logged_and_over(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    town.event()
    promote(town, CHLOE)
    town.api.fail_next(POST, Fault.refused("user_not_found"), times=2)
    with caplog.at_level(logging.WARNING):
        town.settle(2 * SWEEP_EVERY.total_seconds())
    assert sent_to(town) == [CHLOE, AMARA]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert unreachable(town) == [(CHLOE, "promoted", "user_not_found")]
    assert undelivered(town) == ()


def test_organizer_who_is_out_of_reach_for_now_is_told_later(town: Town) -> None:
    """At least once: the mark of the entry stays on until then, for whoever goes on after a crash."""
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


def test_organizer_hears_in_order(town: Town) -> None:
    """R9.1: their own later message waits behind the word that could not be sent yet."""
    town.event(capacity=1)
    town.register(BJORN, CHLOE, AMARA)
    town.bot.service.unregister("yoga", BJORN)
    town.api.fail_next(POST, Fault.refused("user_disabled"))
    town.api.fail_next(POST, Fault.server_error(503))
    town.settle(2)
    town.bot.service.unregister("yoga", CHLOE)
    town.settle(10)
    first, second = town.told(AMARA)
    assert "couldn’t be delivered" in first
    assert sentences.promoted() in second


def test_person_who_fails_for_good_at_a_later_try_is_told_of_too(town: Town) -> None:
    """The entry's mark, gone before, is on again until the organizer knows."""
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


def test_promotion_that_is_not_true_any_more_reaches_nobody(town: Town) -> None:
    """R9.3: who left again need not be reached."""
    town.event()
    promote(town, CHLOE)
    town.api.fail_next(POST, Fault.refused("user_disabled"))
    town.bot.service.unregister("yoga", CHLOE)
    town.settle()
    assert sent_to(town) == []
    assert unreachable(town) == []


def test_journal_says_which_message_it_was(town: Town) -> None:
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
