"""Access to the API, and its responses to failures (R10.3, R11)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from starlette.testclient import TestClient

from bot.api.app import CONFIRMATION_SECONDS, MAX_BODY_BYTES, MAX_UNCONFIRMED_RESPONSES, build_api
from domain.commands import RegisterOutcome
from domain.errors import Busy, NotConfirmed
from domain.inputs import UserDraft
from domain.models import User
from domain.questions import Answers
from domain.service import Service
from tests.support.api.api_client import (
    BEARER,
    ROUTES,
    SUPPER,
    TOKEN,
    api_app,
    created,
    got,
    problem,
)
from tests.support.environment import ManualClock, ids, new_event, service_on
from tests.support.memory_store import MemoryStore
from tests.support.slack.harness import SlackHarness


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_token_every_route_is_401_and_changes_nothing(
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
def test_invalid_token_is_401(harness: SlackHarness, authorization: str) -> None:
    with TestClient(api_app(harness, TOKEN)) as stranger:
        response = stranger.get("/users", headers={b"Authorization": authorization.encode()})
    assert problem(response, 401, "not-authorized") == {}


@pytest.mark.parametrize("authorization", ["Bearer old", "Bearer new", "bearer new"])
def test_each_of_several_tokens_is_valid(harness: SlackHarness, authorization: str) -> None:
    """One can be replaced while it is in use."""
    with TestClient(api_app(harness, "old", "new")) as program:
        assert got(program.get("/users", headers={"Authorization": authorization}))


def test_documentation_needs_no_token_and_loads_nothing_from_elsewhere(
    harness: SlackHarness,
) -> None:
    with TestClient(api_app(harness, TOKEN)) as stranger:
        page = stranger.get("/docs")
        assert page.status_code == 200
        parts = [
            part.partition('"')[0]
            for attribute in ('src="', 'href="')
            for part in page.text.split(attribute)[1:]
        ]
        assert len(parts) == 3
        assert [stranger.get(part).status_code for part in parts] == [200, 200, 200]
        assert all(part.startswith("/docs/assets/") for part in parts)
        assert got(stranger.get("/openapi.json"))["info"]["title"] == "Rollcall"


def test_slacks_route_and_the_health_check_work_with_the_api(
    harness: SlackHarness, web: TestClient
) -> None:
    assert web.get("/healthz").text == "ok"
    assert web.post("/slack/events").text == "no valid signature"


def test_unknown_path_is_404(web: TestClient) -> None:
    response = web.get("/users/")
    assert (response.status_code, response.json()["type"]) == (404, "about:blank")


def test_unsupported_method_is_405_with_the_supported_ones(
    web: TestClient,
) -> None:
    response = web.patch("/users/a")
    assert (response.status_code, response.headers["allow"]) == (405, "DELETE, GET, PUT")


def test_documentation_supports_only_reads(web: TestClient) -> None:
    response = web.post("/docs")
    assert response.status_code == 405
    assert {*response.headers["allow"].split(", ")} == {"GET", "HEAD"}


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"name": NaN', b""])
def test_body_without_valid_json_is_refused(web: TestClient, body: bytes) -> None:
    response = web.post("/users", content=body, headers={"Content-Type": "application/json"})
    assert problem(response, 422, "invalid")["field"] == "body"


def _chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 1024):
        yield b" " * 1024


@pytest.mark.parametrize("how", [lambda size: b" " * size, _chunks], ids=["length", "chunks"])
@pytest.mark.parametrize("too_large", [False, True])
def test_body_over_the_limit_is_413(
    web: TestClient, how: Callable[[int], Any], too_large: bool
) -> None:
    body = how(MAX_BODY_BYTES + 1024 if too_large else MAX_BODY_BYTES)
    response = web.post("/users", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == (413 if too_large else 422)
    assert response.headers["content-type"] == "application/problem+json"
    assert not too_large or response.json()["title"] == "Content Too Large"


class FailingService(Service):
    """Fails with a given error. A registration is unconfirmed, and ends in the given outcome, if any."""

    error: Exception
    outcome: object = None

    def create_user(self, draft: UserDraft) -> User:
        raise self.error

    def register(
        self,
        event_id: str,
        user_id: str,
        answers: Answers | None = None,
        *,
        asked: frozenset[str] | None = None,
    ) -> RegisterOutcome:
        result: Future[object] = Future()
        if isinstance(self.outcome, Exception):
            result.set_exception(self.outcome)
        elif self.outcome is not None:
            result.set_result(self.outcome)
        raise NotConfirmed(result)


class ImpatientClock(ManualClock):
    """A clock whose waits return immediately."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        return signal.is_set()


@pytest.fixture
def clock() -> ImpatientClock:
    return ImpatientClock()


@pytest.fixture
def failing(clock: ImpatientClock) -> FailingService:
    service = FailingService(
        MemoryStore(),
        clock,
        new_id=ids(),
        jitter=lambda: 0.5,
        spawn=lambda _: None,
        on_commit=lambda _: None,
    )
    new_event(service, "supper")
    return service


@pytest.fixture
def program(failing: FailingService, clock: ImpatientClock) -> TestClient:
    api = build_api(failing, tokens=[TOKEN], clock=clock, new_id=lambda: "0123456789abcdef")
    return TestClient(api, headers=BEARER)


def test_busy_is_503_with_a_retry_time(failing: FailingService, program: TestClient) -> None:
    failing.error = Busy()
    response = program.post("/users", json={"name": "Ann"})
    assert problem(response, 503, "busy") == {}
    assert response.headers["retry-after"] == "1"


def test_unconfirmed_change_that_is_resolved_soon_returns_its_outcome(
    failing: FailingService, program: TestClient
) -> None:
    """R8.12: an HTTP client can wait for it."""
    service = service_on(MemoryStore())
    service.create_user(UserDraft.of(user_id="a", name="Ann"))
    with TestClient(
        build_api(service, tokens=[TOKEN], clock=ManualClock(), new_id=ids()), headers=BEARER
    ) as web:
        created(web.post("/events", json=SUPPER))
    failing.outcome = service.register("supper", "a")
    answer = created(program.post("/events/supper/register", json={"userId": "a"}))
    assert (answer["userId"], answer["status"]) == ("a", "registered")


def test_unconfirmed_change_that_is_refused_returns_the_refusal(
    failing: FailingService, program: TestClient
) -> None:
    failing.outcome = Busy()
    response = program.post("/events/supper/register", json={"userId": "a"})
    assert problem(response, 503, "busy") == {}


def test_change_that_stays_unconfirmed_is_504(program: TestClient, clock: ImpatientClock) -> None:
    response = program.post("/events/supper/register", json={"userId": "a"})
    assert problem(response, 504, "not-confirmed") == {}
    assert clock.waits == [CONFIRMATION_SECONDS]


def test_only_some_unconfirmed_changes_wait_at_the_same_time(
    failing: FailingService, clock: ImpatientClock
) -> None:
    """The others return 504 immediately, to keep threads free."""
    api = build_api(failing, tokens=[TOKEN], clock=clock, new_id=ids())
    nested: list[int] = []

    def wait_during_another(signal: threading.Event, seconds: float) -> bool:
        clock.waits.append(seconds)
        if len(clock.waits) <= MAX_UNCONFIRMED_RESPONSES:
            ask()
        return False

    def ask() -> None:
        with TestClient(api, headers=BEARER) as program:
            response = program.post("/events/supper/register", json={"userId": "a"})
            nested.append(response.status_code)

    clock.wait = wait_during_another  # type: ignore[method-assign]
    ask()
    assert nested == [504] * (MAX_UNCONFIRMED_RESPONSES + 1)
    assert len(clock.waits) == MAX_UNCONFIRMED_RESPONSES


def test_unexpected_error_is_logged_once_with_the_reference_in_the_response(
    failing: FailingService, program: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    failing.error = ZeroDivisionError("internal details")
    with caplog.at_level(logging.WARNING):
        response = program.post("/users", json={"name": "Ann"})
    assert problem(response, 500, "unexpected") == {"reference": "01234567"}
    (record,) = caplog.records
    assert "01234567" in record.getMessage()
    assert "internal details" not in response.text
