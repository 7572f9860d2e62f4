"""Checks that hold for every payload: a reply by Slack's rules, with nothing in it that harms Slack or a reader."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

from slack_bolt import BoltRequest

from bot.blocks.mrkdwn import contained
from playground.web_api.arguments import Arguments
from playground.web_api.chat_methods import content
from playground.web_api.server import Call
from playground.workspace.block_kit_limits import suggestion_errors, too_large, view_errors
from playground.workspace.model import Json
from tests.support.fuzz.bot_over_http import Exchange
from tests.support.fuzz.permissions import (
    PayloadRequest,
    assert_permitted,
    assert_shown_to_organizers,
)
from tests.support.fuzz.walk import OF_THE_CROWD

OPENING = ("views.open", "views.push", "views.update")
ONES_TO_ANSWER = ("response_url", *OPENING, "views.publish")

EXCUSED = {
    "trigger_id": ("views.open: invalid_trigger_id", "views.push: invalid_trigger_id"),
    "view": ("views.update: not_found", "views.push: not_found"),
    "response_url": ("response_url: expired_url",),
    "actor": (
        "users.info: user_not_found",
        "conversations.open: user_not_found",
        "views.publish: user_not_found",
        "chat.postMessage: channel_not_found",
        "views.push: not_found",
    ),
    "state": (
        "conversations.info: channel_not_found",
        "chat.postMessage: channel_not_found",
        "chat.postMessage: not_in_channel",
        "chat.postMessage: is_archived",
    ),
    "card": (
        "chat.update: channel_not_found",
        "chat.update: message_not_found",
        "chat.update: cant_update_message",
    ),
}
"""Slack's refusals that the damage explains, by the damaged part."""

FORBIDDEN = (
    "<!channel",
    "<!here",
    "<!everyone",
    "<@U0PING",
    "<javascript",
    "\x00",
)
"""Text that must not reach Slack unescaped."""

DISGUISED = re.compile(r"<https?://evil[^>]*\|", re.IGNORECASE)
"""Matches a typed address that shows another text than itself (R8.11)."""


def check_exchange(exchange: Exchange) -> None:
    """Assert everything that holds for every payload, however damaged."""
    asked = PayloadRequest(exchange.payload)
    assert_permitted(exchange.payload, exchange.before, exchange.after)
    assert_shown_to_organizers(exchange.payload, _views(exchange), exchange.after)
    _ExchangeCheck(exchange, asked).check()


def _views(exchange: Exchange) -> Iterator[Json]:
    for call in (*exchange.calls, *exchange.delivered):
        if "view" in call.args:
            view = call.args["view"]
            yield json.loads(view) if isinstance(view, str) else view
    if '"response_action"' in exchange.response.body:
        yield json.loads(exchange.response.body).get("view", {})


class _ExchangeCheck:
    def __init__(self, exchange: Exchange, asked: PayloadRequest) -> None:
        self._exchange = exchange
        self._asked = asked
        self._status = exchange.response.status
        self._body = exchange.response.body
        self._damaged = set(damaged_parts(exchange.original, exchange.payload))

    def check(self) -> None:
        self._accepted()
        self._logged()
        self._harmless()
        match self._asked.kind:
            case _ if self._status == 400 and self._unreadable():
                logged = [record.getMessage() for record in self._exchange.logs]
                assert len(logged) == 1
                assert logged[0].startswith("malformed request: ")
            case "command":
                self._command()
            case "block_actions":
                self._press()
            case "view_submission":
                self._submission()
            case "block_suggestion":
                assert self._status == 200
                assert suggestion_errors(json.loads(self._body)) == []
            case "event_callback" | "view_closed":
                assert self._status == 200
                self._home()
            case "url_verification":
                assert self._status == 200
            case _:
                assert self._status == 400 or self._answered()
        if self._asked.is_foreign:
            assert self._exchange.before == self._exchange.after
            called = {call.method for call in self._exchange.calls}
            assert called <= {*self._ones_to_answer(), "auth.test"}

    def _unreadable(self) -> bool:
        """Return whether Bolt itself can't read the payload, so it is refused first."""
        try:
            BoltRequest(body=json.dumps(self._exchange.payload))
        except (AttributeError, TypeError, ValueError, RecursionError, LookupError):
            return True
        return False

    def _ones_to_answer(self) -> tuple[str, ...]:
        """Return the methods that bring a reply: a direct message does if nothing can be opened (R8.12)."""
        has_no_trigger = "trigger_id" in self._damaged
        return (*ONES_TO_ANSWER, "chat.postMessage") if has_no_trigger else ONES_TO_ANSWER

    def _answered(self) -> bool:
        """Return whether the person got a reply."""
        methods = self._ones_to_answer()
        return any(call.ok and call.method in methods for call in self._exchange.calls)

    def _command(self) -> None:
        """Check a command: the reply is the acknowledgement or a modal."""
        assert self._status == 200
        if not self._body:
            assert self._answered(), "silence"
            return
        answer = json.loads(self._body)
        assert answer["response_type"] == "ephemeral"
        assert answer["text"].strip()
        content(Arguments(answer))

    def _press(self) -> None:
        """Check a press: the reply goes where the payload says; without such a place, Slack shows a failure."""
        if self._status == 200:
            shown = any(call.method == "views.update" for call in self._exchange.calls)
            # A closed modal has no reader.
            assert self._answered() or (shown and {"view", "actor"} & self._damaged), "silence"
            return
        in_view = "response_url" not in self._exchange.original
        if self._status == 400:
            assert self._damaged
            assert in_view or "response_url" in self._damaged
        else:
            assert self._status == 503
            assert self._damaged & {"trigger_id", "view", "response_url", "actor", "container"}

    def _submission(self) -> None:
        """Check a submission: the reply is at a field, in the modal's place, or in the modal below."""
        assert self._status == 200
        if not self._body:
            shown = [call for call in self._exchange.calls if call.method == "views.update"]
            # If the payload names a wrong modal below, that modal stays as it was.
            assert any(call.ok or "view" in self._damaged for call in shown), "silence"
            return
        answer = json.loads(self._body)
        match answer["response_action"]:
            case "errors":
                blocks = {
                    block.get("block_id") for block in self._exchange.payload["view"]["blocks"]
                }
                assert answer["errors"]
                assert set(answer["errors"]) <= blocks
                assert all(answer["errors"].values())
            case action:
                assert action in ("update", "push")
                assert view_errors(answer["view"]) == []
                assert not too_large(answer["view"])

    def _home(self) -> None:
        """Check App Home: it is shown unless Slack does not know the person or they belong to another workspace."""
        if self._exchange.case.seed.name == "event app_home_opened" and not self._damaged:
            methods = [call.method for call in self._exchange.calls if call.ok]
            # A guest sees less, so a person may be looked up first.
            assert methods in (["views.publish"], ["users.info", "views.publish"])

    def _accepted(self) -> None:
        """Check that Slack accepts everything that was not damaged."""
        excused = {
            reason for part in self._damaged for reason in EXCUSED.get(part, ())
        } | OF_THE_CROWD
        for refusal in self._exchange.refusals:
            assert any(refusal.startswith(reason) for reason in excused), refusal

    def _logged(self) -> None:
        """Check that errors are logged only if Slack refused an id that the payload carried."""
        for record in self._exchange.logs:
            if record.levelno >= logging.ERROR and not is_alarm(record, self._exchange):
                assert self._damaged & {"trigger_id", "view", "actor", "response_url"}, (
                    record.getMessage()
                )
                assert self._exchange.refusals, record.getMessage()

    def _harmless(self) -> None:
        for call in (*self._exchange.calls, *self._exchange.delivered):
            _assert_harmless(call)
        text = _mrkdwn(self._body)
        assert [word for word in FORBIDDEN if word in text] == []
        assert contained(text) == text


def is_alarm(record: logging.LogRecord, exchange: Exchange) -> bool:
    """Return whether a record is the alarm that the app was removed."""
    gone = exchange.case.seed.name.startswith(("event app_uninstalled", "event tokens_revoked"))
    return gone and record.name == "bot.features.account.listeners"


def _assert_harmless(call: Call) -> None:
    for name in ("text", "blocks", "view"):
        value = call.args.get(name, "")
        text = _mrkdwn(value if isinstance(value, str) else json.dumps(value))
        for word in FORBIDDEN:
            assert word not in text, (call.method, word)
        assert DISGUISED.search(text) is None, call.method
        assert contained(text) == text, f"{call.method} turns round what follows"


def _mrkdwn(text: str) -> str:
    """Return the parts of a request that Slack reads as markup; the rest is plain text."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return text
    return "\n".join(_marked(parsed))


def _marked(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for one in part:
            yield from _marked(one)
    elif isinstance(part, Mapping):
        if part.get("type") == "plain_text":
            return
        for key, one in part.items():
            if key == "text" and isinstance(one, str):
                yield one
            elif key != "private_metadata":
                yield from _marked(one)


def damaged_parts(original: Any, payload: Any) -> Iterator[str]:
    """Yield the damaged parts that a reply depends on."""
    if payload == original:
        return
    yield "something"
    for part in ("trigger_id", "response_url", "container", "state"):
        if _at(payload, part) != _at(original, part):
            yield part
    if PayloadRequest(payload).actor != PayloadRequest(original).actor or payload.get(
        "user"
    ) != original.get("user"):
        yield "actor"
    view, was = payload.get("view"), original.get("view")
    if view != was:
        yield "state"
        names = ("id", "root_view_id", "type", "callback_id", "private_metadata")
        if any(_at(view, name) != _at(was, name) for name in names):
            yield "view"
    if any(_at(payload, part) != _at(original, part) for part in ("container", "actions")):
        yield "card"


def _at(payload: Any, part: str) -> Any:
    return payload.get(part) if isinstance(payload, Mapping) else None
