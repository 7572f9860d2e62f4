"""Registrations: one, a user's (R5), an event's (R6), and the history of one (R8.10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from domain import cursors
from domain.enums import ChangeKind, EventStatus, RegistrationStatus, Visibility
from domain.errors import AttendeesHidden, NotRegistered, UnknownEvent
from domain.execution.loader import count_entries_before
from domain.execution.retry import RetryPolicy
from domain.models import (
    Actor,
    Change,
    Event,
    EventForUser,
    EventRegistrations,
    JournalEntry,
    Page,
    PastRegistrations,
    Registration,
    RegistrationHistoryEntry,
    RegistrationsToCome,
    UserRegistration,
    WaitlistEntry,
    WaitlistPosition,
    block_of,
    occurrence_id,
)
from domain.planning.schedule import coming_starts
from domain.ports import Clock, Store
from domain.queries.events import EventQueries
from domain.questions import Answers

_Stored = tuple[Registration, Event]


def waitlist_cursor(event_id: str, ticket: int) -> str:
    """Return the cursor of `list_by_event` for the page that starts after a ticket of the waitlist."""
    return _attendees_cursor(event_id, "", ticket)


def _attendees_cursor(event_id: str, roster_cursor: str, ticket: int) -> str:
    return cursors.encode(("attendees", event_id), (roster_cursor, ticket))


class RegistrationQueries:
    """Reads registrations. Positions are read between two reads of the event's version."""

    def __init__(
        self, store: Store, retry: RetryPolicy, events: EventQueries, clock: Clock
    ) -> None:
        self._store = store
        self._retry = retry
        self._events = events
        self._clock = clock

    def list_by_user(
        self, user_id: str, status: RegistrationStatus | None
    ) -> tuple[UserRegistration, ...]:
        """Return a user's registrations: what is to come, soonest first, then the past, latest first (R5.5)."""
        now = self._clock.now()

        def read() -> tuple[UserRegistration, ...] | None:
            stored = self._stored(user_id, status)
            return self._with_positions([*_to_come(stored, now), *_past(stored, now)])

        return self._retry.read_consistently(read)

    def list_to_come(self, user_id: str, status: RegistrationStatus | None) -> RegistrationsToCome:
        """Return a user's registrations for events that are not over, soonest first."""
        now = self._clock.now()

        def read() -> RegistrationsToCome | None:
            stored = _of_status(self._stored(user_id, None), status)
            next_starts = self._next_starts(stored, now)
            to_come = _to_come(stored, now, next_starts)
            items = self._with_positions(to_come)
            if items is None:
                return None
            with_starts = (
                replace(one, next_start=next_starts.get(one.event.event_id)) for one in items
            )
            return RegistrationsToCome(tuple(with_starts), len(_past_events(stored, now)))

        return self._retry.read_consistently(read)

    def list_past(
        self, user_id: str, status: RegistrationStatus | None, first: int, limit: int
    ) -> PastRegistrations:
        """Return a part of a user's registrations for events that are over, the latest first.

        A position costs a request, so only those of this part are read.
        """
        now = self._clock.now()

        def read() -> PastRegistrations | None:
            past = _past_events(_of_status(self._stored(user_id, None), status), now)
            start = first if first < len(past) else 0
            items = self._with_positions(past[start : start + limit])
            return None if items is None else PastRegistrations(items, start, len(past))

        return self._retry.read_consistently(read)

    def list_events_for(self, user_id: str, event_ids: Sequence[str]) -> tuple[EventForUser, ...]:
        """Return the events that exist, in this order, each with the user's registration.

        Two reads, however many events; a position costs one more, and one for all makes sure of them.
        """
        if not event_ids:
            return ()
        now = self._clock.now()

        def read() -> tuple[EventForUser, ...] | None:
            found, own_rows = self._store.get_events_and_registrations(event_ids, user_id)
            rows = {one.event_id: one for one in own_rows}
            events = [found[event_id] for event_id in event_ids if event_id in found]
            events = [event for event in events if event.deletion is None]
            stored = [(rows[event.event_id], event) for event in events if event.event_id in rows]
            registrations = self._with_positions(stored)
            if registrations is None:
                return None
            own = {one.event.event_id: one for one in registrations}
            return tuple(
                EventForUser(event, own.get(event.event_id), event.accepts(now), event.is_over(now))
                for event in events
            )

        return self._retry.read_consistently(read)

    def get(self, event_id: str, user_id: str) -> UserRegistration:
        """Return a user's registration for an event; raise `UnknownEvent`, `NotRegistered`."""
        found = self.find(event_id, user_id)
        if found is None:
            event = self._events.get(event_id)
            raise NotRegistered(event_id, event.title, user_id, event.series is not None)
        return found

    def find(self, event_id: str, user_id: str) -> UserRegistration | None:
        """Return a user's registration for an event, or None."""

        def read() -> tuple[UserRegistration, ...] | None:
            # The event first: its version guards the registration.
            event = self._store.get_event(event_id)
            rows = self._store.get_rows(event_id, registrations_of=[user_id], users=())
            registration = rows.registrations.get(user_id)
            if registration is None or event is None or event.deletion is not None:
                return ()
            one = self._with_position(event, registration)
            return (one,) if one is not None and self.are_unchanged([event]) else None

        found = self._retry.read_consistently(read)
        return found[0] if found else None

    def list_going(
        self, event_id: str, actor: Actor, limit: int, cursor: str | None
    ) -> EventRegistrations:
        """Return a page of the registered users, if the actor may see them (R12.1).

        Raises `UnknownEvent`, `AttendeesHidden`, and `Invalid` for a cursor of another list.
        """
        page = self.list_by_event(event_id, RegistrationStatus.REGISTERED, limit, cursor)
        if page.event.may_see_attendees(actor, is_attendee=False):
            return page
        if page.event.attendees_visible_to is Visibility.ATTENDEES:
            rows = self._retry.read(
                lambda: self._store.get_rows(event_id, registrations_of=[actor.user_id], users=())
            )
            is_attendee = actor.user_id in rows.registrations
            if page.event.may_see_attendees(actor, is_attendee=is_attendee):
                return page
        raise AttendeesHidden(event_id, page.event.title, page.event.attendees_visible_to)

    def list_by_event(
        self, event_id: str, status: RegistrationStatus | None, limit: int, cursor: str | None
    ) -> EventRegistrations:
        """Return a page of an event's registrations: the registered users, then the waitlist.

        Raises `Invalid` for a cursor of another list, and `UnknownEvent`.
        """
        roster_cursor: str | None = ""
        ticket = 0
        if cursor is not None:
            after, ticket = cursors.decode(("attendees", event_id), cursor, (str, int))
            roster_cursor = after or None  # None: the roster is done

        def read() -> EventRegistrations | None:
            event = self._store.get_event(event_id)
            if event is None or event.deletion is not None:
                raise UnknownEvent(event_id)
            page = self._page(event, status, limit, roster_cursor, ticket)
            # A user promoted meanwhile would be in neither part.
            return page if page is not None and self.are_unchanged([event]) else None

        return self._retry.read_consistently(read)

    def _page(
        self,
        event: Event,
        status: RegistrationStatus | None,
        limit: int,
        roster_cursor: str | None,
        ticket: int,
    ) -> EventRegistrations | None:
        """Return a page, or None if the waitlist changed while it was read.

        The page starts in the roster ("" is its start), or, if `roster_cursor` is None, in the
        waitlist after a ticket.
        """
        registered: tuple[Registration, ...] = ()
        if roster_cursor is not None and status is not RegistrationStatus.WAITLISTED:
            page = self._store.list_roster(
                event.event_id, limit=limit, cursor=roster_cursor or None
            )
            registered = page.items
            # The store may not know that a full page is the last one. The event does.
            is_whole = not roster_cursor and len(registered) >= event.registered_count
            if page.next_cursor is not None and not is_whole:
                following = _attendees_cursor(event.event_id, page.next_cursor, 0)
                return EventRegistrations(event, registered, (), following)
        if status is RegistrationStatus.REGISTERED:
            return EventRegistrations(event, registered, (), None)
        left = limit - len(registered)
        if not left:
            cursor = waitlist_cursor(event.event_id, 0) if event.waitlist_count else None
            return EventRegistrations(event, registered, (), cursor)
        return self._waitlist_page(event, registered, left, ticket)

    def _waitlist_page(
        self, event: Event, registered: tuple[Registration, ...], limit: int, ticket: int
    ) -> EventRegistrations | None:
        entries = self._store.get_waitlist(event.event_id, after=ticket, limit=limit + 1)
        first = self._position(event, entries[0]) if entries and ticket else 1
        if first is None:
            return None
        answers = self._answers(event, entries[:limit])
        waitlist = tuple(
            WaitlistPosition(first + n, entry, answers.get(entry.user_id, {}))
            for n, entry in enumerate(entries[:limit])
        )
        is_last = len(entries) <= limit
        cursor = None if is_last else waitlist_cursor(event.event_id, waitlist[-1].entry.ticket)
        return EventRegistrations(event, registered, waitlist, cursor)

    def _answers(self, event: Event, entries: Sequence[WaitlistEntry]) -> dict[str, Answers]:
        """Return the answers of waitlisted users. Their entries don't hold them."""
        if not event.questions or not entries:
            return {}
        user_ids = [entry.user_id for entry in entries]
        rows = self._store.get_rows(event.event_id, registrations_of=user_ids, users=())
        return {user_id: found.answers for user_id, found in rows.registrations.items()}

    def list_history(
        self, event_id: str, user_id: str, limit: int, cursor: str | None
    ) -> Page[RegistrationHistoryEntry]:
        """Return a page of a user's history in an event.

        The cursor holds the ticket with which the user was waitlisted at the end of the page.
        """
        ticket, after = self._start_of_history(event_id, user_id, cursor)
        page = self._retry.read(
            lambda: self._store.list_history(event_id, limit=limit, cursor=after)
        )
        moves = []
        for entry in page.items:
            move, ticket = registration_move(entry, user_id, ticket)
            if move.changes or move.moved_up:
                moves.append(move)
        if page.next_cursor is None:
            return Page(tuple(moves))
        list_id = ("registration moves", event_id, user_id)
        return Page(tuple(moves), cursors.encode(list_id, (ticket or 0, page.next_cursor)))

    def _start_of_history(
        self, event_id: str, user_id: str, cursor: str | None
    ) -> tuple[int | None, str | None]:
        """Return the user's ticket if waitlisted where a page begins, and the history's own cursor."""
        if cursor is not None:
            list_id = ("registration moves", event_id, user_id)
            ticket, after = cursors.decode(list_id, cursor, (int, str))
            return ticket or None, after
        event = self._retry.read(lambda: self._store.get_event(event_id))
        if event is None or event.deletion is not None:
            raise UnknownEvent(event_id)
        rows = self._retry.read(
            lambda: self._store.get_rows(event_id, registrations_of=[user_id], users=())
        )
        registration = rows.registrations.get(user_id)
        if registration is None or registration.status is RegistrationStatus.REGISTERED:
            return None, None
        return registration.ticket, None

    def are_unchanged(self, events: Sequence[Event]) -> bool:
        """Return whether all events still have the versions that were read; raise `Unavailable`."""
        if not events:
            return True
        again = self._store.get_events([event.event_id for event in events])
        return all(
            event.event_id in again and again[event.event_id].version == event.version
            for event in events
        )

    def _stored(self, user_id: str, status: RegistrationStatus | None) -> Sequence[_Stored]:
        """Return a user's registrations with a status (None: all), each with its event."""
        rows = self._store.get_registrations_of(user_id)
        rows = tuple(one for one in rows if status in (None, one.status))
        events = self._store.get_events([one.event_id for one in rows]) if rows else {}
        with_events = ((one, events.get(one.event_id)) for one in rows)
        return [
            (one, event)
            for one, event in with_events
            if event is not None and event.deletion is None
        ]

    def _next_starts(self, stored: Sequence[_Stored], now: datetime) -> dict[str, datetime]:
        """Return when each of the series takes place next, by id, without those that have no more dates."""
        series = [event for _, event in stored if event.series is not None]
        ids = [
            occurrence_id(event.event_id, number)
            for event in series
            if event.series is not None
            for number in event.series.ahead
        ]
        made = self._store.get_events(ids) if ids else {}
        found = ((event.event_id, _next_start(event, made.values(), now)) for event in series)
        return {event_id: start for event_id, start in found if start is not None}

    def _with_positions(self, stored: Sequence[_Stored]) -> tuple[UserRegistration, ...] | None:
        """Return registrations with their positions, or None if something changed meanwhile."""
        found: list[UserRegistration] = []
        for registration, event in stored:
            one = self._with_position(event, registration)
            if one is None:
                return None
            found.append(one)
        with_position = [one.event for one in found if one.position is not None]
        return tuple(found) if self.are_unchanged(with_position) else None

    def _with_position(self, event: Event, registration: Registration) -> UserRegistration | None:
        """Return a registration with its position, or None if the waitlist changed meanwhile."""
        has_started = event.has_started(self._clock.now())
        if registration.status is RegistrationStatus.REGISTERED:
            return UserRegistration(registration, event, has_started=has_started)
        position = self._position(event, WaitlistEntry.of(registration))
        if position is None:
            return None
        return UserRegistration(registration, event, position, has_started)

    def _position(self, event: Event, entry: WaitlistEntry) -> int | None:
        """Return an entry's position, or None if it is not on the waitlist any more."""
        counts = count_entries_before(self._store, event.event_id, frozenset({entry}))
        before = counts.get(entry.ticket)
        if before is None:
            return None
        return 1 + event.entries_before_block(block_of(entry.ticket)) + before


def _of_status(stored: Sequence[_Stored], status: RegistrationStatus | None) -> Sequence[_Stored]:
    """Return the registrations with a status (None: all). Whoever registered for a series is registered."""
    return [
        (one, event)
        for one, event in stored
        if status is None
        or status is (RegistrationStatus.REGISTERED if event.series is not None else one.status)
    ]


def _next_start(series: Event, made: Iterable[Event], now: datetime) -> datetime | None:
    """Return when a series takes place next: the first start to come, also of those that are not made yet."""
    starts = [
        one.starts_at
        for one in made
        if one.occurrence is not None
        and one.occurrence.series_id == series.event_id
        and one.status is not EventStatus.CANCELED
        and one.deletion is None
    ]
    if series.series is not None and series.status is not EventStatus.CANCELED:
        starts += [start for _, start in coming_starts(series, series.series)]
    return min((start for start in starts if start > now), default=None)


def _to_come(
    stored: Sequence[_Stored], now: datetime, next_starts: Mapping[str, datetime] | None = None
) -> list[_Stored]:
    """Return what is not over, soonest first. With `next_starts`, series are among it as these say."""

    def start(one: _Stored) -> tuple[datetime, str]:
        event = one[1]
        return (next_starts or {}).get(event.event_id, event.starts_at), event.event_id

    def comes(event: Event) -> bool:
        if event.series is None or next_starts is None:
            return not event.is_over(now)
        return event.event_id in next_starts

    return sorted((one for one in stored if comes(one[1])), key=start)


def _past_events(stored: Sequence[_Stored], now: datetime) -> list[_Stored]:
    """Return what is over, but no series: it never took place, and its occurrences have registrations."""
    return [one for one in _past(stored, now) if one[1].series is None]


def _past(stored: Sequence[_Stored], now: datetime) -> list[_Stored]:
    return sorted((one for one in stored if one[1].is_over(now)), key=_start, reverse=True)


def _start(stored: _Stored) -> tuple[datetime, str]:
    _, event = stored
    return event.starts_at, event.event_id


def registration_move(
    entry: JournalEntry, user_id: str, ticket: int | None
) -> tuple[RegistrationHistoryEntry, int | None]:
    """Return what a journal entry did to a user, and the user's ticket before it.

    `ticket` is the user's after the entry. It is None for a user who is not waitlisted. The history
    is read backwards, so it starts with the present ticket.
    """
    own: list[Change] = []
    moved_up = 0
    for change in reversed(entry.changes):
        left_waitlist = change.kind is ChangeKind.PROMOTED or (
            change.kind is ChangeKind.UNREGISTERED
            and change.status is RegistrationStatus.WAITLISTED
        )
        if change.user_id == user_id:
            own.append(change)
            ticket = change.ticket if left_waitlist else None
        elif left_waitlist and ticket is not None and change.ticket is not None:
            moved_up += change.ticket < ticket
    return RegistrationHistoryEntry(entry.at, tuple(own), moved_up), ticket
