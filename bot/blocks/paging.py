"""Lists that are shown page by page: what a page holds, its buttons, and the cursors that lead back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from slack_sdk.models.blocks import ActionsBlock, Block

from bot.blocks.builders import button
from bot.blocks.ids import ActionId
from domain.models import Page

T = TypeVar("T")

CURSORS_LENGTH = 2_500
"""Characters for the cursors of earlier pages, of the 3,000 that a view's metadata may have."""

MAX_READS = 10
"""Reads that one page may cost."""


def recent_cursors(page_cursors: Sequence[str]) -> Sequence[str]:
    """Return the newest cursors that fit into a view's metadata. Before them, the way back ends at the first page."""
    while len(json.dumps(page_cursors)) > CURSORS_LENGTH:
        page_cursors = page_cursors[1:]
    return page_cursors


def page_buttons(
    back: ActionId, on: ActionId, event_id: str, next_cursor: str | None, *, is_first: bool
) -> list[Block]:
    """Return the buttons to the previous and the next page, if there are such pages."""
    buttons = []
    if not is_first:
        buttons.append(button("Previous page", back, event_id))
    if next_cursor is not None:
        buttons.append(button("Next page", on, next_cursor))
    return [ActionsBlock(elements=buttons)] if buttons else []


def fill_page(read: Callable[[str | None], Page[T]], cursor: str | None, enough: int) -> Page[T]:
    """Read on until a page has `enough` items; it may have more.

    It has fewer if the list ends, or after `MAX_READS` reads.
    """
    items: list[T] = []
    for _ in range(MAX_READS):
        page = read(cursor)
        items += page.items
        cursor = page.next_cursor
        if cursor is None or len(items) >= enough:
            break
    return Page(tuple(items), cursor)
