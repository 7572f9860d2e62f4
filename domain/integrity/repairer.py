"""The repair (R7.6): the registrations are the truth, and what contradicts them is set right.

Each thing is mended by a commit of its own, on condition of the event's version, so that others may
write meanwhile and a repair that is cut off can be run again. The order matters: a history that
is ahead lets no commit through; the lines must be whole before seats are given by them; and who
is taken out leaves a seat to the next in line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from domain.commands import (
    ApplyFix,
    ChangeOutcome,
    Command,
    FillFreeSeats,
    LeaveOutcome,
    Outcome,
    Unregister,
)
from domain.enums import Cause, ChangeKind, Deletion, RegistrationStatus
from domain.errors import NotConfirmed, RollcallError
from domain.execution.executor import Executor
from domain.execution.retry import RetryPolicy
from domain.integrity.checker import PERSISTENCE, Check
from domain.integrity.fixes import (
    FIELDS,
    go_beyond,
    new_numbers,
    with_new_ticket,
    with_valid_seated_at,
    without,
)
from domain.integrity.invariants import event_violations, waitlist_entry_violations
from domain.integrity.violations import FixedViolation, Violation, ViolationKind
from domain.models import Change, Event, JournalEntry, Registration, WaitlistEntry
from domain.planning.plan import (
    ACTIONS_PER_COMMIT,
    Action,
    DeleteRegistration,
    DeleteWaitlistEntry,
    Plan,
    PutJournalEntry,
)
from domain.planning.snapshot import InconsistentSnapshot
from domain.ports import AnswerLost, Clock, Conflict, NewId, Store


class Repair:
    """One repair of everything that a check finds."""

    def __init__(
        self,
        store: Store,
        executor: Executor,
        retry: RetryPolicy,
        clock: Clock,
        new_id: NewId,
        check: Check,
    ) -> None:
        self._store = store
        self._executor = executor
        self._retry = retry
        self._clock = clock
        self._new_id = new_id
        self._check = check

    def everything(self) -> Iterator[FixedViolation]:
        """Mend each breach; yield it when it is mended. Raises `Unavailable`."""
        for event_id in self._check.event_ids():
            yield from self._fix_history(event_id)
        for violation in self._check.of_places():
            yield from self._fix_waitlist_entry(violation)
        for violation in self._check.of_registrations():
            if violation.kind is not ViolationKind.NO_USER:
                yield from self._fix_registration(violation)
        for event_id in self._check.event_ids():
            yield from self._fix_numbers(event_id)
        for violation in self._check.of_registrations():
            if violation.kind is ViolationKind.NO_USER:
                yield from self._take_out(violation)

    # How it is written

    def _change(self, event_id: str, make: Callable[[Event], ApplyFix | None]) -> bool:
        """Send what `make` gives for the event as it stands, until it applies; return False once it gives None."""
        may_have_applied = False
        for _ in self._retry.pauses(self._clock.monotonic() + PERSISTENCE):
            event = self._event(event_id)
            mend = make(event) if event is not None else None
            if mend is None:
                return may_have_applied
            outcome = self._send(event_id, mend)
            if isinstance(outcome, ChangeOutcome) and outcome.changed:
                return True
            may_have_applied = may_have_applied or isinstance(outcome, NotConfirmed)
        return False

    def _send(self, event_id: str, command: Command) -> Outcome | RollcallError | None:
        """Return the outcome or the refusal; None where what is stored lets the command not be carried out."""
        try:
            return self._executor.execute(event_id, command, self._clock.monotonic() + PERSISTENCE)
        except RollcallError as refusal:
            return refusal
        except InconsistentSnapshot:
            return None

    def _write(self, event_id: str, *actions: Action) -> bool:
        """Write what no version guards; return whether it was done."""
        plan = Plan(self._new_id(), event_id, None, (), actions)
        may_have_applied = False
        for _ in self._retry.pauses(self._clock.monotonic() + PERSISTENCE):
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

    def _fix_history(self, event_id: str) -> Iterator[FixedViolation]:
        violations = list(self._check.of_history(event_id))
        for violation in violations:
            _, last = violation.versions or (0, 0)
            if violation.kind is ViolationKind.JOURNAL_AHEAD and self._change(
                event_id, go_beyond(last)
            ):
                yield FixedViolation(violation, f"at version {last + 1}")
                # There may be gaps before it, which count from now on.
                yield from self._fix_history(event_id)
                return
        for violation in violations:
            if violation.kind is ViolationKind.MISSING_JOURNAL_ENTRY and self._fill_gap(violation):
                yield FixedViolation(violation, "entries that say repaired")

    def _fill_gap(self, violation: Violation) -> bool:
        first, last = violation.versions or (0, 0)
        return all(
            self._write(
                violation.event_id,
                *(
                    self._stand_in(violation.event_id, version)
                    for version in range(start, min(start + ACTIONS_PER_COMMIT, last + 1))
                ),
            )
            for start in range(first, last + 1, ACTIONS_PER_COMMIT)
        )

    def _stand_in(self, event_id: str, version: int) -> PutJournalEntry:
        """Return an entry in place of one that is lost; what that one owed, nobody knows."""
        entry = JournalEntry(
            event_id=event_id,
            version=version,
            plan_id=self._new_id(),
            at=self._clock.now(),
            changes=(Change(kind=ChangeKind.REPAIRED, fields={"entry": (None, "added")}),),
        )
        return PutJournalEntry(entry, owed=False)

    # The line

    def _fix_waitlist_entry(self, violation: Violation) -> Iterator[FixedViolation]:
        event_id = violation.event_id
        event = self._event(event_id)
        if event is None or event.deletion is Deletion.DONE:
            # No version guards it, and none need: the event's id is never used again.
            place = self._stray(violation, event)
            mended = place is not None and self._write(
                event_id, DeleteWaitlistEntry(event_id, place)
            )
        else:
            mended = self._change(event_id, lambda event: self._drop(violation, event))
        if mended:
            yield FixedViolation(violation, "deleted")

    def _drop(self, violation: Violation, event: Event) -> ApplyFix | None:
        place = self._stray(violation, event)
        return ApplyFix(event.version, drop=(place,)) if place is not None else None

    def _stray(self, violation: Violation, event: Event | None) -> WaitlistEntry | None:
        """Return the place that the breach is about, if it still is one."""
        place = self._check.place_at(violation.event_id, violation.ticket or 0)
        if place is None or place.user_id != violation.user_id:
            return None
        row = self._row(violation.event_id, place.user_id)
        return (
            place if any(waitlist_entry_violations(event, violation.event_id, place, row)) else None
        )

    # Registrations

    def _fix_registration(self, violation: Violation) -> Iterator[FixedViolation]:
        row = self._row(violation.event_id, violation.user_id)
        if row is None:
            return
        match violation.kind:
            case ViolationKind.NO_EVENT:
                if self._write(row.event_id, DeleteRegistration(row)):
                    yield FixedViolation(violation, "deleted")
            case ViolationKind.NOT_ON_WAITLIST:
                steps = [self._change(row.event_id, self._put_in_line(row)) for _ in range(3)]
                if any(steps):
                    yield FixedViolation(violation, "in line")
            case ViolationKind.SHARED_TICKET | ViolationKind.BAD_TICKET:
                if self._change(row.event_id, self._give_ticket(row)):
                    new = self._row(row.event_id, row.user_id)
                    yield FixedViolation(violation, f"ticket {new.ticket}" if new else "gone")
            case _:
                if self._change(row.event_id, self._rewrite(row)):
                    yield FixedViolation(violation, violation.expected)

    def _as_stored(self, row: Registration) -> Registration | None:
        stored = self._row(row.event_id, row.user_id)
        return stored if stored is not None and stored.ticket == row.ticket else None

    def _put_in_line(self, row: Registration) -> Callable[[Event], ApplyFix | None]:
        """Return what brings the place of one who waits a step nearer: what stands there first goes."""

        def make(event: Event) -> ApplyFix | None:
            stored = self._as_stored(row)
            if stored is None or stored.status is not RegistrationStatus.WAITLISTED:
                return None
            place = self._check.place_at(row.event_id, row.ticket)
            if place == WaitlistEntry.of(stored):
                return None
            if place is None:
                return ApplyFix(event.version, add=(WaitlistEntry.of(stored),))
            return ApplyFix(event.version, drop=(place,))

        return make

    def _give_ticket(self, row: Registration) -> Callable[[Event], ApplyFix | None]:
        """Return what gives a registration a ticket of its own: the next."""

        def make(_: Event) -> ApplyFix | None:
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

    def _rewrite(self, row: Registration) -> Callable[[Event], ApplyFix | None]:
        """Return what writes a registration as it should be; the roster then follows."""

        def make(event: Event) -> ApplyFix | None:
            stored = self._as_stored(row)
            if stored is None:
                return None
            sound = with_valid_seated_at(stored)
            has_seat = stored.status is RegistrationStatus.REGISTERED
            if stored == sound and self._check.is_listed(stored) is has_seat:
                return None
            return ApplyFix(event.version, rows=((stored, sound),))

        return make

    def _take_out(self, violation: Violation) -> Iterator[FixedViolation]:
        """Unregister who does not exist: as by the person's own hand, or row by row where that can't be."""
        event_id, user_id = violation.event_id, violation.user_id or ""
        row, event = self._row(event_id, user_id), self._event(event_id)
        if row is None or event is None or any(self._check.users([row])):
            return
        outcome = None
        if event.deletion is None:
            outcome = self._send(event_id, Unregister(user_id, Cause.REPAIR, row.ticket))
        if isinstance(outcome, LeaveOutcome):
            yield FixedViolation(violation, "unregistered")
            yield from self._seated(event_id, outcome.promoted)
            return

        def make(event: Event) -> ApplyFix | None:
            stored = self._as_stored(row)
            place = self._check.place_at(event_id, row.ticket)
            return None if stored is None else without(event, stored, place)

        if self._change(event_id, make):
            yield FixedViolation(violation, "unregistered")
            yield from self._seat_waiting(event_id)

    # Numbers and seats

    def _fix_numbers(self, event_id: str) -> Iterator[FixedViolation]:
        found: list[Violation] = []
        numbers: dict[str, object] = {}

        def make(_: Event) -> ApplyFix | None:
            count = self._check.count(event_id)
            found[:] = event_violations(count) if count is not None else ()
            if count is None or all(
                violation.kind is ViolationKind.FREE_SEAT for violation in found
            ):
                return None
            numbers.update(new_numbers(count, self._new_id))
            return ApplyFix(count.event.version, numbers)

        if self._change(event_id, make):
            for violation in found:
                if violation.kind in FIELDS:
                    yield FixedViolation(
                        violation, ", ".join(str(numbers[name]) for name in FIELDS[violation.kind])
                    )
        yield from self._seat_waiting(event_id)

    def _seat_waiting(self, event_id: str) -> Iterator[FixedViolation]:
        while True:
            event = self._event(event_id)
            if event is None or event.deletion or event.free_seats <= 0 or not event.waitlist_count:
                return
            outcome = self._send(event_id, FillFreeSeats())
            if not isinstance(outcome, ChangeOutcome) or not outcome.promoted:
                return
            yield from self._seated(event_id, outcome.promoted)

    def _seated(self, event_id: str, promoted: Sequence[str]) -> Iterator[FixedViolation]:
        for user_id in promoted:
            waits, sits = RegistrationStatus.WAITLISTED.value, RegistrationStatus.REGISTERED.value
            violation = Violation(ViolationKind.FREE_SEAT, event_id, user_id, None, waits, sits)
            yield FixedViolation(violation, sits)
