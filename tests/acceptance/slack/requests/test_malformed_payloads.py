"""Payloads that are not as Slack sends them get a sentence or a refusal, fail nothing, and change nothing."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.slack.error_messages import SENTENCES
from bot.slack.interactions import parse
from bot.slack.refusals import MalformedPayload
from playground.client import payloads
from playground.client.member_client import find_element
from playground.demo.seed import EVENTS, RANDOM
from playground.workspace.model import Json
from tests.support.slack.harness import AMARA, BJORN, HARUKI, REGISTER_COMMAND, SlackHarness, reply

FORM = "application/x-www-form-urlencoded"
UNREAD = SENTENCES[MalformedPayload](None)


def press(harness: SlackHarness, action: str = ActionId.REGISTER, value: str = "yoga") -> Json:
    card = harness.card(harness.event())
    button = {"type": "button", "action_id": action, "block_id": "b", "value": value}
    return payloads.block_actions(harness.workspace, harness.workspace.member(BJORN), card, button)


def sent(harness: SlackHarness, payload: Json) -> tuple[int, str]:
    """Send an interaction; return the response's status and body."""
    body = urlencode({"payload": json.dumps(payload)}).encode()
    response, _ = harness.slack.send(body, FORM)
    assert response is not None
    return response.status, response.body


@pytest.mark.parametrize(
    ("without", "with_"),
    [
        (["user_id"], {}),
        (["user_id"], {"user_id": "<!channel>"}),
        (["trigger_id"], {}),
        ([], {"event": "x"}),
        ([], {"type": "event_callback", "event": "type"}),
    ],
    ids=["nobody", "no user's id", "no trigger", "an event's name", "an event"],
)
def test_malformed_command_gets_a_reply_and_changes_nothing(
    harness: SlackHarness, without: list[str], with_: dict[str, str]
) -> None:
    """A command without a user once registered a user called "None"."""
    harness.event()
    before = harness.everything()
    fields = {key: value for key, value in REGISTER_COMMAND.items() if key not in without} | with_
    response, failure = harness.slack.send(urlencode(fields).encode(), FORM)
    assert failure is None
    assert response is not None
    assert json.loads(response.body)["text"].startswith(UNREAD)
    assert harness.everything() == before


SPOILT: dict[str, dict[str, Any]] = {
    "no action": {"actions": []},
    "actions that are none": {"actions": "x"},
    "an action without an id": {"actions": [{"value": "yoga"}]},
    "no container": {"container": None},
    "half a character": {"actions": [{"action_id": "register", "value": "\ud800"}]},
    "a team that is a list": {"team": ["T0OTHER"]},
    "a user that is text": {"user": BJORN},
    "an event": {"event": 5},
    "an event that is none": {"event": None},
}


@pytest.mark.parametrize("name", SPOILT)
def test_malformed_press_gets_a_reply_and_changes_nothing(harness: SlackHarness, name: str) -> None:
    """Bolt once failed on some of these while it reported the failure, and responded 500."""
    payload = press(harness)
    before = harness.everything()
    assert sent(harness, payload | SPOILT[name]) == (200, "")
    assert harness.api.calls("response_url")[-1].args["text"].startswith(UNREAD)
    assert harness.everything() == before


@pytest.mark.parametrize("url", ["", "02:30", "http://[::", "file:///etc/passwd", 5, None])
def test_press_without_a_valid_response_url_is_refused(harness: SlackHarness, url: object) -> None:
    payload = press(harness)
    before = harness.everything()
    assert sent(harness, payload | {"response_url": url}) == (400, "")
    assert harness.everything() == before


@pytest.mark.parametrize("value", ["", "x", "registered", "registered:-5", ":²", ":" + "9" * 5_000])
def test_more_registrations_with_invalid_offset_gets_a_reply(
    harness: SlackHarness, value: str
) -> None:
    """An offset that is no number once failed; a negative one showed the last page."""
    assert sent(harness, press(harness, ActionId.MORE_REGISTRATIONS, value)) == (200, "")
    assert harness.api.calls("response_url")[-1].args["text"].startswith(UNREAD)


@pytest.mark.parametrize(
    "metadata", [None, "", "{", "[]", "null", '{"event_id": 1}', "{}", "[" * 3_000]
)
def test_form_with_foreign_metadata_gets_a_reply_and_changes_nothing(
    harness: SlackHarness, metadata: str | None
) -> None:
    harness.event()
    manage = harness.slack.command(AMARA, RANDOM, "/event", "yoga").view
    assert manage is not None
    view = harness.slack.click(AMARA, manage, ActionId.CHANGE_CAPACITY).view
    assert view is not None
    payload = payloads.view_submission(harness.workspace, harness.workspace.member(AMARA), view)
    before = harness.everything()
    payload["view"]["private_metadata"] = metadata
    if metadata is None:
        del payload["view"]["private_metadata"]
    payload["view"]["state"]["values"][BlockId.CAPACITY][ActionId.INPUT]["value"] = "5"
    status, body = sent(harness, payload)
    assert status == 200
    assert UNREAD in json.loads(body)["view"]["blocks"][0]["text"]["text"]
    assert harness.everything() == before


@pytest.mark.parametrize(
    "spoilt",
    [{"state": {"values": []}}, {"state": None, "blocks": [{"block_id": []}]}, {"id": None}],
)
def test_malformed_form_gets_a_reply(harness: SlackHarness, spoilt: Json) -> None:
    harness.event()
    view = harness.slack.command(HARUKI, RANDOM, "/register").view
    assert view is not None
    payload = payloads.view_submission(harness.workspace, harness.workspace.member(HARUKI), view)
    status, body = sent(harness, payload | {"view": payload["view"] | spoilt})
    assert status == 200
    assert UNREAD in json.loads(body)["view"]["blocks"][0]["text"]["text"]


@pytest.mark.parametrize("event", [None, 5, "type", {"type": "app_home_opened"}, {"type": 1}])
def test_malformed_event_is_accepted_and_changes_nothing(
    harness: SlackHarness, event: object
) -> None:
    body = json.dumps({"type": "event_callback", "team_id": "T0PLAYGRND", "event": event})
    response, failure = harness.slack.send(body.encode(), "application/json")
    assert failure is None
    assert response is not None
    assert harness.api.calls() == []


@pytest.mark.parametrize("kind", ["shortcut", "workflow_step_edit", "interactive_message", None, 5])
def test_unused_interaction_type_is_refused(harness: SlackHarness, kind: object) -> None:
    payload = {key: value for key, value in press(harness).items() if key != "response_url"}
    assert sent(harness, payload | {"type": kind, "callback_id": "register"}) == (400, "")


@pytest.mark.parametrize("text", ["payload", "Payload review", "payload=1&text=2"])
def test_command_with_text_payload_runs(harness: SlackHarness, text: str) -> None:
    """Bolt takes it for an interaction without a payload, and reads nothing."""
    harness.event("payload", title="payload Payload review payload=1&text=2")
    result = harness.slack.command(BJORN, EVENTS, "/register", text)
    assert result.failure is None
    assert "Payload review" in reply(result)


def test_command_in_channel_named_payload_runs(
    harness: SlackHarness,
) -> None:
    channel = harness.workspace.add_channel("payload-team", [BJORN], id="C0PAYLOAD")
    assert "*Rollcall*" in reply(harness.slack.command(BJORN, channel.id, "/rollcall", "help"))


def test_request_without_workspace_is_refused(harness: SlackHarness) -> None:
    """R10.2."""
    harness.event()
    before = harness.everything()
    fields = {key: value for key, value in REGISTER_COMMAND.items() if key != "team_id"}
    response, _ = harness.slack.send(urlencode(fields).encode(), FORM)
    assert response is not None
    assert "another workspace" in json.loads(response.body)["text"]
    assert harness.everything() == before


def test_press_in_closed_modal_is_carried_out_with_a_warning(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """There is no modal left to reply in, so the reply is a direct message."""
    harness.event(capacity=5)
    picker = harness.slack.command(BJORN, RANDOM, "/register").view
    assert picker is not None
    harness.slack.options(BJORN, picker.id, ActionId.EVENT)
    note = harness.slack.submit(BJORN, picker.id, {(BlockId.EVENT, ActionId.EVENT): "yoga"}).view
    assert note is not None
    button = find_element(note.blocks, ActionId.CHOOSE_TO_UNREGISTER)[1]
    member = harness.workspace.member(BJORN)
    payload = payloads.block_actions(harness.workspace, member, note, button)
    harness.workspace.views.clear(BJORN)
    status, _ = sent(harness, payload)
    assert status == 200
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert harness.everything().seated("yoga") == []
    (reply,) = harness.direct_messages(BJORN)
    assert "Yoga" in reply
    harness.workspace.refusals.clear()


def test_press_in_modal_with_too_long_title_gets_a_reply(harness: SlackHarness) -> None:
    """The reply's modal has the title of the view that was used."""
    harness.event()
    manage = harness.slack.command(AMARA, RANDOM, "/event", "yoga").view
    assert manage is not None
    button = {"type": "button", "action_id": ActionId.REGISTER, "block_id": "b", "value": "yoga"}
    member = harness.workspace.member(AMARA)
    payload = payloads.block_actions(harness.workspace, member, manage, button)
    payload["view"]["title"] = {"type": "plain_text", "text": "x" * 25}
    assert sent(harness, payload) == (200, "")
    opened = harness.workspace.views.stack(AMARA)[-1]
    assert opened.title == "x" * 23 + "…"


def test_well_formed_payload_is_parsed(harness: SlackHarness) -> None:
    """Shared messages, workspaces of an enterprise, and untouched inputs are well-formed."""
    payload = press(harness)
    parse(payload | {"enterprise": {"id": "E1", "name": "e"}})
    parse(payload | {"container": payload["container"] | {"type": "message_attachment"}})
    view = harness.slack.command(HARUKI, RANDOM, "/register").view
    assert view is not None
    form = payloads.view_submission(harness.workspace, harness.workspace.member(HARUKI), view)
    parse(form | {"view": form["view"] | {"state": {"values": {"event": {}}}}})
