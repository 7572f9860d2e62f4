"""Steps of organizers in their modals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.blocks.ids import ActionId, BlockId
from playground.client.member_client import ActionResult
from playground.demo.seed import RANDOM
from playground.workspace.model import View
from tests.support.slack import sentences
from tests.support.slack.harness import BJORN, SlackHarness, text_of

NOT_ALLOWED = sentences.NOT_ORGANIZER
GONE = sentences.EVENT_GONE


def manage_modal(harness: SlackHarness, user_id: str = BJORN, event_id: str = "yoga") -> View:
    """Open the Manage modal with `/event`; return it."""
    view = harness.slack.command(user_id, RANDOM, "/event", event_id).view
    assert view is not None
    return view


def top(harness: SlackHarness, user_id: str = BJORN) -> View:
    """Return the modal on top."""
    return harness.workspace.views.stack(user_id)[-1]


def press(harness: SlackHarness, action: ActionId, user_id: str = BJORN, **how: Any) -> View:
    """Press a button of the modal on top; return the modal on top after that."""
    result = harness.slack.click(user_id, top(harness, user_id), action, **how)
    assert result.failure is None, result.failure
    return top(harness, user_id)


def form(
    harness: SlackHarness, action: ActionId, user_id: str = BJORN, event_id: str = "yoga"
) -> View:
    """Open the Manage modal, press a button in it, and return the form that opens."""
    manage_modal(harness, user_id, event_id)
    return press(harness, action, user_id)


def submit(
    harness: SlackHarness,
    view: View,
    values: Mapping[BlockId, Any] | None = None,
    user_id: str = BJORN,
) -> ActionResult:
    """Submit a form with these values, without Slack's own checks."""
    given: dict[tuple[str, str], Any] = {
        (block, ActionId.INPUT): value for block, value in (values or {}).items()
    }
    result = harness.slack.submit(user_id, view.id, given, client_checks=False)
    assert result.failure is None, result.failure
    return result


def said(view: View | None) -> str:
    """Return the text of a modal or App Home."""
    assert view is not None
    return text_of(view.blocks)
