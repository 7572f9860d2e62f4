"""A member's Slack client: sends their actions to the bot and returns what they see next.

The demo page and the bot's tests both act through `MemberClient`. Each action is signed and delivered in
the caller's thread, and the bot's acknowledgement is checked by Slack's rules.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from playground.client import payloads
from playground.client.acknowledgements import (
    InvalidAcknowledgement,
    acknowledge_command,
    acknowledge_submission,
    suggested_options,
)
from playground.client.inputs import Values, client_errors, with_values
from playground.client.transport import ACKNOWLEDGE_SECONDS, BotResponse, Deliver, signed
from playground.web_api.web_methods import as_user_json
from playground.workspace.block_elements import State, elements, initial_state
from playground.workspace.model import Channel, Json, Member, Message, View
from playground.workspace.state import Workspace
from playground.workspace.views import keep_typed

CONNECTION_TROUBLE = "We had some trouble connecting. Try again?"
"""Slack's error in a modal if the app doesn't respond or its response is invalid."""


@dataclass(frozen=True)
class ActionResult:
    """The visible result of a member's action.

    `messages` are new or changed messages that the member sees, `view` is the top modal, `errors` are the
    field errors by block id, `failure` is Slack's own error message about the app, and `options` are
    those from an options request. `response` is the bot's response, if there was one.
    """

    messages: list[Message] = field(default_factory=list)
    view: View | None = None
    home: View | None = None
    errors: dict[str, str] = field(default_factory=dict)
    failure: str | None = None
    options: list[Json] = field(default_factory=list)
    response: BotResponse | None = None

    @property
    def ephemeral(self) -> list[Message]:
        """The ephemeral messages among `messages`."""
        return [message for message in self.messages if message.ephemeral_to]


class MemberClient:
    """Client for the actions of all members. Thread-safe if `deliver` is.

    The workspace's clock measures the three seconds for an acknowledgement. `clock` gives the timestamp of
    signatures; it defaults to real time because Bolt compares it with real time.
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
        self._suggested: dict[tuple[str, str, str], dict[str, Json]] = {}
        self._chosen: dict[tuple[str, str, str], State] = {}  # by member, channel and message

    def command(self, user_id: str, channel_id: str, name: str, text: str = "") -> ActionResult:
        """Send a slash command. Raises `SlackError` for an unknown member or channel."""
        workspace, seq = self.workspace, self.workspace.ledger.seq
        member, channel = workspace.member(user_id), workspace.channel(channel_id)
        declared = workspace.app.commands
        known = next((each for each in declared or () if each.name == name), None)
        if declared is not None and known is None:
            return self._result(user_id, seq, failure=f"{name} is not a valid command.")
        escaped = payloads.escape_text(text)
        if known is not None and known.should_escape:
            escaped = self._with_mentions(escaped)
        fields = payloads.command(workspace, member, channel, name, escaped)
        response, failure = self._form(fields)
        if response is not None and failure is None:
            try:
                acknowledge_command(workspace, member, channel, response.body)
            except InvalidAcknowledgement as invalid:
                failure = invalid.error
        shown = f"{name} failed with the error “{failure}”" if failure else None
        return self._result(user_id, seq, failure=shown, response=response)

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
    ) -> ActionResult:
        """Press a button, or choose `selected` in a select, a menu or a picker.

        The element is the first with this action id, and with `block_id` or button `value` if given.
        `values` has what was typed into a view so far. Raises `LookupError` if there is no such element,
        and `ValueError` if the option was never offered.
        """
        workspace, seq = self.workspace, self.workspace.ledger.seq
        member = workspace.member(user_id)
        block, element = find_element(target.blocks, action_id, block_id=block_id, value=value)
        ids = (block["block_id"], action_id)
        suggested = self._suggestions(user_id)(*ids)
        action = payloads.action(block, element, selected, suggested)
        has_state = element["type"] not in {"button", "overflow"}
        chosen: Values = {ids: selected} if has_state else {}
        state: State = {}
        if isinstance(target, View):
            target = self._type(target, user_id, dict(values or {}))
            target = self._type(target, user_id, chosen)
        else:
            state = self._choose(target, user_id, chosen)
        payload = payloads.block_actions(workspace, member, target, action, state)
        response, failure = self._payload(payload)
        return self._result(user_id, seq, failure=failure, response=response)

    def submit(
        self,
        user_id: str,
        view_id: str,
        values: Values | None = None,
        *,
        client_checks: bool = True,
    ) -> ActionResult:
        """Submit a modal with these values, by (block id, action id); other inputs keep their values.

        With `client_checks`, input that Slack's client rejects (an empty required field, an invalid number,
        a text too long) never reaches the bot. Without it, everything does, as from a forged client.
        Raises `LookupError` for a view that is not open or an unknown input.
        """
        workspace, seq = self.workspace, self.workspace.ledger.seq
        member, view = workspace.member(user_id), self._open_view(view_id)
        view = self._type(view, user_id, values or {})
        if client_checks and (errors := client_errors(view.blocks, view.state)):
            return self._result(user_id, seq, errors=errors)
        response, failure = self._payload(payloads.view_submission(workspace, member, view))
        errors = {}
        if response is not None and failure is None:
            try:
                errors = acknowledge_submission(workspace, view, response.body)
            except InvalidAcknowledgement:
                failure = CONNECTION_TROUBLE
        shown = CONNECTION_TROUBLE if failure else None
        return self._result(user_id, seq, errors=errors, failure=shown, response=response)

    def close(self, user_id: str, view_id: str, *, all_views: bool = False) -> ActionResult:
        """Close a modal, or with `all_views` the whole stack."""
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
        return self._result(user_id, seq)

    def options(
        self,
        user_id: str,
        target: str | Message | View,
        action_id: str,
        block_id: str | None = None,
        query: str = "",
    ) -> ActionResult:
        """Type `query` into an external select of a message, a view or the view with this id.

        The result has the `options`, without groups. Each can be chosen by its value from then on.
        """
        workspace, seq = self.workspace, self.workspace.ledger.seq
        container = self._open_view(target) if isinstance(target, str) else target
        member = workspace.member(user_id)
        block, _ = find_element(container.blocks, action_id, block_id=block_id)
        ids = (block["block_id"], action_id)
        payload = payloads.block_suggestion(workspace, member, container, ids, query)
        response, failure = self._payload(payload)
        options: list[Json] = []
        if response is not None and failure is None:
            try:
                options = suggested_options(workspace, response.body)
            except InvalidAcknowledgement as invalid:
                failure = invalid.error
        known = self._suggested.setdefault((user_id, *ids), {})
        known.update({option["value"]: option for option in options})
        return self._result(user_id, seq, options=options, failure=failure, response=response)

    def open_home(self, user_id: str, tab: str = "home") -> ActionResult:
        """Open the app's Home tab, or its Messages tab with `tab="messages"`."""
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
        return self.event(event, visible_to=user_id)

    def say(self, user_id: str, channel_id: str, text: str) -> ActionResult:
        """Post a message as the member. Send the event if the app subscribed to it."""
        workspace, seq = self.workspace, self.workspace.ledger.seq
        channel = workspace.channel(channel_id)
        message = workspace.post(
            channel.id, user_id, self._with_mentions(payloads.escape_text(text))
        )
        kind = "im" if channel.is_im else "group" if channel.is_private else "channel"
        event = message.as_json(workspace.app, workspace.team_id) | {
            "channel": channel.id,
            "channel_type": kind,
            "event_ts": message.ts,
        }
        if workspace.app.bot_user_id in channel.members:
            self.event(event, visible_to=user_id)
        return self._result(user_id, seq)

    def update_member(self, user_id: str, **changes: Any) -> Member:
        """Change fields of a member (`deleted=True` deactivates) and send the event."""
        member = self.workspace.put_member(replace(self.workspace.member(user_id), **changes))
        user = as_user_json(self.workspace, member, locale=True)
        ts = self.workspace.ledger.new_ts()
        self.event({"type": "user_change", "user": user, "cache_ts": 0, "event_ts": ts})
        return member

    def join(self, user_id: str, channel_id: str, inviter: str | None = None) -> Channel:
        """Add a member or the bot to a channel. Send the event if the bot is in the channel."""
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
        self, event: Json, *, event_id: str | None = None, visible_to: str | None = None
    ) -> ActionResult:
        """Send an event if the app subscribed to it. Retry once if the bot fails.

        Sending an `event_id` twice simulates a repeated delivery. The result is what `visible_to` sees.
        """
        seq = self.workspace.ledger.seq
        if not self._subscribed(event):
            return self._result(visible_to, seq)
        event_id = event_id or self.workspace.ledger.new_id("Ev")
        payload = payloads.event_callback(self.workspace, event, event_id)
        response, failure = self._json(payload, {})
        if failure:
            reason = "http_timeout" if failure == "operation_timeout" else "http_error"
            retry_headers = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": reason}
            response, failure = self._json(payload, retry_headers)
        return self._result(visible_to, seq, failure=failure, response=response)

    def verify_url(self, challenge: str) -> bool:
        """Return whether the bot answers the challenge that verifies its request URL."""
        payload = {"token": "t", "challenge": challenge, "type": "url_verification"}
        response, failure = self._json(payload, {})
        return failure is None and response is not None and challenge in response.body

    def interact(self, payload: Json) -> ActionResult:
        """Send an interaction payload unchanged, for tests of payloads that Slack's client never sends."""
        seq, user_id = self.workspace.ledger.seq, payload["user"]["id"]
        response, failure = self._payload(payload)
        return self._result(user_id, seq, failure=failure, response=response)

    def send(
        self, body: bytes, content_type: str, more_headers: Mapping[str, str] | None = None
    ) -> tuple[BotResponse | None, str | None]:
        """Sign and deliver a body. Return the bot's response and Slack's error code, if it failed."""
        started = self.workspace.now()
        headers = {"Content-Type": content_type}
        headers |= signed(body, self._secret, int(self._clock()))
        try:
            response = self._deliver(body, headers | dict(more_headers or {}))
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

    def _form(self, fields: Mapping[str, str]) -> tuple[BotResponse | None, str | None]:
        return self.send(urlencode(fields).encode(), "application/x-www-form-urlencoded")

    def _payload(self, payload: Json) -> tuple[BotResponse | None, str | None]:
        return self._form({"payload": json.dumps(payload)})

    def _json(
        self, payload: Json, headers: Mapping[str, str]
    ) -> tuple[BotResponse | None, str | None]:
        return self.send(json.dumps(payload).encode(), "application/json", headers)

    def _result(self, user_id: str | None, seq: int, **fields: Any) -> ActionResult:
        if user_id is None:
            return ActionResult(**fields)
        workspace = self.workspace
        stack = workspace.views.stack(user_id)
        return ActionResult(
            messages=workspace.visible_messages_since(seq, user_id),
            view=stack[-1] if stack else None,
            home=workspace.views.home(user_id),
            **fields,
        )

    def _open_view(self, view_id: str) -> View:
        view = self.workspace.views.get(view_id)
        if view is None:
            raise LookupError(f"no view {view_id} is open")
        return view

    def _suggestions(self, user_id: str) -> Callable[[str, str], dict[str, Json]]:
        return lambda block_id, action_id: self._suggested.get((user_id, block_id, action_id), {})

    def _type(self, view: View, user_id: str, values: Values) -> View:
        view = self._open_view(view.id)
        state = with_values(view.blocks, view.state, values, self._suggestions(user_id))
        return self.workspace.views.set_state(view.id, state)

    def _choose(self, message: Message, user_id: str, values: Values) -> State:
        key = (user_id, message.channel_id, message.ts)
        kept = keep_typed(initial_state(message.blocks), self._chosen.get(key, {}))
        state = with_values(message.blocks, kept, values, self._suggestions(user_id))
        self._chosen[key] = state
        return state

    def _with_mentions(self, escaped: str) -> str:
        # Longest names first, or @member1 would match the start of @member17.
        for member in sorted(self.workspace.members(), key=lambda member: -len(member.name)):
            escaped = escaped.replace(f"@{member.name}", f"<@{member.id}|{member.name}>")
        for channel in self.workspace.channels():
            if not channel.is_im:
                escaped = escaped.replace(f"#{channel.name}", f"<#{channel.id}|{channel.name}>")
        return escaped


def find_element(
    blocks: list[Json], action_id: str, *, block_id: str | None = None, value: str | None = None
) -> tuple[Json, Json]:
    """Return the first (block, element) with this action id, and block id or button value if given.

    Raises `LookupError` with a list of the existing elements.
    """
    found = [(block, element) for block in blocks for element in elements(block)]
    for block, element in found:
        if (
            element.get("action_id") == action_id
            and block_id in (None, block["block_id"])
            and value in (None, element.get("value"))
        ):
            return block, element
    names = [(b["block_id"], e.get("action_id"), e.get("value")) for b, e in found]
    raise LookupError(f"no element {action_id!r} {block_id!r} {value!r}, only {names}")
