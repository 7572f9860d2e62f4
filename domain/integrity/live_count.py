"""Count an event's registrations while others write.

Reading the roster and the waitlist takes many requests, and a busy event changes meanwhile. But each
commit records in the journal which tickets it moved. So after each page, the event and the new journal
entries are read. They tell where each moved ticket is now; any other is where the page showed it. The
count is true for the version that was read last. Memory holds only one page and the moved tickets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from domain.enums import ChangeKind, RegistrationStatus
from domain.models import Change, Event, JournalEntry, Registration, WaitlistEntry, block_of
from domain.ports import Store

T = TypeVar("T")

JOURNAL_PAGE_SIZE = 10
"""Journal entries in memory at the same time: each can hold changes of 49 registrations."""

ABOVE_ALL_TICKETS = 2**63


class JournalGap(Exception):
    """The journal does not tell what changed: an entry is missing, or a repair ran. Count again."""


@dataclass(frozen=True, slots=True)
class Count:
    """The contents of the roster and the waitlist at the version of `event`."""

    event: Event
    registered: int
    waitlisted: int
    blocks: dict[int, int]
    last_ticket: int


class ReadWithRetry(Protocol):
    """Repeats a read while it raises `Unavailable`."""

    def __call__(self, read: Callable[[], T]) -> T:
        """Return what `read` returns. Raises `Unavailable` in the end."""
        ...


class LiveCount:
    """One count of one event, starting at a version whose commit all indexes show by now.

    `page_size` is the most rows of a page. `on_page` gets the rows of each page.
    """

    def __init__(
        self,
        store: Store,
        read: ReadWithRetry,
        event_id: str,
        *,
        since_version: int,
        page_size: int,
        on_page: Callable[[Sequence[Registration | WaitlistEntry]], None],
    ) -> None:
        self._store = store
        self._read = read
        self._event_id = event_id
        self._version = since_version
        self._page_size = page_size
        self._on_page = on_page
        # The present status of each ticket that moved. None: deleted.
        self._moved: dict[int, RegistrationStatus | None] = {}
        self._read_to = dict.fromkeys(RegistrationStatus, 0)  # tickets up to these are counted
        self._registered = 0
        self._blocks: Counter[int] = Counter()
        self._last_ticket = 0

    def run(self) -> Count:
        """Return the count. Raises `JournalGap` and `Unavailable`."""
        self._follow()
        self._read_roster()
        event = self._read_waitlist()
        blocks = {block: count for block, count in self._blocks.items() if count}
        waitlisted = sum(blocks.values())
        return Count(event, self._registered, waitlisted, blocks, self._last_ticket)

    def _read_roster(self) -> None:
        cursor: str | None = None
        while True:
            page = self._read(
                lambda after=cursor: self._store.list_roster(  # type: ignore[misc]
                    self._event_id, limit=self._page_size, cursor=after
                )
            )
            self._on_page(page.items)
            self._follow()
            cursor = page.next_cursor
            tickets = [
                registration.ticket
                for registration in page.items
                if registration.status is RegistrationStatus.REGISTERED
            ]
            last = max((registration.ticket for registration in page.items), default=0)
            to = ABOVE_ALL_TICKETS if cursor is None else last
            self._count_page(RegistrationStatus.REGISTERED, tickets, to)
            if cursor is None:
                return

    def _read_waitlist(self) -> Event:
        after = 0
        while True:
            entries = self._read(
                lambda last=after: self._store.get_waitlist(  # type: ignore[misc]
                    self._event_id, after=last, limit=self._page_size
                )
            )
            self._on_page(entries)
            event = self._follow()
            tickets = [entry.ticket for entry in entries]
            after = tickets[-1] if len(entries) == self._page_size else ABOVE_ALL_TICKETS
            self._count_page(RegistrationStatus.WAITLISTED, tickets, after)
            if after == ABOVE_ALL_TICKETS:
                return event

    def _count_page(self, status: RegistrationStatus, tickets: list[int], to: int) -> None:
        """Count the tickets of a page, and the tickets that moved into its range."""
        read_to = self._read_to[status]
        for ticket in tickets:
            if ticket not in self._moved:
                self._count(status, ticket, 1)
        for ticket, now in self._moved.items():
            if now is status and read_to < ticket <= to:
                self._count(status, ticket, 1)
        self._read_to[status] = max(read_to, to)

    def _count(self, status: RegistrationStatus, ticket: int, by: int) -> None:
        if status is RegistrationStatus.REGISTERED:
            self._registered += by
        else:
            self._blocks[block_of(ticket)] += by
        self._last_ticket = max(self._last_ticket, ticket)

    def _follow(self) -> Event:
        """Read the event and account for all changes since the last read. Return the event."""
        event = self._read(lambda: self._store.get_event(self._event_id))
        if event is None or event.version < self._version:
            raise JournalGap
        while self._version < event.version:
            entries = self._read(
                lambda: self._store.list_journal(
                    self._event_id, after=self._version, limit=JOURNAL_PAGE_SIZE
                )
            )
            if not entries:
                raise JournalGap
            for entry in entries[: event.version - self._version]:
                self._follow_entry(entry)
        return event

    def _follow_entry(self, entry: JournalEntry) -> None:
        if entry.version != self._version + 1:
            raise JournalGap
        for change in entry.changes:
            self._follow_change(change)
        self._version = entry.version

    def _follow_change(self, change: Change) -> None:
        before: RegistrationStatus | None = None
        now: RegistrationStatus | None = None
        match change.kind:
            case ChangeKind.REGISTERED:
                now = RegistrationStatus.REGISTERED
            case ChangeKind.WAITLISTED:
                now = RegistrationStatus.WAITLISTED
            case ChangeKind.PROMOTED:
                before, now = RegistrationStatus.WAITLISTED, RegistrationStatus.REGISTERED
            case ChangeKind.UNREGISTERED if change.status is not None:
                before = change.status
            case ChangeKind.UNREGISTERED | ChangeKind.REPAIRED:
                raise JournalGap
            case _:
                return
        if change.ticket is None:
            raise JournalGap
        for status, by in ((before, -1), (now, 1)):
            if status is not None and change.ticket <= self._read_to[status]:
                self._count(status, change.ticket, by)
        self._moved[change.ticket] = now
