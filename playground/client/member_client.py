"""What members do, sent to the bot as Slack sends it, and what they then see.

The page and the bot's tests both act through `MemberClient`. Each action is delivered, signed, in the
caller's thread; its answer is judged by Slack's rules; what comes back is what the member would see.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from playground.client import payloads
from playground.client.acknowledgements import (
    Refused,
    command_answer,
    submission_answer,
    suggestion_answer,
)
from playground.client.inputs import Values, client_errors, elements, with_values
from playground.client.transport import ACKNOWLEDGE_SECONDS, Deliver, Response, signed
from playground.web_api.web_methods import as_user_json
from playground.workspace.model import Channel, Json, Member, Message, View
from playground.workspace.state import Workspace

TROUBLE = "We had some trouble connecting. Try again?"
"""What Slack's client shows in a modal whose app did not answer, or not by the rules."""


@dataclass(frozen=True)
class Seen:
    """What the member sees after acting.

    `messages` came or changed meanwhile and are visible to them; `view` is the modal now on top; `errors` are
    by block id, under the fields; `failure` is Slack's own complaint about the app; `options` are the answer to
    an options request. `response` is what the bot answered, if it was asked and did.
    """

    messages: list[Message] = field(default_factory=list)
    view: View | None = None
    home: View | None = None
    errors: dict[str, str] = field(default_factory=dict)
    failure: str | None = None
    options: list[Json] = field(default_factory=list)
    response: Response | None = None

    @property
    def ephemeral(self) -> list[Message]:
        """Those messages that only this member sees."""
        return [message for message in self.messages if message.ephemeral_to]


class MemberClient:
    """Sends what members do to the bot. Thread-safe if `deliver` is.

    The three seconds are measured by the workspace's clock. Requests are signed with the time of `clock`:
    the real one unless told otherwise, since Bolt compares it with the real one.
    """

    def __init__(
        self,
        workspace: Workspace,
        deliver: Deliver,
        signing_secret: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.workspace = workspace
        self._deliver = deliver
        self._secret = signing_secret
        self._clock = clock
        self._offered: dict[tuple[str, str, str], dict[str, Json]] = {}

    def command(self, user_id: str, channel_id: str, name: str, text: str = "") -> Seen:
        """Types a slash command. Raises SlackError for an unknown member or channel."""
        workspace, seq = self.workspace, self.workspace.ledger.seq
        member, channel = workspace.member(user_id), workspace.channel(channel_id)
        declared = workspace.app.commands
        known = next((each for each in declared or () if each.name == name), None)
        if declared is not None and known is None:
            return self._seen(user_id, seq, failure=f"{name} is not a valid command.")
        escaped = payloads.typed(text)
        if known is not None and known.should_escape:
            escaped = self._with_mentions(escaped)
        fields = payloads.command(workspace, member, channel, name, escaped)
        response, failure = self._form(fields)
        if response is not None and failure is None:
            try:
                command_answer(workspace, member, channel, response.body)
            except Refused as refused:
                failure = refused.error
        shown = f"{name} failed with the error “{failure}”" if failure else None
        return self._seen(user_id, seq, failure=shown, response=response)

    def click(
        self,
        user_id: str,
        target: Message | View,
        action_id: str,
        value: str | None = None,
        *,
        block_id: str | None = None,
        selected: Any = None,
        values: Values | None = None,
    ) -> Seen:
        """Presses a button, or makes the choice `selected` in a select, a menu or a picker.

        The element is the one with this action id, and `block_id` or button `value` if given. `values` are
        what was typed into a view so far. Raises LookupError if there is no such element to press,
        ValueError if the choice was not offered.
        """
        workspace, seq = self.workspace, self.workspace.ledger.seq
        member = workspace.member(user_id)
        block, element = find_element(target.blocks, action_id, block_id=block_id, value=value)
        ids = (block["block_id"], action_id)
        offered = self._offers(user_id)(*ids)
        action = payloads.action(block, element, selected, offered)
        if isinstance(target, View):
            target = self._typed(target, user_id, dict(values or {}))
            if element["type"] in {"button", "overflow"}:
                chosen: Values = {}
            else:
                chosen = {ids: selected}
            target = self._typed(target, user_id, chosen)
        payload = payloads.block_actions(workspace, member, target, action)
        response, failure = self._payload(payload)
        return self._seen(user_id, seq, failure=failure, response=response)

    def submit(
        self,
        user_id: str,
        view_id: str,
        values: Values | None = None,
        *,
        client_checks: bool = True,
    ) -> Seen:
        """Presses Submit on a modal with these values, by (block id, action id); others keep theirs.

        With `client_checks`, what Slack's client objects to (a required field left empty, a number that is
        none, a text too long) never reaches the bot; without, it does, as from a client that is not Slack's.
        Raises LookupError for a view that is not open or an input that is not there.
        """
        workspace, seq = self.workspace, self.workspace.ledger.seq
        member, view = workspace.member(user_id), self._open_view(view_id)
        view = self._typed(view, user_id, values or {})
        if client_checks and (errors := client_errors(view.blocks, view.state)):
            return self._seen(user_id, seq, errors=errors)
        response, failure = self._payload(payloads.view_submission(workspace, member, view))
        errors = {}
        if response is not None and failure is None:
            try:
                errors = submission_answer(workspace, view, response.body)
            except Refused:
                failure = TROUBLE
        shown = TROUBLE if failure else None
        return self._seen(user_id, seq, errors=errors, failure=shown, response=response)

    def close(self, user_id: str, view_id: str, *, all_views: bool = False) -> Seen:
        """Presses the modal's close button, or (`all_views`) closes the whole stack."""
        workspace, seq = self.workspace, self.workspace.ledger.seq
        view = self._open_view(view_id)
        cleared = all_views or bool(view.body.get("clear_on_close"))
        closed = workspace.views.stack(user_id) if cleared else (view,)
        if cleared:
            workspace.views.clear(user_id)
        else:
            workspace.views.close(view_id)
        for each in closed:
            if each.body.get("notify_on_close"):
                member = workspace.member(user_id)
                self._payload(payloads.view_closed(workspace, member, each, cleared=cleared))
        return self._seen(user_id, seq)

    def options(
        self,
        user_id: str,
        target: str | Message | View,
        action_id: str,
        block_id: str | None = None,
        query: str = "",
    ) -> Seen:
        """Types `query` into an external select of a view (or its id) or message.

        `options` are those offered, in groups or not; each can be chosen afterwards by its value.
        """
        workspace, seq = self.workspace, self.workspace.ledger.seq
        place = self._open_view(target) if isinstance(target, str) else target
        member = workspace.member(user_id)
        block, _ = find_element(place.blocks, action_id, block_id=block_id)
        ids = (block["block_id"], action_id)
        payload = payloads.block_suggestion(workspace, member, place, ids, query)
        response, failure = self._payload(payload)
        offered: list[Json] = []
        if response is not None and failure is None:
            try:
                offered = suggestion_answer(workspace, response.body)
            except Refused as refused:
                failure = refused.error
        known = self._offered.setdefault((user_id, *ids), {})
        known.update({option["value"]: option for option in offered})
        return self._seen(user_id, seq, options=offered, failure=failure, response=response)

    def open_home(self, user_id: str, tab: str = "home") -> Seen:
        """Opens the app's Home tab (or `messages`)."""
        home = self.workspace.views.home(user_id)
        app, team_id = self.workspace.app, self.workspace.team_id
        event: Json = {
            "type": "app_home_opened",
            "user": user_id,
            "channel": self.workspace.dm(user_id).id,
            "tab": tab,
            "event_ts": self.workspace.ledger.new_ts(),
        }
        if home is not None and tab == "home":
            event["view"] = home.as_json(app, team_id, with_state=True)
        return self.event(event, seen_by=user_id)

    def say(self, user_id: str, channel_id: str, text: str) -> Seen:
        """Posts what a member typed, and tells the bot if it subscribed to such messages."""
        workspace, seq = self.workspace, self.workspace.ledger.seq
        channel = workspace.channel(channel_id)
        message = workspace.post(channel.id, user_id, self._with_mentions(payloads.typed(text)))
        kind = "im" if channel.is_im else "group" if channel.is_private else "channel"
        event = message.as_json(workspace.app, workspace.team_id) | {
            "channel": channel.id,
            "channel_type": kind,
            "event_ts": message.ts,
        }
        if workspace.app.bot_user_id in channel.members:
            self.event(event, seen_by=user_id)
        return self._seen(user_id, seq)

    def change_member(self, user_id: str, **changes: Any) -> Member:
        """Changes a member's fields (`deleted=True` deactivates) and tells the bot of it."""
        member = self.workspace.put_member(replace(self.workspace.member(user_id), **changes))
        user = as_user_json(self.workspace, member, locale=True)
        ts = self.workspace.ledger.new_ts()
        self.event({"type": "user_change", "user": user, "cache_ts": 0, "event_ts": ts})
        return member

    def join(self, user_id: str, channel_id: str, inviter: str | None = None) -> Channel:
        """Makes a member, or the bot, a member of a channel, and tells the bot if it is in there."""
        channel = self.workspace.join(channel_id, user_id)
        event = {
            "type": "member_joined_channel",
            "user": user_id,
            "channel": channel.id,
            "channel_type": "G" if channel.is_private else "C",
            "team": self.workspace.team_id,
            "event_ts": self.workspace.ledger.new_ts(),
        }
        if self.workspace.app.bot_user_id in channel.members:
            self.event(event | ({"inviter": inviter} if inviter else {}))
        return channel

    def event(
        self, event: Json, *, event_id: str | None = None, seen_by: str | None = None
    ) -> Seen:
        """Sends an event, if the app subscribed to it; again, once, if the bot fails to take it.

        The same `event_id` twice is a repeated delivery. `Seen` is what `seen_by` sees.
        """
        seq = self.workspace.ledger.seq
        if not self._subscribed(event):
            return self._seen(seen_by, seq)
        event_id = event_id or self.workspace.ledger.new_id("Ev")
        payload = payloads.event_callback(self.workspace, event, event_id)
        response, failure = self._json(payload, {})
        if failure:
            reason = "http_timeout" if failure == "operation_timeout" else "http_error"
            again = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": reason}
            response, failure = self._json(payload, again)
        return self._seen(seen_by, seq, failure=failure, response=response)

    def verify_url(self, challenge: str) -> bool:
        """Whether the bot answers Slack's question that confirms a request URL."""
        payload = {"token": "t", "challenge": challenge, "type": "url_verification"}
        response, failure = self._json(payload, {})
        return failure is None and response is not None and challenge in response.body

    def interact(self, payload: Json) -> Seen:
        """Sends an interaction payload as it is, for tests of what no client of Slack's would send."""
        seq, user_id = self.workspace.ledger.seq, payload["user"]["id"]
        response, failure = self._payload(payload)
        return self._seen(user_id, seq, failure=failure, response=response)

    def send(
        self, body: bytes, content_type: str, more: Mapping[str, str] | None = None
    ) -> tuple[Response | None, str | None]:
        """Signs and delivers a body: the bot's response, and Slack's name for what went wrong."""
        started = self.workspace.now()
        headers = {"Content-Type": content_type}
        headers |= signed(body, self._secret, int(self._clock()))
        try:
            response = self._deliver(body, headers | dict(more or {}))
        except TimeoutError:
            return None, "operation_timeout"
        except OSError:
            return None, "dispatch_failed"
        if self.workspace.now() - started > ACKNOWLEDGE_SECONDS:
            return response, "operation_timeout"
        return response, None if response.status == 200 else "dispatch_failed"

    def _subscribed(self, event: Json) -> bool:
        name = event["type"]
        if name == "message":
            plural = {"channel": "channels", "group": "groups"}
            name = f"message.{plural.get(event['channel_type'], event['channel_type'])}"
        return self.workspace.app.events is None or name in self.workspace.app.events

    def _form(self, fields: Mapping[str, str]) -> tuple[Response | None, str | None]:
        return self.send(urlencode(fields).encode(), "application/x-www-form-urlencoded")

    def _payload(self, payload: Json) -> tuple[Response | None, str | None]:
        return self._form({"payload": json.dumps(payload)})

    def _json(self, payload: Json, more: Mapping[str, str]) -> tuple[Response | None, str | None]:
        return self.send(json.dumps(payload).encode(), "application/json", more)

    def _seen(self, user_id: str | None, seq: int, **what: Any) -> Seen:
        if user_id is None:
            return Seen(**what)
        workspace = self.workspace
        stack = workspace.views.stack(user_id)
        return Seen(
            messages=workspace.seen_since(seq, user_id),
            view=stack[-1] if stack else None,
            home=workspace.views.home(user_id),
            **what,
        )

    def _open_view(self, view_id: str) -> View:
        view = self.workspace.views.get(view_id)
        if view is None:
            raise LookupError(f"no view {view_id} is open")
        return view

    def _offers(self, user_id: str) -> Callable[[str, str], dict[str, Json]]:
        return lambda block_id, action_id: self._offered.get((user_id, block_id, action_id), {})

    def _typed(self, view: View, user_id: str, values: Values) -> View:
        view = self._open_view(view.id)
        state = with_values(view.blocks, view.state, values, self._offers(user_id))
        return self.workspace.views.set_state(view.id, state)

    def _with_mentions(self, escaped: str) -> str:
        # The longest names first: @member1 is no part of @member17.
        for member in sorted(self.workspace.members(), key=lambda member: -len(member.name)):
            escaped = escaped.replace(f"@{member.name}", f"<@{member.id}|{member.name}>")
        for channel in self.workspace.channels():
            if not channel.is_im:
                escaped = escaped.replace(f"#{channel.name}", f"<#{channel.id}|{channel.name}>")
        return escaped


def find_element(
    blocks: list[Json], action_id: str, *, block_id: str | None = None, value: str | None = None
) -> tuple[Json, Json]:
    """The first (block, element) with this action id, and block id or button value if given.

    Raises LookupError, naming what there is.
    """
    there = [(block, element) for block in blocks for element in elements(block)]
    for block, element in there:
        if (
            element.get("action_id") == action_id
            and block_id in (None, block["block_id"])
            and value in (None, element.get("value"))
        ):
            return block, element
    names = [(b["block_id"], e.get("action_id"), e.get("value")) for b, e in there]
    raise LookupError(f"nothing to use with {action_id!r} {block_id!r} {value!r}, only {names}")
