"""Lists that are turned page by page in a modal, whose metadata has the way back."""

from __future__ import annotations

import json
from collections.abc import Sequence

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
)

from bot.blocks.builders import button
from bot.blocks.ids import ActionId

WAY_BACK = 2_500
"""Characters of the 3,000 of a view's metadata for the cursors of the pages that were turned."""


def latest(turned: Sequence[str]) -> Sequence[str]:
    """Return the cursors that fit; beyond them, the way back leads to the first page at once."""
    while len(json.dumps(turned)) > WAY_BACK:
        turned = turned[1:]
    return turned


def turning(
    back: ActionId, on: ActionId, event_id: str, next_cursor: str | None, *, is_first: bool
) -> list[Block]:
    """Return the buttons to the page before and the page after, as far as there are such."""
    turn = []
    if not is_first:
        turn.append(button("Previous page", back, event_id))
    if next_cursor is not None:
        turn.append(button("Next page", on, next_cursor))
    return [ActionsBlock(elements=turn)] if turn else []
