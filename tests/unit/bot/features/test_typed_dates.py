"""Dates that a series leaves out, as they are typed (R13.1)."""

from __future__ import annotations

from datetime import date

import pytest

from bot.features.event_form.typed_dates import EXAMPLES, DateProblem, dates_typed

FIRST = date(2026, 11, 10)
"""A Tuesday."""


@pytest.mark.parametrize(
    "typed",
    [
        *("2026-12-24", "2026/12/24", "2026.12.24", " 2026-12-24, ", "24.12.2026", "24.12.26"),
        *("24.12.", "24. 12.", "24/12/2026", "12/24/2026", "12/24", "24-12-2026", "24-Dec-2026"),
        *("Dec 24", "dec. 24", "24 December", "DECEMBER 24TH", "24th of December 2026"),
        *("Dec 24, 2026", "Thu, Dec 24, 2026", "Thursday the 24th of December", "thurs 24 dec"),
    ],
)
def test_date_is_read_as_it_is_meant(typed: str) -> None:
    assert dates_typed(typed, FIRST) == (date(2026, 12, 24),)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Jan 5", date(2027, 1, 5)),
        ("Nov 10", FIRST),
        ("Nov 9", date(2027, 11, 9)),
        ("Feb 29", date(2028, 2, 29)),
        ("sept 1", date(2027, 9, 1)),
        ("May 1 2025", date(2025, 5, 1)),
        ("3/3", date(2027, 3, 3)),
        ("04.12.2026", date(2026, 12, 4)),
    ],
)
def test_date_without_a_year_is_the_next_one(typed: str, meant: date) -> None:
    assert dates_typed(typed, FIRST) == (meant,)


def test_dates_are_sorted_and_each_counts_once() -> None:
    typed = "Dec 29\n\n2026-12-22\n  \nTue, Dec 29"
    assert dates_typed(typed, FIRST) == (date(2026, 12, 22), date(2026, 12, 29))
    assert dates_typed(" \n", FIRST) == ()


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "Christmas",
            "Dec",
            "24",
            "2026",
            "Dec 2026",
            "Dec 24 25",
            "Dec 32",
            "2026-02-30",
            "31.4.",
        ),
        *(
            "De 24",
            "junk 24",
            "Dec Jan 24",
            "Mon Tue Dec 24",
            "Dec 24 6pm",
            "-",
            "²4 Dec",
            "Dec 24 - Jan 2",
        ),
        *("2027-02-29", "Feb 29 2027", "24 12 2026", "12.24.2026", "13/13/2026", "0000-01-01"),
    ],
)
def test_anything_else_is_refused_with_its_line(typed: str) -> None:
    with pytest.raises(DateProblem) as refused:
        dates_typed(f"Dec 22\n{typed}", FIRST)
    assert str(refused.value) == f"line 2 isn’t a date: “{typed}”. Type it like {EXAMPLES}"


def test_day_and_month_that_can_be_confused_are_refused_with_both() -> None:
    with pytest.raises(DateProblem) as refused:
        dates_typed("1/12", FIRST)
    assert str(refused.value) == "line 1 could be two dates: “1/12”. Type 2026-12-01 or 2027-01-12"


def test_weekday_that_does_not_match_is_refused() -> None:
    with pytest.raises(DateProblem) as refused:
        dates_typed("\nFri, Dec 24", FIRST)
    assert str(refused.value) == "line 2 doesn’t match: “Fri, Dec 24” is a Thursday in 2026"


def test_error_repeats_only_the_beginning_of_a_long_line() -> None:
    with pytest.raises(DateProblem) as refused:
        dates_typed("x" * 1_500, FIRST)
    assert len(str(refused.value)) < 110
