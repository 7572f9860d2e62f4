"""The order of an entry's notifications, and the recipients of one to an audience (R8.8).

Recipients are read page by page, from any point on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from domain.enums import Audience, NotificationKind
from domain.models import JournalEntry, Notification, Registration, WaitlistEntry
from domain.ports import Store

PAGE_SIZE = 100

JOURNAL_PAGE = 20
"""Entries of the journal read at a time."""


def in_order(entry: JournalEntry) -> list[Notification]:
    """Return an entry's notifications in order: cards, then those to one person, then those to an audience."""
    return sorted(
        entry.notifications,
        key=lambda one: (one.kind is not NotificationKind.CARD, one.user_id is None),
    )


def is_in_roster(cursor: str | None) -> bool:
    """Return whether the waitlist has been read to its end at a cursor of `recipients_of`."""
    return cursor is not None and json.loads(cursor)[0] == "seats"


def recipients_of(
    store: Store,
    entry: JournalEntry,
    audience: Audience = Audience.EVERYONE,
    *,
    after: str | None,
    at_page_end: Callable[[str], None] = lambda _: None,
    before_roster: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[str, str]]:
    """Yield each recipient's user id with a cursor. `after` is the last recipient's cursor, or None.

    Recipients were registered or waitlisted as of the entry's version, and still are. The audience
    counts from then: `Audience.WAITLISTED` has attendees who were waitlisted as of that version, even
    if they have a seat now. Versions decide, not times: those are clocks of different processes (R9.4).

    The waitlist comes first. An attendee who is promoted meanwhile is not repeated: the cursor
    holds the tickets that were read on the waitlist. `at_page_end` gets a cursor after each page: there
    may be many pages without a recipient. `before_roster` gets a cursor once the waitlist is read, and can raise to
    continue later: the index may not show yet who was promoted before.
    """
    first_waitlisted = last_waitlisted = 0
    gaps: list[list[int]] = []  # first and last tickets of those promoted before they were read
    roster_cursor, last_seated = None, 0
    start = '["seats", null, 0, 0, 0]' if audience is Audience.REGISTERED else '["waitlist", 0, 0]'
    part, *numbers = json.loads(after or start)
    if part == "waitlist":
        first_waitlisted, last_waitlisted, *gaps = numbers
        while entries := _next_on_waitlist(store, entry.event_id, last_waitlisted, gaps):
            for waitlisted in entries:
                first_waitlisted = first_waitlisted or waitlisted.ticket
                last_waitlisted = waitlisted.ticket
                if _was_attendee(waitlisted, entry):
                    cursor = json.dumps(["waitlist", first_waitlisted, last_waitlisted, *gaps])
                    yield waitlisted.user_id, cursor
            at_page_end(json.dumps(["waitlist", first_waitlisted, last_waitlisted, *gaps]))
    else:
        roster_cursor, last_seated, first_waitlisted, last_waitlisted, *gaps = numbers

    def was_read_on_waitlist(ticket: int) -> bool:
        return first_waitlisted <= ticket <= last_waitlisted and not any(
            first <= ticket <= last for first, last in gaps
        )

    if audience is not Audience.REGISTERED:
        read = [first_waitlisted, last_waitlisted, *gaps]
        before_roster(json.dumps(["seats", roster_cursor, last_seated, *read]))
    while True:
        page = store.list_roster(entry.event_id, limit=PAGE_SIZE, cursor=roster_cursor)
        for registration in page.items:
            if (
                registration.ticket > last_seated
                and _was_attendee(registration, entry)
                and _belongs_to(audience, registration, entry)
                and not (
                    _was_waitlisted(registration, entry)
                    and was_read_on_waitlist(registration.ticket)
                )
            ):
                cursor = json.dumps(
                    [
                        "seats",
                        roster_cursor,
                        registration.ticket,
                        first_waitlisted,
                        last_waitlisted,
                        *gaps,
                    ]
                )
                yield registration.user_id, cursor
        roster_cursor = page.next_cursor
        if roster_cursor is None:
            return
        at_page_end(
            json.dumps(
                ["seats", roster_cursor, last_seated, first_waitlisted, last_waitlisted, *gaps]
            )
        )


def _was_attendee(row: Registration | WaitlistEntry, entry: JournalEntry) -> bool:
    """Return whether a user was registered or waitlisted as of the entry's version."""
    if row.registered_version is None:
        # An earlier Rollcall wrote the row: its time is all there is.
        return row.registered_at <= entry.at
    return row.registered_version <= entry.version


def _next_on_waitlist(
    store: Store, event_id: str, last: int, gaps: list[list[int]]
) -> Sequence[WaitlistEntry]:
    """Return the entries after a ticket that was read, and add to `gaps` those that may have been promoted.

    People are promoted from the head: while the last one read is on the waitlist, no one behind is.
    """
    entries = store.get_waitlist(event_id, after=max(0, last - 1), limit=PAGE_SIZE + 1)
    if entries and entries[0].ticket == last:
        return entries[1:]
    if last and entries and entries[0].ticket > last + 1:
        gaps.append([last + 1, entries[0].ticket - 1])
    return entries


def _belongs_to(audience: Audience, registration: Registration, entry: JournalEntry) -> bool:
    """Return whether a registration with a seat was in the audience as of the entry's version."""
    if audience is Audience.EVERYONE:
        return True
    return _was_waitlisted(registration, entry) is (audience is Audience.WAITLISTED)


def _was_waitlisted(registration: Registration, entry: JournalEntry) -> bool:
    """Return whether a registration got its seat after the entry's version."""
    if registration.seated_version is None:
        return registration.seated_at is not None and registration.seated_at > entry.at
    return registration.seated_version > entry.version
