"""Steps of organizers who add people (R12.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.blocks.ids import ActionId, BlockId
from playground.client.member_client import ActionResult
from playground.workspace.model import View
from tests.support.slack.harness import BJORN, CHLOE, SlackHarness
from tests.support.slack.modals import form, submit


def yoga(harness: SlackHarness, **values: Any) -> None:
    """Create an event of Bjorn's, by default with two seats."""
    harness.event(organizer_id=BJORN, **{"capacity": 2, **values})


def preview(harness: SlackHarness, *user_ids: str) -> View:
    """Choose whom to add. Return the form with the preview."""
    view = submit(harness, form(harness, ActionId.ADD_ATTENDEES), chosen(user_ids)).view
    assert view is not None
    return view


def chosen(user_ids: Sequence[str]) -> dict[BlockId, Any]:
    """Return the values of a form in which these members are chosen."""
    return {BlockId.ATTENDEES: list(user_ids)}


def add(harness: SlackHarness, *user_ids: str) -> ActionResult:
    """Choose whom to add, and confirm the preview."""
    return submit(harness, preview(harness, *user_ids))


def new_members(harness: SlackHarness, number: int) -> list[str]:
    """Add so many members to the workspace. Return their ids."""
    user_ids = [f"U1{one:09}" for one in range(number)]
    for user_id in user_ids:
        member = replace(harness.workspace.member(CHLOE), id=user_id, name=user_id.lower())
        harness.workspace.put_member(member)
    return user_ids
