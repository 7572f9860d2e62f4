"""Delivery in a Lambda function ends before the function's time limit, whatever Slack does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from slack_sdk import WebClient

from bot.entrypoints.lambda_functions import RESERVE, STORE_RESERVE
from bot.notifications.due_work import MAX_PAUSES
from bot.slack.web_client import LEAST_SECONDS, TimeLimitedClient
from domain.ports import Unavailable
from playground.demo.seed import EVENTS, RANDOM
from playground.web_api.fault_injection import Fault
from tests.support.slack.harness import BJORN, CHLOE, SlackHarness

LIMIT = 60.0


@pytest.mark.parametrize("method", ["chat.update", "chat.postMessage"])
def test_event_that_slack_refuses_is_left_to_the_sweep_at_once(
    harness: SlackHarness, method: str
) -> None:
    harness.event(capacity=1)
    for channel in (EVENTS, RANDOM):
        harness.card_in(channel, harness.bot.service.get_event("yoga"))
    harness.deliver_due(10)
    harness.register(BJORN, CHLOE)
    harness.bot.service.unregister("yoga", BJORN)
    harness.api.faults.set_default(Fault.refused("internal_error"))
    began = harness.clock.monotonic()
    failed = harness.bot.notification_worker.process_until(began + LIMIT - RESERVE)
    assert failed == set()
    assert harness.clock.monotonic() - began <= MAX_PAUSES
    harness.api.faults.set_default(None)
    harness.deliver_due(120)
    assert len(harness.direct_messages(CHLOE)) == 1


def test_nothing_is_sent_once_the_time_is_over(harness: SlackHarness) -> None:
    harness.event(capacity=1)
    harness.register(BJORN, CHLOE)
    harness.bot.service.unregister("yoga", BJORN)
    now = harness.clock.monotonic()
    calls = len(harness.api.calls("chat.postMessage"))
    harness.bot.notification_worker.process_event("yoga", until=now)
    assert len(harness.api.calls("chat.postMessage")) == calls
    harness.deliver_due(5)
    assert len(harness.direct_messages(CHLOE)) == 1


def test_store_that_does_not_respond_is_asked_again_and_then_left_to_the_sweep(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault that passes raises no alarm: no error is logged, and no record goes to the dead letters."""
    harness.event()

    def unavailable(*_: object, **__: object) -> None:
        raise Unavailable("500")

    monkeypatch.setattr(harness.bot.notification_worker._store, "take_lease", unavailable)
    harness.clock.while_sleeping = lambda: None  # the worker itself sleeps
    harness.bot.notification_worker.schedule("yoga")
    began = harness.clock.monotonic()
    assert harness.bot.notification_worker.process_until(began + LIMIT) == set()
    assert harness.clock.monotonic() - began <= MAX_PAUSES
    assert {record.levelname for record in caplog.records} <= {"INFO", "WARNING"}


def test_call_takes_half_of_what_is_left_before_the_results_are_stored() -> None:
    left = LIMIT
    client = TimeLimitedClient(WebClient(token="xoxb-unused", timeout=10), lambda: left)
    assert client.timeout == 10
    # Connecting and waiting for the response are timed apart: both together end in time.
    left = RESERVE - STORE_RESERVE
    assert 2 * client.timeout <= left
    left = -1.0
    assert client.timeout == LEAST_SECONDS
    assert timedelta(seconds=2 * LEAST_SECONDS) < timedelta(seconds=STORE_RESERVE)
