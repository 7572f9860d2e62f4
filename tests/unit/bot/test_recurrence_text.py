"""The rule of a series in words (R13.1)."""

from __future__ import annotations

from datetime import date

import pytest

from bot.blocks.recurrence_text import repeats
from domain.enums import Frequency
from domain.recurrence import Recurrence

UNTIL = date(2027, 6, 30)


@pytest.mark.parametrize(
    ("frequency", "interval", "first", "sentence"),
    [
        (Frequency.WEEKLY, 1, date(2026, 11, 10), "Every Tuesday"),
        (Frequency.WEEKLY, 2, date(2026, 11, 10), "Every 2 weeks on Tuesday"),
        (Frequency.MONTHLY_BY_DATE, 1, date(2026, 11, 3), "Every month on the 3rd"),
        (
            Frequency.MONTHLY_BY_DATE,
            1,
            date(2027, 1, 31),
            "Every month on the 31st (only in months that have one)",
        ),
        (
            Frequency.MONTHLY_BY_WEEKDAY,
            1,
            date(2026, 11, 10),
            "Every month on the 2nd Tuesday",
        ),
        (
            Frequency.MONTHLY_BY_WEEKDAY,
            1,
            date(2026, 12, 29),
            "Every month on the 5th Tuesday (only in months that have five)",
        ),
    ],
)
def test_a_rule_is_a_sentence_with_its_last_day(
    frequency: Frequency, interval: int, first: date, sentence: str
) -> None:
    rule = Recurrence(frequency=frequency, interval=interval, until=UNTIL)
    assert repeats(rule, first) == f"{sentence}, until Wed, Jun 30, 2027"
