"""The bot in Socket Mode: one connection to Slack, no address of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from slack_bolt.adapter.socket_mode import SocketModeHandler

from bot.entrypoints.bootstrap import THREADS, Bot, slack_startup_errors
from bot.entrypoints.settings import Settings


@contextmanager
def connected(bot: Bot, settings: Settings) -> Iterator[None]:
    """Connect the bot to Slack, and disconnect it on exit. Raises `StartupError`."""
    handler = SocketModeHandler(bot.app, settings.app_token, concurrency=THREADS)
    with slack_startup_errors(settings.slack_api_url, "SLACK_APP_TOKEN"):
        handler.connect()  # type: ignore[no-untyped-call]  # Bolt has no types
    try:
        yield
    finally:
        handler.close()  # type: ignore[no-untyped-call]  # Bolt has no types
