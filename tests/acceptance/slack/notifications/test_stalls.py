"""Threads that can't start, and a notifier or a sweep that no longer runs: said, and tried again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient
from starlette.testclient import TestClient

from bot.entrypoints.http_server import build_http
from bot.entrypoints.system import BackgroundThreads
from bot.notifications.worker import FIRST_RECONCILE_DELAY, STALLED_AFTER, NotificationWorker
from domain.errors import OperatorNeeded
from domain.planning.plan import Plan
from domain.ports import Spawn, ThreadNotStarted, Unavailable
from storage.sqlite.store import SQLiteStore
from tests.support.environment import run_all, run_now
from tests.support.slack.harness import SECRET, SlackHarness, run_bot


class Threads:
    """Background work that runs at once, or finds no thread."""

    def __init__(self) -> None:
        self.is_out = False

    def __call__(self, work: Callable[[], None]) -> None:
        if self.is_out:
            raise ThreadNotStarted
        work()


def worker(
    harness: SlackHarness,
    spawn: Spawn,
    *,
    sweep: Callable[[], object] = lambda: 0,
    reconcile: Callable[[], object] = lambda: None,
) -> NotificationWorker:
    return NotificationWorker(
        harness.store,
        WebClient(token="xoxb-unused", base_url=f"{harness.workspace.url}/api/", retry_handlers=[]),
        harness.clock,
        holder="another",
        workspace_id=harness.workspace.team_id,
        sweep=sweep,
        reconcile=reconcile,
        spawn=spawn,
    )


def test_sweep_that_found_no_thread_runs_at_the_next_interval(harness: SlackHarness) -> None:
    threads, swept = Threads(), []
    notifier = worker(harness, threads, sweep=lambda: swept.append(1))
    threads.is_out = True
    notifier.process_due_events()
    threads.is_out = False
    assert swept == []
    harness.clock.advance(timedelta(minutes=1))
    notifier.process_due_events()
    assert swept == [1]


def test_comparison_that_found_no_thread_runs_at_the_next_interval(harness: SlackHarness) -> None:
    threads, compared = Threads(), []
    notifier = worker(harness, threads, reconcile=lambda: compared.append(1))
    threads.is_out = True
    harness.clock.advance(timedelta(seconds=FIRST_RECONCILE_DELAY))
    notifier.process_due_events()
    threads.is_out = False
    harness.clock.advance(timedelta(minutes=1))
    notifier.process_due_events()
    assert compared == [1]


def test_thread_that_cannot_start_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spawn, done = BackgroundThreads(), threading.Event()

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as limited:
        limited.setattr(threading.Thread, "start", refuse)
        for _ in range(3):
            with pytest.raises(ThreadNotStarted):
                spawn(done.set)
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]
    assert "TasksMax" in caplog.messages[0]
    spawn(done.set)
    assert done.wait(10)


def test_health_check_says_that_the_notifier_has_stopped(harness: SlackHarness) -> None:
    notifier = worker(harness, run_now)
    app = build_http(
        harness.bot.app, harness.bot.executor, SECRET, harness.clock, stalled=notifier.stalled
    )
    with TestClient(app) as web:
        harness.clock.advance(timedelta(seconds=STALLED_AFTER))
        assert web.get("/healthz").status_code == 200
        harness.clock.advance(timedelta(seconds=1))
        response = web.get("/healthz")
        assert response.status_code == 503
        assert response.text == "The notifier has not run for 181 seconds. Restart Rollcall."
        notifier.process_due_events()
        notifier.exports.process_due_jobs()
        assert web.get("/healthz").text == "ok"


def test_health_check_says_that_the_sweep_has_stopped(harness: SlackHarness) -> None:
    """Its thread hangs, so the next ones don't start."""
    hanging: list[Callable[[], None]] = []
    notifier = worker(harness, hanging.append)
    for _ in range(4):
        notifier.process_due_events()
        notifier.exports.process_due_jobs()
        harness.clock.advance(timedelta(minutes=1))
    notifier.process_due_events()
    assert notifier.stalled() == "The sweep has not run for 240 seconds. Restart Rollcall."
    hanging.pop()()
    assert notifier.stalled() is None


class SlowStore(SQLiteStore):
    """A store that does something at each commit."""

    at_commit: Callable[[], object] = staticmethod(lambda: None)

    def commit(self, plan: Plan) -> None:
        self.at_commit()
        super().commit(plan)


@pytest.mark.parametrize(
    ("seconds", "stalls"),
    [(10, {None}), (181, {"The sweep has not run for 181 seconds. Restart Rollcall."})],
    ids=["busy", "hanging"],
)
def test_sweep_that_hangs_is_found_and_one_that_is_busy_is_not(
    server: tuple[Any, str], tmp_path: Path, seconds: float, stalls: set[str | None]
) -> None:
    """Twenty events have a reminder due. The store takes seconds for each, or hangs at each."""
    background: list[Callable[[], None]] = []
    path = tmp_path / "rollcall.sqlite"
    with run_bot(server, SlowStore, path, background.append) as harness:
        store, notifier = harness.store, harness.bot.notification_worker
        assert isinstance(store, SlowStore)
        for number in range(20):
            harness.event(f"yoga{number}")
        notifier.process_due_events()
        run_all(background)
        harness.clock.advance(timedelta(hours=24))
        found: list[str | None] = []

        def take_long() -> None:
            harness.clock.advance(seconds)
            notifier.process_due_events()
            notifier.exports.process_due_jobs()
            found.append(notifier.stalled())

        store.at_commit = take_long
        notifier.process_due_events()
        background.pop(0)()
        assert len(found) == 20
        assert set(found) == stalls


def test_health_check_says_that_the_export_worker_has_stopped(harness: SlackHarness) -> None:
    notifier = worker(harness, run_now)
    harness.clock.advance(timedelta(seconds=STALLED_AFTER + 1))
    notifier.process_due_events()
    sentence = "The export worker has not run for 181 seconds. Restart Rollcall."
    assert notifier.stalled() == sentence
    notifier.exports.process_due_jobs()
    assert notifier.stalled() is None


@pytest.mark.parametrize("error", [Unavailable("down"), OperatorNeeded("A table is missing.")])
def test_store_that_does_not_respond_does_not_look_like_a_stall(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A restart would not help, and would lose the replies that wait."""

    def fail(**_: object) -> None:
        raise error

    notifier = worker(harness, run_now)
    monkeypatch.setattr(harness.store, "list_undelivered", fail)
    for _ in range(5):
        harness.clock.advance(timedelta(minutes=1))
        notifier.process_due_events()
        notifier.exports.process_due_jobs()
    assert notifier.stalled() is None


def test_wall_clock_set_back_does_not_look_like_a_stall(harness: SlackHarness) -> None:
    notifier = worker(harness, run_now)
    notifier.process_due_events()
    harness.clock._now -= timedelta(hours=1)
    assert notifier.stalled() is None
