"""The preview of a series, and the confirmation once it has been created (R13.1, R13.2, R13.5)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import islice
from zoneinfo import ZoneInfo

from slack_sdk.models.blocks import Block

from bot.blocks.builders import context, section, sections
from bot.blocks.formatting import Timed, before_start, long_date, moment
from bot.blocks.mrkdwn import bold, channel_link
from bot.blocks.recurrence_text import registration_opens, repeats
from bot.features.cards.views import card_sentence
from bot.slack.context import CardStatus
from domain.inputs import SeriesDraft
from domain.models import Event, Series, occurrence_id
from domain.planning.schedule import DAY
from domain.recurrence import days, starts

SHOWN_DATES = 3
"""Dates of a series that are shown before it is created, and after that (R13.1)."""

MAX_LEFT_OUT_SHOWN = 12
"""Dates that are left out and shown, in the order of time. The form is an acknowledgement: its size is limited."""


def preview(draft: SeriesDraft) -> list[str]:
    """Return what a series would be like, as lines of mrkdwn. The form shows them above its inputs."""
    series = draft.series
    none_of_it = set(draft.recurrence.left_out) - set(series.recurrence.left_out)
    return [
        *_dates(series, draft),
        *([f"{NOT_OF_THE_SERIES} {_listed(none_of_it)}"] if none_of_it else []),
        *("", _opening(series), "", PRESS_CREATE),
    ]


def series_created(event: Event, series: Series, card: CardStatus | None) -> list[Block]:
    """Return what a new series is like, how one registers for all of it, and how it is managed.

    `card` is that of its first date, if it has one by now.
    """
    blocks: list[Block] = [
        *sections(
            [f"{bold(event.title)} has been created.", *_dates(series, event), "", _opening(series)]
        )
    ]
    if card is not None and card.refusal is not None:
        first = event.model_copy(update={"event_id": occurrence_id(event.event_id, 1)})
        blocks.append(section(card_sentence(first, card)))
    return [*blocks, context(_how_to_use(event, series))]


def _dates(series: Series, first: Timed) -> list[str]:
    """Return the rule of a series and its first dates, as lines. `first` has the times of the first one."""
    rule = series.recurrence
    day = first.starts_at.astimezone(ZoneInfo(first.time_zone)).date()
    number = sum(1 for _ in days(rule, day))
    coming = islice(starts(rule, first.starts_at, first.time_zone), SHOWN_DATES)
    lines = [
        f"{bold(repeats(rule, day))} ({number} {'date' if number == 1 else 'dates'})",
        *(f"• {moment(start, first.time_zone)}" for _, start in coming),
        *(["• …"] if number > SHOWN_DATES else []),
    ]
    if rule.left_out:
        lines.append(f"Skipped: {_listed(rule.left_out)}")
    return lines


def _opening(series: Series) -> str:
    first = f" {MISSED_FIRST}" if series.missed_first else ""
    return f"{registration_opens(series)} {_card(series)}{first}"


def _card(series: Series) -> str:
    if series.card_channel is None:
        return NO_CARDS
    posted = f"Each date’s card is posted in {channel_link(series.card_channel)}"
    if series.card_days is None:
        return f"{posted} then."
    return f"{posted} {before_start(series.card_days * DAY)} it."


def _how_to_use(event: Event, series: Series) -> str:
    on_card = "press *All of the series* on a card, or " if series.card_channel else ""
    return (
        f"To register for the whole series, {on_card}type `/register {event.event_id}`."
        f" To manage it, type `/event {event.event_id}`."
    )


def _listed(dates: Iterable[date]) -> str:
    in_order = sorted(dates)
    shown = [long_date(one) for one in in_order[:MAX_LEFT_OUT_SHOWN]]
    more = len(in_order) - len(shown)
    return " · ".join([*shown, *([f"and {more} more"] if more else [])])


MISSED_FIRST = "Whoever was on the waitlist last time goes first."
NO_CARDS = "No cards are posted, because you chose no channel."
NOT_OF_THE_SERIES = "You also skipped days that aren’t dates of the series:"
PRESS_CREATE = "If that’s right, press *Create*. If not, change it below."
