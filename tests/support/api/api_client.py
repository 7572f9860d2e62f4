"""HTTP API next to the bot of a Slack harness, and a program that has a token for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from bot.api.app import build_api
from bot.entrypoints.http_server import build_http
from tests.support.environment import ids
from tests.support.garbage import forget_apis
from tests.support.slack.harness import AMARA, SECRET, SlackHarness

TOKEN = "a-token-of-the-playground"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

SUPPER = {
    "eventId": "supper",
    "title": "Supper",
    "date": "2130-05-24T18:00:00+02:00",
    "timeZone": "Europe/Berlin",
    "organizer": AMARA,
    "capacity": 1,
    "hasWaitlist": True,
}
"""An event of one seat, far away."""


def api_app(harness: SlackHarness, *tokens: str) -> Any:
    """Return the bot's web application with the API."""
    api = build_api(
        harness.bot.service, tokens=tokens, clock=harness.clock, new_id=ids("reference")
    )
    return build_http(harness.bot.app, harness.bot.executor, SECRET, harness.clock, api)


@pytest.fixture
def web(harness: SlackHarness) -> Iterator[TestClient]:
    with TestClient(api_app(harness, TOKEN), headers=BEARER) as client:
        yield client
    forget_apis()


@pytest.fixture
def supper(web: TestClient) -> dict[str, Any]:
    """Return the event of one seat, and have users `a`, `b` and `c`."""
    for user_id in "abc":
        created(web.post("/users", json={"userId": user_id, "name": user_id.upper()}))
    return created(web.post("/events", json=SUPPER))


def created(response: Any) -> dict[str, Any]:
    """Return what was created."""
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json()
    return body


def got(response: Any) -> dict[str, Any]:
    """Return what was asked for."""
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def problem(response: Any, status: int, name: str) -> dict[str, Any]:
    """Return the members of a problem document that its type does not say already."""
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert (response.status_code, body.pop("status"), body.pop("type")) == (
        *(status, status),
        f"urn:rollcall:{name}",
    )
    assert body.pop("title")
    return body


ROUTES = [
    ("GET", "/users"),
    ("POST", "/users"),
    ("GET", "/users/a"),
    ("PUT", "/users/a"),
    ("DELETE", "/users/a"),
    ("GET", "/users/a/registrations"),
    ("GET", "/events"),
    ("POST", "/events"),
    ("GET", "/events/supper"),
    ("PUT", "/events/supper"),
    ("DELETE", "/events/supper"),
    ("POST", "/events/supper/register"),
    ("PUT", "/events/supper/register/a"),
    ("DELETE", "/events/supper/register/a"),
    ("POST", "/events/supper/registrations"),
    ("GET", "/events/supper/registrations"),
    ("GET", "/series"),
    ("POST", "/series"),
    ("GET", "/series/yoga"),
    ("PATCH", "/series/yoga"),
    ("DELETE", "/series/yoga"),
    ("POST", "/series/yoga/end"),
    ("GET", "/series/yoga/occurrences"),
    ("POST", "/series/yoga/register"),
    ("PUT", "/series/yoga/register/a"),
    ("DELETE", "/series/yoga/register/a"),
    ("GET", "/series/yoga/registrations"),
    ("GET", "/nothing/of/the/kind"),
]
