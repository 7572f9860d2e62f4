"""A workspace in an Enterprise organization: colleagues are served wherever they press, strangers are not (R10.2)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from bot.blocks.ids import ActionId, BlockId
from bot.slack.member_directory import CACHED_FOR
from bot.slack.refusals import MembershipUnknown, OtherWorkspace
from domain.errors import NotOrganizer
from playground.client import payloads
from playground.demo.seed import EVENTS, RANDOM
from playground.web_api.fault_injection import Fault
from playground.workspace.model import Json, Member, Message, Organization
from tests.support.slack import sentences
from tests.support.slack.harness import AMARA, BJORN, SlackHarness, reply

FORM = "application/x-www-form-urlencoded"
SISTER = "T0SISTER"
NOAH, STRANGER = "U0NOAH", "U0STRANGER"
REFUSED = sentences.refusal(OtherWorkspace())


@pytest.fixture
def grid(harness: SlackHarness) -> Iterator[SlackHarness]:
    """Put the workspace into an organization, and have everybody's home be a sister workspace."""
    workspace = harness.workspace
    workspace.organization = Organization()
    for member in workspace.members():
        if not member.is_bot:
            workspace.put_member(replace(member, team_id=SISTER))
    workspace.put_member(
        Member(STRANGER, "sam", "Sam", team_id="T0OTHER", is_stranger=True, enterprise_id="E0OTHER")
    )
    yield harness
    harness.assert_invariants()


def press(harness: SlackHarness, card: Message, user_id: str) -> Json:
    """Return the payload of a press on Register."""
    button = {
        "type": "button",
        "action_id": ActionId.REGISTER,
        "block_id": "b",
        "text": {"type": "plain_text", "text": "Register"},
        "value": "yoga",
    }
    member = harness.workspace.member(user_id)
    return payloads.block_actions(harness.workspace, member, card, button)


def answered(harness: SlackHarness, payload: Json) -> str:
    """Send a press; return what the person reads."""
    body = urlencode({"payload": json.dumps(payload)}).encode()
    response, failure = harness.slack.send(body, FORM)
    assert failure is None
    assert response is not None
    return str(harness.api.calls("response_url")[-1].args["text"])


def test_colleague_registers_by_command_card_picker_and_home(grid: SlackHarness) -> None:
    for number in range(4):
        grid.event(f"yoga{number}", title=f"Yoga {number}")
    assert "Yoga 0" in reply(grid.slack.command(BJORN, RANDOM, "/register", "yoga0"))
    card = grid.card(grid.bot.service.get_event("yoga1"))
    reply(grid.slack.click(BJORN, card, ActionId.REGISTER))
    picker = grid.slack.command(BJORN, RANDOM, "/register").view
    assert picker is not None
    offered = grid.slack.options(BJORN, picker.id, ActionId.EVENT, query="yoga 2").options
    assert [option["value"] for option in offered][:1] == ["yoga2"]
    grid.slack.submit(BJORN, picker.id, {(BlockId.EVENT, ActionId.EVENT): "yoga2"})
    grid.slack.close(BJORN, grid.workspace.views.stack(BJORN)[-1].id)
    home = grid.slack.open_home(BJORN).home
    assert home is not None
    reply(grid.slack.click(BJORN, home, ActionId.REGISTER, value="yoga3"))
    assert all(grid.everything().seated(f"yoga{number}") == [BJORN] for number in range(4))


def test_colleague_creates_and_manages_an_event(grid: SlackHarness) -> None:
    form = grid.slack.command(BJORN, EVENTS, "/event", "create").view
    assert form is not None
    grid.slack.click(BJORN, form, ActionId.MORE_OPTIONS)
    zones = grid.slack.options(BJORN, form.id, ActionId.TIME_ZONE, query="lima").options
    assert [zone["value"] for zone in zones] == ["America/Lima"]
    filled: dict[tuple[str, str], Any] = {
        (BlockId.TITLE, ActionId.INPUT): "Quiz",
        (BlockId.START_DATE, ActionId.INPUT): f"{grid.clock.now() + timedelta(days=9):%Y-%m-%d}",
        (BlockId.START_TIME, ActionId.INPUT): "18:00",
        (BlockId.CAPACITY, ActionId.INPUT): "3",
        (BlockId.TIME_ZONE, ActionId.TIME_ZONE): "America/Lima",
    }
    assert grid.slack.submit(BJORN, form.id, filled).errors == {}
    manage = grid.slack.command(BJORN, RANDOM, "/event", "quiz").view
    assert manage is not None
    change = grid.slack.click(BJORN, manage, ActionId.CHANGE_CAPACITY).view
    assert change is not None
    capacity: dict[tuple[str, str], Any] = {(BlockId.CAPACITY, ActionId.INPUT): "5"}
    preview = grid.slack.submit(BJORN, change.id, capacity).view
    assert preview is not None
    grid.slack.submit(BJORN, preview.id)
    assert [event.capacity for event in grid.everything().events.values()] == [5]


def test_colleague_of_a_sister_workspace_is_looked_up_once(grid: SlackHarness) -> None:
    card = grid.card(grid.event())
    for _ in range(3):
        answered(grid, press(grid, card, BJORN))
    assert [
        call.method for call in grid.api.calls() if call.method in ("users.info", "auth.test")
    ] == [
        "auth.test",
        "users.info",
    ]


@pytest.mark.parametrize("named", [Organization().id, SISTER])
def test_first_press_of_a_colleague_is_carried_out_at_once(grid: SlackHarness, named: str) -> None:
    """R10.2, in a process that has asked Slack nothing yet, by somebody who has no user yet."""
    card = grid.card(grid.event())
    payload = press(grid, card, BJORN)
    payload["user"]["team_id"] = named
    assert "You have a seat" in answered(grid, payload)
    assert grid.everything().seated("yoga") == [BJORN]


def test_organization_named_as_a_members_needs_no_lookup(grid: SlackHarness) -> None:
    card = grid.card(grid.event())
    payload = press(grid, card, BJORN)
    payload["user"]["team_id"] = Organization().id
    assert "Yoga" in answered(grid, payload)
    assert grid.api.calls("users.info") == []


@pytest.mark.parametrize("named", ["T0OTHER", "E0OTHER"])
def test_stranger_is_refused_although_both_sides_are_in_organizations(
    grid: SlackHarness, named: str
) -> None:
    card = grid.card(grid.event())
    payload = press(grid, card, STRANGER)
    payload["user"]["team_id"] = named
    assert answered(grid, payload) == REFUSED
    assert grid.everything().seated("yoga") == []


def test_stranger_gets_no_options_and_no_home(grid: SlackHarness) -> None:
    grid.event()
    picker = grid.slack.command(BJORN, RANDOM, "/register").view
    assert picker is not None
    assert grid.slack.options(BJORN, picker.id, ActionId.EVENT, query="yoga").options != []
    assert grid.slack.options(STRANGER, picker.id, ActionId.EVENT, query="yoga").options == []
    opened = {"type": "app_home_opened", "user": STRANGER, "tab": "home", "channel": "D1"}
    grid.slack.event(opened | {"user_team": "E0OTHER"})
    assert grid.api.calls("views.publish") == []
    grid.slack.event(opened | {"user": AMARA, "user_team": Organization().id})
    assert len(grid.api.calls("views.publish")) == 1


def test_unknown_member_of_another_workspace_is_refused(grid: SlackHarness) -> None:
    card = grid.card(grid.event())
    payload = press(grid, card, BJORN)
    payload["user"] |= {"id": "U0NOBODY"}
    assert answered(grid, payload) == REFUSED
    grid.workspace.refusals.clear()


@pytest.mark.parametrize("method", ["auth.test", "users.info"])
def test_colleague_is_asked_to_try_again_while_slack_cannot_say(
    grid: SlackHarness, method: str
) -> None:
    card = grid.card(grid.event())
    grid.api.fail_next(method, Fault.server_error(503))
    assert answered(grid, press(grid, card, BJORN)) == sentences.refusal(MembershipUnknown())
    assert grid.everything().seated("yoga") == []
    answered(grid, press(grid, card, BJORN))
    assert grid.everything().seated("yoga") == [BJORN]


def test_workspace_outside_an_organization_does_not_look_up_strangers(
    harness: SlackHarness,
) -> None:
    card = harness.card(harness.event())
    payload = press(harness, card, BJORN)
    payload["user"]["team_id"] = SISTER
    assert answered(harness, payload) == REFUSED
    assert answered(harness, payload) == REFUSED
    assert harness.api.calls("users.info") == []
    assert len(harness.api.calls("auth.test")) == 1


def test_admin_of_a_sister_workspace_is_no_admin_of_ours(grid: SlackHarness) -> None:
    grid.event(organizer_id=BJORN)
    assert reply(grid.slack.command(AMARA, RANDOM, "/event", "yoga")) == sentences.refusal(
        NotOrganizer("yoga", AMARA)
    )
    grid.workspace.put_member(replace(grid.workspace.member(AMARA), team_id=None))
    grid.clock.advance(CACHED_FOR)
    assert grid.slack.command(AMARA, RANDOM, "/event", "yoga").view is not None


def test_home_of_a_colleague_whom_slack_can_not_confirm_is_asked_for_again(
    grid: SlackHarness,
) -> None:
    """Otherwise a first App Home would stay empty (R8.12)."""
    grid.api.fail_next("users.info", Fault.server_error(503))
    opened = {"type": "app_home_opened", "user": BJORN, "tab": "home", "channel": "D1"}
    grid.slack.event(opened | {"user_team": SISTER})
    assert len(grid.api.calls("views.publish")) == 1


def test_stranger_is_refused_where_only_the_request_names_another_workspace(
    grid: SlackHarness,
) -> None:
    grid.event()
    picker = grid.slack.command(BJORN, RANDOM, "/register").view
    assert picker is not None
    member = grid.workspace.member(STRANGER)
    payload = payloads.block_suggestion(
        grid.workspace, member, picker, (BlockId.EVENT, ActionId.EVENT), "yoga"
    )
    payload["user"].pop("team_id", None)
    payload["team"] = {"id": "T0OTHER", "domain": "other"}
    payload["view"]["app_installed_team_id"] = grid.workspace.team_id
    body = urlencode({"payload": json.dumps(payload)}).encode()
    response, _ = grid.slack.send(body, FORM)
    assert response is not None
    assert json.loads(response.body) == {"options": []}
