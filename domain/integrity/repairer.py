"""The repair (R7.6): the registrations are the truth, and what contradicts them is set right.

Each thing is mended by a commit of its own, on condition of the event's version, so that others may
write meanwhile and a repair that is cut off can be run again. The order matters: a history that
is ahead lets no commit through; the lines must be whole before seats are given by them; and who
is taken out leaves a seat to the next in line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from domain.commands import Changed, Command, Left, Mend, Outcome, SeatWaiting, Unregister
from domain.enums import Cause, ChangeKind, Deletion, RegistrationStatus
from domain.errors import NotConfirmed, RollcallError
from domain.execution.executor import Door
from domain.execution.retry import Patience
from domain.integrity.checker import PERSISTENCE, Check
from domain.integrity.fixes import (
    FIELDS,
    as_it_should_be,
    go_beyond,
    new_numbers,
    with_new_ticket,
    without,
)
from domain.integrity.invariants import event_breaches, place_breaches
from domain.integrity.violations import Breach, BreachKind, Mended
from domain.models import Change, Event, JournalEntry, Registration, Waiting
from domain.planning.plan import Action, DeleteRegistration, DeleteWaiting, Plan, PutEntry
from domain.planning.planner import ACTIONS_PER_COMMIT, Inconsistent
from domain.ports import AnswerLost, Clock, Conflict, NewId, Store


class Repair:
    """One repair of everything that a check finds."""

    def __init__(
        self,
        store: Store,
        door: Door,
        patience: Patience,
        clock: Clock,
        new_id: NewId,
        check: Check,
    ) -> None:
        self._store = store
        self._door = door
        self._patience = patience
        self._clock = clock
        self._new_id = new_id
        self._check = check

    def everything(self) -> Iterator[Mended]:
        """Mend each breach; yield it when it is mended. Raises `Unavailable`."""
        for event_id in self._check.event_ids():
            yield from self._mend_history(event_id)
        for breach in self._check.of_places():
            yield from self._mend_place(breach)
        for breach in self._check.of_registrations():
            if breach.kind is not BreachKind.NO_USER:
                yield from self._mend_row(breach)
        for event_id in self._check.event_ids():
            yield from self._mend_numbers(event_id)
        for breach in self._check.of_registrations():
            if breach.kind is BreachKind.NO_USER:
                yield from self._take_out(breach)

    # How it is written

    def _change(self, event_id: str, make: Callable[[Event], Mend | None]) -> bool:
        """Send what `make` gives for the event as it stands, until it applies; return False once it gives None."""
        may_have_applied = False
        for _ in self._patience.pauses(self._clock.monotonic() + PERSISTENCE):
            event = self._event(event_id)
            mend = make(event) if event is not None else None
            if mend is None:
                return may_have_applied
            outcome = self._send(event_id, mend)
            if isinstance(outcome, Changed) and outcome.changed:
                return True
            may_have_applied = may_have_applied or isinstance(outcome, NotConfirmed)
        return False

    def _send(self, event_id: str, command: Command) -> Outcome | RollcallError | None:
        """Return the outcome or the refusal; None where what is stored lets the command not be carried out."""
        try:
            return self._door.go_through(event_id, command, self._clock.monotonic() + PERSISTENCE)
        except RollcallError as refusal:
            return refusal
        except Inconsistent:
            return None

    def _write(self, event_id: str, *actions: Action) -> bool:
        """Write what no version guards; return whether it was done."""
        plan = Plan(self._new_id(), event_id, None, (), actions)
        may_have_applied = False
        for _ in self._patience.pauses(self._clock.monotonic() + PERSISTENCE):
            try:
                self._store.commit(plan)
                return True
            except AnswerLost:
                may_have_applied = True
            except Conflict:
                return may_have_applied
        return False

    def _event(self, event_id: str) -> Event | None:
        return self._check.patiently(lambda: self._store.get_event(event_id))

    def _row(self, event_id: str, user_id: str | None) -> Registration | None:
        user = user_id or ""
        return self._check.rows(event_id, [user]).get(user)

    # The history

    def _mend_history(self, event_id: str) -> Iterator[Mended]:
        breaches = list(self._check.of_history(event_id))
        for breach in breaches:
            _, last = breach.versions or (0, 0)
            if breach.kind is BreachKind.ENTRY_AHEAD and self._change(event_id, go_beyond(last)):
                yield Mended(breach, f"at version {last + 1}")
                # There may be gaps before it, which count from now on.
                yield from self._mend_history(event_id)
                return
        for breach in breaches:
            if breach.kind is BreachKind.MISSING_ENTRY and self._fill_gap(breach):
                yield Mended(breach, "entries that say repaired")

    def _fill_gap(self, breach: Breach) -> bool:
        first, last = breach.versions or (0, 0)
        return all(
            self._write(
                breach.event_id,
                *(
                    self._stand_in(breach.event_id, version)
                    for version in range(start, min(start + ACTIONS_PER_COMMIT, last + 1))
                ),
            )
            for start in range(first, last + 1, ACTIONS_PER_COMMIT)
        )

    def _stand_in(self, event_id: str, version: int) -> PutEntry:
        """Return an entry in place of one that is lost; what that one owed, nobody knows."""
        entry = JournalEntry(
            event_id=event_id,
            version=version,
            plan_id=self._new_id(),
            at=self._clock.now(),
            changes=(Change(kind=ChangeKind.REPAIRED, fields={"entry": (None, "added")}),),
        )
        return PutEntry(entry, owed=False)

    # The line

    def _mend_place(self, breach: Breach) -> Iterator[Mended]:
        event_id = breach.event_id
        event = self._event(event_id)
        if event is None or event.deletion is Deletion.DONE:
            # No version guards it, and none need: the event's id is never used again.
            place = self._stray(breach, event)
            mended = place is not None and self._write(event_id, DeleteWaiting(event_id, place))
        else:
            mended = self._change(event_id, lambda event: self._drop(breach, event))
        if mended:
            yield Mended(breach, "deleted")

    def _drop(self, breach: Breach, event: Event) -> Mend | None:
        place = self._stray(breach, event)
        return Mend(event.version, drop=(place,)) if place is not None else None

    def _stray(self, breach: Breach, event: Event | None) -> Waiting | None:
        """Return the place that the breach is about, if it still is one."""
        place = self._check.place_at(breach.event_id, breach.ticket or 0)
        if place is None or place.user_id != breach.user_id:
            return None
        row = self._row(breach.event_id, place.user_id)
        return place if any(place_breaches(event, breach.event_id, place, row)) else None

    # Registrations

    def _mend_row(self, breach: Breach) -> Iterator[Mended]:
        row = self._row(breach.event_id, breach.user_id)
        if row is None:
            return
        match breach.kind:
            case BreachKind.NO_EVENT:
                if self._write(row.event_id, DeleteRegistration(row)):
                    yield Mended(breach, "deleted")
            case BreachKind.NOT_IN_LINE:
                steps = [self._change(row.event_id, self._put_in_line(row)) for _ in range(3)]
                if any(steps):
                    yield Mended(breach, "in line")
            case BreachKind.SHARED_TICKET | BreachKind.BAD_TICKET:
                if self._change(row.event_id, self._give_ticket(row)):
                    new = self._row(row.event_id, row.user_id)
                    yield Mended(breach, f"ticket {new.ticket}" if new else "gone")
            case _:
                if self._change(row.event_id, self._rewrite(row)):
                    yield Mended(breach, breach.expected)

    def _as_stored(self, row: Registration) -> Registration | None:
        stored = self._row(row.event_id, row.user_id)
        return stored if stored is not None and stored.ticket == row.ticket else None

    def _put_in_line(self, row: Registration) -> Callable[[Event], Mend | None]:
        """Return what brings the place of one who waits a step nearer: what stands there first goes."""

        def make(event: Event) -> Mend | None:
            stored = self._as_stored(row)
            if stored is None or stored.status is not RegistrationStatus.WAITLISTED:
                return None
            place = self._check.place_at(row.event_id, row.ticket)
            if place == Waiting.of(stored):
                return None
            if place is None:
                return Mend(event.version, add=(Waiting.of(stored),))
            return Mend(event.version, drop=(place,))

        return make

    def _give_ticket(self, row: Registration) -> Callable[[Event], Mend | None]:
        """Return what gives a registration a ticket of its own: the next."""

        def make(_: Event) -> Mend | None:
            # First the count, whose version guards what is read after it.
            count = self._check.count(row.event_id)
            stored = self._as_stored(row)
            if count is None or stored is None:
                return None
            if stored.ticket > 0 and not self._check.seniors(stored):
                return None
            place = self._check.place_at(row.event_id, row.ticket)
            return with_new_ticket(count, stored, place)

        return make

    def _rewrite(self, row: Registration) -> Callable[[Event], Mend | None]:
        """Return what writes a registration as it should be; the roster then follows."""

        def make(event: Event) -> Mend | None:
            stored = self._as_stored(row)
            if stored is None:
                return None
            sound = as_it_should_be(stored)
            has_seat = stored.status is RegistrationStatus.REGISTERED
            if stored == sound and self._check.is_listed(stored) is has_seat:
                return None
            return Mend(event.version, rows=((stored, sound),))

        return make

    def _take_out(self, breach: Breach) -> Iterator[Mended]:
        """Unregister who does not exist: as by the person's own hand, or row by row where that can't be."""
        event_id, user_id = breach.event_id, breach.user_id or ""
        row, event = self._row(event_id, user_id), self._event(event_id)
        if row is None or event is None or any(self._check.users([row])):
            return
        outcome = None
        if event.deletion is None:
            outcome = self._send(event_id, Unregister(user_id, Cause.REPAIR, row.ticket))
        if isinstance(outcome, Left):
            yield Mended(breach, "unregistered")
            yield from self._seated(event_id, outcome.promoted)
            return

        def make(event: Event) -> Mend | None:
            stored = self._as_stored(row)
            place = self._check.place_at(event_id, row.ticket)
            return None if stored is None else without(event, stored, place)

        if self._change(event_id, make):
            yield Mended(breach, "unregistered")
            yield from self._seat_waiting(event_id)

    # Numbers and seats

    def _mend_numbers(self, event_id: str) -> Iterator[Mended]:
        found: list[Breach] = []
        numbers: dict[str, object] = {}

        def make(_: Event) -> Mend | None:
            count = self._check.count(event_id)
            found[:] = event_breaches(count) if count is not None else ()
            if count is None or all(breach.kind is BreachKind.FREE_SEAT for breach in found):
                return None
            numbers.update(new_numbers(count, self._new_id))
            return Mend(count.event.version, numbers)

        if self._change(event_id, make):
            for breach in found:
                if breach.kind in FIELDS:
                    yield Mended(
                        breach, ", ".join(str(numbers[name]) for name in FIELDS[breach.kind])
                    )
        yield from self._seat_waiting(event_id)

    def _seat_waiting(self, event_id: str) -> Iterator[Mended]:
        while True:
            event = self._event(event_id)
            if event is None or event.deletion or event.free_seats <= 0 or not event.waitlist_count:
                return
            outcome = self._send(event_id, SeatWaiting())
            if not isinstance(outcome, Changed) or not outcome.promoted:
                return
            yield from self._seated(event_id, outcome.promoted)

    def _seated(self, event_id: str, promoted: Sequence[str]) -> Iterator[Mended]:
        for user_id in promoted:
            waits, sits = RegistrationStatus.WAITLISTED.value, RegistrationStatus.REGISTERED.value
            breach = Breach(BreachKind.FREE_SEAT, event_id, user_id, None, waits, sits)
            yield Mended(breach, sits)
