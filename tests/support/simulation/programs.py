"""Programs that use the HTTP API (R11): their requests, and whether what they read was true."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from fastapi import FastAPI, routing

from bot.slack import member_directory
from domain.enums import RegistrationStatus
from domain.errors import AlreadyRegistered, Busy
from tests.support.simulation.process import API_TOKEN, ProcessDied

if TYPE_CHECKING:
    from tests.support.simulation.judge import Call, State
    from tests.support.simulation.process import Process
    from tests.support.simulation.world import World

UNKNOWN = (500, 504)
"""Statuses after which the result is not known."""


MOST_BROUGHT = 10
"""How many members of its own a program registers."""


class Answer(NamedTuple):
    """An answer of the HTTP API."""

    status: int
    body: dict[str, Any]

    @property
    def problem(self) -> str:
        """The type of the problem, empty if there is none."""
        return str(self.body.get("type", "")).rpartition(":")[2]


class Program:
    """Registers members, takes them off, and reads. It asks again if an answer is lost. `act` is its task."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._dice = world.dice
        self._brought = 0

    def act(self) -> None:
        """Send one request after the other, until the end."""
        for user_id in self._world.member_ids:
            body = {"userId": user_id, "name": f"Member {user_id}"}
            self._ask("POST", "/users", body)
        while not self._world.is_over:
            self._world.scheduler.sleep(self._dice.random() * self._world.weights.pause)
            event_id = self._dice.choice(self._world.event_ids)
            user_id = self._dice.choice(self._world.member_ids)
            act = self._dice.choice(
                [self._register, self._bring_someone] * 2
                + [self._unregister, self._read_event, self._read_attendees, self._read_own]
            )
            while not act(event_id, user_id) and not self._world.is_over:
                self._world.count("a program asks again")

    def _bring_someone(self, event_id: str, _: str) -> bool:
        """Create a member whom nobody else registers, and register them."""
        if self._brought == MOST_BROUGHT:
            return True
        self._brought += 1
        user_id = f"UAPI{self._world.number()}"
        self._world.slack.add_member(user_id)
        created = self._ask("POST", "/users", {"userId": user_id, "name": f"Member {user_id}"})
        with self._world.judging():
            assert created is None or created.problem != "duplicate-user", f"{user_id}: {created}"
        return self._register(event_id, user_id)

    def _register(self, event_id: str, user_id: str) -> bool:
        call = self._world.judge.begin("POST register", event_id, user_id)
        answer = self._ask("POST", f"/events/{event_id}/register", {"userId": user_id})
        if answer is None or answer.status in UNKNOWN:
            return False  # it may still be carried out, for as long as the judge can see
        match answer.problem:
            case "":
                self._assert(call, answer, lambda state: _is_registered(call, state, answer.body))
            case "already-registered":
                given = answer.body
                status = RegistrationStatus(given["registrationStatus"])
                refusal = AlreadyRegistered(event_id, "", user_id, status, given["position"])
                self._world.judge.check(call, refusal)
            case "busy":
                self._world.judge.check(call, Busy())
            case "event-full":
                self._assert(call, answer, _is_full)
        return not self._is_lost()

    def _unregister(self, event_id: str, user_id: str) -> bool:
        call = self._world.judge.begin("DELETE register", event_id, user_id)
        answer = self._ask("DELETE", f"/events/{event_id}/register/{user_id}")
        if answer is None or answer.status in UNKNOWN:
            return False
        if not answer.problem:
            promoted = answer.body["promoted"]
            self._assert(
                call,
                answer,
                lambda state: (
                    state.since >= call.begun
                    and not state.has(user_id)
                    and all(_has_seat(state, one) for one in promoted)
                ),
            )
        elif answer.problem == "not-registered":
            self._assert(call, answer, lambda state: not state.has(user_id))
        return not self._is_lost()

    def _read_event(self, event_id: str, _: str) -> bool:
        call = self._world.judge.begin("GET event", event_id, "")
        answer = self._ask("GET", f"/events/{event_id}")
        if answer is not None and answer.status == 200:
            given = answer.body
            self._assert(
                call,
                answer,
                lambda state: (
                    _has_counts(state, given)
                    and given["capacity"] == state.event.capacity
                    and given["status"] == state.event.status
                    and given["organizer"] == state.event.organizer_id
                ),
            )
        return answer is not None

    def _read_attendees(self, event_id: str, _: str) -> bool:
        call = self._world.judge.begin("GET registrations", event_id, "")
        answer = self._ask("GET", f"/events/{event_id}/registrations")
        if answer is not None and answer.status == 200:
            given = answer.body
            waitlist = tuple(one["userId"] for one in given["waitlist"])
            self._assert(
                call,
                answer,
                # A first page has the head of a long waitlist.
                lambda state: (
                    _has_counts(state, given)
                    and state.waitlist[: len(waitlist)] == waitlist
                    and (given["nextCursor"] or len(waitlist) == len(state.waitlist))
                ),
            )
        return answer is not None

    def _read_own(self, _: str, user_id: str) -> bool:
        begun = {
            event_id: self._world.judge.begin("GET own", event_id, user_id)
            for event_id in self._world.event_ids
        }
        answer = self._ask("GET", f"/users/{user_id}/registrations")
        if answer is not None and answer.status == 200:
            for one in answer.body["items"]:
                if one["eventId"] not in begun:
                    continue  # created since
                self._assert(
                    begun[one["eventId"]],
                    answer,
                    lambda state, one=one: (  # type: ignore[misc]  # a default
                        state.has(user_id, _ticket(one))
                        and state.rows[user_id].status == one["status"]
                        and state.position(user_id) == one["position"]
                    ),
                )
        return answer is not None

    def _assert(self, call: Call, answer: Answer, is_true: Callable[[State], bool]) -> None:
        with self._world.judging():
            self._world.judge.assert_true(call, answer, is_true)

    def _is_lost(self) -> bool:
        """Return whether the answer that has come is lost on its way all the same."""
        return self._world.happens(self._world.weights.unanswered)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer | None:
        """Return the answer, None if the process died."""
        process = self._world.some_process()
        self._world.count("a program asks")
        try:
            return process.request(lambda _: _answer(process, method, path, body))
        except ProcessDied:
            self._world.count("a process dies with a request")
            return None


def _is_registered(call: Call, state: State, given: dict[str, Any]) -> bool:
    return (
        state.since >= call.begun
        and state.has(call.user_id, _ticket(given))
        and state.rows[call.user_id].status == given["status"]
        and state.position(call.user_id) == given["position"]
    )


def _ticket(registration: dict[str, Any]) -> int:
    return int(registration["registrationId"].rpartition(":")[2])


def _is_full(state: State) -> bool:
    return not state.event.has_waitlist and state.seated >= state.event.capacity


def _has_seat(state: State, user_id: str) -> bool:
    row = state.rows.get(user_id)
    return row is not None and row.status is RegistrationStatus.REGISTERED


def _has_counts(state: State, given: dict[str, Any]) -> bool:
    counts = given["registeredCount"], given["waitlistCount"]
    return counts == (state.seated, len(state.waitlist))


def _answer(process: Process, method: str, path: str, body: dict[str, Any] | None) -> Answer:
    """Have a process's API answer a request, in the present task. The API never waits for an event loop."""
    content = b"" if body is None else json.dumps(body).encode()
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"authorization", f"Bearer {API_TOKEN}".encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
    }
    api: FastAPI = process.api
    handling = api(scope, receive, send)  # type: ignore[arg-type]  # messages are dictionaries
    try:
        handling.send(None)
    except StopIteration:
        pass
    else:
        raise AssertionError(f"{method} {path} waits for an event loop")
    text = b"".join(one.get("body", b"") for one in sent)
    return Answer(sent[0]["status"], json.loads(text) if text else {})


@contextmanager
def in_the_present_task() -> Iterator[None]:
    """Have the API's routes, and lookups of several members, run where they are called, in place of threads."""

    async def call(function: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
        return function(*args, **options)

    def one_by_one(look_up: Callable[[str], object], user_ids: Sequence[str]) -> list[object]:
        return [look_up(user_id) for user_id in user_ids]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(routing, "run_in_threadpool", call)
        patch.setattr(member_directory, "at_once", one_by_one)
        yield
