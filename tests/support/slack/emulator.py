"""The Slack of the npm package `emulate`, which others wrote: its Web API, strict about scopes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from slack_sdk import WebClient

from tests.support.npm import Package, Unobtainable, fetched, give_up, node

PACKAGE = Package(
    "emulate@0.12.2",
    "cHz1ITT3xm3HJM6qSks7+ME5Bw/W7zp7ky2Ve4M4ANls46EfeAy0m/nWOjTLJEgLEQcA9gW+L3cWjuUcklJxtQ==",
)
"""Needs Node 24. The newest package of this name is another program."""

TEAM, APP, BOT, BOT_USER = "T000000001", "A0ROLLCALL", "B0ROLLCALL", "U0ROLLCALL"
"""The emulator's only workspace, and the app in it."""

EVENTS = "events"
"""The channel for cards."""

READING = (
    "channels:history",
    "channels:manage",
    "channels:read",
    "im:history",
    "im:write",
    "users:read",
)
"""The scopes of a member's own token. The tests use it to read what the member sees."""


class EmulatedSlack:
    """A workspace with the app and these members in it."""

    def __init__(self, url: str) -> None:
        self._url = url
        everyone = self.as_member("admin").users_list()["members"]
        self.ids = {str(member["name"]): str(member["id"]) for member in everyone}
        channels = self.as_member("admin").conversations_list()["channels"]
        self.channel = next(str(one["id"]) for one in channels if one["name"] == EVENTS)
        self.as_member("admin").conversations_invite(channel=self.channel, users=BOT_USER)

    def as_bot(self) -> WebClient:
        """Return the app's client."""
        return self._client("xoxb-rollcall")

    def as_member(self, name: str) -> WebClient:
        """Return a member's own client."""
        return self._client(f"xoxp-{name}")

    def _client(self, token: str) -> WebClient:
        return WebClient(token=token, base_url=f"{self._url}/api/", retry_handlers=[], timeout=30)

    def messages(self, name: str, channel: str | None = None) -> list[dict[str, Any]]:
        """Return what a member sees in a channel, or in the app's direct messages: newest first."""
        client = self.as_member(name)
        channel = channel or client.conversations_open(users=BOT_USER)["channel"]["id"]
        messages: list[dict[str, Any]] = client.conversations_history(channel=channel)["messages"]
        return messages


@contextmanager
def response_url() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give a URL that takes replies, which the emulator lacks, and the list of those replies."""
    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", posted
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def emulated_slack(members: Iterable[str], scopes: Iterable[str]) -> Iterator[EmulatedSlack]:
    """Run a workspace in which the app has these scopes. Skip the test if that is impossible here."""
    try:
        command = [str(node()), str(Path(__file__).with_suffix(".mjs")), str(fetched(PACKAGE))]
    except (Unobtainable, OSError) as error:
        give_up(f"emulate is not available: {error}. It needs npm's and PyPI's registry once.")
    command.append(json.dumps(_workspace(list(members), sorted(scopes))))
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url, "the emulator did not start; its output is above"
            yield EmulatedSlack(url)
        finally:
            process.stdin.close()


def _workspace(members: list[str], scopes: list[str]) -> dict[str, Any]:
    app = {"app_id": APP, "client_id": "1.1", "bot_id": BOT, "bot_user_id": BOT_USER}
    bot = app | {"token": "xoxb-rollcall", "type": "bot", "user_id": BOT_USER, "scopes": scopes}
    return {
        "strict_scopes": True,
        "users": [{"name": name, "real_name": name.title()} for name in members],
        "channels": [{"name": EVENTS}],
        "oauth_apps": [
            app
            | {
                "client_secret": "invented",
                "name": "Rollcall",
                "bot_name": "rollcall",
                "redirect_uris": [],
                "scopes": scopes,
            }
        ],
        "tokens": [bot]
        + [
            {"token": f"xoxp-{name}", "type": "user", "user": name, "scopes": READING}
            for name in ["admin", *members]
        ],
    }
