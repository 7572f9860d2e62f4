"""Events one by one, in lists by their start, and found by id or by a part of the title (R2.8, R8.1)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from itertools import takewhile

from domain import cursors
from domain.enums import CreationWarning, EventStatus
from domain.errors import NotASeries, NotOrganizer, UnknownEvent
from domain.execution.retry import LONG_PAGE_SIZE, RetryPolicy
from domain.inputs import EventDraft, SeriesDraft, is_identifier
from domain.models import Actor, Event, ListedEvent, Page, SeriesOverview, occurrence_id
from domain.planning.schedule import coming_starts
from domain.planning.series import with_times_of
from domain.ports import Clock, Store
from domain.search import FoundEvents, comparable_title, find_all_matching, find_events

MANAGEABLE_FOR = timedelta(days=1)
"""How long after it is over an organizer finds an event in lists and by its title."""


FAR_AWAY = timedelta(days=2 * 365 + 1)
"""Two years. A start that is further away is likely a mistake."""


MAX_OCCURRENCES_READ = 100
"""The last occurrences of a series that are read at once: as many as one request of DynamoDB returns."""


class _Part(IntEnum):
    """The parts of the list of organized events: series, then events that began long ago, then the others by start."""

    SERIES = 0
    RUNNING = 1
    FROM_START = 2


def _moment(seconds: int) -> datetime:
    """Return the time of a cursor. Raise `Invalid` for one that no list gave out."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        raise cursors.foreign_cursor() from None


def _is_listed_series(event: Event, since: datetime) -> bool:
    """Return False for a series that was ended before a time. Its last day may be months away."""
    return not (event.series and event.status is EventStatus.CANCELED and event.updated_at < since)


class EventQueries:
    """Reads events."""

    def __init__(self, store: Store, retry: RetryPolicy, clock: Clock) -> None:
        self._store = store
        self._retry = retry
        self._clock = clock

    def get(self, event_id: str, actor: Actor | None = None) -> Event:
        """Return the event; raise `UnknownEvent`, and `NotOrganizer` if the actor may not manage it (R8.9)."""
        event = self._retry.read(lambda: self._store.get_event(event_id))
        if event is None or event.deletion is not None:
            raise UnknownEvent(event_id)
        if actor is not None and not actor.is_admin and not event.is_organizer(actor.user_id):
            raise NotOrganizer(event_id, actor.user_id)
        return event

    def find(self, text: str) -> Event | None:
        """Return the event with this id, or None."""
        try:
            return self.get(text) if is_identifier(text) else None
        except UnknownEvent:
            return None

    def get_by_id(self, event_ids: Collection[str]) -> dict[str, Event]:
        """Return the events that exist, by id."""
        return {one.event_id: one for one in self._complete(tuple(event_ids))}

    def list_all(self, limit: int, cursor: str | None) -> Page[Event]:
        """List all events by start."""
        page = self._list(None, limit, cursor)
        return Page(self._with_counts(page.items), page.next_cursor)

    def list_series(self, limit: int, cursor: str | None) -> Page[Event]:
        """List the series by the start of their first occurrence (R13)."""
        page = self._retry.read(lambda: self._store.list_series(limit=limit, cursor=cursor))
        return Page(self._with_counts(page.items), page.next_cursor)

    def list_occurrences(self, series_id: str, limit: int, cursor: str | None) -> Page[Event]:
        """List the occurrences that a series has made, by number. Raises `UnknownEvent`."""
        list_id = ("occurrences", series_id)
        series = self.get(series_id).series
        made = series.made if series else 0
        after = 0 if cursor is None else cursors.decode(list_id, cursor, (int,))[0]
        last = min(after + limit, made)
        end = cursors.encode(list_id, (last,)) if last < made else None
        return Page(self._made(series_id, range(after + 1, last + 1)), end)

    def _made(self, series_id: str, numbers: Iterable[int]) -> tuple[Event, ...]:
        """Return the occurrences with these numbers. Somebody else may have used the id of a number that has none."""
        events = self._complete([occurrence_id(series_id, number) for number in numbers])
        return tuple(
            one for one in events if one.occurrence and one.occurrence.series_id == series_id
        )

    def _all_series(self) -> tuple[Event, ...]:
        return self._with_counts(
            self._retry.read_all_pages(self._store.list_series, limit=LONG_PAGE_SIZE)
        )

    def get_series(self, series_id: str, actor: Actor | None) -> SeriesOverview:
        """Return a series with its occurrences; raise `UnknownEvent`, `NotOrganizer`, `NotASeries` (R13)."""
        event = self.get(series_id, actor)
        series = event.series
        if series is None:
            raise NotASeries(event.event_id, event.title)
        first = max(1, series.made - MAX_OCCURRENCES_READ + 1)
        made = self._made(series_id, range(first, series.made + 1))
        now = self._clock.now()
        to_come = (
            one
            for one in made
            if one.status is not EventStatus.CANCELED and not one.has_started(now)
        )
        rule = series.recurrence.model_copy(update={"left_out": ()})
        whole = series.model_copy(update={"recurrence": rule})
        coming = () if event.status is EventStatus.CANCELED else coming_starts(event, whole)
        later = [one for one in coming if one[1] > now]
        left_out = {*series.recurrence.left_out}
        return SeriesOverview(
            event,
            made,
            tuple(to_come),
            tuple(one for one in later if one[0] not in left_out),
            tuple(day for day, _ in later if day in left_out),
        )

    def get_series_as_of(self, series_id: str, number: int | None, actor: Actor | None) -> Event:
        """Return a series with the times of an occurrence; None: of the next one to be made.

        Raises `UnknownEvent`, also without that occurrence, `NotOrganizer`, `NotASeries`, and `Invalid` if the series
        has no more days.
        """
        event = self.get(series_id, actor)
        if event.series is None:
            raise NotASeries(event.event_id, event.title)
        made = None if number is None else self.get(occurrence_id(series_id, number))
        return with_times_of(made, event, event.series)[1]

    def list_upcoming(self, limit: int, cursor: str | None) -> Page[Event]:
        """List the upcoming events by start: those that are listed and not canceled (R2.8)."""
        page = self.list_upcoming_ids(limit, cursor)
        return Page(self._complete(page.items), page.next_cursor)

    def list_upcoming_ids(self, limit: int, cursor: str | None) -> Page[str]:
        """List the ids of the upcoming events, as `list_upcoming` does."""
        page = self._list(self._clock.now(), limit, cursor)
        wanted = (
            listed.event_id
            for listed in page.items
            if listed.listed and listed.status is not EventStatus.CANCELED
        )
        return Page(tuple(wanted), page.next_cursor)

    def list_organized(self, user_id: str, limit: int, cursor: str | None) -> Page[Event]:
        """List the events that a user organizes, by start, until `MANAGEABLE_FOR` after they are over.

        Series come first, then events that began before that time: these are found by their end.
        """
        list_id = ("organized", user_id)
        # The cursor keeps the time, so no event moves from one part to the other between two pages.
        since = int((self._clock.now() - MANAGEABLE_FOR).timestamp())
        part, inner = _Part.SERIES, ""
        if cursor is not None:
            since, number, inner = cursors.decode(list_id, cursor, (int, int, str))
            part = _Part(min(max(number, _Part.SERIES), _Part.FROM_START))
        while True:
            page = self._list_part(part, _moment(since), limit, inner or None, user_id)
            events = tuple(
                event
                for event in self._with_counts(page.items)
                if event.is_organizer(user_id) and _is_listed_series(event, _moment(since))
            )
            if page.next_cursor is not None:
                position = since, int(part), page.next_cursor
                return Page(events, cursors.encode(list_id, position))
            if part is _Part.FROM_START:
                return Page(events)
            part, inner = _Part(part + 1), ""
            if events:
                return Page(events, cursors.encode(list_id, (since, int(part), "")))

    def _list_part(
        self, part: _Part, since: datetime, limit: int, cursor: str | None, organizer_id: str | None
    ) -> Page[ListedEvent]:
        if part is _Part.SERIES:
            page = self._retry.read(
                lambda: self._store.list_series(
                    limit=limit, cursor=cursor, organizer_id=organizer_id
                )
            )
            return Page(
                tuple(one for one in page.items if one.closes_at >= since), page.next_cursor
            )
        if part is _Part.RUNNING:
            return self._retry.read(
                lambda: self._store.list_running_events(
                    since=since, limit=limit, cursor=cursor, organizer_id=organizer_id
                )
            )
        return self._retry.read(
            lambda: self._store.list_events(
                starting_from=since, limit=limit, cursor=cursor, organizer_id=organizer_id
            )
        )

    def list_to_hand_over(self, user_id: str) -> tuple[Event, ...]:
        """List the upcoming and running events and series that a user organizes, by start, without canceled ones."""
        now = self._clock.now()
        events = self._with_counts(self._list_manageable(user_id))
        concerned = (
            event
            for event in events
            if event.is_organizer(user_id)
            and event.over_at > now
            and event.status is not EventStatus.CANCELED
        )
        return tuple(sorted(concerned, key=lambda event: (event.starts_at, event.event_id)))

    def list_following(self, limit: int, cursor: str | None) -> Page[Event]:
        """List the upcoming events that are listed or not by the privacy of their channel (R2.8).

        Series, whose events will be, are on the first page.
        """
        page = self._list(self._clock.now(), limit, cursor)
        series = self._all_series() if cursor is None else ()
        events = (*series, *self._with_counts(page.items))
        events = tuple(one for one in events if one.status is not EventStatus.CANCELED)
        following = tuple(event for event in events if event.listing_channel is not None)
        return Page(following, page.next_cursor)

    def find_open(
        self, text: str, before_listed: Callable[[], None], *, or_closed: bool = False
    ) -> FoundEvents:
        """Find an event by id, or listed events that take registrations by a part of the title.

        With `or_closed`, those that take none and are not over are found if they match exactly, or no other
        matches.
        """
        event = self.find(text)
        if event is not None:
            return FoundEvents((ListedEvent.of(event),), is_exact=True)
        before_listed()
        now = self._clock.now()
        listed = [one for one in self._list_from(now) if one.listed]
        open_ones = [
            one for one in listed if one.status is EventStatus.OPEN and one.closes_at > now
        ]
        found = find_events(text, open_ones)
        if not or_closed or found.is_exact:
            return found
        closed = self._find_closed(text)
        return closed if closed.is_exact or (closed.matches and not found.matches) else found

    def _find_closed(self, text: str) -> FoundEvents:
        """Find listed events that take no registrations and are not over."""
        now = self._clock.now()
        closed = (
            one
            for one in self._list_manageable(None)
            if one.listed and (one.status is not EventStatus.OPEN or one.closes_at <= now)
        )
        matching = find_all_matching(text, closed)
        events = (
            event
            for event in self._with_counts(matching)
            if event.series is None and not event.is_over(now)
        )
        return find_events(text, map(ListedEvent.of, events))

    def find_to_manage(self, text: str, actor: Actor) -> FoundEvents:
        """Find an event by id, or events by a part of the title: the actor's, or for an admin else those listed.

        If nothing matches, the actor's own events are suggested first.
        """
        event = self.find(text)
        if event is not None:
            return FoundEvents((ListedEvent.of(event),), is_exact=True)
        own = self._find_organized(text, actor.user_id)
        if own.is_exact or not actor.is_admin:
            return own
        found = find_events(text, (one for one in self._list_manageable(None) if one.listed))
        if own.matches and not found.is_exact:
            return own
        return found if found.matches else own.or_suggested(found.suggestions)

    def _find_organized(self, text: str, user_id: str) -> FoundEvents:
        """Find events by title among those that the user still organizes: the list of them can lag."""
        found = find_events(text, self._list_manageable(user_id))
        events = self._read([one.event_id for one in (*found.matches, *found.suggestions)])
        organized = {event_id for event_id, event in events.items() if event.is_organizer(user_id)}
        matches, suggestions = (
            tuple(one for one in listed if one.event_id in organized)
            for listed in (found.matches, found.suggestions)
        )
        return FoundEvents(matches, suggestions, found.is_exact and bool(matches))

    def warnings_about(self, draft: EventDraft) -> tuple[CreationWarning, ...]:
        """Return what its organizer should know before an event is created (R12.6).

        The draft is compared with listed events and the organizer's own, so it can't reveal any other event.
        """
        found = []
        if any(self._list_same(draft)):
            found.append(CreationWarning.SAME_EVENT)
        if draft.starts_at > self._clock.now() + FAR_AWAY:
            found.append(CreationWarning.FAR_AWAY)
        return tuple(found)

    def _list_same(self, draft: EventDraft) -> Iterator[Event]:
        title = comparable_title(draft.title)
        at_that_time = takewhile(
            lambda listed: listed.starts_at <= draft.starts_at, self._list_from(draft.starts_at)
        )
        same = [listed for listed in at_that_time if comparable_title(listed.title) == title]
        events = self._with_counts(same)
        if isinstance(draft, SeriesDraft):
            # A series that has made no occurrence yet is in no list of events.
            events += tuple(
                one
                for one in self._all_series()
                if one.starts_at == draft.starts_at and comparable_title(one.title) == title
            )
        for event in events:
            is_known = event.listed or event.is_organizer(draft.organizer_id or "")
            series_id = event.occurrence.series_id if event.occurrence else None
            is_other = draft.event_id not in (event.event_id, series_id)
            if is_known and is_other and event.status is not EventStatus.CANCELED:
                yield event

    def _list_manageable(self, organizer_id: str | None) -> Iterator[ListedEvent]:
        """Yield what is not over, or was until `MANAGEABLE_FOR` ago, series included: one organizer's, or all."""
        since = self._clock.now() - MANAGEABLE_FOR
        for part in _Part:
            yield from self._retry.read_all_pages(
                lambda limit, cursor, part=part: self._list_part(
                    part, since, limit, cursor, organizer_id
                ),
                limit=LONG_PAGE_SIZE,
            )

    def _list(self, since: datetime | None, limit: int, cursor: str | None) -> Page[ListedEvent]:
        return self._retry.read(
            lambda: self._store.list_events(starting_from=since, limit=limit, cursor=cursor)
        )

    def _list_from(self, since: datetime) -> Iterator[ListedEvent]:
        return self._retry.read_all_pages(
            lambda **page: self._store.list_events(starting_from=since, **page),
            limit=LONG_PAGE_SIZE,
        )

    def _with_counts(self, listed: Iterable[ListedEvent]) -> tuple[Event, ...]:
        """Return the complete events, without those that were deleted since they were listed."""
        return self._complete([one.event_id for one in listed])

    def _complete(self, event_ids: Sequence[str]) -> tuple[Event, ...]:
        events = self._read(event_ids)
        found = (events[event_id] for event_id in event_ids if event_id in events)
        return tuple(event for event in found if event.deletion is None)

    def _read(self, event_ids: Sequence[str]) -> dict[str, Event]:
        if not event_ids:
            return {}
        return self._retry.read(lambda: self._store.get_events(event_ids))
