"""Slack's requests over HTTP: what is not signed by Slack, and fresh, gets nowhere (R10.1)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from slack_sdk.signature import SignatureVerifier
from starlette.testclient import TestClient

from bot.entrypoints.http_server import build_http
from bot.slack.request_verification import MOST_BYTES
from playground.demo.seed import EVENTS
from tests.support.slack.harness import BJORN, SECRET, SlackHarness

COMMAND = {
    "command": "/register",
    "text": "yoga",
    "user_id": BJORN,
    "user_name": "bjorn",
    "team_id": "T0PLAYGRND",
    "channel_id": EVENTS,
    "trigger_id": "1.2.3",
    "response_url": "http://127.0.0.1:9/nothing",
}


@pytest.fixture
def web(harness: SlackHarness) -> Iterator[TestClient]:
    harness.event()
    with TestClient(build_http(harness.bot.app, harness.bot.executor, SECRET)) as client:
        yield client


def signed(
    harness: SlackHarness, body: str, *, secret: str = SECRET, age: int = 0
) -> dict[str, str]:
    timestamp = str(int(harness.clock.now().timestamp()) - age)
    signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": signature or "",
    }


def test_signed_command_is_carried_out(harness: SlackHarness, web: TestClient) -> None:
    body = urlencode(COMMAND)
    response = web.post("/slack/events", content=body, headers=signed(harness, body))
    assert response.status_code == 200
    assert "You have a seat" in response.json()["text"]
    assert harness.assert_invariants().seated("yoga") == [BJORN]


@pytest.mark.parametrize(
    "spoilt",
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
def test_request_that_slack_did_not_sign_is_401(
    harness: SlackHarness, web: TestClient, spoilt: dict[str, str | bytes]
) -> None:
    body = urlencode(COMMAND)
    before = harness.everything()
    headers = {**signed(harness, body), **spoilt}
    response = web.post("/slack/events", content=body, headers=headers)  # type: ignore[arg-type]  # bytes too
    assert response.status_code == 401
    assert harness.everything() == before


def test_request_signed_with_another_secret_is_401(harness: SlackHarness, web: TestClient) -> None:
    body = urlencode(COMMAND)
    headers = signed(harness, body, secret="another secret")
    assert web.post("/slack/events", content=body, headers=headers).status_code == 401


def test_request_older_than_five_minutes_is_401(harness: SlackHarness, web: TestClient) -> None:
    """R10.1: a replay."""
    body = urlencode(COMMAND)
    headers = signed(harness, body, age=301)
    assert web.post("/slack/events", content=body, headers=headers).status_code == 401
    assert harness.assert_invariants().seated("yoga") == []


def test_changed_body_is_401(harness: SlackHarness, web: TestClient) -> None:
    headers = signed(harness, urlencode(COMMAND))
    body = urlencode(COMMAND | {"user_id": "U0CHLOE"})
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
    "certificate-check": ("application/x-www-form-urlencoded", "ssl_check=1"),
}
"""By content type, what Bolt would read before it looks at the signature."""


@pytest.mark.parametrize("name", MALFORMED)
def test_nothing_is_read_from_a_body_that_slack_did_not_sign(
    harness: SlackHarness, web: TestClient, name: str
) -> None:
    """R10.1: 401, and not the failure of whoever would have read it."""
    content_type, body = MALFORMED[name]
    headers = signed(harness, body, secret="another secret") | {"content-type": content_type}
    assert web.post("/slack/events", content=body, headers=headers).status_code == 401


@pytest.mark.parametrize("name", [name for name in MALFORMED if name != "certificate-check"])
def test_malformed_body_is_400(harness: SlackHarness, web: TestClient, name: str) -> None:
    content_type, body = MALFORMED[name]
    headers = signed(harness, body) | {"content-type": content_type}
    assert web.post("/slack/events", content=body, headers=headers).status_code == 400


def test_body_is_read_no_further_than_slack_ever_sends(
    harness: SlackHarness, web: TestClient
) -> None:
    body = "x" * (MOST_BYTES + 1)
    assert web.post("/slack/events", content=body, headers=signed(harness, body)).status_code == 413


def test_only_post_is_for_slack(web: TestClient) -> None:
    assert web.get("/slack/events").status_code == 405


def test_health_check_needs_no_signature(web: TestClient) -> None:
    assert web.get("/healthz").text == "ok"
