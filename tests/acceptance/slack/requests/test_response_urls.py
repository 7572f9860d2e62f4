"""Replies over kept-alive connections, which a closed connection does not delay."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.blocks.builders import Message
from bot.slack import response_urls
from bot.slack.kept_replies import KeptReplies
from bot.slack.reply_sender import PendingReply, ReplyNotSent, ReplySender
from tests.support.environment import ManualClock, ids
from tests.support.stores import empty_sqlite


class Slack:
    """A server that counts connections and keeps what was posted; `then` writes the response."""

    def __init__(self) -> None:
        self.connections = 0
        self.posted: list[bytes] = []
        self.then: list[Callable[[BaseHTTPRequestHandler], None]] = []
        self.url = ""
        self.paths: list[str] = []

    def send(self, text: str = "You have a seat", proxy: str | None = None) -> None:
        """Send a reply, without a queue."""
        clock = ManualClock()
        with empty_sqlite() as store:
            kept_replies = KeptReplies(store, clock, ids(), print)
            sender = ReplySender(WebClient(proxy=proxy), clock, lambda: 0.5, kept_replies)
            message = Message(text, [])
            sender.send(PendingReply(user_id=None, message=message, response_url=self.url))


def taken(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "2")
    handler.end_headers()
    handler.wfile.write(b"ok")


def taken_and_closed_later(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without announcing it, as servers close idle ones."""
    taken(handler)
    handler.close_connection = True


def closed(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "20")
    handler.end_headers()
    handler.wfile.write(b"o")
    handler.close_connection = True


def expired(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(404)
    handler.send_header("Content-Length", "11")
    handler.end_headers()
    handler.wfile.write(b"expired_url")


@pytest.fixture
def slack() -> Iterator[Slack]:
    with serving() as slack:
        yield slack


@contextmanager
def serving() -> Iterator[Slack]:
    slack = Slack()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def setup(self) -> None:
            slack.connections += 1
            super().setup()

        def do_POST(self) -> None:
            slack.paths.append(self.path)
            slack.posted.append(self.rfile.read(int(self.headers["Content-Length"])))
            (slack.then.pop(0) if slack.then else taken)(self)
            self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            pass

    response_urls._pool.cache_clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        slack.url = f"http://127.0.0.1:{server.server_address[1]}/response/1"
        yield slack
        response_urls._pool.cache_clear()  # and with it the connections, which the server waits for
        server.shutdown()
        thread.join()


def test_replies_share_a_connection(slack: Slack) -> None:
    for _ in range(5):
        slack.send()
    assert (slack.connections, len(slack.posted)) == (1, 5)
    assert slack.posted[0] == b'{"text": "You have a seat", "blocks": []}'


def test_idle_connection_closed_by_slack_is_replaced(slack: Slack) -> None:
    slack.then = [taken_and_closed_later]
    slack.send()
    slack.send()
    assert (slack.connections, len(slack.posted)) == (2, 2)


def test_connection_closed_during_a_reply_is_replaced_once(slack: Slack) -> None:
    slack.then = [taken, closed]
    slack.send()
    slack.send()
    assert (slack.connections, len(slack.posted)) == (2, 3)


def test_reply_is_posted_at_most_twice(slack: Slack) -> None:
    slack.then = [closed, closed]
    with pytest.raises(ReplyNotSent):
        slack.send()
    assert len(slack.posted) == 2


def test_reply_with_a_truncated_response_is_not_posted_again(slack: Slack) -> None:
    """Its status says that Slack took the reply."""
    slack.then = [cut_off]
    slack.send()
    assert len(slack.posted) == 1


def test_refused_reply_raises_with_slacks_reason(slack: Slack) -> None:
    slack.then = [expired]
    with pytest.raises(ReplyNotSent, match="404 b'expired_url'"):
        slack.send()
    slack.send()
    assert slack.connections == 1


def test_proxy_is_used(slack: Slack) -> None:
    proxy = slack.url.rpartition("/response")[0]
    slack.url = "http://hooks.example/response/2"
    slack.send(proxy=proxy)
    assert slack.paths == ["http://hooks.example/response/2"]
