"""The check of R7.5 (R7.6): reads everything page by page, while others write, and believes no first look.

Two things make it right at any traffic. An event's numbers are compared with a count that the
journal keeps true of one version (`domain.integrity.live_count`). A registration or a place is compared with
what belongs to it between two reads of its own: one that is there with the same ticket and status
before and after was there, unchanged, all the while, for a ticket is given once and moves only on.
What looks wrong is looked at again once everything that was committed before the first look can
be seen everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from typing import TypeVar

from domain.enums import RegistrationStatus
from domain.execution.retry import RetryPolicy
from domain.integrity.invariants import (
    RegistrationContext,
    event_violations,
    keeps_ticket,
    registration_violations,
    waitlist_entry_violations,
)
from domain.integrity.live_count import ENTRIES, Count, JournalGap, LiveCount
from domain.integrity.violations import Progress, Violation, ViolationKind
from domain.models import Event, Page, Registration, WaitlistEntry
from domain.ports import Clock, Store, Unavailable

T = TypeVar("T")

PAGE_SIZE = 100
"""Rows that are held in memory at once."""

SETTLED = timedelta(seconds=5)
"""After so long, a commit is seen by every read, those of an index included."""

LOOKS = 5
"""How often a registration that moves while it is looked at is looked at again: then it is not judged."""

PERSISTENCE = 20.0
"""Seconds that a read is tried for."""


class Check:
    """One reading of everything. Each part can be read alone; all raise `Unavailable`."""

    def __init__(
        self,
        store: Store,
        retry: RetryPolicy,
        clock: Clock,
        on_progress: Callable[[Progress], None],
        page: int = PAGE_SIZE,
    ) -> None:
        self._store = store
        self._retry = retry
        self._clock = clock
        self._on_progress = on_progress
        self._page = page
        self._progress = Progress()

    def everything(self) -> Iterator[Violation]:
        """Yield each breach that there is."""
        for event_id in self.event_ids():
            yield from self.of_history(event_id)
            yield from self.of_numbers(event_id)
        yield from self.of_registrations()
        yield from self.of_places()

    def patiently(self, read: Callable[[], T]) -> T:
        """Return what `read` gives, tried again while it is `Unavailable`."""
        for _ in self._retry.pauses(self._clock.monotonic() + PERSISTENCE):
            try:
                return read()
            except Unavailable:
                continue
        raise Unavailable

    def _pages(self, read: Callable[..., Page[T]], name: str) -> Iterator[tuple[T, ...]]:
        cursor: str | None = None
        while True:
            page = self.patiently(lambda after=cursor: read(limit=self._page, cursor=after))  # type: ignore[misc]
            yield page.items
            self._tell(**{name: len(page.items)})
            cursor = page.next_cursor
            if cursor is None:
                return

    def _tell(self, **more: int) -> None:
        sums = {name: getattr(self._progress, name) + number for name, number in more.items()}
        self._progress = replace(self._progress, **sums)
        self._on_progress(self._progress)

    def _version_of(self, event_id: str) -> int | None:
        event = self.patiently(lambda: self._store.get_event(event_id))
        return event.version if event is not None else None

    def _settled(self, event_id: str, version: int | None, look: Callable[[], list[T]]) -> list[T]:
        """Return what a look finds wrong, also when the commit before it has been seen everywhere."""
        found = look()
        if not found or version is None:
            return found
        last = self.patiently(lambda: self._store.get_journal_entry(event_id, version))
        age = self._clock.now() - last.at if last is not None else timedelta()
        if age >= SETTLED:
            return found
        self._clock.sleep(min(SETTLED, SETTLED - age).total_seconds())
        return look()

    # Events

    def event_ids(self) -> Iterator[str]:
        """Yield the id of every event, tombstones included."""
        for page in self._pages(self._store.scan_events, "events"):
            yield from (event.event_id for event in page)

    def of_numbers(self, event_id: str) -> Iterator[Violation]:
        """Yield what is wrong with an event's numbers, by a count of its registrations."""
        count = self.count(event_id)
        if count is not None:
            yield from event_violations(count)

    def count(self, event_id: str) -> Count | None:
        """Return an event's count; one that finds something wrong rests on settled reads."""
        for _, _ in zip(range(LOOKS), self._retry.pauses(None), strict=False):
            try:
                return self._count(event_id)
            except JournalGap:
                continue
        raise Unavailable(f"the journal of {event_id} does not tell what moves")

    def _count(self, event_id: str) -> Count | None:
        version = self._version_of(event_id)
        if version is None:
            return None
        counts: list[Count] = []

        def look() -> list[Violation]:
            counts[:] = [self._live_count(event_id, version).run()]
            return [violation for count in counts for violation in event_violations(count)]

        self._settled(event_id, version, look)
        return counts[0]

    def _live_count(self, event_id: str, since: int) -> LiveCount:
        return LiveCount(
            self._store,
            self.patiently,
            event_id,
            since=since,
            page=self._page,
            on_page=lambda rows: self._tell(counted=rows),
        )

    def of_history(self, event_id: str) -> Iterator[Violation]:
        """Yield each gap in an event's journal up to its version, and whether it goes on above that."""
        event = self.patiently(lambda: self._store.get_event(event_id))
        if event is None:
            return
        last = 0
        # No further than the version: a busy event's journal may grow as fast as it is read.
        while last < event.version:
            entries = self.patiently(
                lambda after=last: self._store.list_journal(event_id, after=after, limit=ENTRIES)  # type: ignore[misc]
            )
            for entry in entries:
                yield from self._gap(event_id, last + 1, min(entry.version - 1, event.version))
                last = entry.version
            if not entries:
                break
        yield from self._gap(event_id, last + 1, event.version)
        newest = self.patiently(lambda: self._store.list_history(event_id, limit=1)).items
        yield from self._ahead(event_id, newest[0].version if newest else 0)

    def _gap(self, event_id: str, first: int, last: int) -> Iterator[Violation]:
        """Yield the gap, where a second look finds no entry either: a page is not of one moment."""

        def look() -> list[Violation]:
            gap = [version for version in (first, last) if not self._has_entry(event_id, version)]
            if first > last or not gap:
                return []
            kind, text = ViolationKind.MISSING_JOURNAL_ENTRY, f"entries {first} to {last}"
            return [Violation(kind, event_id, None, None, "none", text, (first, last))]

        if first <= last:
            yield from self._settled(event_id, last + 1, look)

    def _has_entry(self, event_id: str, version: int) -> bool:
        entry = self.patiently(lambda: self._store.get_journal_entry(event_id, version))
        return entry is not None

    def _ahead(self, event_id: str, last: int) -> Iterator[Violation]:
        def look() -> list[Violation]:
            event = self.patiently(lambda: self._store.get_event(event_id))
            if event is None or event.version >= last:
                return []
            at = f"at version {event.version}"
            kind, text = ViolationKind.JOURNAL_AHEAD, f"at {last} or above"
            return [Violation(kind, event_id, None, None, at, text, (event.version + 1, last))]

        yield from self._settled(event_id, last, look)

    # Registrations

    def of_registrations(self) -> Iterator[Violation]:
        """Yield what is wrong with each registration."""
        for page in self._pages(self._store.scan_registrations, "registrations"):
            if not page:
                continue
            events = self.patiently(lambda: self._store.get_events({row.event_id for row in page}))  # noqa: B023
            users = self.users(page)
            for row in page:
                event = events.get(row.event_id)
                around = self._surroundings(row, event, has_user=row.user_id in users)
                if any(registration_violations(row, around)):
                    yield from self.of_registration(row)

    def of_registration(self, row: Registration) -> Iterator[Violation]:
        """Yield what is wrong with a registration; with what became of it, if it moves meanwhile."""
        for _ in range(LOOKS):
            version = self._version_of(row.event_id)
            found = self._settled(row.event_id, version, lambda: self._look_at_row(row))  # noqa: B023
            yield from found
            stored = self.rows(row.event_id, [row.user_id]).get(row.user_id)
            if found or stored is None or stored == row:
                return
            row = stored

    def _look_at_row(self, row: Registration) -> list[Violation]:
        if not self._is_stored(row):
            return []
        event = self.patiently(lambda: self._store.get_event(row.event_id))
        around = self._surroundings(row, event, has_user=bool(self.users([row])))
        violations = list(registration_violations(row, around))
        return violations if self._is_stored(row) else []

    def _surroundings(
        self, row: Registration, event: Event | None, *, has_user: bool
    ) -> RegistrationContext:
        waits = row.status is RegistrationStatus.WAITLISTED
        place = self.place_at(row.event_id, row.ticket) if waits else None
        listed = self.patiently(lambda: self._store.find_on_roster(row.event_id, row.ticket))
        is_listed = any(other.user_id == row.user_id for other in listed)
        return RegistrationContext(
            event, has_user, place, is_listed, self._holders(row, (*listed, *filter(None, [place])))
        )

    def _holders(
        self, row: Registration, seen: Sequence[Registration | WaitlistEntry]
    ) -> tuple[Registration, ...]:
        """Return those others that were seen at a registration's ticket, and do hold it."""
        others = self.rows(row.event_id, {one.user_id for one in seen} - {row.user_id})
        return tuple(other for other in others.values() if other.ticket == row.ticket)

    def is_listed(self, row: Registration) -> bool:
        """Whether the roster lists a registration."""
        listed = self.patiently(lambda: self._store.find_on_roster(row.event_id, row.ticket))
        return any(other.user_id == row.user_id for other in listed)

    def seniors(self, row: Registration) -> list[Registration]:
        """Return who keeps the ticket that this registration shares, or should not have."""
        place = self.place_at(row.event_id, row.ticket)
        listed = self.patiently(lambda: self._store.find_on_roster(row.event_id, row.ticket))
        holders = self._holders(row, (*listed, *filter(None, [place])))
        return [holder for holder in holders if keeps_ticket(holder, row)]

    def users(self, rows: Sequence[Registration]) -> set[str]:
        """Return which of the registrations' users exist."""
        users = {row.user_id for row in rows}
        found = self.patiently(
            lambda: self._store.get_rows(rows[0].event_id, registrations_of=(), users=users)
        )
        return set(found.users)

    def rows(self, event_id: str, users: Collection[str]) -> Mapping[str, Registration]:
        """Return the registrations of users in an event, by user."""
        if not users:
            return {}
        return self.patiently(
            lambda: self._store.get_rows(event_id, registrations_of=users, users=())
        ).registrations

    def _is_stored(self, row: Registration) -> bool:
        stored = self.rows(row.event_id, [row.user_id]).get(row.user_id)
        return stored == row

    def place_at(self, event_id: str, ticket: int) -> WaitlistEntry | None:
        """Return the place in line with this ticket."""
        line = self.patiently(
            lambda: self._store.get_waitlist(event_id, after=ticket - 1, until=ticket, limit=1)
        )
        return line[0] if line else None

    # The line

    def of_places(self) -> Iterator[Violation]:
        """Yield what is wrong with each place in line."""
        for page in self._pages(self._store.scan_waitlist, "places"):
            events = self.patiently(lambda: self._store.get_events({of for of, _ in page}))  # noqa: B023
            for event_id, group in groupby(page, key=lambda pair: pair[0]):
                places = [place for _, place in group]
                rows = self.rows(event_id, {place.user_id for place in places})
                for place in places:
                    row = rows.get(place.user_id)
                    if any(waitlist_entry_violations(events.get(event_id), event_id, place, row)):
                        yield from self.of_place(event_id, place)

    def of_place(self, event_id: str, place: WaitlistEntry) -> Iterator[Violation]:
        """Yield what is wrong with a place that is stored like this."""
        version = self._version_of(event_id)
        yield from self._settled(event_id, version, lambda: self._look_at_place(event_id, place))

    def _look_at_place(self, event_id: str, place: WaitlistEntry) -> list[Violation]:
        if self.place_at(event_id, place.ticket) != place:
            return []
        event = self.patiently(lambda: self._store.get_event(event_id))
        row = self.rows(event_id, [place.user_id]).get(place.user_id)
        violations = list(waitlist_entry_violations(event, event_id, place, row))
        return violations if self.place_at(event_id, place.ticket) == place else []
