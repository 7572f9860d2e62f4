"""In Socket Mode, Slack's 3 seconds count from the envelope's arrival, not from the start of its listener (R8.12)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from threading import Event, Semaphore, Thread
from typing import Any

import pytest

from bot.entrypoints import socket_mode
from bot.entrypoints.bootstrap import assemble
from bot.entrypoints.settings import Settings
from bot.entrypoints.system import SystemClock
from bot.slack.envelopes import Envelope
from bot.slack.error_messages import SENTENCES
from bot.slack.socket_mode import SocketModeClient
from domain.errors import TooLate
from domain.execution.retry import LATEST_SECONDS
from tests.support.environment import ids, run_now
from tests.support.slack.harness import BJORN, REGISTER_COMMAND, SECRET, SlackHarness
from tests.support.slack.socket_mode_client import APP_TOKEN, acknowledge
from tests.support.slack.socket_mode_losses import COMMAND
from tests.support.slack.socket_mode_server import WAIT, SocketModeServer


@contextmanager
def running(client: SocketModeClient) -> Iterator[None]:
    thread = Thread(target=client.run)
    thread.start()
    try:
        yield
    finally:
        client.stop()
        thread.join()


class OneThread(ThreadPoolExecutor):
    """Runs one envelope at a time, and says when it has taken one."""

    def __init__(self) -> None:
        super().__init__(1)
        self.taken = Semaphore(0)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = super().submit(fn, *args, **kwargs)
        self.taken.release()
        return future


def test_envelope_that_waits_for_a_thread_keeps_its_arrival() -> None:
    executor, gate = OneThread(), Event()
    arrivals: list[float] = []

    def answer(envelope: Envelope, arrived_at: float) -> str:
        arrivals.append(arrived_at)
        gate.wait(WAIT)
        return acknowledge(envelope)

    with SocketModeServer().running() as server:
        client = SocketModeClient(
            partial(socket_mode.open_url, server.url, APP_TOKEN),
            answer,
            executor=executor,
            on_connected=lambda: None,
            jitter=lambda: 0.5,
        )
        with running(client):
            server.wait_for_greetings(1)
            deliveries = [server.send(COMMAND) for _ in range(2)]
            assert all(executor.taken.acquire(timeout=WAIT) for _ in deliveries)
            both_have_arrived = time.monotonic()
            gate.set()
            for delivery in deliveries:
                delivery.wait()
    assert max(arrivals) <= both_have_arrived


class Waited(ThreadPoolExecutor):
    """Runs each envelope as if it had waited for a thread for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(1)
        self._seconds = seconds

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        envelope, arrived_at = args
        return super().submit(fn, envelope, arrived_at - self._seconds)


@pytest.mark.parametrize("seconds", [0.0, LATEST_SECONDS + 0.1])
def test_listener_that_begins_late_has_less_time(harness: SlackHarness, seconds: float) -> None:
    """Past the latest moment, the reply says that nothing changed, and not that something is busy."""
    harness.event()
    bot = assemble(
        harness.store,
        harness.client,
        workspace_id=harness.workspace.team_id,
        signing_secret=SECRET,
        clock=SystemClock(),
        new_id=ids("other"),
        jitter=lambda: 0.5,
        spawn=run_now,
    )
    waited = replace(bot, executor=Waited(seconds))
    with SocketModeServer().running() as server:
        settings = Settings(store="", slack_api_url=server.url, app_token=APP_TOKEN)
        with running(socket_mode.build_client(waited, settings, lambda: None)):
            server.wait_for_greetings(1)
            acknowledgement = server.send(REGISTER_COMMAND).wait()
    bot.stop()
    is_late = seconds > 0
    expected = SENTENCES[TooLate](None) if is_late else "You have a seat"
    assert expected in acknowledgement["text"]
    assert harness.everything().seated("yoga") == ([] if is_late else [BJORN])
