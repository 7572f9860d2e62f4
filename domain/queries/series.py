"""A series with all that it has made, for its calendar file and its export (R13)."""

from __future__ import annotations

from domain.enums import EventStatus
from domain.errors import UnknownEvent
from domain.execution.retry import RetryPolicy
from domain.models import Event, WholeSeries, occurrence_id
from domain.planning.schedule import coming_starts
from domain.ports import Clock, Store


def occurrence_ids(series: Event) -> list[str]:
    """Return the ids that the occurrences of a series have, by number. Not each number has one."""
    made = series.series.made if series.series else 0
    return [occurrence_id(series.event_id, number) for number in range(1, made + 1)]


def read_occurrences(store: Store, series: Event) -> tuple[Event, ...]:
    """Return the occurrences of a series by number, also those that were canceled or deleted. Raises `Unavailable`."""
    ids = occurrence_ids(series)
    return _made_by(series, store.get_events(ids), ids) if ids else ()


class SeriesQueries:
    """Reads whole series."""

    def __init__(self, store: Store, retry: RetryPolicy, clock: Clock) -> None:
        self._store = store
        self._retry = retry
        self._clock = clock

    def get_for(self, user_id: str, series_id: str) -> WholeSeries:
        """Return a series with what a user has of it, also one that was deleted; raise `UnknownEvent`."""
        event = self._retry.read(lambda: self._store.get_event(series_id))
        if event is None or event.series is None:
            raise UnknownEvent(series_id)
        ids = occurrence_ids(event)
        found, own = self._retry.read(
            lambda: self._store.get_events_and_registrations(ids, user_id)
        )
        has_more = event.deletion is None and event.status is not EventStatus.CANCELED
        now = self._clock.now()
        coming = coming_starts(event, event.series) if has_more else ()
        wanted = {series_id, *ids}
        return WholeSeries(
            event,
            _made_by(event, found, ids),
            now,
            {one.event_id: one for one in own if one.event_id in wanted},
            tuple(day for day, start in coming if start > now),
        )


def _made_by(series: Event, found: dict[str, Event], ids: list[str]) -> tuple[Event, ...]:
    """Return those that the series has made. Somebody else may have used the id of one."""
    events = (found[event_id] for event_id in ids if event_id in found)
    return tuple(
        one for one in events if one.occurrence and one.occurrence.series_id == series.event_id
    )
