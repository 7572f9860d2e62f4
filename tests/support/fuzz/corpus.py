"""Real payloads of everything that the bot handles, recorded on a walk through it, to be mutated and sent again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import parse_qsl

from playground.client.member_client import MemberClient
from playground.client.transport import BotResponse, Deliver
from playground.demo.seed import RANDOM
from playground.workspace.model import Json, View
from playground.workspace.state import Workspace
from tests.support.fuzz.walk import Walk
from tests.support.slack.harness import BJORN, SECRET, SlackHarness

Kind = Literal["command", "interaction", "event"]


@dataclass(frozen=True)
class Seed:
    """A payload that Slack would send, and the modals that are open at that moment."""

    name: str
    kind: Kind
    payload: Json
    stack: tuple[View, ...] = ()

    def __repr__(self) -> str:
        """Show only the name: the payload would be pages long."""
        return repr(self.name)

    @property
    def actor(self) -> str:
        """Return the id of the person who acts."""
        return actor_of(self.kind, self.payload)

    def fresh(self, workspace: Workspace) -> Json:
        """Return the payload as of now, with its modals open and a new trigger and response URL."""
        payload = deepcopy(self.payload)
        if self.stack:
            payload = _renamed(payload, self._opened(workspace))
        channel = payload.get("channel", {}).get("id") or payload.get("channel_id")
        if "trigger_id" in payload:
            top = workspace.views.stack(self.actor)[-1] if self.stack else None
            payload["trigger_id"] = workspace.new_trigger(self.actor, channel, top)
        if "response_url" in payload:
            ts = payload.get("container", {}).get("message_ts")
            payload["response_url"] = workspace.new_response_url(self.actor, str(channel), ts)
        return payload

    def _opened(self, workspace: Workspace) -> dict[str, str]:
        """Open the modals again; return their new ids by the old ones."""
        views, renamed = workspace.views, {}
        views.clear(self.actor)
        for number, view in enumerate(self.stack):
            show = views.push if number else views.open
            anew = views.set_state(show(self.actor, view.body).id, view.state)
            renamed[view.id] = anew.id
        return renamed


def actor_of(kind: Kind, payload: Mapping[str, Any]) -> str:
    """Return the person who acts in a payload, as Slack writes them."""
    match kind:
        case "command":
            return str(payload["user_id"])
        case "interaction":
            return str(payload["user"]["id"])
        case "event":
            return whom(payload["event"])


def whom(event: Mapping[str, Any]) -> str:
    """Return the person that an event is about; None if it is about the app itself."""
    user = event.get("user", "")
    return str(user["id"] if isinstance(user, Mapping) else user)


def _renamed(part: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(part, dict):
        return {key: _renamed(value, ids) for key, value in part.items()}
    if isinstance(part, list):
        return [_renamed(value, ids) for value in part]
    return ids.get(part, part) if isinstance(part, str) else part


class Recorder:
    """Delivers requests and records their payloads."""

    def __init__(self, workspace: Workspace, deliver: Deliver) -> None:
        self._workspace = workspace
        self._deliver = deliver
        self.seeds: list[Seed] = []

    def deliver(self, body: bytes, headers: Mapping[str, str]) -> BotResponse:
        """Record the payload and deliver it."""
        kind, payload = parsed(body)
        actor = actor_of(kind, payload)
        is_modal = payload.get("view", {}).get("type") == "modal"
        stack = self._workspace.views.stack(actor) if is_modal else ()
        self.seeds.append(Seed(_name(kind, payload), kind, deepcopy(payload), stack))
        return self._deliver(body, headers)


def parsed(body: bytes) -> tuple[Kind, Json]:
    """Return the payload of a request from Slack."""
    if body.startswith(b"{"):
        return "event", json.loads(body)
    fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    if "payload" in fields:
        return "interaction", json.loads(fields["payload"])
    return "command", fields


def _name(kind: Kind, payload: Json) -> str:
    if kind == "command":
        return f"command {payload['command']} {payload['text']}".rstrip()
    if kind == "event":
        return f"event {payload['event']['type']}"
    what = payload.get("action_id") or [one["action_id"] for one in payload.get("actions", [])]
    callback = payload.get("view", {}).get("callback_id", "")
    return f"{payload['type']} {what or ''} {callback}".strip()


def recorded(harness: SlackHarness, deliver: Deliver) -> list[Seed]:
    """Walk through everything the bot offers; return each kind of payload once."""
    recorder = Recorder(harness.workspace, deliver)
    Walk(harness, MemberClient(harness.workspace, recorder.deliver, SECRET)).everything()
    seeds: dict[str, Seed] = {}
    for seed in [*recorder.seeds, *_never_asked_for(harness, recorder.seeds)]:
        names = (f"{seed.name} ({number})" for number in range(2, 100))
        name = seed.name if seed.name not in seeds else next(n for n in names if n not in seeds)
        seeds[name] = replace(seed, name=name)
    return list(seeds.values())


def _never_asked_for(harness: SlackHarness, seeds: list[Seed]) -> Iterator[Seed]:
    """Return payloads that the manifest does not ask for: shortcuts, closed modals, and other events."""
    modal = next(seed for seed in seeds if seed.stack)
    press = next(seed for seed in seeds if "message" in seed.payload)
    keys = ("token", "api_app_id", "team", "enterprise", "is_enterprise_install", "user", "view")
    closed = {key: modal.payload[key] for key in keys}
    yield Seed(
        "view_closed",
        "interaction",
        closed | {"type": "view_closed", "is_cleared": False},
        modal.stack,
    )
    actor = {
        key: press.payload[key] for key in ("token", "team", "user", "trigger_id", "enterprise")
    }
    shortcut = actor | {"type": "shortcut", "callback_id": "register", "action_ts": "1.1"}
    yield Seed("shortcut", "interaction", shortcut)
    message = {key: press.payload[key] for key in ("message", "channel", "response_url")}
    yield Seed("message_action", "interaction", shortcut | message | {"type": "message_action"})
    envelope = next(seed.payload for seed in seeds if seed.kind == "event")
    for event in (
        {
            "type": "message",
            "channel": RANDOM,
            "channel_type": "channel",
            "text": "hi",
            "ts": "1.1",
        },
        {"type": "app_mention", "channel": RANDOM, "text": "<@U0ROLLCALL> register", "ts": "1.1"},
    ):
        yield Seed(f"event {event['type']}", "event", envelope | {"event": event | {"user": BJORN}})
