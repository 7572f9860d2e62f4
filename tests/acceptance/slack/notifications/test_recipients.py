"""A direct message goes to a member only, whatever a program calls its users (R9.5)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bot
from domain.enums import Audience
from domain.inputs import AnnouncementDraft, UserDraft
from domain.models import Actor
from playground.demo.seed import EVENTS, LEADS
from tests.support.notifications.delivery import undelivered
from tests.support.slack.harness import AMARA, BJORN, SlackHarness

NO_MEMBERS = ("general", EVENTS, LEADS, "D0BJORN", "emp-7", "u0bjorn")
"""Ids of users that a program created: a channel's name, ids of channels, and others."""


def messages_in_channels(harness: SlackHarness) -> int:
    channels = [channel for channel in harness.workspace.channels() if not channel.is_im]
    return sum(len(harness.workspace.messages(channel.id)) for channel in channels)


def assert_sent_to_no_one(harness: SlackHarness) -> None:
    """Assert that nothing is left to deliver, and that Slack was asked for nothing."""
    assert undelivered(harness) == ()
    assert messages_in_channels(harness) == 0
    for method in ("chat.postMessage", "conversations.open", "users.info"):
        assert harness.api.calls(method) == []


def unreachable(harness: SlackHarness) -> list[tuple[str, str]]:
    journal = harness.store.list_journal("yoga", limit=100)
    return [(one.user_id, one.reason) for entry in journal for one in entry.unreachable]


def create_user(harness: SlackHarness, user_id: str) -> None:
    harness.bot.service.create_user(UserDraft.of(user_id=user_id, name=user_id))


@pytest.mark.parametrize("user_id", NO_MEMBERS)
def test_attendee_who_is_no_member_is_recorded_as_unreachable(
    harness: SlackHarness, user_id: str
) -> None:
    harness.event()
    create_user(harness, user_id)
    harness.bot.service.register("yoga", user_id)
    draft = AnnouncementDraft.of(text="Bring a mat.", audience=Audience.EVERYONE)
    harness.bot.service.announce("yoga", draft, request_id="r1")
    harness.deliver_due(5)
    assert unreachable(harness) == [(user_id, "user_not_found")]
    assert messages_in_channels(harness) == 0
    assert [call.args["channel"] for call in harness.api.calls("chat.postMessage")] == [AMARA]
    (report,) = harness.direct_messages(AMARA)
    assert user_id in report
    assert f"<@{user_id}>" not in report


@pytest.mark.parametrize("user_id", NO_MEMBERS)
def test_organizer_who_is_no_member_gets_no_report(harness: SlackHarness, user_id: str) -> None:
    harness.event(organizer_id=user_id)
    create_user(harness, "emp-8")
    harness.bot.service.register("yoga", "emp-8")
    harness.bot.service.cancel_event("yoga")
    harness.deliver_due(5)
    assert unreachable(harness) == [("emp-8", "user_not_found")]
    assert_sent_to_no_one(harness)


@pytest.mark.parametrize("user_id", NO_MEMBERS)
def test_file_is_not_sent_to_an_exporter_who_is_no_member(
    harness: SlackHarness, user_id: str
) -> None:
    harness.event(organizer_id=user_id)
    harness.bot.service.ensure_user(UserDraft.unnamed(BJORN))
    harness.bot.service.register("yoga", BJORN)
    harness.bot.service.export("yoga", request_id="r1", actor=Actor(user_id))
    harness.deliver_due(5)
    assert unreachable(harness) == [(user_id, "user_not_found")]
    assert_sent_to_no_one(harness)


def test_only_one_module_sends_direct_messages() -> None:
    """It checks the recipient. Cards go to channels that a member chose."""
    sending = {"chat_postMessage", "conversations_open"}
    root = Path(bot.__file__).parent
    modules = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in sending
    }
    assert modules == {"slack/direct_messages.py", "notifications/card_poster.py"}
