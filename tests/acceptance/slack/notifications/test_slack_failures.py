"""Messages under every failure of Slack: sent later, in order, twice only after a lost response (R9)."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from bot.notifications import deferred
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


PERMANENT = [
    "user_not_found",
    "user_disabled",
    "channel_not_found",
    "cannot_dm_bot",
    "restricted_action",
]


def received(harness: SlackHarness, user_id: str) -> list[str]:
    """Return the kinds of a member's notifications, in order."""
    return [kind for kind in kinds_of(harness.direct_messages(user_id)) if kind != REPORT]


def two_messages_each(harness: SlackHarness) -> None:
    """Promote Chloé and Diego, then cancel the event, with nothing delivered yet."""
    harness.event()
    promote(harness, CHLOE, DIEGO)
    harness.bot.service.cancel_event("yoga")


# Messages


@pytest.mark.parametrize("position", [0, 2, 5])
@pytest.mark.parametrize("fault", NOT_APPLIED.values(), ids=NOT_APPLIED)
def test_failed_message_is_sent_later_once_and_in_order(
    impatient: SlackHarness, fault: Fault, position: int
) -> None:
    harness = impatient
    two_messages_each(harness)
    _fail_at(harness, POST, position, fault)
    harness.deliver_due(LONG_ENOUGH)
    assert received(harness, CHLOE) == received(harness, DIEGO) == ["promoted", "canceled"]
    assert received(harness, AMARA) == received(harness, BJORN) == ["canceled"]
    assert undelivered(harness) == ()
    assert len(harness.api.calls(POST)) == 7


@pytest.mark.parametrize("position", [0, 2, 5])
@pytest.mark.parametrize("fault", ANSWER_LOST.values(), ids=ANSWER_LOST)
def test_only_a_message_with_a_lost_response_is_sent_twice(
    impatient: SlackHarness, fault: Fault, position: int
) -> None:
    harness = impatient
    two_messages_each(harness)
    _fail_at(harness, POST, position, fault)
    harness.deliver_due(LONG_ENOUGH)
    kinds_by_user = [tuple(received(harness, user_id)) for user_id in (AMARA, BJORN, CHLOE, DIEGO)]
    expected = [("canceled",), ("canceled",), ("promoted", "canceled"), ("promoted", "canceled")]
    assert [tuple(dict.fromkeys(kinds)) for kinds in kinds_by_user] == expected
    assert len(harness.api.calls(POST)) == 7
    assert undelivered(harness) == ()


def _fail_at(harness: SlackHarness, method: str, position: int, fault: Fault) -> None:
    """Let so many calls of a method succeed and the next one fail."""
    harness.api.faults.enqueue(method, None, position)
    harness.api.fail_next(method, fault)


@pytest.mark.parametrize("seconds", [1, 7, 30, 90])
def test_retry_after_is_honored_exactly(harness: SlackHarness, seconds: int) -> None:
    """Nothing is sent for any event before it is over, and everything right after."""
    harness.event()
    harness.event("chess", title="Chess")
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault.rate_limited(seconds))
    harness.bot.notification_worker.process_due_events()
    over = harness.clock.now() + timedelta(seconds=seconds)
    promote(harness, DIEGO, event_id="chess")
    while harness.clock.now() < over:
        wait = timedelta(seconds=harness.bot.notification_worker.process_due_events())
        assert len(sent_to(harness)) == 1
        harness.clock.advance(min(wait, over - harness.clock.now()))
    harness.bot.notification_worker.process_due_events()
    assert sorted(sent_to(harness)) == [CHLOE, CHLOE, DIEGO]


@pytest.mark.parametrize("header", [None, "", "soon"])
def test_rate_limit_without_a_duration_is_half_a_minute(
    harness: SlackHarness, header: str | None
) -> None:
    harness.event()
    promote(harness, CHLOE)
    harness.api.fail_next(POST, Fault(429, "ratelimited", retry_after=header))
    harness.deliver_due(29)
    assert len(sent_to(harness)) == 1
    harness.deliver_due(3)
    assert received(harness, CHLOE) == ["promoted"]


@pytest.mark.parametrize("error", [*OURS, "messages_tab_disabled"])
def test_app_failure_keeps_all_messages_with_one_alarm(
    harness: SlackHarness, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    two_messages_each(harness)
    harness.api.faults.set_default(Fault.refused(error))
    with caplog.at_level(logging.WARNING):
        harness.deliver_due(3 * PAUSE)
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    assert error in caplog.text
    assert len(sent_to(harness)) <= 4
    harness.api.faults.set_default(None)
    harness.deliver_due(PAUSE + 5)
    assert received(harness, CHLOE) == received(harness, DIEGO) == ["promoted", "canceled"]
    assert undelivered(harness) == ()


@pytest.mark.parametrize("error", PERMANENT)
def test_unreachable_recipient_delays_no_one(harness: SlackHarness, error: str) -> None:
    two_messages_each(harness)
    harness.api.fail_next(POST, Fault.refused(error))
    harness.deliver_due(LONG_ENOUGH)
    assert received(harness, CHLOE) == ["canceled"]
    assert received(harness, DIEGO) == ["promoted", "canceled"]
    assert f": <@{CHLOE}>" in "".join(harness.direct_messages(AMARA))
    assert undelivered(harness) == ()


@pytest.mark.parametrize("error", BUGS)
def test_bug_is_skipped_with_one_alarm_and_reported_to_the_organizer(
    harness: SlackHarness, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """R9.2: the recipient missed the message, whatever the cause."""
    two_messages_each(harness)
    harness.api.fail_next(POST, Fault.refused(error))
    harness.deliver_due(LONG_ENOUGH)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert received(harness, CHLOE) == ["canceled"]
    assert received(harness, DIEGO) == ["promoted", "canceled"]
    assert f": <@{CHLOE}>" in "".join(harness.direct_messages(AMARA))
    assert undelivered(harness) == ()


@pytest.mark.parametrize("before", [0, 1, 5, 20])
@pytest.mark.parametrize(
    "fault", [Fault.server_error(503), Fault.closed(), Fault.closed(applied=True)], ids=str
)
def test_outage_of_a_minute_during_many_messages(
    harness: SlackHarness, fault: Fault, before: int
) -> None:
    """Slack fails during twenty promotions, cancellations and a card, and recovers."""
    user_ids = [BJORN, CHLOE, DIEGO, HARUKI, PRIYA]
    events = [f"event{number}" for number in range(4)]
    for event_id in events:
        harness.event(event_id, title=event_id.capitalize(), capacity=1)
        harness.register(AMARA, *user_ids, event_id=event_id)
        if event_id == events[0]:
            harness.card(harness.bot.service.get_event(event_id))
        harness.bot.service.edit_event(event_id, EventChanges.of(capacity=6))
        harness.bot.service.cancel_event(event_id)
    harness.api.faults.enqueue(POST, None, before)
    harness.api.fail_next(POST, fault, times=10_000)
    harness.api.fail_next(UPDATE, fault, times=10_000)
    harness.deliver_due(60)
    failed = len([call for call in harness.api.calls(POST) if call.fault])
    assert failed <= 3 + 60 / 5
    harness.api.faults.clear()
    harness.deliver_due(120)
    doubled = 0
    for user_id in (AMARA, *user_ids):
        for event_id in events:
            about = [
                message
                for message in harness.direct_messages(user_id)
                if event_id.capitalize() in message
            ]
            kinds = kinds_of(about)
            expected = ["canceled"] if user_id == AMARA else ["promoted", "canceled"]
            assert list(dict.fromkeys(kinds)) == expected
            assert sorted(kinds, key=expected.index) == kinds
            doubled += len(kinds) - len(expected)
    assert doubled == (failed if fault.applied else 0)
    assert "*Canceled*" in harness.current_card_text()
    assert undelivered(harness) == ()


def test_many_deferred_messages_do_not_cause_a_busy_loop(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each person's second message waits for the first, and has an earlier retry time."""
    monkeypatch.setattr(deferred, "MAX_DEFERRED", 10)
    harness.event(capacity=1)
    harness.register(AMARA, BJORN, CHLOE, DIEGO, HARUKI, PRIYA)
    harness.bot.service.edit_event("yoga", EventChanges.of(capacity=6))
    for location in ("Room 5", "Room 6"):
        harness.clock.advance(timedelta(seconds=1))
        harness.bot.service.edit_event("yoga", EventChanges.of(location=location))
    harness.api.faults.set_default(Fault.server_error(503))
    runs = 0
    end = harness.clock.now() + timedelta(minutes=5)
    while harness.clock.now() < end:
        wait = harness.bot.notification_worker.process_due_events()
        runs += 1
        harness.clock.advance(timedelta(seconds=max(wait, 0.001)))
    assert len(harness.store.get_delivery("yoga").deferred) == 10
    assert runs < 5 * 60
