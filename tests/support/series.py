"""Series in tests: on Tuesdays, with two seats and a waitlist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.enums import Frequency
from domain.inputs import SeriesDraft
from domain.models import Event, SeriesRegistration
from domain.service import Service

FIRST = datetime(2026, 11, 10, 17, 0, tzinfo=UTC)
"""A Tuesday, eight days after the tests' clock starts. It is 18:00 in Berlin."""


def new_series(service: Service, series_id: str = "yoga", **values: Any) -> Event:
    """Create a series, by default with occurrences made a week ahead: none yet when the tests' clock starts."""
    return service.create_series(series_draft(series_id, **values))


def series_draft(
    series_id: str = "yoga", *, starts_at: datetime = FIRST, times: int = 10, **values: Any
) -> SeriesDraft:
    """Return the draft of a series."""
    given: dict[str, object] = {
        "event_id": series_id,
        "title": "Yoga",
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=1),
        "time_zone": "Europe/Berlin",
        "organizer_id": "organizer",
        "capacity": 2,
        "has_waitlist": True,
        "recurrence": {"frequency": Frequency.WEEKLY, "times": times},
        "days_ahead": 7,
    }
    return SeriesDraft.of(**given | values)


def register_for_all(service: Service, user_id: str, series_id: str = "yoga") -> SeriesRegistration:
    """Register a user for all of a series, also in the occurrences that were made."""
    return service.enroll(service.register(series_id, user_id))
