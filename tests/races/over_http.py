"""A program's calls of the HTTP API in a race: each with when it was made and what was answered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from http.client import HTTPConnection
from time import monotonic_ns
from typing import Any
from urllib.parse import urlsplit

from domain.errors import RollcallError
from domain.statuses import EventStatus, RegistrationStatus
from tests.races.calls import Call, Facts
from tests.races.recording import Script

MEMBERS: dict[str, tuple[str, ...]] = {
    "already-registered": ("registrationStatus", "position"),
    "registration-closed": ("because",),
    "event-full": ("capacity", "registered"),
    "capacity-below-registered": ("requested", "registered"),
}
"""What a refusal says besides ids and titles, in the order in which the domain's error has it."""


class Program:
    """One client, with a connection of its own that it keeps."""

    def __init__(self, url: str, token: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=120)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.calls: list[Call] = []

    def follow(self, script: Script, event_ids: Sequence[str]) -> None:
        """Make a script's calls, and record them; then hang up."""
        with closing(self._connection):
            for name, *args in script:
                invoked = monotonic_ns()
                asked = Call(str(name), tuple(args), invoked)
                status, body = self._ask(*_request(str(name), *map(str, args)))
                self.calls += _answers(asked, monotonic_ns(), status, body, event_ids)

    def _ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        text = None if body is None else json.dumps(body)
        self._connection.request(method, path, text, self._headers)
        response = self._connection.getresponse()
        answer = response.read()
        return response.status, json.loads(answer) if answer else None


def _request(name: str, *args: str) -> tuple[Any, ...]:
    """Return a call as a request: method, path and body."""
    match name, args:
        case "register", (event_id, user_id):
            return "POST", f"/events/{event_id}/register", {"userId": user_id}
        case "unregister" | "remove", (event_id, user_id):
            return "DELETE", f"/events/{event_id}/register/{user_id}"
        case "get_registration" | "preview_leave" | "list_registrations_of", (*_, user_id):
            return "GET", f"/users/{user_id}/registrations"
        case "get_event", (event_id,):
            return "GET", f"/events/{event_id}"
        case _:
            raise TypeError(f"the API has no {name}")


def _answers(
    asked: Call, responded: int, status: int, body: Any, event_ids: Sequence[str]
) -> Iterator[Call]:
    """Yield what was answered, as `tests.races.calls` has it."""

    def answered(name: str, args: Facts, answer: Facts) -> Call:
        return Call(name, args, asked.invoked, responded, answer)

    if status >= 400:
        yield answered(asked.name, asked.args, _refusal(body))
    elif asked.name == "register":
        yield answered("register", asked.args, ("placed", _ticket(body), body["position"]))
    elif asked.name in ("unregister", "remove"):
        yield answered("leave", asked.args, ("left", tuple(body["promoted"])))
    elif asked.name == "get_event":
        counts = body["registeredCount"], body["waitlistCount"]
        facts: Facts = ("event", body["capacity"], EventStatus(body["status"]), *counts)
        yield answered("get_event", asked.args, facts)
    else:
        own = {one["eventId"]: one for one in body["items"]}
        for event_id in event_ids:
            facts = _own(own[event_id]) if event_id in own else ("absent",)
            yield answered("is_in", (event_id, asked.args[-1]), facts)


def _own(body: Any) -> Facts:
    return ("own", RegistrationStatus(body["status"]), _ticket(body), body["position"])


def _ticket(body: Any) -> int:
    return int(body["registrationId"].rpartition(":")[2])


def _refusal(body: Any) -> Facts:
    kind = body["type"].removeprefix("urn:rollcall:")
    name = "".join(word.capitalize() for word in kind.split("-"))
    assert name in {error.__name__ for error in RollcallError.__subclasses__()}, body
    return (name, *(body[member] for member in MEMBERS.get(kind, ())))
