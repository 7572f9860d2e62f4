"""Whatever Slack does to a message or a card: it is sent later, in order, and twice only if an answer was lost (R9)."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from bot.notifications import delivery
from bot.slack.api_errors import PAUSE
from domain.enums import NotificationKind
from domain.inputs import EventChanges
from playground.web_api.fault_injection import Fault
from tests.support.notifications.delivery import POST, promote, sent_to, undelivered
from tests.support.notifications.slack_faults import (
    ANSWER_LOST,
    BUGS,
    LONG_ENOUGH,
    NOT_APPLIED,
    OURS,
)
from tests.support.slack import sentences
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA, Town

UPDATE = "chat.update"


FOR_GOOD = ["user_not_found", "user_disabled", "channel_not_found", "cannot_dm_bot"]


def first_lines(town: Town, user_id: str) -> list[str]:
    """Return what a member was told of, a word each, in order."""
    words = {
        sentences.promoted(): "seat",
        sentences.notified(NotificationKind.MOVED): "moved",
        sentences.notified(NotificationKind.CANCELED): "canceled",
    }
    return [
        next(word for said, word in words.items() if said in told) for told in town.told(user_id)
    ]


def two_messages_each(town: Town) -> None:
    """Owe Chloe and Diego a promotion, and then everyone word of a cancellation."""
    town.event()
    promote(town, CHLOE, DIEGO)
    town.bot.service.cancel_event("yoga")


# Messages


@pytest.mark.parametrize("position", [0, 2, 5])
@pytest.mark.parametrize("fault", NOT_APPLIED.values(), ids=NOT_APPLIED)
def test_message_that_did_not_arrive_is_sent_later_once_and_in_order(
    impatient: Town, fault: Fault, position: int
) -> None:
    town = impatient
    two_messages_each(town)
    _fail_at(town, POST, position, fault)
    town.settle(LONG_ENOUGH)
    assert first_lines(town, CHLOE) == first_lines(town, DIEGO) == ["seat", "canceled"]
    assert first_lines(town, AMARA) == first_lines(town, BJORN) == ["canceled"]
    assert undelivered(town) == ()
    assert len(town.api.calls(POST)) == 7


@pytest.mark.parametrize("position", [0, 2, 5])
@pytest.mark.parametrize("fault", ANSWER_LOST.values(), ids=ANSWER_LOST)
def test_message_whose_answer_was_lost_is_sent_twice_and_no_other(
    impatient: Town, fault: Fault, position: int
) -> None:
    town = impatient
    two_messages_each(town)
    _fail_at(town, POST, position, fault)
    town.settle(LONG_ENOUGH)
    told = [tuple(first_lines(town, user_id)) for user_id in (AMARA, BJORN, CHLOE, DIEGO)]
    owed = [("canceled",), ("canceled",), ("seat", "canceled"), ("seat", "canceled")]
    assert [tuple(dict.fromkeys(heard)) for heard in told] == owed
    assert len(town.api.calls(POST)) == 7
    assert undelivered(town) == ()


def _fail_at(town: Town, method: str, position: int, fault: Fault) -> None:
    """Have Slack carry out so many calls of a method, and the next meet the fault."""
    town.api.faults.line_up(method, None, position)
    town.api.fail_next(method, fault)


@pytest.mark.parametrize("seconds", [1, 7, 30, 90])
def test_retry_after_is_honored_to_the_moment(town: Town, seconds: int) -> None:
    """Nothing is sent before it is over, for any event; then at once."""
    town.event()
    town.event("chess", title="Chess")
    promote(town, CHLOE)
    town.api.fail_next(POST, Fault.rate_limited(seconds))
    town.bot.notification_worker.run_due_events()
    over = town.clock.now() + timedelta(seconds=seconds)
    promote(town, DIEGO, event_id="chess")
    while town.clock.now() < over:
        wait = timedelta(seconds=town.bot.notification_worker.run_due_events())
        assert len(sent_to(town)) == 1
        town.clock.advance(min(wait, over - town.clock.now()))
    town.bot.notification_worker.run_due_events()
    assert sorted(sent_to(town)) == [CHLOE, CHLOE, DIEGO]


@pytest.mark.parametrize("header", [None, "", "soon"])
def test_rate_limit_that_does_not_say_how_long_is_half_a_minute(
    town: Town, header: str | None
) -> None:
    town.event()
    promote(town, CHLOE)
    town.api.fail_next(POST, Fault(429, "ratelimited", retry_after=header))
    town.settle(29)
    assert len(sent_to(town)) == 1
    town.settle(3)
    assert first_lines(town, CHLOE) == ["seat"]


@pytest.mark.parametrize("error", [*OURS, "messages_tab_disabled"])
def test_our_own_failure_keeps_all_and_alarms_once(
    town: Town, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    two_messages_each(town)
    town.api.faults.stand(Fault.refused(error))
    with caplog.at_level(logging.WARNING):
        town.settle(3 * PAUSE.total_seconds())
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert error in caplog.text
    assert len(sent_to(town)) <= 4
    town.api.faults.stand(None)
    town.settle(PAUSE.total_seconds() + 5)
    assert first_lines(town, CHLOE) == first_lines(town, DIEGO) == ["seat", "canceled"]
    assert undelivered(town) == ()


@pytest.mark.parametrize("error", FOR_GOOD)
def test_who_can_not_be_reached_holds_nobody_up(town: Town, error: str) -> None:
    two_messages_each(town)
    town.api.fail_next(POST, Fault.refused(error))
    town.settle(LONG_ENOUGH)
    assert first_lines(town, CHLOE) == ["canceled"]
    assert first_lines(town, DIEGO) == ["seat", "canceled"]
    assert f"Got a seat: <@{CHLOE}>" in "".join(town.told(AMARA))
    assert undelivered(town) == ()


@pytest.mark.parametrize("error", BUGS)
def test_bug_is_skipped_with_one_alarm_and_the_organizer_told(
    town: Town, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """R9.2: for good is for good, whosever fault it is."""
    two_messages_each(town)
    town.api.fail_next(POST, Fault.refused(error))
    town.settle(LONG_ENOUGH)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert first_lines(town, CHLOE) == ["canceled"]
    assert first_lines(town, DIEGO) == ["seat", "canceled"]
    assert f"Got a seat: <@{CHLOE}>" in "".join(town.told(AMARA))
    assert undelivered(town) == ()


@pytest.mark.parametrize("before", [0, 1, 5, 20])
@pytest.mark.parametrize(
    "fault", [Fault.server_error(503), Fault.closed(), Fault.closed(applied=True)], ids=str
)
def test_minute_without_slack_in_the_middle_of_many_messages(
    town: Town, fault: Fault, before: int
) -> None:
    """Twenty promotions, a word to everyone and a card; Slack dies after some of them and comes back."""
    people = [BJORN, CHLOE, DIEGO, HARUKI, PRIYA]
    events = [f"event{number}" for number in range(4)]
    for event_id in events:
        town.event(event_id, title=event_id.capitalize(), capacity=1)
        town.register(AMARA, *people, event_id=event_id)
        if event_id == events[0]:
            town.card(town.bot.service.get_event(event_id))
        town.bot.service.edit_event(event_id, EventChanges.of(capacity=6))
        town.bot.service.cancel_event(event_id)
    town.api.faults.line_up(POST, None, before)
    town.api.fail_next(POST, fault, times=10_000)
    town.api.fail_next(UPDATE, fault, times=10_000)
    town.settle(60)
    tries = len([call for call in town.api.calls(POST) if call.fault])
    assert tries <= 3 + 60 / 5
    town.api.faults.clear()
    town.settle(120)
    doubled = 0
    for user_id in (AMARA, *people):
        for event_id in events:
            about = [told for told in town.told(user_id) if event_id.capitalize() in told]
            heard = ["seat" if "You got a seat" in told else "canceled" for told in about]
            owed = ["canceled"] if user_id == AMARA else ["seat", "canceled"]
            assert list(dict.fromkeys(heard)) == owed
            assert sorted(heard, key=owed.index) == heard
            doubled += len(heard) - len(owed)
    assert doubled == (tries if fault.applied else 0)
    assert "*Canceled*" in town.card_now()
    assert undelivered(town) == ()


def test_long_list_of_those_to_be_tried_again_does_not_spin(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a second message that waits behind the first, with an older time on it."""
    monkeypatch.setattr(delivery, "MOST_DEFERRED", 10)
    town.event(capacity=1)
    town.register(AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA)
    town.bot.service.edit_event("yoga", EventChanges.of(capacity=6))
    for place in ("Room 5", "Room 6"):
        town.clock.advance(timedelta(seconds=1))
        town.bot.service.edit_event("yoga", EventChanges.of(location=place))
    town.api.faults.stand(Fault.server_error(503))
    rounds = 0
    end = town.clock.now() + timedelta(minutes=5)
    while town.clock.now() < end:
        wait = town.bot.notification_worker.run_due_events()
        rounds += 1
        town.clock.advance(timedelta(seconds=max(wait, 0.001)))
    assert len(town.store.get_delivery("yoga").deferred) == 10
    assert rounds < 5 * 60
