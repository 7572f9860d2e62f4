"""The bot against a Slack that others wrote: `emulate`, strict about scopes.

It lacks commands, interactions, response URLs and Socket Mode: the tests send the bot what Slack would,
signed, with the emulator's ids and triggers. It checks no scope for `views.*`, and no Block Kit in messages.
It takes a public channel's messages from an app that is not in it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_sdk.errors import SlackApiError

from bot.blocks.ids import ActionId, BlockId, EventOption
from bot.entrypoints.bootstrap import Bot, assemble
from bot.entrypoints.manifest import PATH
from bot.features.event_form.form_content import FormContent
from bot.features.event_form.views import create_form
from domain.enums import Audience
from domain.inputs import AnnouncementDraft
from domain.models import Actor, Event
from playground.client.transport import into_app, signed
from playground.workspace.manifest import read_manifest
from storage.sqlite.store import SQLiteStore
from tests.support.environment import ManualClock, ids, run_now
from tests.support.slack import sentences
from tests.support.slack.emulator import TEAM, EmulatedSlack, emulated_slack, response_url
from tests.support.slack.harness import SECRET, text_of

pytestmark = pytest.mark.soak

_ACTIONS = {BlockId.TIME_ZONE: ActionId.TIME_ZONE}
"""Inputs of the form that have an action id of their own."""

SCOPES = read_manifest(PATH).scopes


@dataclass(frozen=True)
class Shown:
    """A message that a member sees."""

    ts: str
    text: str


def _shown(messages: list[dict[str, Any]]) -> list[Shown]:
    """Return the messages with blocks, without those that say who joined."""
    return [Shown(one["ts"], text_of(one["blocks"])) for one in messages if one.get("blocks")]


def _card(slack: EmulatedSlack) -> Shown:
    (card,) = _shown(slack.messages("bjorn", slack.channel))
    return card


def _newest(slack: EmulatedSlack, name: str) -> str:
    return _shown(slack.messages(name))[0].text


class Members:
    """Sends the bot what the emulator lacks: commands, presses and submissions."""

    def __init__(self, bot: Bot, slack: EmulatedSlack, response_url: str) -> None:
        self._deliver = into_app(bot.app)
        self._slack = slack
        self._response_url = response_url

    def command(self, name: str, command: str, text: str) -> str:
        """Send a command; return the body of its acknowledgement."""
        return self._send(
            {
                "team_id": TEAM,
                "channel_id": self._slack.channel,
                "user_id": self._slack.ids[name],
                "user_name": name,
                "command": command,
                "text": text,
                "trigger_id": self._trigger(name),
                "response_url": self._response_url,
            }
        )

    def press(self, name: str, ts: str, action_id: str, value: str, *, alone: bool = False) -> None:
        """Press a button of a card, or of a message that only this member sees."""
        container = {"type": "message", "message_ts": ts, "channel_id": self._slack.channel}
        self._interact(
            name,
            type="block_actions",
            container=container | {"is_ephemeral": alone},
            channel={"id": self._slack.channel, "name": "events"},
            response_url=self._response_url,
            actions=[{"type": "button", "action_id": action_id, "block_id": "b", "value": value}],
        )

    def submit(self, name: str, view: Mapping[str, Any], values: Mapping[BlockId, Any]) -> str:
        """Submit a modal; return the body of its acknowledgement."""
        state = {block: {_ACTIONS.get(block, ActionId.INPUT): values[block]} for block in values}
        shown = {**view, "id": "V1", "hash": "1.1", "state": {"values": state}}
        return self._interact(name, type="view_submission", view=shown)

    def _interact(self, name: str, **payload: Any) -> str:
        user = {"id": self._slack.ids[name], "name": name, "team_id": TEAM}
        whole = {"team": {"id": TEAM}, "user": user, "trigger_id": self._trigger(name), **payload}
        return self._send({"payload": json.dumps(whole)})

    def _trigger(self, name: str) -> str:
        made = self._slack.as_bot().api_call(
            "views.generateTriggerId", params={"user_id": self._slack.ids[name]}
        )
        return str(made["trigger_id"])

    def _send(self, fields: Mapping[str, str]) -> str:
        body = urlencode(fields).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        headers |= signed(body, SECRET, int(time.time()))  # noqa: TID251  # Bolt compares it with the system's
        response = self._deliver(body, headers)
        assert response.status == 200, response
        return response.body


@contextmanager
def running_bot(slack: EmulatedSlack, path: Path) -> Iterator[tuple[Bot, ManualClock]]:
    """Run the bot on SQLite in an emulated workspace."""
    clock = ManualClock(datetime.now(UTC).replace(microsecond=0))  # noqa: TID251  # triggers expire by it
    store = SQLiteStore(path, TEAM)
    bot = assemble(
        store,
        slack.as_bot(),
        workspace_id=TEAM,
        signing_secret=SECRET,
        clock=clock,
        new_id=ids(),
        jitter=lambda: 0.5,
        spawn=run_now,
    )
    yield bot, clock
    bot.stop()
    store.close()


def deliver(bot: Bot, clock: ManualClock, after: timedelta = timedelta()) -> None:
    """Deliver what is due then."""
    clock.advance(after)
    bot.notification_worker.sweep()
    for _ in range(6):
        bot.notification_worker.process_due_events()
        bot.notification_worker.exports.process_due_jobs()
        clock.advance(timedelta(seconds=0.5))


def created(members: Members, bot: Bot, slack: EmulatedSlack, clock: ManualClock) -> Event:
    """Create an event with one seat through the form, which posts its card."""
    assert members.command("amara", "/event", "create") == "", "the emulator refused the form"
    start = clock.now() + timedelta(days=3)
    event_id, event_zone = "pottery", "Europe/Berlin"
    submitted = members.submit(
        "amara",
        create_form(event_id, FormContent(event_zone), is_complete=True).to_dict(),
        {
            BlockId.TITLE: {"type": "plain_text_input", "value": sentences.YOGA},
            BlockId.START_DATE: {"type": "datepicker", "selected_date": f"{start:%Y-%m-%d}"},
            BlockId.START_TIME: {"type": "timepicker", "selected_time": "18:00"},
            BlockId.TIME_ZONE: {
                "type": "external_select",
                "selected_option": {"value": event_zone},
            },
            BlockId.CAPACITY: {"type": "number_input", "value": "1"},
            BlockId.CHANNEL: {
                "type": "conversations_select",
                "selected_conversation": slack.channel,
            },
            BlockId.REMINDERS: {
                "type": "multi_static_select",
                "selected_options": [{"value": "60"}],
            },
            BlockId.OPTIONS: {
                "type": "checkboxes",
                "selected_options": [{"value": EventOption.WAITLIST}],
            },
        },
    )
    assert "errors" not in submitted
    return bot.service.get_event(event_id)


def test_whole_path_reads_back_from_another_slack(tmp_path: Path) -> None:
    """From creation to promotion: card, form, direct messages, announcement, export and reminder."""
    names = ("amara", "bjorn", "chloe")
    with (
        emulated_slack(names, SCOPES) as slack,
        running_bot(slack, tmp_path / "rollcall.sqlite") as (bot, clock),
        response_url() as (url, replies),
    ):
        members = Members(bot, slack, url)
        event = created(members, bot, slack, clock)
        deliver(bot, clock)
        card = _card(slack)
        assert sentences.taken(0, 1) in card.text

        members.press("bjorn", card.ts, ActionId.REGISTER, event.event_id)
        assert sentences.seat() in text_of(replies[-1]["blocks"])
        answer = json.loads(members.command("chloe", "/register", event.event_id))
        assert sentences.waitlisted(1) in text_of(answer["blocks"])
        deliver(bot, clock)
        assert sentences.taken(1, 1, waitlist=1) in _card(slack).text
        members.press("bjorn", card.ts, ActionId.UNREGISTER_CONFIRMED, event.event_id, alone=True)
        assert sentences.unregistered() in text_of(replies[-1]["blocks"])
        deliver(bot, clock)
        assert sentences.taken(1, 1) in _card(slack).text
        assert sentences.promoted() in _newest(slack, "chloe")

        amara = Actor(slack.ids["amara"])
        draft = AnnouncementDraft(text="Bring a *mat*", audience=Audience.EVERYONE)
        bot.service.announce(event.event_id, draft, request_id="announced", actor=amara)
        bot.service.export(event.event_id, request_id="exported", actor=amara)
        deliver(bot, clock)
        assert "Bring a *mat*" in _newest(slack, "chloe")
        (file,) = slack.messages("amara")[0]["files"]
        assert file["name"].endswith(".csv")
        assert file["size"] > 0

        known = len(slack.messages("chloe"))
        deliver(bot, clock, event.starts_at - clock.now() - timedelta(hours=1))
        assert len(slack.messages("chloe")) == known + 1
        assert "starts in 1 hour" in _newest(slack, "chloe")


def test_bot_without_chat_write_posts_no_card(tmp_path: Path) -> None:
    """Negative control: the emulator holds the bot to the manifest's scopes."""
    with (
        emulated_slack(["amara", "bjorn"], SCOPES - {"chat:write"}) as slack,
        running_bot(slack, tmp_path / "rollcall.sqlite") as (bot, clock),
        response_url() as (url, _),
    ):
        created(Members(bot, slack, url), bot, slack, clock)
        deliver(bot, clock)
        assert _shown(slack.messages("bjorn", slack.channel)) == []


@pytest.mark.parametrize("missing", ["chat:write", "files:write", "im:write", "users:read"])
def test_emulator_refuses_what_a_missing_scope_covers(missing: str) -> None:
    """Negative control: each is a scope that the path above needs."""
    with emulated_slack(["amara"], SCOPES - {missing}) as slack:
        amara, client = slack.ids["amara"], slack.as_bot()
        calls = {
            "chat:write": lambda: client.chat_postMessage(channel=slack.channel, text="x"),
            "files:write": lambda: client.files_getUploadURLExternal(filename="x", length=1),
            "im:write": lambda: client.conversations_open(users=amara),
            "users:read": lambda: client.users_info(user=amara),
        }
        with pytest.raises(SlackApiError, match="missing_scope"):
            calls[missing]()
