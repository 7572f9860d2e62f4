"""Forged and stale requests get a clear sentence and change nothing (R10)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from bot.blocks.ids import ActionId, BlockId, CallbackId
from bot.slack.error_messages import SENTENCES
from bot.slack.refusals import NotInUse, OtherWorkspace
from domain.errors import RollcallError, UnknownEvent
from playground.client import payloads
from playground.client.member_client import ActionResult, MemberClient
from playground.client.transport import into_app
from playground.demo.seed import EVENTS, RANDOM
from playground.workspace.model import Message
from tests.support.slack import sentences
from tests.support.slack.harness import AMARA, BJORN, CHLOE, SECRET, SlackHarness, reply, shown

FORM = "application/x-www-form-urlencoded"


def press(harness: SlackHarness, card: Message, value: str) -> dict[str, Any]:
    """Return the payload of a press on Register with a value that is not the card's."""
    member = harness.workspace.member(BJORN)
    button = {
        "type": "button",
        "action_id": ActionId.REGISTER,
        "block_id": "b",
        "text": {"type": "plain_text", "text": "Register"},
        "value": value,
    }
    return payloads.block_actions(harness.workspace, member, card, button)


# Stale and unknown


def test_stale_button_of_deleted_event_says_it_no_longer_exists(
    harness: SlackHarness,
) -> None:
    card = harness.card(harness.event())
    harness.bot.service.delete_event("yoga")
    before = harness.everything()
    for action in (ActionId.REGISTER, ActionId.UNREGISTER, ActionId.MANAGE):
        result = harness.slack.click(BJORN, card, action)
        assert SENTENCES[UnknownEvent](None) in reply(result)
    after = harness.everything()
    assert (after.events, after.registrations) == (before.events, before.registrations)


def test_command_with_id_of_deleted_event_finds_nothing(harness: SlackHarness) -> None:
    harness.event()
    harness.bot.service.delete_event("yoga")
    assert "No event matches that" in reply(
        harness.slack.command(BJORN, RANDOM, "/register", "yoga")
    )


def test_card_of_deleted_event_says_so_without_buttons(harness: SlackHarness) -> None:
    harness.card(harness.event())
    harness.bot.service.delete_event("yoga")
    assert harness.current_card_text() == "Yoga in the park\nThis event has been deleted."


def test_unknown_action_id_gets_a_reply(harness: SlackHarness) -> None:
    card = harness.card(harness.event())
    result = with_button(harness, card, "no_such_action")
    assert SENTENCES[NotInUse](None) in reply(result)


def with_button(harness: SlackHarness, card: Message, action_id: str) -> ActionResult:
    """Post a message of the app's with a button of an older version, and press it."""
    button = {
        "type": "button",
        "action_id": action_id,
        "text": {"type": "plain_text", "text": "Old"},
        "value": "yoga",
    }
    posted = harness.client.chat_postMessage(
        channel=card.channel_id,
        text="old",
        blocks=[{"type": "actions", "elements": [button]}],
    )
    message = harness.workspace.message(card.channel_id, posted["ts"])
    return harness.slack.click(BJORN, message, action_id)


def test_unknown_form_gets_a_reply(harness: SlackHarness) -> None:
    harness.event()
    view = harness.slack.command(BJORN, RANDOM, "/register").view
    assert view is not None
    body = view.as_json(harness.workspace.app, harness.workspace.team_id, with_state=True)
    result = harness.slack.interact(
        {
            "type": "view_submission",
            "team": {"id": harness.workspace.team_id},
            "user": {"id": BJORN, "name": "bjorn"},
            "view": body | {"callback_id": "no_such_form"},
        }
    )
    assert result.response is not None
    assert "no longer in use" in result.response.body


@pytest.mark.parametrize("value", ["", "x" * 2_000, "<!channel>", "no such event", "\x00"])
def test_button_with_strange_value_is_an_unknown_event(harness: SlackHarness, value: str) -> None:
    card = harness.card(harness.event())
    result = harness.slack.interact(press(harness, card, value))
    assert result.failure is None
    assert SENTENCES[UnknownEvent](None) in reply(result)


# Another workspace (R10.2)

OTHERS: dict[str, dict[str, Any]] = {
    "another workspace": {
        "team": {"id": "T0OTHER", "domain": "other"},
        "user": {"id": BJORN, "name": "bjorn", "team_id": "T0OTHER"},
    },
    "a guest from another workspace": {
        "user": {"id": "U0GUEST", "name": "guest", "team_id": "T0OTHER"},
    },
}
REFUSED = sentences.refusal(OtherWorkspace())


@pytest.mark.parametrize("names", OTHERS.values(), ids=OTHERS)
def test_click_of_another_workspace_is_refused(
    harness: SlackHarness, names: dict[str, Any]
) -> None:
    card = harness.card(harness.event())
    before = harness.everything()
    body = press(harness, card, "yoga") | names
    response, failure = harness.slack.send(urlencode({"payload": json.dumps(body)}).encode(), FORM)
    assert failure is None
    assert response is not None
    sent = harness.api.calls("response_url")[-1].args
    assert sent["text"] == REFUSED
    assert sent["response_type"] == "ephemeral"
    assert harness.everything() == before


@pytest.mark.parametrize("command", ["/register", "/rollcall", "/event", "/no-such-command"])
def test_command_of_another_workspace_is_refused(harness: SlackHarness, command: str) -> None:
    harness.event()
    before = harness.everything()
    fields = {
        "team_id": "T0OTHER",
        "user_id": "U0GUEST",
        "user_name": "guest",
        "channel_id": RANDOM,
        "command": command,
        "text": "yoga",
        "trigger_id": "1.1",
        "response_url": "http://127.0.0.1:9/never",
    }
    response, failure = harness.slack.send(urlencode(fields).encode(), FORM)
    assert failure is None
    assert response is not None
    assert json.loads(response.body)["text"] == REFUSED
    assert json.loads(response.body)["response_type"] == "ephemeral"
    assert harness.everything() == before


def test_form_of_another_workspace_is_refused(harness: SlackHarness) -> None:
    harness.event()
    view = harness.slack.command(BJORN, RANDOM, "/register").view
    assert view is not None
    body = view.as_json(harness.workspace.app, harness.workspace.team_id, with_state=True)
    result = harness.slack.interact(
        {
            "type": "view_submission",
            "team": {"id": "T0OTHER"},
            "user": {"id": BJORN, "name": "bjorn", "team_id": "T0OTHER"},
            "view": body,
        }
    )
    assert result.response is not None
    assert REFUSED in json.loads(result.response.body)["view"]["blocks"][0]["text"]["text"]


def test_another_workspace_gets_no_options(harness: SlackHarness) -> None:
    harness.event()
    body = {
        "type": "block_suggestion",
        "team": {"id": "T0OTHER"},
        "user": {"id": BJORN, "name": "bjorn", "team_id": "T0OTHER"},
        "container": {"type": "view", "view_id": "V1"},
        "view": {"id": "V1", "type": "modal", "callback_id": CallbackId.REGISTER, "blocks": []},
        "action_id": ActionId.EVENT,
        "block_id": BlockId.EVENT,
        "value": "yoga",
    }
    response, failure = harness.slack.send(urlencode({"payload": json.dumps(body)}).encode(), FORM)
    assert failure is None
    assert response is not None
    assert json.loads(response.body) == {"options": []}


def test_another_workspace_gets_no_app_home(harness: SlackHarness) -> None:
    body = {
        "type": "event_callback",
        "team_id": "T0OTHER",
        "event": {"type": "app_home_opened", "user": BJORN, "tab": "home", "channel": "D1"},
        "event_id": "Ev1",
    }
    response, failure = harness.slack.send(json.dumps(body).encode(), "application/json")
    assert failure is None
    assert response is not None
    assert harness.api.calls("views.publish") == []


# Signatures (R10.1)


@pytest.mark.parametrize(
    ("secret", "headers"),
    [
        ("another secret", {}),
        (SECRET, {"X-Slack-Signature": "v0=forged"}),
        (SECRET, {"X-Slack-Signature": ""}),
        (SECRET, {"X-Slack-Request-Timestamp": "0"}),
    ],
    ids=["another secret", "forged", "none", "another time than signed"],
)
def test_request_without_valid_signature_is_refused_and_changes_nothing(
    harness: SlackHarness, secret: str, headers: dict[str, str]
) -> None:
    harness.event()
    before = harness.everything()
    forger = MemberClient(harness.workspace, into_app(harness.bot.app), secret)
    body = urlencode({"command": "/register", "text": "yoga", "user_id": BJORN}).encode()
    response, failure = forger.send(body, FORM, headers)
    assert failure == "dispatch_failed"
    assert response is not None
    assert response.status == 401
    assert "Traceback" not in response.body
    assert harness.everything() == before


def test_request_signed_over_five_minutes_ago_is_refused(harness: SlackHarness) -> None:
    harness.event()
    old = MemberClient(
        harness.workspace,
        into_app(harness.bot.app),
        SECRET,
        clock=lambda: harness.clock.now().timestamp() - 301,
    )
    response, _ = old.send(b"command=/register&text=yoga&user_id=U0BJORN", FORM)
    assert response is not None
    assert response.status == 401


# The error handler


def leaves(kind: type[RollcallError]) -> list[type[RollcallError]]:
    below = kind.__subclasses__()
    return [kind] * (not below) + [leaf for one in below for leaf in leaves(one)]


def test_every_refusal_outside_the_http_api_has_a_sentence() -> None:
    shown_in_slack = {
        kind for kind in leaves(RollcallError) if not kind.__module__.startswith("bot.api.")
    }
    assert shown_in_slack <= set(SENTENCES)


def test_reply_is_not_visible_to_others(harness: SlackHarness) -> None:
    harness.slack.command(CHLOE, EVENTS, "/register", "no such thing")
    assert [
        shown(message) for message in harness.workspace.messages(EVENTS, visible_to=AMARA)
    ] == []
