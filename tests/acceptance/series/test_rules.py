"""Sentences of R13 about when a series takes place, and who is in it, which other tests do not show."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.enums import NotificationKind
from domain.inputs import SeriesDraft
from domain.models import Event
from domain.ports import Store
from domain.service import Service
from tests.support.environment import ManualClock, new_users
from tests.support.series import new_series, register_for_all


def made(service: Service, time_zone: str) -> list[datetime]:
    """Return when the occurrences that were made start, by the wall clock."""
    events: tuple[Event, ...] = service.list_events().items
    return [event.starts_at.astimezone(ZoneInfo(time_zone)) for event in events]


@pytest.mark.parametrize(
    ("time_zone", "changes_on"),
    [
        ("Europe/Berlin", date(2027, 3, 28)),
        ("Europe/Berlin", date(2027, 10, 31)),
        ("America/New_York", date(2027, 3, 14)),
        ("America/New_York", date(2027, 11, 7)),
        ("Australia/Lord_Howe", date(2027, 4, 4)),
        ("Australia/Lord_Howe", date(2027, 10, 3)),
    ],
)
def test_occurrences_keep_their_time_when_the_clocks_change(
    service: Service, clock: ManualClock, time_zone: str, changes_on: date
) -> None:
    """R13.1. The first one is before the change, the second one on that day."""
    zone = ZoneInfo(time_zone)
    first = datetime.combine(changes_on - timedelta(days=7), time(18), zone)
    clock.set_wall(first - timedelta(days=1))
    new_series(service, starts_at=first, time_zone=time_zone, times=3, days_ahead=60)
    starts = made(service, time_zone)
    assert {start.time() for start in starts} == {time(18)}
    assert [(start.date() - changes_on).days for start in starts] == [-7, 0, 7]
    assert starts[0].utcoffset() != starts[1].utcoffset()


def test_monthly_series_leaves_out_months_without_its_date(service: Service) -> None:
    """R13.1."""
    first = datetime(2026, 12, 31, 17, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    recurrence = {"frequency": "monthly_by_date", "times": 3}
    new_series(service, starts_at=first, recurrence=recurrence, days_ahead=200)
    days = [start.date() for start in made(service, "Europe/Berlin")]
    assert days == [date(2026, 12, 31), date(2027, 1, 31), date(2027, 3, 31)]


def test_occurrences_are_made_four_weeks_ahead_by_default() -> None:
    """R13.2."""
    assert SeriesDraft.model_fields["days_ahead"].default == 28


def test_card_goes_out_when_an_occurrence_is_made(service: Service, store: Store) -> None:
    """R13.2."""
    new_series(service, card_channel="C1", days_ahead=14)
    (entry,) = store.list_journal("yoga-1", limit=10)
    assert [one.kind for one in entry.notifications] == [NotificationKind.CARD]


def test_deactivation_withdraws_a_registration_for_all(
    service: Service, clock: ManualClock
) -> None:
    """R13.4, R8.14."""
    new_series(service)
    new_users(service, "ada")
    register_for_all(service, "ada")
    assert service.deactivate_user("ada")
    clock.advance(timedelta(days=7))
    service.sweep()
    event = service.get_event("yoga-1")
    assert (event.registered_count, event.waitlist_count) == (0, 0)
