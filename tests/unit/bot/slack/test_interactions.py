"""Models of Slack's payloads, as listeners read them."""

from __future__ import annotations

from typing import Any

import pytest

from bot.blocks.ids import BlockId
from bot.slack.interactions import BlockAction, CardLocation, SlashCommand, parse
from bot.slack.refusals import MalformedPayload
from bot.slack.view_payloads import ViewPayload
from domain.errors import Invalid

COMMAND = {"command": "/register", "user_id": "U1", "team_id": "T1", "trigger_id": "1.2.3"}
EVENT = {"type": "event_callback", "team_id": "T1", "event": {"type": "x"}}
USER = {"id": "U1", "name": "bjorn", "team_id": "T1"}
MESSAGE = {"type": "message", "channel_id": "C1", "message_ts": "1700000000.000100"}


def action(**fields: Any) -> BlockAction:
    """Return a press of a button on a card, unless `fields` say otherwise."""
    body = {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": USER,
        "actions": [{"action_id": "register", "value": "yoga"}],
        "trigger_id": "1.2.3",
        "container": MESSAGE,
        "response_url": "https://slack.example/1",
    }
    parsed = parse(body | fields)
    assert isinstance(parsed, BlockAction)
    return parsed


def view(**fields: Any) -> ViewPayload:
    return ViewPayload.model_validate({"id": "V1", "type": "modal", "callback_id": "form"} | fields)


def form(block: BlockId, state: object) -> ViewPayload:
    return view(state={"values": {block: {"input": state}}})


@pytest.mark.parametrize(
    ("text", "typed"), [(None, ""), (" yoga ", "yoga"), ("&lt;3 &amp;amp;", "<3 &amp;")]
)
def test_text_of_a_command_is_unescaped_once(text: str | None, typed: str) -> None:
    command = parse(COMMAND | {"text": text})
    assert isinstance(command, SlashCommand)
    assert command.text == typed


def test_login_handle_is_no_name() -> None:
    """People don't see it (R1.6)."""
    pressed = action(user={"id": "U1", "name": "bjorn", "username": "other"})
    command = parse(COMMAND | {"user_name": "bjorn"})
    assert isinstance(command, SlashCommand)
    for draft in (pressed.user_draft, command.user_draft):
        assert (draft.user_id, draft.given()) == ("U1", {})


@pytest.mark.parametrize(
    ("body", "workspaces"),
    [
        (COMMAND, {"T1"}),
        (COMMAND | {"team_id": ""}, set()),
        ({"type": "event_callback", "team_id": "T1", "event": {"type": "x"}}, {"T1"}),
        (EVENT | {"authorizations": [{"team_id": "T2"}]}, {"T2"}),
        (EVENT | {"authorizations": [{"team_id": None}]}, {"T1"}),
        (EVENT | {"authorizations": None, "team_id": "E1"}, set()),
    ],
)
def test_command_or_event_is_for_the_installation_or_where_it_happened(
    body: dict[str, Any], workspaces: set[str]
) -> None:
    assert parse(body).workspace_ids == workspaces


@pytest.mark.parametrize(
    ("fields", "workspaces"),
    [
        ({}, {"T1"}),
        ({"user": {"id": "U1", "team_id": "T2"}}, {"T1"}),
        ({"team_id": "T3"}, {"T1", "T3"}),
        ({"team": None}, {"T2"}),
        ({"team": None, "user": {"id": "U1", "team_id": "E1"}}, set()),
        ({"team": {"id": "E1"}, "user": {"id": "U1"}}, set()),
    ],
    ids=["team", "not the member's", "two", "org-wide", "org-wide, in options", "organization"],
)
def test_press_is_for_the_workspace_where_it_happened(
    fields: dict[str, Any], workspaces: set[str]
) -> None:
    assert action(**{"user": USER | {"team_id": "T2"}} | fields).workspace_ids == workspaces


@pytest.mark.parametrize(
    ("team", "fields", "workspaces"),
    [
        ({"id": "T2"}, {"app_installed_team_id": "T1"}, {"T1"}),
        ({"id": "T1"}, {"app_installed_team_id": "T2"}, {"T2"}),
        ({"id": "T1"}, {"app_installed_team_id": "E1"}, {"T1"}),
        (None, {"app_installed_team_id": "E1", "team_id": "T1"}, {"T1"}),
    ],
)
def test_press_in_a_view_is_for_the_installation_that_showed_it(
    team: object, fields: dict[str, str], workspaces: set[str]
) -> None:
    shown = view().model_dump() | fields
    assert action(container={"type": "view"}, view=shown, team=team).workspace_ids == workspaces


@pytest.mark.parametrize(
    ("fields", "card"),
    [
        ({}, CardLocation("C1", "1700000000.000100")),
        ({"is_ephemeral": True}, None),
        ({"channel_id": "D1"}, None),
    ],
)
def test_only_a_message_visible_to_a_channel_is_a_card(
    fields: dict[str, Any], card: CardLocation | None
) -> None:
    assert action(container=MESSAGE | fields).card == card


def test_press_in_a_view_has_no_card() -> None:
    pressed = action(container={"type": "view"}, view=view().model_dump())
    assert (pressed.card, pressed.modal.id) == (None, "V1")


def test_press_on_a_message_has_no_modal() -> None:
    with pytest.raises(MalformedPayload):
        _ = action().modal


def test_first_modal_of_a_stack_has_no_view_below() -> None:
    assert view(root_view_id="V1").view_below is None
    assert view(root_view_id="V0").view_below == "V0"


@pytest.mark.parametrize(
    ("previous", "is_third"), [(None, False), ("V0", False), ("V1", True)], ids=["1", "2", "3"]
)
def test_third_modal_of_a_stack_is_recognized_by_its_previous_view(
    previous: str | None, is_third: bool
) -> None:
    assert view(root_view_id="V0", previous_view_id=previous).is_third is is_third


@pytest.mark.parametrize("text", ["", "-", "1.5", "²", "1" * 10, "--1"])
def test_text_that_is_not_a_whole_number_is_invalid(text: str) -> None:
    with pytest.raises(Invalid):
        form(BlockId.CAPACITY, {"value": text}).whole_number(BlockId.CAPACITY)


@pytest.mark.parametrize(("text", "number"), [(" 12 ", 12), ("-3", -3)])
def test_whole_number_is_read(text: str, number: int) -> None:
    assert form(BlockId.CAPACITY, {"value": text}).whole_number(BlockId.CAPACITY) == number


@pytest.mark.parametrize("state", [None, {}, {"selected_options": None}])
def test_untouched_input_is_empty(state: object) -> None:
    untouched = form(BlockId.OPTIONS, state)
    assert untouched.checked(BlockId.OPTIONS) == []
    assert untouched.selected(BlockId.OPTIONS) is None
    assert untouched.text(BlockId.TITLE) == ""
