"""The days of a series, and the moments at which it takes place (R13.1)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from itertools import islice

import pytest

from domain.enums import Frequency
from domain.recurrence import Recurrence, days, end_of, moment_of


def rule(frequency: Frequency = Frequency.WEEKLY, **values: object) -> Recurrence:
    return Recurrence.model_validate({"frequency": frequency, "until": date(2030, 12, 31)} | values)


def first_days(recurrence: Recurrence, first: date, number: int) -> list[str]:
    return [day.isoformat() for day in islice(days(recurrence, first), number)]


def test_weekly() -> None:
    found = first_days(rule(), date(2026, 12, 1), 3)
    assert found == ["2026-12-01", "2026-12-08", "2026-12-15"]


def test_every_third_week() -> None:
    found = first_days(rule(interval=3), date(2026, 12, 1), 3)
    assert found == ["2026-12-01", "2026-12-22", "2027-01-12"]


def test_month_without_a_31st_has_none() -> None:
    found = first_days(rule(Frequency.MONTHLY_BY_DATE), date(2027, 1, 31), 4)
    assert found == ["2027-01-31", "2027-03-31", "2027-05-31", "2027-07-31"]


def test_29th_of_february_is_in_leap_years_only() -> None:
    found = first_days(rule(Frequency.MONTHLY_BY_DATE), date(2027, 1, 29), 2)
    leap = first_days(rule(Frequency.MONTHLY_BY_DATE), date(2028, 1, 29), 2)
    assert (found[1], leap[1]) == ("2027-03-29", "2028-02-29")


def test_month_without_a_fifth_monday_has_none() -> None:
    found = first_days(rule(Frequency.MONTHLY_BY_WEEKDAY), date(2027, 3, 29), 3)
    assert found == ["2027-03-29", "2027-05-31", "2027-08-30"]


def test_second_thursday() -> None:
    found = first_days(rule(Frequency.MONTHLY_BY_WEEKDAY), date(2026, 12, 10), 3)
    assert found == ["2026-12-10", "2027-01-14", "2027-02-11"]


def test_last_day_belongs_to_the_series() -> None:
    found = first_days(rule(until=date(2026, 12, 8)), date(2026, 12, 1), 9)
    assert found == ["2026-12-01", "2026-12-08"]


def test_days_left_out() -> None:
    found = first_days(rule(left_out=(date(2026, 12, 8),)), date(2026, 12, 1), 2)
    assert found == ["2026-12-01", "2026-12-15"]


def test_days_after_one() -> None:
    found = next(days(rule(), date(2026, 12, 1), after=date(2026, 12, 8)))
    assert found == date(2026, 12, 15)


@pytest.mark.parametrize(
    ("time_zone", "day", "wall_clock", "expected"),
    [
        ("Europe/Berlin", "2027-03-21", "18:00", "2027-03-21T17:00"),
        ("Europe/Berlin", "2027-03-28", "18:00", "2027-03-28T16:00"),
        ("Europe/Berlin", "2027-03-28", "02:30", "2027-03-28T01:30"),  # skipped: 3:30
        ("Europe/Berlin", "2027-10-31", "18:00", "2027-10-31T17:00"),
        ("Europe/Berlin", "2027-10-31", "02:30", "2027-10-31T00:30"),  # twice: the first
        ("America/New_York", "2027-03-07", "18:00", "2027-03-07T23:00"),
        ("America/New_York", "2027-03-14", "18:00", "2027-03-14T22:00"),
        ("America/New_York", "2027-03-14", "02:30", "2027-03-14T07:30"),
        ("America/New_York", "2027-11-07", "18:00", "2027-11-07T23:00"),
        ("America/New_York", "2027-11-07", "01:30", "2027-11-07T05:30"),
        ("Australia/Lord_Howe", "2027-04-04", "18:00", "2027-04-04T07:30"),  # by half an hour
        ("Australia/Lord_Howe", "2027-04-04", "01:45", "2027-04-03T14:45"),
        ("Australia/Lord_Howe", "2027-10-03", "18:00", "2027-10-03T07:00"),
        ("Australia/Lord_Howe", "2027-10-03", "02:15", "2027-10-02T15:45"),
    ],
)
def test_wall_clock_holds_when_the_clocks_change(
    time_zone: str, day: str, wall_clock: str, expected: str
) -> None:
    moment = moment_of(date.fromisoformat(day), time.fromisoformat(wall_clock), time_zone)
    assert moment == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_series_ends_with_its_last_day() -> None:
    assert end_of(rule(until=date(2026, 12, 8)), "Europe/Berlin") == datetime(
        2026, 12, 8, 23, 0, tzinfo=UTC
    )
