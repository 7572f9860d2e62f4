"""Requests over HTTP: only fresh requests with Slack's signature pass (R10.1)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from bot.entrypoints.http_server import build_http
from bot.slack.request_verification import MAX_BODY_BYTES
from tests.support.slack.harness import BJORN, REGISTER_COMMAND, SECRET, SlackHarness
from tests.support.slack.signing import signed_headers


@pytest.fixture
def web(harness: SlackHarness) -> Iterator[TestClient]:
    harness.event()
    with TestClient(
        build_http(harness.bot.app, harness.bot.executor, SECRET, harness.clock)
    ) as client:
        yield client


def signed(
    harness: SlackHarness, body: str, *, secret: str = SECRET, age: int = 0
) -> dict[str, str]:
    return signed_headers(harness.clock, body, secret=secret, age=age)


def test_signed_command_runs(harness: SlackHarness, web: TestClient) -> None:
    body = urlencode(REGISTER_COMMAND)
    response = web.post("/slack/events", content=body, headers=signed(harness, body))
    assert response.status_code == 200
    assert "a seat" in response.json()["text"]
    assert harness.assert_invariants().seated("yoga") == [BJORN]


@pytest.mark.parametrize(
    "tampered",
    [
        {"x-slack-signature": "v0=" + "0" * 64},
        {"x-slack-signature": ""},
        {"x-slack-signature": "v0=\u0663".encode()},
        {"x-slack-request-timestamp": "soon"},
        {"x-slack-request-timestamp": "1.5"},
        {"x-slack-request-timestamp": "-1"},
        {"x-slack-request-timestamp": ""},
        {"x-slack-request-timestamp": "9" * 5000},
        {"x-slack-request-timestamp": "\u0663".encode()},
    ],
    ids=[
        "forged",
        "unsigned",
        "odd",
        "word",
        "fraction",
        "negative",
        "none",
        "endless",
        "not-ascii",
    ],
)
def test_request_without_a_valid_signature_is_401(
    harness: SlackHarness, web: TestClient, tampered: dict[str, str | bytes]
) -> None:
    body = urlencode(REGISTER_COMMAND)
    before = harness.everything()
    headers = {**signed(harness, body), **tampered}
    response = web.post("/slack/events", content=body, headers=headers)  # type: ignore[arg-type]  # bytes too
    assert response.status_code == 401
    assert harness.everything() == before


def test_request_signed_with_another_secret_is_401(harness: SlackHarness, web: TestClient) -> None:
    body = urlencode(REGISTER_COMMAND)
    headers = signed(harness, body, secret="another secret")
    assert web.post("/slack/events", content=body, headers=headers).status_code == 401


def test_request_older_than_five_minutes_is_401(harness: SlackHarness, web: TestClient) -> None:
    """R10.1: it may be a replay."""
    body = urlencode(REGISTER_COMMAND)
    headers = signed(harness, body, age=301)
    assert web.post("/slack/events", content=body, headers=headers).status_code == 401
    assert harness.assert_invariants().seated("yoga") == []


def test_changed_body_is_401(harness: SlackHarness, web: TestClient) -> None:
    headers = signed(harness, urlencode(REGISTER_COMMAND))
    body = urlencode(REGISTER_COMMAND | {"user_id": "U0CHLOE"})
    assert web.post("/slack/events", content=body, headers=headers).status_code == 401


MALFORMED = {
    "json": ("application/json", "{"),
    "list": ("application/json", "[1]"),
    "deep": ("application/json", "[" * 100_000),
    "payload": ("application/x-www-form-urlencoded", "payload=nothing"),
    "payload-list": ("application/x-www-form-urlencoded", "payload=[1]"),
    "payload-urls": (
        "application/x-www-form-urlencoded",
        urlencode({"payload": '{"type": "view_submission", "response_urls": "two"}'}),
    ),
    "authorizations": (
        "application/json",
        '{"type": "event_callback", "authorizations": "U0AMARA"}',
    ),
}
"""Bodies that Bolt parses before it checks the signature, with their content types."""


@pytest.mark.parametrize("name", MALFORMED)
def test_unsigned_body_is_not_parsed(harness: SlackHarness, web: TestClient, name: str) -> None:
    """R10.1: the answer is 401, not a parser's failure."""
    content_type, body = MALFORMED[name]
    headers = signed(harness, body, secret="another secret") | {"content-type": content_type}
    assert web.post("/slack/events", content=body, headers=headers).status_code == 401


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_body_is_400_and_logged(
    harness: SlackHarness, web: TestClient, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    content_type, body = MALFORMED[name]
    headers = signed(harness, body) | {"content-type": content_type}
    assert web.post("/slack/events", content=body, headers=headers).status_code == 400
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.messages[0].startswith("malformed request: ")


@pytest.mark.parametrize("body", ["ssl_check=1", "token=old&ssl_check=1", "ssl_check=1&token=old"])
def test_unsigned_certificate_check_is_200(web: TestClient, body: str) -> None:
    """Slack may send it without a signature."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    response = web.post("/slack/events", content=body, headers=headers)
    assert (response.status_code, response.text) == (200, "")


def test_unsigned_certificate_check_does_nothing_else(
    harness: SlackHarness, web: TestClient
) -> None:
    body = urlencode(REGISTER_COMMAND | {"ssl_check": "1"})
    response = web.post("/slack/events", content=body)
    assert (response.status_code, response.text) == (200, "")
    assert harness.assert_invariants().registrations == {}


@pytest.mark.parametrize(
    "body", ["ssl_check=0", "ssl_check=10", "text=ssl_check=1", "xssl_check=1"]
)
def test_unsigned_body_that_is_no_certificate_check_is_401(web: TestClient, body: str) -> None:
    assert web.post("/slack/events", content=body).status_code == 401


def test_report_of_held_back_events_is_200_and_logged(
    harness: SlackHarness, web: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    payload = {
        "type": "app_rate_limited",
        "team_id": "T0PLAYGRND",
        "minute_rate_limited": 1518467820,
    }
    body = json.dumps(payload | {"token": "old", "api_app_id": "A0"})
    headers = signed(harness, body) | {"content-type": "application/json"}
    assert web.post("/slack/events", content=body, headers=headers).status_code == 200
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_too_large_a_body_is_413(harness: SlackHarness, web: TestClient) -> None:
    body = "x" * (MAX_BODY_BYTES + 1)
    assert web.post("/slack/events", content=body, headers=signed(harness, body)).status_code == 413


def test_slacks_route_takes_only_post(web: TestClient) -> None:
    assert web.get("/slack/events").status_code == 405


def test_health_check_needs_no_signature(web: TestClient) -> None:
    assert web.get("/healthz").text == "ok"


@pytest.mark.parametrize(
    ("forged", "fault"),
    [
        ({"secret": "another secret"}, "SLACK_SIGNING_SECRET"),
        ({"age": 400}, "this machine's clock are 400 s apart"),
    ],
)
def test_set_up_fault_behind_a_refusal_is_logged(
    harness: SlackHarness,
    web: TestClient,
    caplog: pytest.LogCaptureFixture,
    forged: dict[str, Any],
    fault: str,
) -> None:
    body = urlencode(REGISTER_COMMAND)
    web.post("/slack/events", content=body, headers=signed(harness, body, **forged))
    (message,) = [record.getMessage() for record in caplog.records if record.name.startswith("bot")]
    assert fault in message


def test_request_that_does_not_look_like_slacks_is_not_logged(
    web: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    web.post("/slack/events", content="anything")
    assert not [record for record in caplog.records if record.name.startswith("bot")]
