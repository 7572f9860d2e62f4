"""Program that calls the HTTP API in a race, and records its calls with their times and answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection
from time import monotonic_ns
from typing import Any
from urllib.parse import urlsplit

from domain.enums import EventStatus, RegistrationStatus
from domain.errors import RollcallError
from tests.support.races.calls import Call, Facts
from tests.support.races.recording import Script

MEMBERS: dict[str, tuple[str, ...]] = {
    "already-registered": ("registrationStatus", "position"),
    "registration-closed": ("reason",),
    "event-full": ("capacity", "registered"),
    "capacity-below-registered": ("requested", "registered"),
}
"""The facts of each refusal besides ids and titles, in the order of the domain's error."""


class ApiProgram:
    """Client with one connection, which it keeps."""

    def __init__(self, url: str, token: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=120)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.calls: list[Call] = []

    def follow(self, script: Script, event_ids: Sequence[str]) -> None:
        """Make a script's calls, record them, and close the connection."""
        with closing(self._connection):
            for name, *args in script:
                request = _request(str(name), *args)
                invoked = monotonic_ns()
                status, body = self._ask(*request)
                responded = monotonic_ns()
                asked = Call(str(name), tuple(args), invoked, responded, hint=(0, responded))
                self.calls += _answers(asked, status, body, event_ids)

    def _ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        text = None if body is None else json.dumps(body)
        self._connection.request(method, path, text, self._headers)
        response = self._connection.getresponse()
        answer = response.read()
        return response.status, json.loads(answer) if answer else None


def _request(name: str, *args: object) -> tuple[Any, ...]:
    """Return the method, path and body of a call."""
    match name, args:
        case "create_user", (user_id,):
            return "POST", "/users", {"userId": user_id, "name": user_id}
        case "delete_user", (user_id,):
            return "DELETE", f"/users/{user_id}"
        case "edit_event", (event_id, capacity, has_waitlist):
            given = {"capacity": capacity, "hasWaitlist": has_waitlist}
            body = {member: value for member, value in given.items() if value is not None}
            return "PUT", f"/events/{event_id}", body
        case "delete_event", (event_id,):
            return "DELETE", f"/events/{event_id}"
        case "register", (event_id, user_id):
            return "POST", f"/events/{event_id}/register", {"userId": user_id}
        case "unregister" | "remove", (event_id, user_id):
            return "DELETE", f"/events/{event_id}/register/{user_id}"
        case "get_registration" | "preview_unregister" | "list_registrations_of", (*_, user_id):
            return "GET", f"/users/{user_id}/registrations"
        case "get_event", (event_id,):
            return "GET", f"/events/{event_id}"
        case _:
            raise TypeError(f"the API has no {name}")


def _answers(asked: Call, status: int, body: Any, event_ids: Sequence[str]) -> Iterator[Call]:
    """Yield the answers, in the form of `tests.support.races.calls`."""
    match asked.name:
        case "unregister" | "remove":
            yield _of(asked, "leave", status, body, lambda: ("left", tuple(body["promoted"])))
        case "get_registration" | "preview_unregister" | "list_registrations_of":
            *_, user_id = asked.args
            yield _of(replace(asked, args=(user_id,)), "get_user", status, body, lambda: ("user",))
            if status < 400:
                yield from _listed(asked, user_id, body, event_ids)
        case "edit_event":
            yield _of(asked, "put_event", status, body, lambda: ("edited",))
        case name:
            yield _of(asked, name, status, body, lambda: ANSWERS[name](body))


def _of(call: Call, name: str, status: int, body: Any, granted: Callable[[], Facts]) -> Call:
    return replace(call, name=name, answer=_refusal(body) if status >= 400 else granted())


def _listed(asked: Call, user_id: object, body: Any, event_ids: Sequence[str]) -> Iterator[Call]:
    """Yield what the list of a user's registrations says about each event."""
    own = {one["eventId"]: one for one in body["items"]}
    for event_id in event_ids:
        answer = _own(own[event_id]) if event_id in own else ("absent",)
        yield replace(asked, name="is_in", args=(event_id, user_id), answer=answer)


def _own(body: Any) -> Facts:
    return ("own", RegistrationStatus(body["status"]), _ticket(body), body["position"])


def _event(body: Any) -> Facts:
    counts = body["registeredCount"], body["waitlistCount"]
    return ("event", body["capacity"], EventStatus(body["status"]), *counts)


def _ticket(body: Any) -> int:
    return int(body["registrationId"].rpartition(":")[2])


ANSWERS: dict[str, Callable[[Any], Facts]] = {
    "register": lambda body: ("placed", _ticket(body), body["position"]),
    "get_event": _event,
    "create_user": lambda _: ("created",),
    "delete_user": lambda _: ("deleted", False),
    "delete_event": lambda _: ("deleted", True),
}
"""The facts of each answer. A user's deletion may continue after its answer."""


def _refusal(body: Any) -> Facts:
    kind = body["type"].removeprefix("urn:rollcall:")
    name = "".join(word.capitalize() for word in kind.split("-"))
    assert name in {error.__name__ for error in RollcallError.__subclasses__()}, body
    return (name, *(body[member] for member in MEMBERS.get(kind, ())))
