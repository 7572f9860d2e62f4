"""The largest acknowledgements fit Socket Mode's frames in every script (R8.11).

The stand-in Slack refuses one of more than 20,480 bytes, and then the harness fails the test.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from slack_bolt import BoltResponse

from bot.blocks.ids import ActionId, BlockId
from bot.blocks.mrkdwn import escape
from bot.slack import registrar, replies
from bot.slack.envelopes import acknowledgement
from bot.slack.frame_limits import ACKNOWLEDGEMENT_BYTES, FRAME_BYTES, compact, cut_options, fits
from domain.errors import Invalid
from domain.inputs import utf16_length
from playground.demo.seed import RANDOM
from tests.support.slack.harness import AMARA, BJORN, CHLOE, SlackHarness, reply
from tests.support.slack.modals import form, said, submit

SCRIPTS = {"ASCII": "&", "Cyrillic": "Ж", "CJK": "漢", "emoji": "🎉"}

JSON: dict[str, str | Sequence[str]] = {"content-type": ["application/json"]}

in_every_script = pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)


def text(script: str, units: int) -> str:
    """Return the longest text of one character that an input takes."""
    return script * (units // utf16_length(script))


def events(harness: SlackHarness, script: str, count: int) -> None:
    """Create events with texts of maximum length, with Chloe in each."""
    for number in range(count):
        event_id = f"e{number}"
        title = f"{text(script, 116)}{number}"
        description, location = text(script, 2_500), text(script, 200)
        harness.event(
            event_id, title=title, description=description, location=location, organizer_id=BJORN
        )
        harness.register(CHLOE, event_id=event_id)


@in_every_script
@pytest.mark.parametrize("command", ["/registrations", "/events"])
def test_longest_list_is_shown(harness: SlackHarness, script: str, command: str) -> None:
    events(harness, script, 24)
    shown = reply(harness.slack.command(CHLOE, RANDOM, command))
    assert shown.count(escape(script * 20)) >= 8


@in_every_script
def test_longest_announcement_is_previewed(harness: SlackHarness, script: str) -> None:
    events(harness, script, 1)
    values = {BlockId.AUDIENCE: "everyone", BlockId.TEXT: text(script, 2_500)}
    view = form(harness, ActionId.MESSAGE_ATTENDEES, event_id="e0")
    assert script * 20 in said(submit(harness, view, values).view)


@in_every_script
@pytest.mark.parametrize("command", ["/register", "/unregister"])
def test_longest_ambiguous_title_gets_choices(
    harness: SlackHarness, script: str, command: str
) -> None:
    events(harness, script, 24)
    user_id = AMARA if command == "/register" else CHLOE
    reply(harness.slack.command(user_id, RANDOM, command, script * 10))


@in_every_script
def test_longest_option_list_is_offered(harness: SlackHarness, script: str) -> None:
    events(harness, script, 110)
    view = harness.slack.command(AMARA, RANDOM, "/register").view
    assert view is not None
    options = harness.slack.options(AMARA, view, ActionId.EVENT, query=script).options
    assert len(options) >= 60


@in_every_script
def test_title_is_limited_in_utf16_units(harness: SlackHarness, script: str) -> None:
    longest = text(script, 120)
    assert harness.event(title=longest).title == longest
    with pytest.raises(Invalid, match="at most 120 characters"):
        harness.event("other", title=longest + script)


def test_message_that_is_too_large_is_posted(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The acknowledgement is empty, and the response URL gets the message."""
    monkeypatch.setattr(replies, "fits", lambda _: False)
    events(harness, "x", 1)
    result = harness.slack.command(CHLOE, RANDOM, "/events")
    assert result.response is not None
    assert result.response.body == ""
    assert "x" * 20 in reply(result)


def test_too_large_acknowledgement_is_refused(
    harness: SlackHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: without the limits, the stand-in Slack refuses what real Slack would."""
    monkeypatch.setattr(replies, "fits", lambda _: True)
    monkeypatch.setattr(registrar, "cut_options", lambda response: response)
    events(harness, "漢", 110)
    view = harness.slack.command(AMARA, RANDOM, "/register").view
    assert view is not None
    result = harness.slack.options(AMARA, view, ActionId.EVENT, query="漢")
    assert result.failure == "frame_too_large"
    assert "frame_too_large" in harness.workspace.refusals[-1]
    harness.workspace.refusals.clear()


def test_option_list_is_cut_by_bytes() -> None:
    response = {"options": [{"text": "漢" * 75, "value": str(number)} for number in range(100)]}
    cut = cut_options(response)
    assert fits(cut)
    assert cut["options"] == response["options"][: len(cut["options"])]
    assert not fits({"options": response["options"][: len(cut["options"]) + 1]})


def test_frame_is_never_over_the_limit(caplog: pytest.LogCaptureFixture) -> None:
    """The last resort: an empty acknowledgement, and a log line."""
    envelope = {"envelope_id": "e" * 36, "payload": {}}
    body = compact({"text": "x" * FRAME_BYTES})
    frame = acknowledgement(envelope, BoltResponse(status=200, body=body, headers=JSON))
    assert frame == compact({"envelope_id": "e" * 36})
    assert "sent empty" in caplog.text


def test_largest_acknowledgement_fits_with_its_envelope() -> None:
    envelope = {"envelope_id": "e" * 36, "payload": {}}
    body = compact({"text": "x" * (ACKNOWLEDGEMENT_BYTES - 11)})
    assert fits({"text": "x" * (ACKNOWLEDGEMENT_BYTES - 11)})
    frame = acknowledgement(envelope, BoltResponse(status=200, body=body, headers=JSON))
    assert ACKNOWLEDGEMENT_BYTES < len(frame.encode()) <= FRAME_BYTES


def test_event_is_acknowledged_without_a_payload() -> None:
    envelope = {"envelope_id": "e1", "payload": {}, "accepts_response_payload": False}
    assert acknowledgement(envelope, BoltResponse(status=200, body="ok")) == '{"envelope_id":"e1"}'
