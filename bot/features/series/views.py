"""Replies about a whole series (R13.4)."""

from __future__ import annotations

from slack_sdk.models.blocks import Block

from bot.blocks.builders import Message, context, note, sections
from bot.blocks.formatting import when
from bot.blocks.mrkdwn import bold
from domain.models import SeriesRegistration

_TITLE = "Series"

MOST_LISTED = 10
"""Events of a series that a reply lists. Most series have four at a time."""


def stopped(left: SeriesRegistration) -> Message:
    """Say that a registration for all of a series has ended, and which places it leaves."""
    text = f"You’re no longer registered for all of {bold(left.series.title)}: I won’t register you for later dates."
    kept = [f"• {when(one.event)}" for one in left.occurrences[:MOST_LISTED]]
    if not kept:
        return note(text, title=_TITLE)
    more = len(left.occurrences) - len(kept)
    kept += [f"• and {more} more"] if more else []
    blocks: list[Block] = [
        *sections(["You’re still signed up for these dates:", *kept]),
        context("To leave one, use `/unregister` or open Rollcall’s App Home."),
    ]
    return note(text, *blocks, title=_TITLE)
