"""Delivery in a Lambda function ends before the function's time limit, whatever Slack does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest
from slack_sdk import WebClient

from bot.entrypoints.lambda_functions import (
    RESERVE,
    STORE_RESERVE,
    UPLOAD_RESERVE,
    QueueingStore,
    build_export_function,
    build_sweep_function,
)
from bot.entrypoints.settings import Settings
from bot.entrypoints.slack_startup import slack_client
from bot.notifications.due_work import MAX_PAUSES
from bot.slack.web_client import LEAST_SECONDS, TimeLimitedClient
from domain.enums import Audience
from domain.inputs import AnnouncementDraft
from domain.models import Actor, JournalEntry, Page, Registration
from domain.ports import INDEX_LAG, Unavailable
from playground.demo.seed import EVENTS, RANDOM
from playground.web_api.fault_injection import Fault
from storage.sqlite.store import SQLiteStore
from tests.support.simulation.memory import MemoryData
from tests.support.slack.harness import AMARA, BJORN, CHLOE, SlackHarness, files
from tests.support.slack.lambda_functions import Context

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


def test_age_of_what_is_undelivered_is_not_asked_for_longer_than_the_time_lasts(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by the simulation: with a slow store, each minute's sweep ran out of time."""
    for number in range(5):
        harness.event(f"yoga-{number}")
    worker = harness.bot.notification_worker
    reads: list[str] = []
    monkeypatch.setattr(
        worker, "_oldest_undelivered", lambda event_id: _slow_entry(harness, event_id, reads)
    )
    until = harness.clock.monotonic() + 2
    assert worker.undelivered_since(until) is not None
    assert len(reads) == 2


def _slow_entry(harness: SlackHarness, event_id: str, reads: list[str]) -> JournalEntry | None:
    harness.clock.advance(1)
    reads.append(event_id)
    return harness.store.get_journal_entry(event_id, 1)


@pytest.mark.parametrize("kind", ["sweep", "export"])
def test_store_that_does_not_respond_to_a_function_of_each_minute_raises_no_alarm(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    """Found by the simulation: a function that fails is an alarm, and the next minute tries again."""

    class SilentStore(MemoryData):
        def list_undelivered(self, **_: object) -> Page[str]:
            raise Unavailable("500")

    store = cast("QueueingStore", SilentStore())
    build = {"sweep": build_sweep_function, "export": build_export_function}[kind]
    settings = Settings(
        store="sqlite",
        slack_api_url=f"{harness.workspace.url}/api/",
        bot_token=harness.workspace.app.bot_token,
    )
    build(settings, store, harness.clock)({"source": "aws.events"}, Context())
    assert {record.levelname for record in caplog.records} <= {"INFO", "WARNING"}


def test_no_piece_of_a_file_is_sent_that_could_outlast_the_function(harness: SlackHarness) -> None:
    """Found by the simulation: a piece, and the answer after it, may each take as long as a call."""
    harness.event()
    harness.deliver_due()
    harness.bot.service.export("yoga", request_id="export 1", actor=Actor(AMARA))
    settings = Settings(
        store="sqlite",
        slack_api_url=f"{harness.workspace.url}/api/",
        bot_token=harness.workspace.app.bot_token,
    )
    run = build_export_function(settings, harness.store, harness.clock)
    run({"source": "aws.events"}, Context(int(UPLOAD_RESERVE)))
    assert harness.api.calls("files.getUploadURLExternal") == []
    run({"source": "aws.events"}, Context(int(UPLOAD_RESERVE) + 60))
    assert len(files(harness, AMARA)) == 1
    assert UPLOAD_RESERVE - 2 * slack_client(settings).timeout >= STORE_RESERVE


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


def test_entries_that_reach_nobody_end_with_the_time(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by the simulation: with a slow store, the notifier ran out of time over messages without recipients."""
    harness.event()
    harness.deliver_due(5)
    for number in range(5):
        draft = AnnouncementDraft.of(
            text=f"Nobody reads this {number}.", audience=Audience.REGISTERED
        )
        harness.bot.service.announce("yoga", draft, request_id=str(number))
    harness.clock.advance(timedelta(seconds=INDEX_LAG))
    worker, store = harness.bot.notification_worker, harness.store
    reads = 0

    def slow(event_id: str, **page: Any) -> Page[Registration]:
        nonlocal reads
        reads += 1
        harness.clock.advance(1)
        return SQLiteStore.list_roster(store, event_id, **page)

    worker.process_event("yoga")  # sees the entries for the first time
    harness.clock.advance(timedelta(seconds=INDEX_LAG))
    monkeypatch.setattr(store, "list_roster", slow)
    worker.process_event("yoga", until=harness.clock.monotonic() + 2)
    assert reads == 2
