"""Pages made of short ones: where a list is read past what does not belong in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from domain.models import Page

T = TypeVar("T")

READS = 10
"""Reads that one page may cost; what lies behind is a page further."""


def gathered(read: Callable[[str | None], Page[T]], cursor: str | None, enough: int) -> Page[T]:
    """Return a page of at least so many, unless the list ends before or costs too much; it may hold more."""
    items: list[T] = []
    for _ in range(READS):
        page = read(cursor)
        items += page.items
        cursor = page.next_cursor
        if cursor is None or len(items) >= enough:
            break
    return Page(tuple(items), cursor)
