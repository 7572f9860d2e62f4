"""An export is a job of its own: it delays no message, and two processes send it once (R9.6)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.notifications.export_sender import MAX_SECONDS
from bot.notifications.export_worker import EXPORT_LEASE
from bot.notifications.worker import SWEEP_INTERVAL
from domain.enums import ChangeKind
from domain.execution.leases import Leases
from domain.inputs import UserDraft
from domain.models import ExportJob
from playground.web_api.fault_injection import Fault
from tests.support.environment import run_now
from tests.support.notifications.delivery import promote, undelivered
from tests.support.slack.exports import ObservedStore, export, process, store_of
from tests.support.slack.harness import (
    AMARA,
    BJORN,
    CHLOE,
    DIEGO,
    SlackHarness,
    files,
    run_bot,
)

UPLOAD = "files.getUploadURLExternal"


@pytest.fixture
def harness(server: tuple[Any, str], tmp_path: Path) -> Iterator[SlackHarness]:
    with run_bot(server, ObservedStore, tmp_path / "rollcall.sqlite", run_now) as harness:
        yield harness


def test_messages_and_cards_go_out_during_an_export(harness: SlackHarness) -> None:
    """Its own event's, and another's."""
    harness.event()
    harness.event("chess", title="Chess")
    harness.deliver_due()
    export(harness)
    sent: list[int] = []

    def promote_meanwhile() -> None:
        store.at_roster = lambda: None
        promote(harness, CHLOE)
        promote(harness, DIEGO, event_id="chess")
        harness.bot.notification_worker.process_due_events()
        sent.extend(len(harness.direct_messages(user_id)) for user_id in (CHLOE, DIEGO))
        assert files(harness, AMARA) == []

    store = store_of(harness)
    store.at_roster = promote_meanwhile
    harness.deliver_due()
    assert sent == [1, 1]
    assert len(files(harness, AMARA)) == 1


@pytest.mark.parametrize(
    "fault", [Fault.rate_limited(60), Fault.server_error(), Fault.refused("token_revoked")], ids=str
)
def test_export_that_waits_for_slack_delays_no_message(harness: SlackHarness, fault: Fault) -> None:
    harness.event()
    harness.deliver_due()
    harness.api.fail_next(UPLOAD, fault)
    export(harness)
    harness.deliver_due(0)
    promote(harness, CHLOE)
    is_app = fault == Fault.refused("token_revoked")
    harness.deliver_due(61 if is_app else 1)
    assert len(harness.direct_messages(CHLOE)) == 1
    harness.deliver_due(SWEEP_INTERVAL + 5)
    assert len(files(harness, AMARA)) == 1
    assert undelivered(harness) == ()


def test_export_that_waits_delays_no_other_export(harness: SlackHarness) -> None:
    """Slack does not tell a name of the first event's attendees for a minute."""
    harness.event()
    harness.event("chess", title="Chess", organizer_id=BJORN)
    harness.deliver_due()
    harness.bot.service.register_ensuring_user("yoga", UserDraft.unnamed(CHLOE))
    harness.register(DIEGO, event_id="chess")
    harness.api.fail_next("users.info", Fault.rate_limited(60))
    export(harness)
    export(harness, BJORN, "chess")
    harness.deliver_due(6)
    assert (len(files(harness, AMARA)), len(files(harness, BJORN))) == (0, 1)
    harness.deliver_due(60)
    assert len(files(harness, AMARA)) == 1


def test_slow_reading_is_done_by_one_process(harness: SlackHarness) -> None:
    """Each read takes a minute. Another process tries at each, and the lease was never lost."""
    harness.event()
    harness.deliver_due()
    job_id = export(harness)
    other = process(harness, "other")
    tried: list[float | None] = []

    def slow() -> None:
        harness.clock.advance(timedelta(seconds=59))
        tried.append(other.exports.process_job(job_id))

    store_of(harness).at_roster = slow
    first = process(harness, "first", slow)
    assert first.exports.process_job(job_id) is None
    assert len(tried) == 3
    assert None not in tried
    assert len(files(harness, AMARA)) == 1
    store_of(harness).at_roster = lambda: None
    assert other.exports.process_job(job_id) is None
    assert len(files(harness, AMARA)) == 1


def test_long_upload_keeps_the_lease(harness: SlackHarness) -> None:
    """The content goes out in pieces, each of which may renew the lease."""
    harness.event()
    harness.deliver_due()
    job_id = export(harness)
    holders: list[object] = []

    def slow() -> None:
        harness.clock.advance(timedelta(seconds=EXPORT_LEASE * 0.49))
        holders.append(others.take(job_id))

    others = Leases(harness.store, harness.clock, holder="other", seconds=EXPORT_LEASE)
    assert process(harness, "first", slow).exports.process_job(job_id) is None
    assert holders == [None, None]
    assert len(files(harness, AMARA)) == 1


def test_suspended_process_sends_nothing_after_its_lease(harness: SlackHarness) -> None:
    harness.event()
    harness.deliver_due()
    job_id = export(harness)
    other = process(harness, "other")

    def suspended() -> None:
        assert other.exports.process_job(job_id) is not None
        harness.clock.advance(timedelta(seconds=EXPORT_LEASE))
        store_of(harness).at_roster = lambda: None
        assert other.exports.process_job(job_id) is None

    store_of(harness).at_roster = suspended
    process(harness, "first").exports.process_job(job_id)
    assert len(files(harness, AMARA)) == 1


def test_try_that_takes_too_long_is_given_up_and_repeated(harness: SlackHarness) -> None:
    harness.event()
    harness.deliver_due()
    job_id = export(harness)

    def hang() -> None:
        store_of(harness).at_roster = lambda: None
        harness.clock.advance(timedelta(seconds=MAX_SECONDS))

    store_of(harness).at_roster = hang
    assert harness.bot.notification_worker.exports.process_job(job_id) is not None
    assert files(harness, AMARA) == []
    harness.deliver_due(10)
    assert len(files(harness, AMARA)) == 1


def test_stop_gives_up_the_export_for_the_next_process(harness: SlackHarness) -> None:
    harness.event()
    harness.deliver_due()
    job_id = export(harness)
    first, second = process(harness, "first"), process(harness, "second")
    store_of(harness).at_roster = first.stop
    first.exports.process_job(job_id)
    assert files(harness, AMARA) == []
    store_of(harness).at_roster = lambda: None
    assert second.exports.process_job(job_id) is None
    assert len(files(harness, AMARA)) == 1


def test_crash_leaves_the_export_to_the_sweep_of_another_process(harness: SlackHarness) -> None:
    harness.event()
    harness.deliver_due()
    job_id = export(harness)

    def die() -> None:
        raise KeyboardInterrupt

    store_of(harness).at_roster = die
    with pytest.raises(KeyboardInterrupt):
        process(harness, "first").exports.process_job(job_id)
    store_of(harness).at_roster = lambda: None
    second = process(harness, "second")
    for _ in range(3):
        second.process_due_events()
        second.exports.process_due_jobs()
        harness.clock.advance(timedelta(seconds=EXPORT_LEASE / 2))
    assert len(files(harness, AMARA)) == 1


def test_finished_job_leaves_nothing_behind(harness: SlackHarness) -> None:
    """The event's history has the export."""
    harness.event()
    job_id = export(harness)
    assert harness.store.get_journal_entry(job_id, 1) is not None
    harness.deliver_due()
    assert len(files(harness, AMARA)) == 1
    assert harness.store.get_journal_entry(job_id, 1) is None
    assert harness.store.get_delivery(job_id).revision == 0
    job = ExportJob.of(job_id)
    assert job is not None
    entry = harness.store.get_journal_entry("yoga", job.version)
    assert entry is not None
    assert [change.kind for change in entry.changes] == [ChangeKind.EXPORTED]
    assert entry.notifications == ()


def test_unreachable_exporter_is_recorded_in_the_events_history(harness: SlackHarness) -> None:
    """R9.2: and the organizers are told, here the same."""
    harness.event()
    harness.deliver_due()
    job_id = export(harness)
    harness.api.fail_next("conversations.open", Fault.refused("user_disabled"))
    harness.deliver_due()
    job = ExportJob.of(job_id)
    assert job is not None
    entry = harness.store.get_journal_entry("yoga", job.version)
    assert entry is not None
    assert [one.user_id for one in entry.unreachable] == [AMARA]
    assert len(harness.direct_messages(AMARA)) == 1
    assert undelivered(harness) == ()


def test_thread_sends_the_file(harness: SlackHarness) -> None:
    """`start` starts the worker's own thread, and `stop` ends it."""
    harness.event()
    harness.deliver_due()
    job_id = export(harness)
    worker = process(harness, "threaded")
    worker.exports.schedule(job_id)
    worker.exports.start()
    assert store_of(harness).is_done.wait(20)
    worker.stop()
    assert len(files(harness, AMARA)) == 1


def test_stop_leaves_a_thread_that_hangs_behind(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A read of the store does not end. Once it does, the job is given up."""
    monkeypatch.setattr("bot.notifications.worker.STOP_SECONDS", 0.1)
    harness.event()
    harness.deliver_due()
    job_id = export(harness)
    worker = process(harness, "threaded")
    hangs, goes_on = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        goes_on.wait()

    store_of(harness).at_roster = hang
    worker.exports.schedule(job_id)
    worker.exports.start()
    assert hangs.wait(20)
    worker.stop()
    goes_on.set()
    assert "the export worker hangs, and is left behind" in caplog.messages
    worker.exports.stop(20)
    assert files(harness, AMARA) == []


@pytest.mark.parametrize(("seconds", "hangs"), [(70, False), (181, True)], ids=["slow", "hanging"])
def test_export_that_hangs_is_found_and_one_that_is_slow_is_not(
    harness: SlackHarness, seconds: float, hangs: bool
) -> None:
    """Three steps take 70 seconds each, or one takes three minutes."""
    harness.event()
    harness.deliver_due()
    job_id = export(harness)
    stalls: list[str | None] = []

    def slow() -> None:
        harness.clock.advance(seconds)
        worker.process_due_events()
        stalls.append(worker.stalled())

    worker = process(harness, "first", slow)
    store_of(harness).at_roster = slow
    worker.exports.schedule(job_id)
    worker.exports.process_due_jobs()
    sentence = "The export worker has not run for 181 seconds. Restart Rollcall."
    assert set(stalls) == {sentence if hangs else None}
