"""Socket Mode ends when something that must run in the process has stopped, so whoever started it starts it again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from bot.entrypoints.socket_mode import open_url
from bot.slack import socket_mode
from bot.slack.socket_mode import SocketModeClient, Stalled
from tests.support.slack.socket_mode_client import APP_TOKEN, acknowledge
from tests.support.slack.socket_mode_server import SocketModeServer

SENTENCE = "The sweep has not run for 200 seconds. Restart Rollcall."


def test_stall_ends_the_client_with_its_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_mode, "CHECK_SECONDS", 0.01)
    looks = iter([None, None, SENTENCE])
    with SocketModeServer().running() as server:
        client = SocketModeClient(
            partial(open_url, server.url, APP_TOKEN),
            lambda envelope, _: acknowledge(envelope),
            executor=ThreadPoolExecutor(1),
            on_connected=lambda: None,
            jitter=lambda: 0.5,
            stalled=lambda: next(looks),
        )
        with pytest.raises(Stalled, match=SENTENCE):
            client.run()
