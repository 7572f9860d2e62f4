"""Replies about a whole series (R13.4)."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import ActionsBlock, Block

from bot.blocks.builders import Message, button, context, note, sections
from bot.blocks.formatting import ordinal, when
from bot.blocks.ids import ActionId
from bot.blocks.mrkdwn import bold
from bot.blocks.recurrence_text import when_or_rule
from bot.features.browsing.views import STOP_SERIES
from bot.features.cards.views import ALL_OF_SERIES
from domain.enums import EventStatus
from domain.models import Event, EventForUser, SeriesRegistration

MOST_LISTED = 10
"""Events of a series that a reply lists. Most series have four at a time."""

_TITLE = "Series"


def registered_for_all(result: SeriesRegistration) -> Message:
    """Say for which dates a user who registered for all of a series has a seat, and what follows (R13.4)."""
    series = result.series
    blocks: list[Block] = [context(when_or_rule(series))]
    tried = [
        one for one in result.occurrences if one.registration is not None or result.is_finished
    ]
    blocks += sections(_listed([f"• {when(one.event)}: {_came_of_it(one)}" for one in tried]))
    blocks.append(context(_what_follows(result)))
    buttons = [
        button(STOP_SERIES, ActionId.CHOOSE_TO_UNREGISTER, series.event_id),
        button("Add to calendar", ActionId.ADD_TO_CALENDAR, series.event_id),
    ]
    blocks.append(ActionsBlock(elements=buttons))
    return note(f"You’re registered for all of {bold(series.title)}.", *blocks, title=_TITLE)


def _listed(lines: Sequence[str]) -> list[str]:
    more = len(lines) - MOST_LISTED
    return [*lines[:MOST_LISTED], *([f"• and {more} more"] if more > 0 else [])]


def _came_of_it(seen: EventForUser) -> str:
    if seen.registration is not None:
        position = seen.registration.position
        return (
            "you have a seat" if position is None else f"you’re {ordinal(position)} on the waitlist"
        )
    if seen.accepts:
        return "you’re not registered"
    if not seen.event.takes_newcomers:
        return "it’s full, and it has no waitlist"
    return "registration is closed"


def _what_follows(result: SeriesRegistration) -> str:
    made = result.series.series.ahead if result.series.series else ()
    sentences = []
    if not result.is_finished:
        sentences.append(
            "I’m still registering you for the dates that are open now, and I’ll message you about each."
        )
    elif made and not result.occurrences:
        sentences.append("To see your dates, type `/registrations`.")
    if result.series.next_due_at is not None:
        sentences.append(
            "I’ll register you for each later date when it opens, and send you one message about it."
        )
    else:
        sentences.append("No more dates will follow.")
    return " ".join(sentences)


def stopped(left: SeriesRegistration) -> Message:
    """Say that a registration for all of a series has ended, and for which dates the user is still registered."""
    title = bold(left.series.title)
    text = f"You’re no longer registered for all of {title}: I won’t register you for later dates."
    blocks: list[Block] = []
    if kept := [f"• {when(one.event)}" for one in left.occurrences]:
        blocks += sections(["You’re still signed up for these dates:", *_listed(kept)])
        blocks.append(context("To leave one, use `/unregister` or open Rollcall’s App Home."))
    return note(text, *blocks, *_again(left.series), title=_TITLE)


def stopped_late(series: Event) -> Message:
    """Say as `stopped` does that a registration has ended, when its dates are not known anymore."""
    title = bold(series.title)
    return note(
        f"You’re no longer registered for all of {title}: I won’t register you for later dates.",
        context(
            "You keep the dates that you’re registered for. To see them, type `/registrations`."
        ),
        *_again(series),
        title=_TITLE,
    )


def _again(series: Event) -> list[Block]:
    """Return the button that registers for all of it again, while that can succeed (R8.4)."""
    if series.status is not EventStatus.OPEN:
        return []
    again = button(f"{ALL_OF_SERIES} again", ActionId.CHOOSE_TO_REGISTER, series.event_id)
    return [ActionsBlock(elements=[again])]
