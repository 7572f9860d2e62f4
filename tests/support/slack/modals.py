"""Actions in organizers' modals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.blocks.ids import ActionId, BlockId
from playground.client.member_client import Seen
from playground.demo.seed import RANDOM
from playground.workspace.model import View
from tests.support.slack import sentences
from tests.support.slack.harness import BJORN, Town, text_of

NOT_ALLOWED = sentences.NOT_ORGANIZER
GONE = sentences.EVENT_GONE


def managed(town: Town, user_id: str = BJORN, event_id: str = "yoga") -> View:
    """Open Manage by command and return it."""
    view = town.slack.command(user_id, RANDOM, "/event", event_id).view
    assert view is not None
    return view


def top(town: Town, user_id: str = BJORN) -> View:
    """Return the top modal."""
    return town.workspace.views.stack(user_id)[-1]


def press(town: Town, action: ActionId, user_id: str = BJORN, **how: Any) -> View:
    """Press a button of the top modal. Return the top modal after that."""
    seen = town.slack.click(user_id, top(town, user_id), action, **how)
    assert seen.failure is None, seen.failure
    return top(town, user_id)


def form(town: Town, action: ActionId, user_id: str = BJORN, event_id: str = "yoga") -> View:
    """Open Manage and press a button. Return the form that opens."""
    managed(town, user_id, event_id)
    return press(town, action, user_id)


def submit(
    town: Town, view: View, values: Mapping[BlockId, Any] | None = None, user_id: str = BJORN
) -> Seen:
    """Submit a form with these values, without Slack's client checks."""
    given: dict[tuple[str, str], Any] = {
        (block, ActionId.INPUT): value for block, value in (values or {}).items()
    }
    seen = town.slack.submit(user_id, view.id, given, client_checks=False)
    assert seen.failure is None, seen.failure
    return seen


def said(view: View | None) -> str:
    """Return all text of a modal or of App Home."""
    assert view is not None
    return text_of(view.blocks)
