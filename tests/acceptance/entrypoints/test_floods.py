"""The HTTP server under half-sent requests and floods, over real sockets (R10.6)."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import uvicorn
from slack_sdk.signature import SignatureVerifier
from uvicorn.protocols.http.h11_impl import H11Protocol

from bot.api.app import build_api
from bot.entrypoints import bounded_connections, http_server
from bot.entrypoints.bounded_connections import MAX_INCOMPLETE, OnceAMinute, raise_file_limit
from tests.support.slack.harness import BJORN, REGISTER_COMMAND, SECRET, SlackHarness
from tests.support.slack.http_process import env, running_http

HALF_SENT = 1_100
"""More connections than a process may have files by default: 1,024 on many systems."""

HALF_A_HEADER = b"POST /slack/events HTTP/1.1\r\nHost: rollcall\r\nX-Slow: "
HALF_A_BODY = b"POST /slack/events HTTP/1.1\r\nHost: rollcall\r\nContent-Length: 1000\r\n\r\npart"


TOKEN = "a-token-of-this-test"
LONG_SECRET = "0123456789"


LOGGERS = ("uvicorn", "uvicorn.access", "uvicorn.error")


@pytest.fixture(autouse=True)
def uvicorn_loggers(server: object) -> Iterator[None]:
    """Leave uvicorn's loggers as the local Slack's server set them: the bot's configuration is for its process."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(one.level, one.propagate, one.handlers[:], one.filters[:]) for one in loggers]
    yield
    for logger, (level, propagate, handlers, filters) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.propagate = propagate
        logger.handlers, logger.filters = handlers, filters


@pytest.fixture
def address(harness: SlackHarness) -> Iterator[tuple[str, int]]:
    harness.event()
    with serving(harness) as address:
        yield address


@contextmanager
def serving(harness: SlackHarness, *, has_api: bool = False) -> Iterator[tuple[str, int]]:
    """Serve the bot, and the HTTP API if asked, as `rollcall http` does; yield the address."""
    bot = harness.bot
    api = (
        build_api(bot.service, tokens=[TOKEN], clock=harness.clock, new_id=lambda: "id")
        if has_api
        else None
    )
    app = http_server.build_http(bot.app, bot.executor, SECRET, harness.clock, api)
    with running(http_server.server_config(app)) as address:
        yield address


def api_request(path: str) -> bytes:
    """Return a request of an API client."""
    head = f"GET /{path} HTTP/1.1\r\nHost: rollcall\r\nConnection: close\r\n"
    return f"{head}Authorization: Bearer {TOKEN}\r\n\r\n".encode()


@contextmanager
def running(config: uvicorn.Config) -> Iterator[tuple[str, int]]:
    server = uvicorn.Server(config)
    with http_server.listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield listener.getsockname()[:2]
        server.should_exit = server.force_exit = True
        thread.join(10)


@contextmanager
def half_sent(address: tuple[str, int], number: int, part: bytes) -> Iterator[list[socket.socket]]:
    """Open connections, and send a part of a request on each."""
    with ExitStack() as stack:
        connections = []
        for _ in range(number):
            connection = stack.enter_context(socket.create_connection(address, timeout=10))
            connection.sendall(part)
            connections.append(connection)
        yield connections


def request(harness: SlackHarness, secret: str = SECRET) -> bytes:
    body = urlencode(REGISTER_COMMAND)
    timestamp = str(int(harness.clock.now().timestamp()))
    signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    head = (
        "POST /slack/events HTTP/1.1\r\nHost: rollcall\r\nConnection: close\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"X-Slack-Request-Timestamp: {timestamp}\r\nX-Slack-Signature: {signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


def answer(address: tuple[str, int], sent: bytes) -> bytes:
    """Return the response to a request. It takes milliseconds, on a busy machine seconds."""
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def is_closed(connection: socket.socket) -> bool:
    """Return whether the server has closed a connection, at the latest when the time-out ends."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]


@pytest.mark.parametrize("part", [HALF_A_HEADER, HALF_A_BODY], ids=["header", "body"])
def test_press_is_answered_in_time_during_half_sent_requests(
    harness: SlackHarness,
    address: tuple[str, int],
    caplog: pytest.LogCaptureFixture,
    part: bytes,
) -> None:
    with half_sent(address, HALF_SENT, part) as connections:
        response = answer(address, request(harness))
        assert response.startswith(b"HTTP/1.1 200 ")
        assert all(map(is_closed, connections[: HALF_SENT - MAX_INCOMPLETE]))
    assert harness.assert_invariants().seated("yoga") == [BJORN]
    assert warnings(caplog) == []


def is_open(connection: socket.socket) -> bool:
    """Return whether the server has not closed a connection, without waiting."""
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


@pytest.mark.soak
@pytest.mark.parametrize("part", [HALF_A_HEADER, HALF_A_BODY], ids=["header", "body"])
def test_process_answers_a_press_while_half_sent_requests_are_open(
    harness: SlackHarness, tmp_path: Path, part: bytes
) -> None:
    """`rollcall http` itself: as many as it keeps are still open when the press has been carried out in time."""
    raise_file_limit()
    harness.event()
    slack = {
        "SLACK_API_URL": f"{harness.workspace.url}/api/",
        "SLACK_BOT_TOKEN": harness.workspace.app.bot_token,
        "SLACK_SIGNING_SECRET": LONG_SECRET,
    }
    with running_http(env(tmp_path, **slack)) as url:
        at = urlsplit(url)
        address = (str(at.hostname), at.port or 0)
        with half_sent(address, HALF_SENT, part) as connections:
            response = answer(address, request(harness, secret=LONG_SECRET))
            still_open = [is_open(connection) for connection in connections]
    assert b"You have a seat" in response
    assert still_open[-MAX_INCOMPLETE + 1 :] == [True] * (MAX_INCOMPLETE - 1)
    assert sum(still_open) <= MAX_INCOMPLETE
    assert harness.assert_invariants().seated("yoga") == [BJORN]


@pytest.mark.parametrize("part", [b"", HALF_A_HEADER, HALF_A_BODY], ids=["none", "header", "body"])
def test_half_sent_request_is_closed_in_time(
    address: tuple[str, int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    part: bytes,
) -> None:
    for limit in ("HEADER_SECONDS", "REQUEST_SECONDS"):
        monkeypatch.setattr(bounded_connections, limit, 0.05)
    with half_sent(address, 1, part) as (connection,):
        assert is_closed(connection)
    assert warnings(caplog) == []


def test_second_request_of_a_connection_is_bounded_too(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_connections, "HEADER_SECONDS", 0.5)
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: rollcall\r\n\r\n")
        received = b""
        while not received.endswith(b"ok"):
            received += connection.recv(65_536)
        connection.sendall(HALF_A_HEADER)
        assert is_closed(connection)


def test_half_sent_request_stays_open_with_uvicorns_own_connections(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control."""
    monkeypatch.setattr(bounded_connections, "HEADER_SECONDS", 0.05)
    app = http_server.build_http(harness.bot.app, harness.bot.executor, SECRET, harness.clock)
    with (
        running(uvicorn.Config(app, http=H11Protocol)) as address,
        half_sent(address, 1, HALF_A_HEADER) as (connection,),
    ):
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_flood_of_unsigned_requests_is_refused_with_one_line_a_minute(
    harness: SlackHarness, address: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        caplog.clear()
        for _ in range(100):
            forged = request(harness, secret="another secret")
            assert answer(address, forged).startswith(b"HTTP/1.1 401 ")
        assert len(caplog.records) <= 5  # uvicorn's own, at its start
        assert len(warnings(caplog)) == 1
        harness.clock.advance(timedelta(minutes=1))
        answer(address, request(harness, secret="another secret"))
    assert "99 more" in warnings(caplog)[1]
    assert answer(address, request(harness)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "sent",
    [
        "GET /favicon.ico HTTP/1.1",
        f"GET /{'a' * 60_000} HTTP/1.1",
        "GET /healthz HTTP/1.1",
        f"GET /healthz?{'a' * 60_000} HTTP/1.1",
        "GET /docs HTTP/1.1",
        "GET /openapi.json HTTP/1.1",
        "GET /users HTTP/1.1",
        "GET /slack/events HTTP/1.1",
        "POST /slack/events HTTP/1.1\r\nContent-Length: 11\r\n\r\nssl_check=1",
        f"POST /slack/events HTTP/1.1\r\nContent-Length: 1000001\r\n\r\n{'a' * 1_000_001}",
        "GET /slack/events HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ],
    ids=[
        *("unknown", "long", "health", "long-health", "docs", "openapi", "no-token", "method"),
        *("certificate", "large", "websocket"),
    ],
)
@pytest.mark.parametrize("has_api", [False, True])
def test_request_that_anybody_can_send_is_not_logged(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture, sent: str, has_api: bool
) -> None:
    head, _, rest = sent.partition("\r\n")
    raw = f"{head}\r\nHost: rollcall\r\n{rest}" + ("" if "\r\n\r\n" in rest else "\r\n\r\n")
    with serving(harness, has_api=has_api) as address, caplog.at_level(logging.INFO):
        answer(address, api_request("users"))  # uvicorn has logged its start by then
        caplog.clear()
        with socket.create_connection(address, timeout=30) as connection:
            connection.sendall(raw.encode())
            assert connection.recv(65_536).startswith(b"HTTP/1.1 ")
        assert caplog.messages == []


def test_requests_of_slack_and_of_api_clients_are_logged(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """Without the query, which a signature does not cover."""
    harness.event()
    with serving(harness, has_api=True) as address, caplog.at_level(logging.INFO):
        answer(
            address, request(harness).replace(b"/slack/events", b"/slack/events?" + b"a" * 60_000)
        )
        answer(address, api_request("users/no%20one"))
    lines = [one.getMessage() for one in caplog.records if one.name.endswith("access_log")]
    assert lines == ['"POST /slack/events" 200', '"GET /users/no%20one" 404']


def test_line_that_repeats_is_logged_once_a_minute_with_a_count() -> None:
    """On each connection that it can't accept, asyncio logs "Too many open files", thousands of times a second."""
    now = [0.0]
    limit = OnceAMinute(lambda: now[0])

    def passes() -> str | None:
        error = OSError(errno.EMFILE, "Too many open files")
        record = logging.LogRecord(
            *("asyncio", logging.ERROR, "", 0, "socket.accept() out of system resource"),
            (),
            (OSError, error, None),
        )
        return record.getMessage() if limit.filter(record) else None

    assert [passes() is not None for _ in range(500)] == [True] + [False] * 499
    now[0] += 60
    assert "499 times" in str(passes())
