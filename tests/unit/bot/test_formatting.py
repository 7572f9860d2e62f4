"""Times and numbers in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.blocks.formatting import in_how_long, plain_time


@pytest.mark.parametrize(
    ("left", "says"),
    [
        (timedelta(days=7), "in 7 days"),
        (timedelta(days=2), "in 2 days"),
        (timedelta(hours=36), "in 2 days"),
        (timedelta(hours=25), "in 25 hours"),
        (timedelta(days=1, minutes=-1), "in 1 day"),
        (timedelta(hours=23), "in 23 hours"),
        (timedelta(hours=3, seconds=-70), "in 3 hours"),
        (timedelta(minutes=90), "in 90 minutes"),
        (timedelta(minutes=59, seconds=1), "in 1 hour"),
        (timedelta(minutes=58), "in 1 hour"),
        (timedelta(minutes=30, seconds=-61), "in 30 minutes"),
        (timedelta(minutes=9, seconds=2), "in 10 minutes"),
        (timedelta(minutes=4), "in 4 minutes"),
        (timedelta(seconds=1), "in 1 minute"),
        (timedelta(), "now"),
        (timedelta(minutes=-3), "now"),
    ],
)
def test_how_soon_is_rounded_to_the_common_unit(left: timedelta, says: str) -> None:
    assert in_how_long(left) == says


NEW_YEAR = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "time_zone", "says"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "UTC", "Thu, Dec 31, 11:30 PM UTC"),
        (datetime(2026, 1, 1, tzinfo=UTC), "Europe/Berlin", "Fri, Jan 1, 2027, 12:30 AM"),
        (datetime(2026, 12, 31, 23, 5, tzinfo=UTC), "Europe/Berlin", "Fri, Jan 1, 12:30 AM"),
        (datetime(2025, 12, 31, tzinfo=UTC), "UTC", "Thu, Dec 31, 2026, 11:30 PM UTC"),
    ],
)
def test_plain_time_has_the_year_unless_it_is_the_readers_present_one(
    now: datetime, time_zone: str, says: str
) -> None:
    assert plain_time(NEW_YEAR, time_zone, now) == says
