"""How an event repeats, as its form takes it (R13)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.blocks.ids import BlockId
from bot.blocks.mrkdwn import shortened
from bot.features.event_form.typed_dates import DateProblem, dates_typed
from bot.slack.error_messages import FieldProblem
from bot.slack.refusals import MalformedPayload
from bot.slack.view_payloads import ViewPayload
from domain.enums import Frequency
from domain.errors import Invalid
from domain.inputs import MAX_DAYS_AHEAD, RecurrenceDraft
from domain.models import DAYS_AHEAD
from domain.recurrence import MAX_OCCURRENCES, Recurrence

NEVER = "never"
"""The option of *Repeats* for an event that does not."""

RULES: Mapping[str, tuple[Frequency, int]] = {
    "weekly": (Frequency.WEEKLY, 1),
    "weekly_2": (Frequency.WEEKLY, 2),
    "weekly_3": (Frequency.WEEKLY, 3),
    "weekly_4": (Frequency.WEEKLY, 4),
    "monthly_by_date": (Frequency.MONTHLY_BY_DATE, 1),
    "monthly_by_weekday": (Frequency.MONTHLY_BY_WEEKDAY, 1),
}
"""By option of *Repeats*, besides `NEVER`: the frequency and the interval."""

_WEEKS = re.compile(r"weekly_([1-9][0-9]?)")
"""The option of an interval that is not offered, but that a series has."""

MAX_TYPED_DATES = 1_500
"""Characters of all dates that are left out. A year of weeks, each in words, takes less."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """The inputs of a series, as typed and chosen."""

    choice: str = NEVER
    until: date | None = None
    times: int | None = None
    left_out: str = ""
    days_ahead: int | None = DAYS_AHEAD
    card_days: int | None = None
    missed_first: bool = False

    @property
    def repeats(self) -> bool:
        """Whether the event repeats."""
        return self.choice != NEVER


NO_REPETITION = Repetition()


def repetition_of(rule: Recurrence) -> Repetition:
    """Return how a series repeats, and until when."""
    wanted = rule.frequency, rule.interval
    known = (choice for choice, one in RULES.items() if one == wanted)
    return Repetition(next(known, f"weekly_{rule.interval}"), until=rule.until)


def changed_rule(view: ViewPayload, shown: str | None, rule: Recurrence) -> RecurrenceDraft | None:
    """Return how a series goes on if its form changes that, else None. It skips what it skips now.

    `shown` is the fingerprint of the rule that the form showed, `rule` is as it is now. Raises `Invalid` with the block
    that is wrong, and if someone else has changed the rule meanwhile.
    """
    chosen = view.selected(BlockId.REPEATS) or ""
    interval = _WEEKS.fullmatch(chosen)
    if chosen not in RULES and interval is None:
        raise MalformedPayload("view.state.values.recurrence")
    until = _day(view.input(BlockId.UNTIL).selected_date or "")
    if until is None:
        raise Invalid(BlockId.UNTIL, FieldProblem.NO_LAST_DATE)
    given = Repetition(chosen, until=until)
    if rule_fingerprint(given) == shown or given == repetition_of(rule):
        return None
    if rule_fingerprint(repetition_of(rule)) != shown:
        raise Invalid(BlockId.REPEATS, FieldProblem.CHANGED_MEANWHILE)
    frequency, weeks = RULES.get(chosen) or (Frequency.WEEKLY, int(interval[1] if interval else 1))
    return RecurrenceDraft.of(
        frequency=frequency, interval=weeks, until=until, left_out=rule.left_out
    )


def rule_fingerprint(repetition: Repetition) -> str:
    """Return what tells the rule in a form from another one: it is short."""
    return f"{repetition.choice} {repetition.until}"


def repetition_in(view: ViewPayload) -> Repetition:
    """Return the inputs of a form as they are by now, without what Slack would not take as an initial value."""
    choice = view.selected(BlockId.REPEATS) or ""
    if choice not in RULES and not _WEEKS.fullmatch(choice):
        return NO_REPETITION
    if not view.shows(BlockId.UNTIL):
        return Repetition(choice)
    until = view.input(BlockId.UNTIL).selected_date
    return Repetition(
        choice,
        until=_day(until) if until else None,
        times=_number(view, BlockId.TIMES, MAX_OCCURRENCES),
        left_out=shortened(view.text(BlockId.LEFT_OUT), MAX_TYPED_DATES),
        days_ahead=_number(view, BlockId.DAYS_AHEAD, MAX_DAYS_AHEAD),
        card_days=_number(view, BlockId.CARD_DAYS, MAX_DAYS_AHEAD),
        missed_first=bool(view.checked(BlockId.MISSED_FIRST)),
    )


def series_values(view: ViewPayload, first: date, *, has_waitlist: bool) -> dict[str, Any] | None:
    """Return the values that a series has besides those of an event, None if the event does not repeat.

    `first` is its first date. Raises `Invalid` with the block that is wrong.
    """
    choice = view.selected(BlockId.REPEATS)
    if choice in (None, NEVER):
        return None
    if choice not in RULES:
        raise MalformedPayload("view.state.values.recurrence")
    frequency, interval = RULES[choice]
    missed_first = bool(view.checked(BlockId.MISSED_FIRST))
    if missed_first and not has_waitlist:
        raise Invalid(BlockId.MISSED_FIRST, FieldProblem.MISSED_WITHOUT_WAITLIST)
    return {
        "recurrence": {
            "frequency": frequency,
            "interval": interval,
            "left_out": left_out_in(view, first),
            **_end(view),
        },
        "days_ahead": view.whole_number(BlockId.DAYS_AHEAD, FieldProblem.NO_NUMBER_OF_DAYS),
        "card_days": view.whole_number(BlockId.CARD_DAYS, FieldProblem.NO_NUMBER_OF_DAYS)
        if view.text(BlockId.CARD_DAYS).strip()
        else None,
        "missed_first": missed_first,
    }


def left_out_in(view: ViewPayload, first: date) -> tuple[date, ...]:
    """Return the dates that are left out, also those that are no dates of the series. Raises `Invalid`."""
    try:
        return dates_typed(view.text(BlockId.LEFT_OUT), first)
    except DateProblem as problem:
        raise Invalid(BlockId.LEFT_OUT, str(problem)) from None


def _end(view: ViewPayload) -> dict[str, Any]:
    """Return the last date or the number of times. Raises `Invalid` unless there is one of them."""
    until, has_times = (
        view.input(BlockId.UNTIL).selected_date,
        bool(view.text(BlockId.TIMES).strip()),
    )
    if until and has_times:
        raise Invalid(BlockId.TIMES, FieldProblem.TWO_ENDS)
    if has_times:
        return {"times": view.whole_number(BlockId.TIMES, FieldProblem.NO_NUMBER_OF_TIMES)}
    if not until:
        raise Invalid(BlockId.UNTIL, FieldProblem.NO_LAST_DATE)
    day = _day(until)
    if day is None:
        raise Invalid(BlockId.UNTIL, FieldProblem.NO_SUCH_MOMENT)
    return {"until": day}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _number(view: ViewPayload, block: BlockId, most: int) -> int | None:
    digits = view.text(block).strip()
    number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 7 else 0
    return number if 1 <= number <= most else None
