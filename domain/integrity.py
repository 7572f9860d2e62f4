"""The check of R7.5 and the repair (R7.6): the registrations are the truth, the rest follows from them.

Everything is read page by page, while others write. What looks wrong is read again, between two
reads of the event's version that must agree, before it is called a breach.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from domain.commands import Mend, Unregister
from domain.door import Door
from domain.errors import NotRegistered, UnknownEvent
from domain.models import Event, Page, Registration, Waiting, block_of
from domain.patience import Patience
from domain.plans import DeleteRegistration, DeleteWaiting, Plan
from domain.ports import Clock, Conflict, NewId, Store, Unavailable
from domain.seating import Inconsistent
from domain.statuses import Cause, Deletion, RegistrationStatus

T = TypeVar("T")

PAGE = 100
"""Rows that are held in memory at once."""

LOOKS = 5
"""How often what looks wrong is read before it is believed: an index may lag behind the rows."""

STILLNESS = 20.0
"""Seconds to find a moment in which an event holds still."""


class BreachKind(StrEnum):
    """What can be wrong (R7.5)."""

    REGISTERED_COUNT = "registered_count"
    WAITLIST_COUNT = "waitlist_count"
    BLOCK_COUNTS = "block_counts"
    OVER_CAPACITY = "over_capacity"
    FREE_SEAT = "free_seat"
    TICKET_AHEAD = "ticket_ahead"
    NOT_IN_LINE = "not_in_line"
    STRAY_PLACE = "stray_place"
    NO_EVENT = "no_event"
    NO_USER = "no_user"


_OF_THE_LINE = frozenset({BreachKind.NOT_IN_LINE, BreachKind.STRAY_PLACE, BreachKind.NO_EVENT})


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that is wrong, where, and what was found instead of what should be."""

    kind: BreachKind
    event_id: str
    user_id: str | None = None
    ticket: int | None = None
    stored: str | None = None
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How much was read so far; `restless` events never held still and are not judged."""

    events: int = 0
    registrations: int = 0
    restless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Count:
    registered: int
    waiting: int
    blocks: dict[int, int]
    last_ticket: int


class Integrity:
    """Reads everything, and reports or mends what contradicts itself."""

    def __init__(
        self, store: Store, door: Door, patience: Patience, clock: Clock, new_id: NewId
    ) -> None:
        self._store = store
        self._door = door
        self._patience = patience
        self._clock = clock
        self._new_id = new_id

    def check(self, on_progress: Callable[[Progress], None]) -> Iterator[Breach]:
        """Yield each breach; call `on_progress` after each page. Raises `Unavailable`."""
        events = rows = 0
        restless: tuple[str, ...] = ()
        for found in self._pages(self._store.scan_events):
            for event in found:
                breaches = self._check_event(event.event_id)
                if breaches is None:
                    restless = (*restless, event.event_id)
                yield from breaches or ()
            events += len(found)
            on_progress(Progress(events, rows, restless))
        for page in self._pages(self._store.scan_registrations):
            yield from self._check_rows(page)
            rows += len(page)
            on_progress(Progress(events, rows, restless))
        for places in self._pages(self._store.scan_waiting):
            for event_id, waiting in places:
                yield from self._check_place(event_id, waiting)

    def repair(self, on_progress: Callable[[Progress], None]) -> Iterator[Breach]:
        """Mend each breach that a check finds; yield it when it is mended.

        The lines first, whole, because seats are then given by them.
        """
        for kinds in (_OF_THE_LINE, frozenset(BreachKind)):
            for breach in self.check(on_progress):
                if breach.kind in kinds and self._mend(breach):
                    yield breach

    def _pages(self, read: Callable[..., Page[T]]) -> Iterator[tuple[T, ...]]:
        cursor: str | None = None
        while True:
            page = self._patiently(lambda after=cursor: read(limit=PAGE, cursor=after))  # type: ignore[misc]
            yield page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def _patiently(self, read: Callable[[], T]) -> T:
        for _ in self._patience.pauses(self._clock.monotonic() + STILLNESS):
            try:
                return read()
            except Unavailable:
                continue
        raise Unavailable

    def _at_rest(self, event_id: str, read: Callable[[Event | None], T]) -> T | None:
        """Return what `read` gives while the event holds still, None if it never does."""
        for _ in self._patience.pauses(self._clock.monotonic() + STILLNESS):
            try:
                event = self._store.get_event(event_id)
                result = read(event)
                again = self._store.get_event(event_id)
            except Unavailable:
                continue
            if (event and event.version) == (again and again.version):
                return result
        return None

    # Events and their counts

    def _check_event(self, event_id: str) -> tuple[Breach, ...] | None:
        """Return the breaches of an event's own numbers, None if it never held still."""
        breaches: tuple[Breach, ...] | None = ()
        for _, look in zip(self._patience.pauses(None), range(LOOKS), strict=False):
            breaches = self._at_rest(event_id, lambda event: tuple(self._judge(event)))
            if not breaches or look == LOOKS - 1:
                break
        return breaches

    def _judge(self, event: Event | None) -> Iterator[Breach]:
        if event is None or event.deletion is Deletion.DONE:
            return
        count = self._count(event.event_id)
        seen = (
            (BreachKind.REGISTERED_COUNT, event.registered_count, count.registered),
            (BreachKind.WAITLIST_COUNT, event.waitlist_count, count.waiting),
            (BreachKind.BLOCK_COUNTS, dict(event.waiting_by_block), count.blocks),
        )
        for kind, stored, expected in seen:
            if stored != expected:
                yield Breach(kind, event.event_id, stored=str(stored), expected=str(expected))
        if count.registered > event.capacity:
            yield Breach(
                BreachKind.OVER_CAPACITY,
                event.event_id,
                stored=str(count.registered),
                expected=f"at most {event.capacity}",
            )
        if event.deletion is None and count.waiting and count.registered < event.capacity:
            yield Breach(
                BreachKind.FREE_SEAT,
                event.event_id,
                stored=str(event.capacity - count.registered),
                expected="0",
            )
        if count.last_ticket >= event.next_ticket:
            yield Breach(
                BreachKind.TICKET_AHEAD,
                event.event_id,
                ticket=count.last_ticket,
                stored=str(event.next_ticket),
                expected=f"above {count.last_ticket}",
            )

    def _count(self, event_id: str) -> _Count:
        registered = waiting = last = 0
        cursor: str | None = None
        while True:
            page = self._store.list_roster(event_id, limit=PAGE, cursor=cursor)
            registered += len(page.items)
            last = max([last, *(row.ticket for row in page.items)])
            cursor = page.next_cursor
            if cursor is None:
                break
        blocks: Counter[int] = Counter()
        after = 0
        while line := self._store.get_line(event_id, after=after, limit=PAGE):
            waiting += len(line)
            blocks.update(block_of(place.ticket) for place in line)
            after = line[-1].ticket
        return _Count(registered, waiting, dict(blocks), max(last, after))

    # Rows

    def _check_rows(self, rows: Sequence[Registration]) -> Iterator[Breach]:
        if not rows:
            return
        events = self._patiently(lambda: self._store.get_events({row.event_id for row in rows}))
        users = self._patiently(
            lambda: self._store.get_rows(
                rows[0].event_id, registrations_of=(), users={row.user_id for row in rows}
            )
        ).users
        for row in rows:
            event = events.get(row.event_id)
            suspect = event is None or event.deletion is Deletion.DONE or row.user_id not in users
            if suspect or row.status is RegistrationStatus.WAITLISTED:
                yield from self._look_closely(row)

    def _look_closely(self, row: Registration) -> Iterator[Breach]:
        """Yield what is wrong with a registration as it is stored now, at one moment."""

        def judge(event: Event | None) -> tuple[BreachKind, ...]:
            found = self._store.get_rows(
                row.event_id, registrations_of=[row.user_id], users=[row.user_id]
            )
            if not _same(found.registrations.get(row.user_id), row):
                return ()
            if event is None or event.deletion is Deletion.DONE:
                return (BreachKind.NO_EVENT,)
            wrong: list[BreachKind] = []
            if row.status is RegistrationStatus.WAITLISTED and not self._has_place(row):
                wrong.append(BreachKind.NOT_IN_LINE)
            if row.user_id not in found.users:
                wrong.append(BreachKind.NO_USER)
            return tuple(wrong)

        for kind in self._at_rest(row.event_id, judge) or ():
            yield Breach(kind, row.event_id, row.user_id, row.ticket)

    def _has_place(self, row: Registration) -> bool:
        line = self._store.get_line(row.event_id, after=row.ticket - 1, until=row.ticket, limit=1)
        return bool(line) and line[0].user_id == row.user_id

    def _check_place(self, event_id: str, waiting: Waiting) -> Iterator[Breach]:
        def judge(event: Event | None) -> bool:
            line = self._store.get_line(
                event_id, after=waiting.ticket - 1, until=waiting.ticket, limit=1
            )
            rows = self._store.get_rows(
                event_id, registrations_of=[waiting.user_id], users=()
            ).registrations
            row = rows.get(waiting.user_id)
            belongs = (
                event is not None
                and event.deletion is not Deletion.DONE
                and row is not None
                and row.status is RegistrationStatus.WAITLISTED
                and row.ticket == waiting.ticket
            )
            return bool(line) and line[0].user_id == waiting.user_id and not belongs

        if self._at_rest(event_id, judge):
            yield Breach(BreachKind.STRAY_PLACE, event_id, waiting.user_id, waiting.ticket)

    # Repair

    def _mend(self, breach: Breach) -> bool:
        match breach.kind:
            case BreachKind.NO_USER:
                return self._take_out(breach)
            case BreachKind.NO_EVENT:
                return self._delete_row(breach)
            case BreachKind.STRAY_PLACE | BreachKind.NOT_IN_LINE:
                return self._mend_place(breach)
            case _:
                return self._mend_counts(breach.event_id)

    def _take_out(self, breach: Breach) -> bool:
        command = Unregister(breach.user_id or "", Cause.REPAIR)
        try:
            self._door.go_through(breach.event_id, command, self._clock.monotonic() + STILLNESS)
        except (NotRegistered, UnknownEvent):
            return False
        # The line may have been wrong about this user, too.
        self._mend_counts(breach.event_id)
        return True

    def _row(self, breach: Breach) -> Registration | None:
        user_id = breach.user_id or ""
        rows = self._patiently(
            lambda: self._store.get_rows(breach.event_id, registrations_of=[user_id], users=())
        )
        return rows.registrations.get(user_id)

    def _delete_row(self, breach: Breach) -> bool:
        row = self._row(breach)
        return row is not None and self._delete(breach.event_id, DeleteRegistration(row))

    def _delete(self, event_id: str, action: DeleteRegistration | DeleteWaiting) -> bool:
        """Delete what belongs to no event; there is no version that could guard it, or need to."""
        try:
            self._store.commit(Plan(self._new_id(), event_id, None, (), (action,)))
        except Conflict:
            return False
        return True

    def _mend_place(self, breach: Breach) -> bool:
        ticket = breach.ticket or 0
        line = self._patiently(
            lambda: self._store.get_line(breach.event_id, after=ticket - 1, until=ticket, limit=1)
        )
        event = self._patiently(lambda: self._store.get_event(breach.event_id))
        if event is None or event.deletion is Deletion.DONE:
            return all(
                self._delete(breach.event_id, DeleteWaiting(breach.event_id, place))
                for place in line
            )
        drop = line if line and line[0].user_id == breach.user_id else ()
        add: tuple[Waiting, ...] = ()
        if breach.kind is BreachKind.NOT_IN_LINE:
            row = self._row(breach)
            drop = ()
            if row is not None and not line:
                add = (Waiting(row.ticket, row.user_id, row.registered_at),)
        return self._send(event, {}, add, drop)

    def _mend_counts(self, event_id: str) -> bool:
        """Set the event's numbers to those of its rows, and seat who waits, in as many steps as it takes."""
        mended = False
        for _ in self._patience.pauses(self._clock.monotonic() + STILLNESS):
            event = self._patiently(lambda: self._store.get_event(event_id))
            breaches = self._check_event(event_id)
            if event is None or not breaches:
                return mended
            count = self._patiently(lambda: self._count(event_id))
            counts = {
                "registered_count": count.registered,
                "waitlist_count": count.waiting,
                "waiting_by_block": count.blocks,
                "capacity": max(event.capacity, count.registered),
                "next_ticket": max(event.next_ticket, count.last_ticket + 1),
            }
            mended = self._send(event, counts) or mended
        return mended

    def _send(
        self,
        event: Event,
        counts: dict[str, object],
        add: tuple[Waiting, ...] = (),
        drop: tuple[Waiting, ...] = (),
    ) -> bool:
        command = Mend(event.version, counts, add, drop)
        deadline = self._clock.monotonic() + STILLNESS
        try:
            outcome = self._door.go_through(event.event_id, command, deadline)
        except (Inconsistent, UnknownEvent):
            return False
        return bool(getattr(outcome, "changed", False))


def _same(stored: Registration | None, row: Registration) -> bool:
    return stored is not None and (stored.ticket, stored.status) == (row.ticket, row.status)
