"""An export that never ends is tried a few times; then the organizer hears that there will be no list (R9.6)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.blocks.ids import ActionId
from bot.notifications.export_sender import MAX_SECONDS, MAX_TRIES
from bot.notifications.export_worker import EXPORT_LEASE
from playground.demo.seed import EVENTS
from playground.web_api.fault_injection import Fault
from storage.dynamodb.store import DynamoDBStore
from tests.support.environment import run_now
from tests.support.notifications.delivery import POST, undelivered
from tests.support.slack.exports import ObservedStore, export, process, store_of
from tests.support.slack.harness import AMARA, SlackHarness, files, run_bot
from tests.support.slack.lambda_functions import Deployment, yoga

HOUR = 3600


@pytest.fixture
def harness(server: tuple[Any, str], tmp_path: Path) -> Iterator[SlackHarness]:
    with run_bot(server, ObservedStore, tmp_path / "rollcall.sqlite", run_now) as harness:
        yield harness


def alarms(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        one.getMessage()
        for one in caplog.records
        if one.levelno >= logging.ERROR and one.name.startswith("bot.")
    ]


def assert_given_up(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture, tries: int = MAX_TRIES
) -> None:
    """One message says so, one line of the log alarms the operator, and nothing is left."""
    (message,) = harness.direct_messages(AMARA)
    assert "Yoga in the park" in message
    assert "attendee list" in message
    assert f"[{ActionId.MANAGE}]" in message
    assert files(harness, AMARA) == []
    (alarm,) = alarms(caplog)
    assert f"given up after {tries} tries" in alarm


def test_export_whose_tries_all_take_too_long_is_given_up(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.event()
    harness.deliver_due()
    reads: list[int] = []

    def hang() -> None:
        reads.append(1)
        harness.clock.advance(MAX_SECONDS)

    export(harness)
    store_of(harness).at_roster = hang
    harness.deliver_due(2 * HOUR)
    assert len(reads) == MAX_TRIES
    assert_given_up(harness, caplog)
    assert undelivered(harness) == ()


def test_export_that_ends_its_process_each_time_is_given_up(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """It needs more memory than there is, for example: nothing is stored after its start."""
    harness.event()
    harness.deliver_due()
    job_id = export(harness)

    def die() -> None:
        raise KeyboardInterrupt

    store_of(harness).at_roster = die
    for number in range(MAX_TRIES):
        with pytest.raises(KeyboardInterrupt):
            process(harness, f"process {number}").exports.process_job(job_id)
        harness.clock.advance(EXPORT_LEASE)
    last = process(harness, "last").exports
    assert last.process_job(job_id) is None
    assert_given_up(harness, caplog)
    assert undelivered(harness) == ()


def test_message_about_an_export_that_was_given_up_is_retried(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.event()
    harness.deliver_due()
    export(harness)
    store_of(harness).at_roster = lambda: harness.clock.advance(MAX_SECONDS)
    harness.api.fail_next(POST, Fault.server_error(503), times=3)
    harness.deliver_due(2 * HOUR)
    assert_given_up(harness, caplog)


@pytest.mark.parametrize(
    "fault", [Fault.server_error(503), Fault.rate_limited(30), Fault.refused("token_revoked")]
)
def test_tries_that_slack_ends_do_not_count(harness: SlackHarness, fault: Fault) -> None:
    """However long Slack is down or refuses the app, the list is sent once it is back."""
    harness.event()
    harness.deliver_due()
    export(harness)
    harness.api.faults.set_default(lambda method: fault if method == "conversations.open" else None)
    harness.deliver_due(HOUR)
    assert len(harness.api.calls("conversations.open")) > MAX_TRIES
    harness.api.faults.set_default(None)
    harness.deliver_due(HOUR / 2)
    assert len(files(harness, AMARA)) == 1


def test_tries_that_a_stop_ends_do_not_count(harness: SlackHarness) -> None:
    harness.event()
    harness.deliver_due()
    job_id = export(harness)
    for number in range(MAX_TRIES + 1):
        stopping = process(harness, f"process {number}")
        store_of(harness).at_roster = stopping.stop
        assert stopping.exports.process_job(job_id) is not None
    store_of(harness).at_roster = lambda: None
    assert process(harness, "last").exports.process_job(job_id) is None
    assert len(files(harness, AMARA)) == 1


def test_function_gives_up_an_export_that_outlasts_its_time_limit(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each invocation has 30 seconds, and a read of the roster takes as long."""
    harness, reads, tries = deployment.harness, [], 2
    monkeypatch.setattr("bot.notifications.export_sender.MAX_TRIES", tries)
    yoga(deployment)
    deployment.deliver()
    read = DynamoDBStore.list_roster

    def slow(store: DynamoDBStore, event_id: str, **page: Any) -> Any:
        reads.append(1)
        harness.clock.advance(30)
        return read(store, event_id, **page)

    manage = deployment.slack.command(AMARA, EVENTS, "/event", "yoga").view
    assert manage is not None
    deployment.slack.click(AMARA, manage, ActionId.EXPORT)
    monkeypatch.setattr(DynamoDBStore, "list_roster", slow)
    deployment.deliver()
    for _ in range(tries):
        harness.clock.advance(timedelta(minutes=1))
        deployment.sweep()
    assert len(reads) == tries
    assert_given_up(harness, caplog, tries)
    assert deployment.store.list_undelivered(limit=10, cursor=None).items == ()
