"""Lists that are shown page by page: what a page holds, and its buttons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.blocks.builders import button
from bot.blocks.ids import ActionId
from domain.models import Page

T = TypeVar("T")

SHOW_MORE = "Show more"
BACK_TO_START = "Back to the start"

MAX_READS = 10
"""Reads that one page may cost."""


def page_buttons(
    back: ActionId,
    on: ActionId,
    start: str,
    following: str | None,
    *,
    is_first: bool,
    left: int | None = None,
    more: Sequence[ButtonElement] = (),
) -> list[Block]:
    """Return a row of buttons: to the following page and to the start, if there are such pages, then `more`.

    `start` and `following` are the values of the first two. `left` counts what follows, if that is known.
    """
    buttons = []
    if following is not None:
        label = SHOW_MORE if left is None else f"Show {left:,} more"
        buttons.append(button(label, on, following))
    if not is_first:
        buttons.append(button(BACK_TO_START, back, start))
    buttons += more
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
