"""Who gets to the API, with what; and what becomes of failures (R10.3, R11)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from starlette.testclient import TestClient

from bot.api.app import CONFIRMATION_SECONDS, MAX_WAITING_RESPONSES, MOST_BYTES, build_api
from domain.commands import RegisterOutcome
from domain.errors import Busy, NotConfirmed
from domain.inputs import UserDraft
from domain.models import User
from domain.service import Service
from tests.support.environment import ManualClock, ids, service_on
from tests.support.memory_store import MemoryStore
from tests.support.slack.api_client import (
    BEARER,
    ROUTES,
    SUPPER,
    TOKEN,
    api_app,
    created,
    got,
    problem,
)
from tests.support.slack.harness import SlackHarness


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_token_every_route_is_401_and_nothing_is_done(
    harness: SlackHarness, web: TestClient, supper: dict[str, Any], method: str, path: str
) -> None:
    before = harness.everything()
    with TestClient(api_app(harness, TOKEN)) as stranger:
        response = stranger.request(method, path, content=b"{not read")
    assert problem(response, 401, "not-authorized") == {}
    assert response.headers["www-authenticate"] == "Bearer"
    assert harness.everything() == before


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        "Bearer \u00fc",
    ],
)
def test_a_token_that_is_none_of_ours_is_401(harness: SlackHarness, authorization: str) -> None:
    with TestClient(api_app(harness, TOKEN)) as stranger:
        response = stranger.get("/users", headers={b"Authorization": authorization.encode()})
    assert problem(response, 401, "not-authorized") == {}


@pytest.mark.parametrize("authorization", ["Bearer old", "Bearer new", "bearer new"])
def test_each_of_several_tokens_is_taken(harness: SlackHarness, authorization: str) -> None:
    """So that one can be replaced while it is in use."""
    with TestClient(api_app(harness, "old", "new")) as program:
        assert got(program.get("/users", headers={"Authorization": authorization}))


def test_the_documentation_needs_no_token_and_nothing_from_elsewhere(harness: SlackHarness) -> None:
    with TestClient(api_app(harness, TOKEN)) as stranger:
        page = stranger.get("/docs")
        assert page.status_code == 200
        parts = [
            part.partition('"')[0]
            for mark in ('src="', 'href="')
            for part in page.text.split(mark)[1:]
        ]
        assert len(parts) == 3
        assert [stranger.get(part).status_code for part in parts] == [200, 200, 200]
        assert all(part.startswith("/docs/assets/") for part in parts)
        assert got(stranger.get("/openapi.json"))["info"]["title"] == "Rollcall"


def test_slacks_requests_and_the_health_check_are_beside_the_api(
    harness: SlackHarness, web: TestClient
) -> None:
    assert web.get("/healthz").text == "ok"
    assert web.post("/slack/events").text == "no valid signature"


def test_a_path_that_is_not_there_is_404(web: TestClient) -> None:
    response = web.get("/users/")
    assert (response.status_code, response.json()["type"]) == (404, "about:blank")


def test_a_method_that_a_path_does_not_take_is_405_with_those_that_it_does(
    web: TestClient,
) -> None:
    response = web.patch("/users/a")
    assert (response.status_code, response.headers["allow"]) == (405, "DELETE, GET, PUT")


def test_what_is_only_read_takes_no_other_method(web: TestClient) -> None:
    response = web.post("/docs")
    assert response.status_code == 405
    assert {*response.headers["allow"].split(", ")} == {"GET", "HEAD"}


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"name": NaN', b""])
def test_a_body_that_is_no_json_is_refused(web: TestClient, body: bytes) -> None:
    response = web.post("/users", content=body, headers={"Content-Type": "application/json"})
    assert problem(response, 422, "invalid")["field"] == "body"


def _chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 1024):
        yield b" " * 1024


@pytest.mark.parametrize("how", [lambda size: b" " * size, _chunks], ids=["length", "chunks"])
@pytest.mark.parametrize("too_large", [False, True])
def test_a_body_has_a_largest_size(
    web: TestClient, how: Callable[[int], Any], too_large: bool
) -> None:
    body = how(MOST_BYTES + 1024 if too_large else MOST_BYTES)
    response = web.post("/users", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == (413 if too_large else 422)
    assert response.headers["content-type"] == "application/problem+json"
    assert not too_large or response.json()["title"] == "Content Too Large"


class ErrorHandler(Service):
    """Fails as it is told to; a registration is not confirmed, and then ends in the outcome, if any."""

    error: Exception
    outcome: object = None

    def create_user(self, draft: UserDraft) -> User:
        raise self.error

    def register(self, event_id: str, user_id: str) -> RegisterOutcome:
        result: Future[object] = Future()
        if isinstance(self.outcome, Exception):
            result.set_exception(self.outcome)
        elif self.outcome is not None:
            result.set_result(self.outcome)
        raise NotConfirmed(result)


class Waking(ManualClock):
    """Whoever waits on it wakes when the time is up, at once."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        return signal.is_set()


@pytest.fixture
def clock() -> Waking:
    return Waking()


@pytest.fixture
def failing(clock: Waking) -> ErrorHandler:
    return ErrorHandler(
        MemoryStore(),
        clock,
        new_id=ids(),
        jitter=lambda: 0.5,
        spawn=lambda _: None,
        on_commit=lambda _: None,
    )


@pytest.fixture
def program(failing: ErrorHandler, clock: Waking) -> TestClient:
    api = build_api(failing, tokens=[TOKEN], clock=clock, new_id=lambda: "0123456789abcdef")
    return TestClient(api, headers=BEARER)


def test_busy_is_503_and_says_when_to_ask_again(failing: ErrorHandler, program: TestClient) -> None:
    failing.error = Busy()
    response = program.post("/users", json={"name": "Ann"})
    assert problem(response, 503, "busy") == {}
    assert response.headers["retry-after"] == "1"


def test_what_is_settled_soon_is_answered_as_it_ended(
    failing: ErrorHandler, program: TestClient
) -> None:
    """R8.12: HTTP leaves the time to find out."""
    service = service_on(MemoryStore())
    service.create_user(UserDraft.of(user_id="a", name="Ann"))
    with TestClient(
        build_api(service, tokens=[TOKEN], clock=ManualClock(), new_id=ids()), headers=BEARER
    ) as web:
        created(web.post("/events", json=SUPPER))
    failing.outcome = service.register("supper", "a")
    answer = created(program.post("/events/supper/register", json={"userId": "a"}))
    assert (answer["userId"], answer["status"]) == ("a", "registered")


def test_what_is_settled_as_refused_is_answered_as_refused(
    failing: ErrorHandler, program: TestClient
) -> None:
    failing.outcome = Busy()
    response = program.post("/events/supper/register", json={"userId": "a"})
    assert problem(response, 503, "busy") == {}


def test_what_is_not_settled_in_time_is_504(program: TestClient, clock: Waking) -> None:
    response = program.post("/events/supper/register", json={"userId": "a"})
    assert problem(response, 504, "not-confirmed") == {}
    assert clock.waits == [CONFIRMATION_SECONDS]


def test_no_more_answers_are_held_back_than_leave_threads_for_the_others(
    failing: ErrorHandler, clock: Waking
) -> None:
    """The others are told at once that it is not known."""
    api = build_api(failing, tokens=[TOKEN], clock=clock, new_id=ids())
    nested: list[int] = []

    def ask_again(signal: threading.Event, seconds: float) -> bool:
        clock.waits.append(seconds)
        if len(clock.waits) <= MAX_WAITING_RESPONSES:
            ask()
        return False

    def ask() -> None:
        with TestClient(api, headers=BEARER) as program:
            response = program.post("/events/supper/register", json={"userId": "a"})
            nested.append(response.status_code)

    clock.wait = ask_again  # type: ignore[method-assign]
    ask()
    assert nested == [504] * (MAX_WAITING_RESPONSES + 1)
    assert len(clock.waits) == MAX_WAITING_RESPONSES


def test_what_nobody_foresaw_is_logged_once_with_the_reference_that_is_answered(
    failing: ErrorHandler, program: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    failing.error = ZeroDivisionError("nobody foresaw this")
    with caplog.at_level(logging.WARNING):
        response = program.post("/users", json={"name": "Ann"})
    assert problem(response, 500, "unforeseen") == {"reference": "01234567"}
    (record,) = caplog.records
    assert "01234567" in record.getMessage()
    assert "nobody foresaw this" not in response.text
