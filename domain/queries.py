"""Who is where, as lists: a user's own registrations (R5), an event's (R6), each position true at one moment."""

from __future__ import annotations

from collections.abc import Sequence

from domain import cursors
from domain.enums import ChangeKind, RegistrationStatus
from domain.errors import UnknownEvent
from domain.execution.loader import count_entries_before
from domain.execution.retry import RetryPolicy
from domain.models import (
    CapacityPreview,
    Change,
    Event,
    EventRegistrations,
    JournalEntry,
    Page,
    Registration,
    RegistrationMove,
    UserRegistration,
    WaitlistEntry,
    WaitlistPosition,
    block_of,
)
from domain.ports import Store

NAMED = 5
"""People whom a preview names, of however many."""


def waitlist_cursor(event_id: str, ticket: int) -> str:
    """Return the cursor of `Queries.of_event` for the page that starts after a ticket of the waitlist."""
    return _attendees_cursor(event_id, "", ticket)


def _attendees_cursor(event_id: str, roster_cursor: str, ticket: int) -> str:
    return cursors.encode(("attendees", event_id), (roster_cursor, ticket))


class Queries:
    """Reads lists. What a position rests on is read between two looks at the event's version."""

    def __init__(self, store: Store, retry: RetryPolicy) -> None:
        self._store = store
        self._retry = retry

    def of_user(
        self, user_id: str, status: RegistrationStatus | None
    ) -> tuple[UserRegistration, ...]:
        """Return a user's registrations, by start of their events."""

        def read() -> tuple[UserRegistration, ...] | None:
            rows = self._store.get_registrations_of(user_id)
            return self._own([row for row in rows if status is None or row.status is status])

        own = self._retry.read_consistently(read)
        return tuple(sorted(own, key=lambda one: (one.event.starts_at, one.event.event_id)))

    def of_user_in(self, event_id: str, user_id: str) -> UserRegistration | None:
        """Return a user's registration in an event, None if there is none."""

        def read() -> tuple[UserRegistration, ...] | None:
            # The event first: its version guards the row, and both are of one moment.
            event = self._store.get_event(event_id)
            rows = self._store.get_rows(event_id, registrations_of=[user_id], users=())
            row = rows.registrations.get(user_id)
            if row is None or event is None or event.deletion is not None:
                return ()
            own = self._own_in(event, row)
            return (own,) if own is not None and self.unmoved([event]) else None

        own = self._retry.read_consistently(read)
        return own[0] if own else None

    def of_event(
        self, event_id: str, status: RegistrationStatus | None, limit: int, cursor: str | None
    ) -> EventRegistrations:
        """Return a page of an event's registrations: those with a seat, then the line.

        Raises `Invalid` for a cursor of no such list, `UnknownEvent` if the event is gone.
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
            # Whoever moves from the line to a seat meanwhile would be in neither.
            return page if page is not None and self.unmoved([event]) else None

        return self._retry.read_consistently(read)

    def _page(
        self,
        event: Event,
        status: RegistrationStatus | None,
        limit: int,
        roster_cursor: str | None,
        ticket: int,
    ) -> EventRegistrations | None:
        """Return a page, or None if its first waitlist entry is no longer on the waitlist.

        The page starts in the roster ("" is its start), or, if `roster_cursor` is None, in the
        waitlist after `ticket`.
        """
        registered: tuple[Registration, ...] = ()
        if roster_cursor is not None and status is not RegistrationStatus.WAITLISTED:
            page = self._store.list_roster(
                event.event_id, limit=limit, cursor=roster_cursor or None
            )
            registered = page.items
            if page.next_cursor is not None:
                following = _attendees_cursor(event.event_id, page.next_cursor, 0)
                return EventRegistrations(event, registered, (), following)
        if status is RegistrationStatus.REGISTERED:
            return EventRegistrations(event, registered, (), None)
        room = limit - len(registered)
        if not room:
            begin = waitlist_cursor(event.event_id, 0) if event.waitlist_count else None
            return EventRegistrations(event, registered, (), begin)
        line = self._store.get_waitlist(event.event_id, after=ticket, limit=room + 1)
        first = self._position(event, line[0]) if line and ticket else 1
        if first is None:
            return None
        places = tuple(
            WaitlistPosition(first + n, waiting) for n, waiting in enumerate(line[:room])
        )
        more = len(line) > room
        end = waitlist_cursor(event.event_id, places[-1].waiting.ticket) if more else None
        return EventRegistrations(event, registered, places, end)

    def own_history(
        self, event_id: str, user_id: str, limit: int, cursor: str | None
    ) -> Page[RegistrationMove]:
        """Return a page of what moved a user's place; its cursor says which ticket waited at its end."""
        ticket, after = self._ticket_at(event_id, user_id, cursor)
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
        list_id = ("own history", event_id, user_id)
        return Page(tuple(moves), cursors.encode(list_id, (ticket or 0, page.next_cursor)))

    def _ticket_at(
        self, event_id: str, user_id: str, cursor: str | None
    ) -> tuple[int | None, str | None]:
        """Return the ticket with which the user waits where a page begins, and the history's own cursor."""
        if cursor is not None:
            ticket, after = cursors.decode(("own history", event_id, user_id), cursor, (int, str))
            return ticket or None, after
        event = self._retry.read(lambda: self._store.get_event(event_id))
        if event is None or event.deletion is not None:
            raise UnknownEvent(event_id)
        rows = self._retry.read(
            lambda: self._store.get_rows(event_id, registrations_of=[user_id], users=())
        )
        row = rows.registrations.get(user_id)
        waits = row is not None and row.status is RegistrationStatus.WAITLISTED
        return (row.ticket if row is not None and waits else None), None

    def too_many(self, event: Event, capacity: int) -> CapacityPreview | None:
        """Return who came last of those for whom a capacity has no seats; None if something moved."""
        count = event.registered_count - capacity
        last = self._store.get_last_seated(event.event_id, limit=min(count, NAMED))
        if not self.unmoved([event]):
            return None
        named = tuple(row.user_id for row in last)
        return CapacityPreview(event, capacity, affected=named, affected_count=count)

    def unmoved(self, events: Sequence[Event]) -> bool:
        """Return whether all events still have the versions that were read; raises `Unavailable`."""
        if not events:
            return True
        again = self._store.get_events([event.event_id for event in events])
        return all(
            event.event_id in again and again[event.event_id].version == event.version
            for event in events
        )

    def _own(self, rows: Sequence[Registration]) -> tuple[UserRegistration, ...] | None:
        """Return the registrations with events and positions; None if something moved meanwhile."""
        events = self._store.get_events([row.event_id for row in rows]) if rows else {}
        own: list[UserRegistration] = []
        for row in rows:
            event = events.get(row.event_id)
            if event is None or event.deletion is not None:
                continue
            one = self._own_in(event, row)
            if one is None:
                return None
            own.append(one)
        counted = [one.event for one in own if one.position is not None]
        return tuple(own) if self.unmoved(counted) else None

    def _own_in(self, event: Event, row: Registration) -> UserRegistration | None:
        """Return the registration with its position; None if it is not in the line (any more)."""
        if row.status is RegistrationStatus.REGISTERED:
            return UserRegistration(row, event)
        position = self._position(event, WaitlistEntry.of(row))
        return None if position is None else UserRegistration(row, event, position)

    def _position(self, event: Event, place: WaitlistEntry) -> int | None:
        """Return which in line a place is; None if it is not in it (any more)."""
        counts = count_entries_before(self._store, event.event_id, frozenset({place}))
        before = counts.get(place.ticket)
        if before is None:
            return None
        return 1 + event.entries_before_block(block_of(place.ticket)) + before


def registration_move(
    entry: JournalEntry, user_id: str, ticket: int | None
) -> tuple[RegistrationMove, int | None]:
    """Return what an entry did to a user who waits with this ticket after it, and the ticket before it.

    None for a ticket: the user does not wait. So the history is read backwards, from what is so now.
    """
    own: list[Change] = []
    moved_up = 0
    for change in reversed(entry.changes):
        left_line = change.kind is ChangeKind.PROMOTED or (
            change.kind is ChangeKind.LEFT and change.status is RegistrationStatus.WAITLISTED
        )
        if change.user_id == user_id:
            own.append(change)
            ticket = change.ticket if left_line else None
        elif left_line and ticket is not None and change.ticket is not None:
            moved_up += change.ticket < ticket
    return RegistrationMove(entry.at, tuple(own), moved_up), ticket
