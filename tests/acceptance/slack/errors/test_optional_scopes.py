"""The bot without each of the scopes that whoever installs it may decline."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.blocks.ids import ActionId
from bot.entrypoints import manifest
from bot.features.event_form.views import PRIVACY_UNKNOWN
from playground.demo.seed import EVENTS
from playground.workspace.model import Channel
from tests.acceptance.slack.errors.test_every_call import add_to_calendar, alarms
from tests.support.slack.event_form import filled, opened
from tests.support.slack.harness import BJORN, SlackHarness, reply
from tests.support.slack.modals import manage_modal, press

NEEDED, OPTIONAL = manifest.scopes()


def decline(harness: SlackHarness, *scopes: str) -> None:
    """Install the app without these scopes."""
    app = harness.workspace.app
    assert app.scopes >= set(scopes)
    harness.workspace.app = replace(app, scopes=app.scopes - set(scopes))


def create_in(harness: SlackHarness, channel: Channel) -> str:
    """Create an event with the form; return the reply."""
    values = filled(harness, CHANNEL=channel.id)
    return reply(harness.slack.submit(BJORN, opened(harness).id, values))


def close(harness: SlackHarness) -> None:
    """Forget the refusals that the declined scope explains; the harness fails the test for any other."""
    for refusal in harness.workspace.refusals:
        assert "missing_scope" in refusal or "not_in_channel" in refusal
    harness.workspace.refusals.clear()


def test_every_optional_scope_has_a_test_here() -> None:
    assert {"chat:write.public", "files:write", "im:write", "groups:read"} == OPTIONAL


def test_public_channel_needs_no_invitation(harness: SlackHarness) -> None:
    channel = harness.workspace.add_channel("quiet", [BJORN])
    assert "/invite" not in create_in(harness, channel)
    assert harness.workspace.messages(channel.id)


def test_without_chat_write_public_the_organizer_is_asked_to_invite(harness: SlackHarness) -> None:
    channel = harness.workspace.add_channel("quiet", [BJORN])
    decline(harness, "chat:write.public")
    assert "`/invite @Rollcall`" in create_in(harness, channel)
    assert not harness.workspace.messages(channel.id)
    close(harness)


@pytest.mark.parametrize("scope", ["files:write", "im:write"])
def test_without_a_scope_of_files_the_calendar_says_when_and_where(
    harness: SlackHarness, scope: str, caplog: pytest.LogCaptureFixture
) -> None:
    decline(harness, scope)
    harness.event(organizer_id=BJORN)
    said = reply(add_to_calendar(harness))
    assert "isn’t allowed to send files" in said
    assert "Riverside lawn" in said
    assert alarms(caplog) == []
    close(harness)


@pytest.mark.parametrize("scope", ["files:write", "im:write"])
def test_without_a_scope_of_files_an_export_is_answered_in_words(
    harness: SlackHarness, scope: str, caplog: pytest.LogCaptureFixture
) -> None:
    decline(harness, scope)
    harness.event(organizer_id=BJORN)
    manage_modal(harness)
    press(harness, ActionId.EXPORT)
    harness.deliver_due(60)
    (message,) = harness.direct_messages(BJORN)
    assert "isn’t allowed to send files" in message
    assert alarms(caplog) == []
    close(harness)


def test_without_groups_read_an_event_in_a_private_channel_is_not_listed(
    harness: SlackHarness,
) -> None:
    """R2.8: only a private channel needs that scope, so its absence is an answer."""
    bot = harness.workspace.app.bot_user_id
    channel = harness.workspace.add_channel("board", [BJORN, bot], private=True)
    decline(harness, "groups:read")
    assert PRIVACY_UNKNOWN not in create_in(harness, channel)
    (event,) = harness.bot.service.list_events().items
    assert not event.listed
    harness.clock.advance(timedelta(hours=24))
    harness.deliver_due(3)
    assert not harness.bot.service.get_event(event.event_id).listed
    close(harness)


def test_without_groups_read_an_event_in_a_public_channel_is_listed(harness: SlackHarness) -> None:
    decline(harness, "groups:read")
    create_in(harness, harness.workspace.channel(EVENTS))
    (event,) = harness.bot.service.list_events().items
    assert event.listed
