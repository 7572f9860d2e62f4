"""Every kind of surface against Slack's own TypeScript types (R8.11): fields that Block Kit lacks, and wrong types."""

from __future__ import annotations

from typing import Any

import pytest

from playground.client.member_client import MemberClient
from playground.client.transport import into_app
from tests.support.counting import Count
from tests.support.fuzz.walk import Walk, prepare
from tests.support.slack.harness import SECRET, SlackHarness
from tests.support.slack.surfaces import recording, sent_surfaces, type_errors

pytestmark = pytest.mark.soak


def test_slack_types_accept_every_surface_of_the_walk(harness: SlackHarness, count: Count) -> None:
    prepare(harness)
    bodies: list[str] = []
    slack = MemberClient(harness.workspace, recording(into_app(harness.bot.app), bodies), SECRET)
    Walk(harness, slack).everything()
    harness.workspace.refusals.clear()  # some of the crowd are no members
    surfaces = sent_surfaces(harness.api.calls(), bodies)
    kinds = {_kind(surface) for surface in surfaces}
    assert kinds == {"home", "modal", "response_action", "options", "blocks"}
    assert type_errors(surfaces) == []
    count("surfaces checked by Slack's types", len(surfaces))


def _kind(surface: Any) -> str:
    kinds = (name for name in ("response_action", "options", "blocks") if name in surface)
    return str(surface.get("type") or next(kinds, "text"))


BUTTON = {
    "type": "button",
    "action_id": "register",
    "text": {"type": "plain_text", "text": "Register"},
}


def _message(**element: Any) -> dict[str, Any]:
    return {"text": "x", "blocks": [{"type": "actions", "elements": [BUTTON | element]}]}


WRONG = {
    "color": _message(color="red"),
    "green": _message(style="green"),
    "string": _message(text="Register"),
    "title": {"type": "modal", "blocks": []},
    "replace": {"response_action": "replace"},
    "PlainTextElement": {"options": [{"text": "Berlin", "value": "Europe/Berlin"}]},
}
"""Surfaces with one error each, by a word of what TypeScript says about it."""


def test_slack_types_refuse_wrong_surfaces() -> None:
    """Negative control."""
    errors = type_errors([_message(), *WRONG.values()])
    found = [error for error in errors if error.startswith("surfaces.ts")]
    assert len(found) == len(WRONG), errors
    for word, error in zip(WRONG, found, strict=True):
        assert word in "\n".join(errors[errors.index(error) :][:4]), (word, error)
