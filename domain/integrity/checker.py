"""The checker (R7.6): reads everything page by page, while others write, and reports violations of R7.5.

It is right at any traffic, for three reasons. An event's counts are compared with a count that follows
the journal to one version (`domain.integrity.live_count`). A registration or waitlist entry is read
before and after what it is compared with: the same ticket and status both times mean that it did not
change, because a ticket is given once and a registration never returns to an earlier state. A
violation is only reported if it is still there once every earlier commit is visible everywhere. What the
journal leads to is compared by `domain.integrity.journal_check`, which has an argument of its own.
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
from domain.integrity.journal_check import JournalCheck
from domain.integrity.live_count import Count, JournalGap, LiveCount
from domain.integrity.violations import Progress, Violation, ViolationKind
from domain.models import Event, JournalEntry, Page, Registration, WaitlistEntry
from domain.ports import Clock, Store, Unavailable

T = TypeVar("T")

CHECK_PAGE_SIZE = 100
"""Rows in memory at the same time."""

INDEX_LAG = 5.0
"""Seconds after which all reads show a commit, including those of an index."""

CERTAINLY_OLD = timedelta(hours=1)
"""Age, by this process's clock, of a commit that is older than `INDEX_LAG` however far apart clocks are."""

MAX_LOOKS = 5
"""How many times a registration that keeps changing is checked. Then it is not judged."""

READ_SECONDS = 20.0
"""Seconds that a read is repeated."""


class Checker:
    """One check of everything. Its parts can run alone. All raise `Unavailable`."""

    def __init__(
        self,
        store: Store,
        retry: RetryPolicy,
        clock: Clock,
        on_progress: Callable[[Progress], None],
        page_size: int = CHECK_PAGE_SIZE,
    ) -> None:
        self._store = store
        self._retry = retry
        self._clock = clock
        self._on_progress = on_progress
        self._page_size = page_size
        self._progress = Progress()

    def check_all(self) -> Iterator[Violation]:
        """Yield every violation."""
        for event_id in self.event_ids():
            yield from self.check_event(event_id)
        yield from self.check_registrations()
        yield from self.check_waitlists()

    def read(self, read: Callable[[], T]) -> T:
        """Return what `read` returns, repeated while it raises `Unavailable`."""
        for _ in self._retry.pauses(self._clock.monotonic() + READ_SECONDS):
            try:
                return read()
            except Unavailable:
                continue
        raise Unavailable

    def _pages(self, read: Callable[..., Page[T]], counter: str) -> Iterator[tuple[T, ...]]:
        cursor: str | None = None
        while True:
            page = self.read(lambda after=cursor: read(limit=self._page_size, cursor=after))  # type: ignore[misc]
            yield page.items
            self._report(**{counter: len(page.items)})
            cursor = page.next_cursor
            if cursor is None:
                return

    def _report(self, **more: int) -> None:
        sums = {name: getattr(self._progress, name) + number for name, number in more.items()}
        self._progress = replace(self._progress, **sums)
        self._on_progress(self._progress)

    def _get_event(self, event_id: str) -> Event | None:
        return self.read(lambda: self._store.get_event(event_id))

    def _get_entry(self, event_id: str, version: int) -> JournalEntry | None:
        return self.read(lambda: self._store.get_journal_entry(event_id, version))

    def _version_of(self, event_id: str) -> int | None:
        event = self._get_event(event_id)
        return event.version if event is not None else None

    def _confirmed(
        self, event_id: str, version: int | None, look: Callable[[], list[T]]
    ) -> list[T]:
        """Return what a look finds, repeated once all reads show the commit of the version."""
        found = look()
        if not found or version is None:
            return found
        last = self._get_entry(event_id, version)
        if last is not None and self._clock.now() - last.at >= CERTAINLY_OLD:
            return found
        self._clock.sleep(INDEX_LAG)
        return look()

    # Events

    def event_ids(self) -> Iterator[str]:
        """Yield the ids of all events, including tombstones."""
        for page in self._pages(self._store.scan_events, "events"):
            yield from (event.event_id for event in page)

    def check_event(self, event_id: str) -> Iterator[Violation]:
        """Yield what is wrong with an event's journal, its counts, and both compared."""
        journal = self._journal_check(event_id)
        yield from self._check_entries(event_id, journal)
        count = self.count(event_id, journal)
        if count is None:
            return
        yield from event_violations(count, self._clock.now())
        yield from self._confirmed(event_id, count.event.version, journal.violations)

    def check_journal(self, event_id: str) -> Iterator[Violation]:
        """Yield each gap in an event's journal up to its version, and whether the journal is ahead."""
        yield from self._check_entries(event_id, self._journal_check(event_id))

    def compare_with_journal(self, event_id: str) -> list[Violation]:
        """Return what an event and its registrations contradict in its journal."""
        journal = self._journal_check(event_id)
        journal.follow()
        count = self.count(event_id, journal)
        if count is None:
            return []
        return self._confirmed(event_id, count.event.version, journal.violations)

    def _journal_check(self, event_id: str) -> JournalCheck:
        return JournalCheck(self._store, self.read, event_id)

    def count(self, event_id: str, journal: JournalCheck | None = None) -> Count | None:
        """Return an event's count, or None if there is no event. A count with violations is confirmed.

        The journal check gets the rows that were counted.
        """
        for _, _ in zip(range(MAX_LOOKS), self._retry.pauses(None), strict=False):
            try:
                return self._count(event_id, journal)
            except JournalGap:
                continue
        raise Unavailable(f"the journal of {event_id} does not tell what changes")

    def _count(self, event_id: str, journal: JournalCheck | None) -> Count | None:
        version = self._version_of(event_id)
        if version is None:
            return None
        counts: list[Count] = []

        def look() -> list[Violation]:
            counts[:] = [self._live_count(event_id, version, journal).run()]
            return [*event_violations(counts[0], self._clock.now())]

        self._confirmed(event_id, version, look)
        return counts[0]

    def _live_count(self, event_id: str, version: int, journal: JournalCheck | None) -> LiveCount:
        if journal is not None:
            journal.start_lists()

        def on_page(rows: Sequence[Registration | WaitlistEntry]) -> None:
            self._report(counted=len(rows))
            if journal is not None:
                journal.compare_list(rows)

        return LiveCount(
            self._store,
            self.read,
            event_id,
            since_version=version,
            page_size=self._page_size,
            on_page=on_page,
        )

    def _check_entries(self, event_id: str, journal: JournalCheck) -> Iterator[Violation]:
        if journal.follow() is None:
            return
        for gap in journal.gaps:
            if not gap.is_old(self._clock.now()):
                yield from self._check_gap(event_id, gap.first, gap.last)
        newest = self.read(lambda: self._store.list_history(event_id, limit=1)).items
        yield from self._check_ahead(event_id, newest[0].version if newest else 0)

    def _check_gap(self, event_id: str, first: int, last: int) -> Iterator[Violation]:
        """Yield the gap, unless its entries are found on a second look: a page is not of one moment."""

        def look() -> list[Violation]:
            if all(self._get_entry(event_id, version) for version in (first, last)):
                return []
            kind, text = ViolationKind.MISSING_JOURNAL_ENTRY, f"entries {first} to {last}"
            return [Violation(kind, event_id, None, None, "none", text, (first, last))]

        if first <= last:
            yield from self._confirmed(event_id, last + 1, look)

    def _check_ahead(self, event_id: str, last: int) -> Iterator[Violation]:
        def look() -> list[Violation]:
            event = self._get_event(event_id)
            if event is None or event.version >= last:
                return []
            stored, expected = f"at version {event.version}", f"at {last} or above"
            versions = (event.version + 1, last)
            kind = ViolationKind.JOURNAL_AHEAD
            return [Violation(kind, event_id, None, None, stored, expected, versions)]

        yield from self._confirmed(event_id, last, look)

    # Registrations

    def check_registrations(self) -> Iterator[Violation]:
        """Yield what is wrong with each registration."""
        for page in self._pages(self._store.scan_registrations, "registrations"):
            if not page:
                continue
            event_ids = {registration.event_id for registration in page}
            events = self.read(lambda: self._store.get_events(event_ids))  # noqa: B023  # called before the loop goes on
            users = self.existing_users(page)
            for registration in page:
                event = events.get(registration.event_id)
                has_user = registration.user_id in users
                context = self._read_context(registration, event, has_user=has_user)
                if any(registration_violations(registration, context)):
                    yield from self.check_registration(registration)

    def check_registration(self, registration: Registration) -> Iterator[Violation]:
        """Yield what is wrong with a registration; if it changes meanwhile, with what it becomes."""
        for _ in range(MAX_LOOKS):
            version = self._version_of(registration.event_id)
            found = self._confirmed(
                registration.event_id,
                version,
                lambda: self._look_at_registration(registration),  # noqa: B023  # called before the loop goes on
            )
            yield from found
            stored = self._get_registration(registration)
            if found or stored is None or stored == registration:
                return
            registration = stored

    def _look_at_registration(self, registration: Registration) -> list[Violation]:
        if not self._is_stored(registration):
            return []
        event = self._get_event(registration.event_id)
        has_user = bool(self.existing_users([registration]))
        context = self._read_context(registration, event, has_user=has_user)
        violations = list(registration_violations(registration, context))
        return violations if self._is_stored(registration) else []

    def _read_context(
        self, registration: Registration, event: Event | None, *, has_user: bool
    ) -> RegistrationContext:
        is_waitlisted = registration.status is RegistrationStatus.WAITLISTED
        entry = self._entry_of(registration) if is_waitlisted else None
        listed = self._find_on_roster(registration)
        is_on_roster = any(other.user_id == registration.user_id for other in listed)
        same_ticket = self._with_same_ticket(registration, listed, entry)
        return RegistrationContext(event, has_user, entry, is_on_roster, same_ticket)

    def _with_same_ticket(
        self,
        registration: Registration,
        listed: Sequence[Registration],
        entry: WaitlistEntry | None,
    ) -> tuple[Registration, ...]:
        """Return the other registrations seen with a registration's ticket that really have it."""
        user_ids = {other.user_id for other in listed} | ({entry.user_id} if entry else set())
        others = self.registrations(registration.event_id, user_ids - {registration.user_id})
        return tuple(other for other in others.values() if other.ticket == registration.ticket)

    def _find_on_roster(self, registration: Registration) -> tuple[Registration, ...]:
        event_id, ticket = registration.event_id, registration.ticket
        return self.read(lambda: self._store.find_on_roster(event_id, ticket))

    def is_on_roster(self, registration: Registration) -> bool:
        """Return whether the roster lists a registration."""
        listed = self._find_on_roster(registration)
        return any(other.user_id == registration.user_id for other in listed)

    def other_keepers(self, registration: Registration) -> list[Registration]:
        """Return the other registrations that keep the ticket that this one has, too."""
        entry, listed = self._entry_of(registration), self._find_on_roster(registration)
        same_ticket = self._with_same_ticket(registration, listed, entry)
        return [other for other in same_ticket if keeps_ticket(other, registration)]

    def existing_users(self, registrations: Sequence[Registration]) -> set[str]:
        """Return which users of the registrations exist."""
        user_ids = {registration.user_id for registration in registrations}
        event_id = registrations[0].event_id
        found = self.read(
            lambda: self._store.get_rows(event_id, registrations_of=(), users=user_ids)
        )
        return set(found.users)

    def registrations(self, event_id: str, user_ids: Collection[str]) -> Mapping[str, Registration]:
        """Return the users' registrations in an event, by user id."""
        if not user_ids:
            return {}
        return self.read(
            lambda: self._store.get_rows(event_id, registrations_of=user_ids, users=())
        ).registrations

    def _get_registration(self, registration: Registration) -> Registration | None:
        user_id = registration.user_id
        return self.registrations(registration.event_id, [user_id]).get(user_id)

    def _is_stored(self, registration: Registration) -> bool:
        return self._get_registration(registration) == registration

    def entry_at(self, event_id: str, ticket: int) -> WaitlistEntry | None:
        """Return the waitlist entry with this ticket."""
        entries = self.read(
            lambda: self._store.get_waitlist(event_id, after=ticket - 1, until=ticket, limit=1)
        )
        return entries[0] if entries else None

    def _entry_of(self, registration: Registration) -> WaitlistEntry | None:
        return self.entry_at(registration.event_id, registration.ticket)

    # Waitlists

    def check_waitlists(self) -> Iterator[Violation]:
        """Yield what is wrong with each waitlist entry."""
        for page in self._pages(self._store.scan_waitlist, "waitlist_entries"):
            event_ids = {event_id for event_id, _ in page}
            events = self.read(lambda: self._store.get_events(event_ids))  # noqa: B023  # called before the loop goes on
            for event_id, group in groupby(page, key=lambda pair: pair[0]):
                entries = [entry for _, entry in group]
                found = self.registrations(event_id, {entry.user_id for entry in entries})
                for entry in entries:
                    event, registration = events.get(event_id), found.get(entry.user_id)
                    if any(waitlist_entry_violations(event, event_id, entry, registration)):
                        yield from self.check_waitlist_entry(event_id, entry)

    def check_waitlist_entry(self, event_id: str, entry: WaitlistEntry) -> Iterator[Violation]:
        """Yield what is wrong with a waitlist entry."""
        version = self._version_of(event_id)
        yield from self._confirmed(event_id, version, lambda: self._look_at_entry(event_id, entry))

    def _look_at_entry(self, event_id: str, entry: WaitlistEntry) -> list[Violation]:
        if self.entry_at(event_id, entry.ticket) != entry:
            return []
        event = self._get_event(event_id)
        registration = self.registrations(event_id, [entry.user_id]).get(entry.user_id)
        violations = list(waitlist_entry_violations(event, event_id, entry, registration))
        return violations if self.entry_at(event_id, entry.ticket) == entry else []
