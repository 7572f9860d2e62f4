"""An event's registrations, counted while others write: what moves meanwhile is followed by the journal.

Reading the roster and the line takes many requests, and a busy event never holds still for so
long. But each commit says in the journal which tickets it moved. So after each page the event is
read again, and the entries since: of a ticket that moved, the journal tells where it is now; any
other is where the page showed it. The count is true of the version that was read last, and holds
no more in memory than a page and the tickets that moved meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from domain.enums import ChangeKind, RegistrationStatus
from domain.models import Change, Event, JournalEntry, block_of
from domain.ports import Store

T = TypeVar("T")

ENTRIES = 10
"""Journal entries that are held in memory at once: each can tell of 49 registrations."""

END = 2**63
"""Above any ticket."""


class JournalGap(Exception):
    """The journal does not tell what moved: an entry is missing, or a repair came between. Count anew."""


@dataclass(frozen=True, slots=True)
class Count:
    """What the roster and the line hold at one version of the event: the one that `event` is."""

    event: Event
    registered: int
    waiting: int
    blocks: dict[int, int]
    last_ticket: int


class ReadWithRetry(Protocol):
    """Returns what a read gives, tried again while it is `Unavailable`."""

    def __call__(self, read: Callable[[], T]) -> T:
        """Return what `read` gives. Raises `Unavailable` when it has been so for long."""
        ...


class LiveCount:
    """One count of one event. `since`: a version whose commit every index shows by now.

    `on_page` is told how many rows each page had; `page` is the most that it has.
    """

    def __init__(
        self,
        store: Store,
        patiently: ReadWithRetry,
        event_id: str,
        *,
        since: int,
        page: int,
        on_page: Callable[[int], None],
    ) -> None:
        self._store = store
        self._patiently = patiently
        self._event_id = event_id
        self._version = since
        self._page = page
        self._on_page = on_page
        self._moved: dict[int, RegistrationStatus | None] = {}  # by ticket, where it is now
        self._read_to = dict.fromkeys(RegistrationStatus, 0)  # tickets up to these are counted
        self._registered = 0
        self._blocks: Counter[int] = Counter()
        self._last_ticket = 0

    def run(self) -> Count:
        """Return the count. Raises `JournalGap` and `Unavailable`."""
        self._follow()
        self._read_roster()
        event = self._read_line()
        blocks = {block: count for block, count in self._blocks.items() if count}
        waiting = sum(blocks.values())
        return Count(event, self._registered, waiting, blocks, self._last_ticket)

    def _read_roster(self) -> None:
        cursor: str | None = None
        while True:
            page = self._patiently(
                lambda after=cursor: self._store.list_roster(  # type: ignore[misc]
                    self._event_id, limit=self._page, cursor=after
                )
            )
            self._on_page(len(page.items))
            self._follow()
            cursor = page.next_cursor
            tickets = [
                row.ticket for row in page.items if row.status is RegistrationStatus.REGISTERED
            ]
            to = END if cursor is None else max([0, *(row.ticket for row in page.items)])
            self._count_page(RegistrationStatus.REGISTERED, tickets, to)
            if cursor is None:
                return

    def _read_line(self) -> Event:
        after = 0
        while True:
            line = self._patiently(
                lambda last=after: self._store.get_waitlist(  # type: ignore[misc]
                    self._event_id, after=last, limit=self._page
                )
            )
            self._on_page(len(line))
            event = self._follow()
            tickets = [place.ticket for place in line]
            after = tickets[-1] if len(line) == self._page else END
            self._count_page(RegistrationStatus.WAITLISTED, tickets, after)
            if after == END:
                return event

    def _count_page(self, status: RegistrationStatus, tickets: list[int], to: int) -> None:
        """Count the tickets of a page, and those that moved to where the page should show them."""
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
        """Return the event as it is now, once what moved since it was read last is accounted for."""
        event = self._patiently(lambda: self._store.get_event(self._event_id))
        if event is None or event.version < self._version:
            raise JournalGap
        while self._version < event.version:
            entries = self._patiently(
                lambda: self._store.list_journal(self._event_id, after=self._version, limit=ENTRIES)
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
            case ChangeKind.LEFT if change.status is not None:
                before = change.status
            case ChangeKind.LEFT | ChangeKind.REPAIRED:
                raise JournalGap
            case _:
                return
        if change.ticket is None:
            raise JournalGap
        for status, by in ((before, -1), (now, 1)):
            if status is not None and change.ticket <= self._read_to[status]:
                self._count(status, change.ticket, by)
        self._moved[change.ticket] = now
