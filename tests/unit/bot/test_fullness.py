"""How full the occurrences of a series were, in words (R13)."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.blocks.fullness import fullness_lines
from domain.enums import EventStatus
from tests.support.builders import an_event

LATE = datetime(2026, 11, 10, 23, 30, tzinfo=UTC)
"""In Berlin, it is Wednesday."""


def test_each_occurrence_has_a_line_with_its_own_day_and_numbers() -> None:
    made = [
        an_event(starts_at=LATE, time_zone="UTC", capacity=20, registered_count=18),
        an_event(
            starts_at=LATE,
            time_zone="Europe/Berlin",
            capacity=1,
            registered_count=1,
            waitlist_count=1_200,
        ),
        an_event(starts_at=LATE, time_zone="UTC", status=EventStatus.CANCELED),
    ]

    assert fullness_lines(made) == [
        "Tue, Nov 10, 2026: 18 of 20 seats",
        "Wed, Nov 11, 2026: 1 of 1 seat, 1,200 on the waitlist",
        "Tue, Nov 10, 2026: canceled",
    ]
