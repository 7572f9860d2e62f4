"""The bot in Socket Mode: one connection to Slack, no address of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

from slack_sdk import WebClient

from bot.entrypoints.bootstrap import Bot
from bot.entrypoints.settings import Settings
from bot.entrypoints.slack_startup import slack_startup_errors
from bot.entrypoints.startup_errors import StartupError
from bot.entrypoints.system import SystemClock
from bot.slack.envelopes import Envelope, answer
from bot.slack.request_budget import request_received
from bot.slack.socket_connection import Timeouts
from bot.slack.socket_mode import NotConnected, SocketModeClient, SocketModeOff, Stalled


def build_client(
    bot: Bot, settings: Settings, on_connected: Callable[[], None], timeouts: Timeouts | None = None
) -> SocketModeClient:
    """Return the client of a bot's connection. `on_connected` is called each time Slack greets one."""
    clock = SystemClock()

    def answer_in_time(envelope: Envelope, arrived_at: float) -> str | None:
        with request_received(arrived_at, clock):
            return answer(bot.app, envelope)

    return SocketModeClient(
        partial(open_url, settings.slack_api_url, settings.app_token),
        answer_in_time,
        executor=bot.executor,
        on_connected=on_connected,
        jitter=random.random,
        timeouts=timeouts,
        stalled=bot.notification_worker.stalled,
    )


def serve(client: SocketModeClient, settings: Settings) -> None:
    """Serve until the client is stopped. Raises `StartupError`, after which a restart may help."""
    try:
        with slack_startup_errors(settings.slack_api_url, "SLACK_APP_TOKEN"):
            client.run()
    except SocketModeOff as error:
        raise StartupError(
            "Socket Mode is off for this app. Turn it on under Socket Mode in the app's settings,"
            " then start Rollcall again."
        ) from error
    except Stalled as error:
        raise StartupError(str(error)) from error
    except NotConnected as error:
        raise StartupError(f"Rollcall could not connect to Slack for a minute: {error}") from error


def open_url(api_url: str, app_token: str, seconds: float) -> str:
    """Ask Slack for the address of a new connection, within these seconds.

    Raises one of `bot.slack.api_errors.FAILURES`.
    """
    client = WebClient(base_url=api_url, retry_handlers=[])
    client.timeout = seconds  # type: ignore[assignment]  # slack_sdk says int, but its socket takes fractions
    return str(client.apps_connections_open(app_token=app_token)["url"])
