"""Messages under every failure of Slack: sent later, in order, twice only after a lost response (R9)."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from bot.notifications import delivery
from bot.slack.api_errors import PAUSE
from domain.inputs import EventChanges
from playground.web_api.fault_injection import Fault
from tests.support.notifications.delivery import POST, promote, sent_to, undelivered
from tests.support.notifications.message_kinds import REPORT, kinds_of
from tests.support.notifications.slack_faults import (
    ANSWER_LOST,
    BUGS,
    LONG_ENOUGH,
    NOT_APPLIED,
    OURS,
)
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA, SlackHarness

UPDATE = "chat.update"


PERMANENT = ["user_not_found", "user_disabled", "channel_not_found", "cannot_dm_bot"]


def received(town: Town, user_id: str) -> list[str]:
    """Return the kinds of a member's notifications, in order."""
    return [kind for kind in kinds_of(town.told(user_id)) if kind != REPORT]


def two_messages_each(town: Town) -> None:
    """Promote Chloé and Diego, then cancel the event, with nothing delivered yet."""
    town.event()
    promote(town, CHLOE, DIEGO)
    town.bot.service.cancel_event("yoga")


# Messages


@pytest.mark.parametrize("position", [0, 2, 5])
@pytest.mark.parametrize("fault", NOT_APPLIED.values(), ids=NOT_APPLIED)
def test_failed_message_is_sent_later_once_and_in_order(
    impatient: Town, fault: Fault, position: int
) -> None:
    town = impatient
    two_messages_each(town)
    _fail_at(town, POST, position, fault)
    town.settle(LONG_ENOUGH)
    assert received(town, CHLOE) == received(town, DIEGO) == ["promoted", "canceled"]
    assert received(town, AMARA) == received(town, BJORN) == ["canceled"]
    assert undelivered(town) == ()
    assert len(town.api.calls(POST)) == 7


@pytest.mark.parametrize("position", [0, 2, 5])
@pytest.mark.parametrize("fault", ANSWER_LOST.values(), ids=ANSWER_LOST)
def test_only_a_message_with_a_lost_response_is_sent_twice(
    impatient: Town, fault: Fault, position: int
) -> None:
    town = impatient
    two_messages_each(town)
    _fail_at(town, POST, position, fault)
    town.settle(LONG_ENOUGH)
    told = [tuple(received(town, user_id)) for user_id in (AMARA, BJORN, CHLOE, DIEGO)]
    expected = [("canceled",), ("canceled",), ("promoted", "canceled"), ("promoted", "canceled")]
    assert [tuple(dict.fromkeys(heard)) for heard in told] == expected
    assert len(town.api.calls(POST)) == 7
    assert undelivered(town) == ()


def _fail_at(town: Town, method: str, position: int, fault: Fault) -> None:
    """Let so many calls of a method succeed and the next one fail."""
    town.api.faults.line_up(method, None, position)
    town.api.fail_next(method, fault)


@pytest.mark.parametrize("seconds", [1, 7, 30, 90])
def test_retry_after_is_honored_exactly(town: Town, seconds: int) -> None:
    """Nothing is sent for any event before it is over, and everything right after."""
    town.event()
    town.event("chess", title="Chess")
    promote(town, CHLOE)
    town.api.fail_next(POST, Fault.rate_limited(seconds))
    town.bot.notification_worker.process_due_events()
    over = town.clock.now() + timedelta(seconds=seconds)
    promote(town, DIEGO, event_id="chess")
    while town.clock.now() < over:
        wait = timedelta(seconds=town.bot.notification_worker.process_due_events())
        assert len(sent_to(town)) == 1
        town.clock.advance(min(wait, over - town.clock.now()))
    town.bot.notification_worker.process_due_events()
    assert sorted(sent_to(town)) == [CHLOE, CHLOE, DIEGO]


@pytest.mark.parametrize("header", [None, "", "soon"])
def test_rate_limit_without_a_duration_is_half_a_minute(town: Town, header: str | None) -> None:
    town.event()
    promote(town, CHLOE)
    town.api.fail_next(POST, Fault(429, "ratelimited", retry_after=header))
    town.settle(29)
    assert len(sent_to(town)) == 1
    town.settle(3)
    assert received(town, CHLOE) == ["promoted"]


@pytest.mark.parametrize("error", [*OURS, "messages_tab_disabled"])
def test_app_failure_keeps_all_messages_with_one_alarm(
    town: Town, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    two_messages_each(harness)
    harness.api.faults.stand(Fault.refused(error))
    with caplog.at_level(logging.WARNING):
        harness.deliver_due(3 * PAUSE.total_seconds())
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert error in caplog.text
    assert len(sent_to(town)) <= 4
    town.api.faults.stand(None)
    town.settle(PAUSE.total_seconds() + 5)
    assert received(town, CHLOE) == received(town, DIEGO) == ["promoted", "canceled"]
    assert undelivered(town) == ()


@pytest.mark.parametrize("error", PERMANENT)
def test_unreachable_recipient_delays_no_one(town: Town, error: str) -> None:
    two_messages_each(town)
    town.api.fail_next(POST, Fault.refused(error))
    town.settle(LONG_ENOUGH)
    assert received(town, CHLOE) == ["canceled"]
    assert received(town, DIEGO) == ["promoted", "canceled"]
    assert f": <@{CHLOE}>" in "".join(town.told(AMARA))
    assert undelivered(town) == ()


@pytest.mark.parametrize("error", BUGS)
def test_bug_is_skipped_with_one_alarm_and_reported_to_the_organizer(
    town: Town, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """R9.2: the recipient missed the message, whatever the cause."""
    two_messages_each(town)
    town.api.fail_next(POST, Fault.refused(error))
    town.settle(LONG_ENOUGH)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert received(town, CHLOE) == ["canceled"]
    assert received(town, DIEGO) == ["promoted", "canceled"]
    assert f": <@{CHLOE}>" in "".join(town.told(AMARA))
    assert undelivered(town) == ()


@pytest.mark.parametrize("before", [0, 1, 5, 20])
@pytest.mark.parametrize(
    "fault", [Fault.server_error(503), Fault.closed(), Fault.closed(applied=True)], ids=str
)
def test_outage_of_a_minute_during_many_messages(town: Town, fault: Fault, before: int) -> None:
    """Slack fails during twenty promotions, cancellations and a card, and recovers."""
    people = [BJORN, CHLOE, DIEGO, HARUKI, PRIYA]
    events = [f"event{number}" for number in range(4)]
    for event_id in events:
        harness.event(event_id, title=event_id.capitalize(), capacity=1)
        harness.register(AMARA, *people, event_id=event_id)
        if event_id == events[0]:
            town.card(town.bot.service.get_event(event_id))
        town.bot.service.edit_event(event_id, EventChanges.of(capacity=6))
        town.bot.service.cancel_event(event_id)
    town.api.faults.line_up(POST, None, before)
    town.api.fail_next(POST, fault, times=10_000)
    town.api.fail_next(UPDATE, fault, times=10_000)
    town.settle(60)
    failed = len([call for call in town.api.calls(POST) if call.fault])
    assert failed <= 3 + 60 / 5
    town.api.faults.clear()
    town.settle(120)
    doubled = 0
    for user_id in (AMARA, *people):
        for event_id in events:
            about = [told for told in town.told(user_id) if event_id.capitalize() in told]
            heard = kinds_of(about)
            expected = ["canceled"] if user_id == AMARA else ["promoted", "canceled"]
            assert list(dict.fromkeys(heard)) == expected
            assert sorted(heard, key=expected.index) == heard
            doubled += len(heard) - len(expected)
    assert doubled == (failed if fault.applied else 0)
    assert "*Canceled*" in town.card_now()
    assert undelivered(town) == ()


def test_many_deferred_messages_do_not_cause_a_busy_loop(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each person's second message waits for the first, and has an earlier retry time."""
    monkeypatch.setattr(delivery, "MAX_DEFERRED", 10)
    town.event(capacity=1)
    town.register(AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA)
    town.bot.service.edit_event("yoga", EventChanges.of(capacity=6))
    for room in ("Room 5", "Room 6"):
        town.clock.advance(timedelta(seconds=1))
        town.bot.service.edit_event("yoga", EventChanges.of(location=room))
    town.api.faults.stand(Fault.server_error(503))
    runs = 0
    end = town.clock.now() + timedelta(minutes=5)
    while town.clock.now() < end:
        wait = town.bot.notification_worker.process_due_events()
        runs += 1
        town.clock.advance(timedelta(seconds=max(wait, 0.001)))
    assert len(town.store.get_delivery("yoga").deferred) == 10
    assert runs < 5 * 60
