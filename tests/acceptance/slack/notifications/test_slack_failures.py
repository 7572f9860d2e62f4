"""Whatever Slack does to a message or a card: it is sent later, in order, and twice only if an answer was lost (R9)."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from bot.notifications import delivery
from bot.slack.api_errors import PAUSE
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
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA, SlackHarness

UPDATE = "chat.update"


FOR_GOOD = ["user_not_found", "user_disabled", "channel_not_found", "cannot_dm_bot"]


def first_lines(harness: SlackHarness, user_id: str) -> list[str]:
    """Return what a member was told of, a word each, in order."""
    words = {"you have a seat": "seat", "was moved": "moved", "was canceled": "canceled"}
    return [
        next(word for said, word in words.items() if said in told)
        for told in harness.direct_messages(user_id)
    ]


def two_messages_each(harness: SlackHarness) -> None:
    """Owe Chloe and Diego a promotion, and then everyone word of a cancellation."""
    harness.event()
    promote(harness, CHLOE, DIEGO)
    harness.bot.service.cancel_event("yoga")


# Messages


@pytest.mark.parametrize("position", [0, 2, 5])
@pytest.mark.parametrize("fault", NOT_APPLIED.values(), ids=NOT_APPLIED)
def test_message_that_did_not_arrive_is_sent_later_once_and_in_order(
    impatient: SlackHarness, fault: Fault, position: int
) -> None:
    harness = impatient
    two_messages_each(harness)
    _fail_at(harness, POST, position, fault)
    harness.deliver_due(LONG_ENOUGH)
    assert first_lines(harness, CHLOE) == first_lines(harness, DIEGO) == ["seat", "canceled"]
    assert first_lines(harness, AMARA) == first_lines(harness, BJORN) == ["canceled"]
    assert undelivered(harness) == ()
    assert len(harness.api.calls(POST)) == 7


@pytest.mark.parametrize("position", [0, 2, 5])
@pytest.mark.parametrize("fault", ANSWER_LOST.values(), ids=ANSWER_LOST)
def test_message_whose_answer_was_lost_is_sent_twice_and_no_other(
    impatient: SlackHarness, fault: Fault, position: int
) -> None:
    harness = impatient
    two_messages_each(harness)
    _fail_at(harness, POST, position, fault)
    harness.deliver_due(LONG_ENOUGH)
    told = [tuple(first_lines(harness, user_id)) for user_id in (AMARA, BJORN, CHLOE, DIEGO)]
    owed = [("canceled",), ("canceled",), ("seat", "canceled"), ("seat", "canceled")]
    assert [tuple(dict.fromkeys(heard)) for heard in told] == owed
    assert len(harness.api.calls(POST)) == 7
    assert undelivered(harness) == ()


def _fail_at(harness: SlackHarness, method: str, position: int, fault: Fault) -> None:
    """Have Slack carry out so many calls of a method, and the next meet the fault."""
    harness.api.faults.enqueue(method, None, position)
    harness.api.fail_next(method, fault)


@pytest.mark.parametrize("seconds", [1, 7, 30, 90])
def test_retry_after_is_honored_to_the_moment(harness: SlackHarness, seconds: int) -> None:
    """Nothing is sent before it is over, for any event; then at once."""
    harness.event()
    harness.event("chess", title="Chess")
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.rate_limited(seconds))
    harness.bot.notification_worker.run_due_events()
    over = harness.clock.now() + timedelta(seconds=seconds)
    promote(harness, DIEGO, event_id="chess")
    while harness.clock.now() < over:
        wait = timedelta(seconds=harness.bot.notification_worker.run_due_events())
        assert len(sent_to(harness)) == 1
        harness.clock.advance(min(wait, over - harness.clock.now()))
    harness.bot.notification_worker.run_due_events()
    assert sorted(sent_to(harness)) == [CHLOE, CHLOE, DIEGO]


@pytest.mark.parametrize("header", [None, "", "soon"])
def test_rate_limit_that_does_not_say_how_long_is_half_a_minute(
    harness: SlackHarness, header: str | None
) -> None:
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault(429, "ratelimited", retry_after=header))
    harness.deliver_due(29)
    assert len(sent_to(harness)) == 1
    harness.deliver_due(3)
    assert first_lines(harness, CHLOE) == ["seat"]


@pytest.mark.parametrize("error", [*OURS, "messages_tab_disabled"])
def test_our_own_failure_keeps_all_and_alarms_once(
    harness: SlackHarness, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    two_messages_each(harness)
    harness.api.faults.set_default(Fault.refused(error))
    with caplog.at_level(logging.WARNING):
        harness.deliver_due(3 * PAUSE.total_seconds())
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert error in caplog.text
    assert len(sent_to(harness)) <= 4
    harness.api.faults.set_default(None)
    harness.deliver_due(PAUSE.total_seconds() + 5)
    assert first_lines(harness, CHLOE) == first_lines(harness, DIEGO) == ["seat", "canceled"]
    assert undelivered(harness) == ()


@pytest.mark.parametrize("error", FOR_GOOD)
def test_who_can_not_be_reached_holds_nobody_up(harness: SlackHarness, error: str) -> None:
    two_messages_each(harness)
    harness.api.fail_next(POST, Fault.refused(error))
    harness.deliver_due(LONG_ENOUGH)
    assert first_lines(harness, CHLOE) == ["canceled"]
    assert first_lines(harness, DIEGO) == ["seat", "canceled"]
    assert f"Got a seat: <@{CHLOE}>" in "".join(harness.direct_messages(AMARA))
    assert undelivered(harness) == ()


@pytest.mark.parametrize("error", BUGS)
def test_bug_is_skipped_with_one_alarm_and_the_organizer_told(
    harness: SlackHarness, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """R9.2: for good is for good, whosever fault it is."""
    two_messages_each(harness)
    harness.api.fail_next(POST, Fault.refused(error))
    harness.deliver_due(LONG_ENOUGH)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert first_lines(harness, CHLOE) == ["canceled"]
    assert first_lines(harness, DIEGO) == ["seat", "canceled"]
    assert f"Got a seat: <@{CHLOE}>" in "".join(harness.direct_messages(AMARA))
    assert undelivered(harness) == ()


@pytest.mark.parametrize("before", [0, 1, 5, 20])
@pytest.mark.parametrize(
    "fault", [Fault.server_error(503), Fault.closed(), Fault.closed(applied=True)], ids=str
)
def test_minute_without_slack_in_the_middle_of_many_messages(
    harness: SlackHarness, fault: Fault, before: int
) -> None:
    """Twenty promotions, a word to everyone and a card; Slack dies after some of them and comes back."""
    people = [BJORN, CHLOE, DIEGO, HARUKI, PRIYA]
    events = [f"event{number}" for number in range(4)]
    for event_id in events:
        harness.event(event_id, title=event_id.capitalize(), capacity=1)
        harness.register(AMARA, *people, event_id=event_id)
        if event_id == events[0]:
            harness.card(harness.bot.service.get_event(event_id))
        harness.bot.service.edit_event(event_id, EventChanges.of(capacity=6))
        harness.bot.service.cancel_event(event_id)
    harness.api.faults.enqueue(POST, None, before)
    harness.api.fail_next(POST, fault, times=10_000)
    harness.api.fail_next(UPDATE, fault, times=10_000)
    harness.deliver_due(60)
    tries = len([call for call in harness.api.calls(POST) if call.fault])
    assert tries <= 3 + 60 / 5
    harness.api.faults.clear()
    harness.deliver_due(120)
    doubled = 0
    for user_id in (AMARA, *people):
        for event_id in events:
            about = [
                told for told in harness.direct_messages(user_id) if event_id.capitalize() in told
            ]
            heard = ["seat" if "you have a seat" in told else "canceled" for told in about]
            owed = ["canceled"] if user_id == AMARA else ["seat", "canceled"]
            assert list(dict.fromkeys(heard)) == owed
            assert sorted(heard, key=owed.index) == heard
            doubled += len(heard) - len(owed)
    assert doubled == (tries if fault.applied else 0)
    assert "*Canceled*" in harness.current_card_text()
    assert undelivered(harness) == ()


def test_long_list_of_those_to_be_tried_again_does_not_spin(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a second message that waits behind the first, with an older time on it."""
    monkeypatch.setattr(delivery, "MOST_DEFERRED", 10)
    harness.event(capacity=1)
    harness.register(AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA)
    harness.bot.service.edit_event("yoga", EventChanges.of(capacity=6))
    for place in ("Room 5", "Room 6"):
        harness.clock.advance(timedelta(seconds=1))
        harness.bot.service.edit_event("yoga", EventChanges.of(location=place))
    harness.api.faults.set_default(Fault.server_error(503))
    rounds = 0
    end = harness.clock.now() + timedelta(minutes=5)
    while harness.clock.now() < end:
        wait = harness.bot.notification_worker.run_due_events()
        rounds += 1
        harness.clock.advance(timedelta(seconds=max(wait, 0.001)))
    assert len(harness.store.get_delivery("yoga").deferred) == 10
    assert rounds < 5 * 60
