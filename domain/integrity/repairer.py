"""The repairer (R7.6): fixes violations from the registrations, which are the truth.

Each fix is a commit of its own, on the condition of the event's version. So others may write meanwhile,
and an interrupted repair can be run again. The order matters. A journal that is ahead lets no commit
apply. Waitlists must be complete before they get seats. A user who is removed leaves a seat. At the end,
what is stored is recorded in each journal that leads to something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from domain.commands import (
    ApplyFix,
    ChangeOutcome,
    Command,
    FillFreeSeats,
    Outcome,
    Unregister,
    UnregisterOutcome,
)
from domain.enums import Cause, ChangeKind, Deletion, RegistrationStatus
from domain.errors import NotConfirmed, RollcallError
from domain.execution.executor import Executor
from domain.execution.retry import RetryPolicy
from domain.integrity.checker import READ_SECONDS, Checker
from domain.integrity.fixes import (
    EVENT_FIELDS,
    delete_registration,
    fixed_event_values,
    give_new_ticket,
    raise_version_above,
    with_valid_seat,
)
from domain.integrity.invariants import (
    event_violations,
    newest_version,
    repeats,
    waitlist_entry_violations,
)
from domain.integrity.violations import FixedViolation, Violation, ViolationKind
from domain.models import (
    Change,
    Event,
    FixedRegistration,
    JournalEntry,
    Registration,
    WaitlistEntry,
)
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

MakeFix = Callable[[Event], ApplyFix | None]
"""Returns the fix for an event as it is stored, or None if nothing is wrong any more."""


class Repairer:
    """One repair of everything that a check finds."""

    def __init__(
        self,
        store: Store,
        executor: Executor,
        retry: RetryPolicy,
        clock: Clock,
        new_id: NewId,
        checker: Checker,
    ) -> None:
        self._store = store
        self._executor = executor
        self._retry = retry
        self._clock = clock
        self._new_id = new_id
        self._checker = checker

    def repair_all(self) -> Iterator[FixedViolation]:
        """Fix each violation and yield it. Raises `Unavailable`."""
        for event_id in self._checker.event_ids():
            yield from self._fix_journal(event_id)
        for violation in self._checker.check_waitlists():
            yield from self._fix_waitlist_entry(violation)
        for violation in self._checker.check_registrations():
            if violation.kind is not ViolationKind.NO_USER:
                yield from self._fix_registration(violation)
        for event_id in self._checker.event_ids():
            yield from self._fix_counts(event_id)
        for violation in self._checker.check_registrations():
            if violation.kind is ViolationKind.NO_USER:
                yield from self._unregister(violation)
        for event_id in self._checker.event_ids():
            yield from self._record_as_stored(event_id)

    # Writing

    def _apply(self, event_id: str, make_fix: MakeFix) -> bool:
        """Make the fix for the event and commit it, until it applies; return whether it did."""
        may_have_applied = False
        for _ in self._retry.pauses(self._clock.monotonic() + READ_SECONDS):
            event = self._get_event(event_id)
            fix = make_fix(event) if event is not None else None
            if fix is None:
                return may_have_applied
            outcome = self._execute(event_id, fix)
            if isinstance(outcome, ChangeOutcome) and outcome.changed:
                return True
            may_have_applied = may_have_applied or isinstance(outcome, NotConfirmed)
        return False

    def _execute(self, event_id: str, command: Command) -> Outcome | RollcallError | None:
        """Return the outcome or the refusal, or None if the stored data does not allow the command."""
        deadline = self._clock.monotonic() + READ_SECONDS
        try:
            return self._executor.execute(event_id, command, deadline)
        except RollcallError as refusal:
            return refusal
        except InconsistentSnapshot:
            return None

    def _write(self, event_id: str, *actions: Action) -> bool:
        """Write what no event version guards; return whether it applied."""
        plan = Plan(self._new_id(), event_id, None, (), actions)
        may_have_applied = False
        for _ in self._retry.pauses(self._clock.monotonic() + READ_SECONDS):
            try:
                self._store.commit(plan)
                return True
            except AnswerLost:
                may_have_applied = True
            except Conflict:
                return may_have_applied
        return False

    def _get_event(self, event_id: str) -> Event | None:
        return self._checker.read(lambda: self._store.get_event(event_id))

    def _get_registration(self, event_id: str, user_id: str | None) -> Registration | None:
        key = user_id or ""
        return self._checker.registrations(event_id, [key]).get(key)

    # The journal

    def _fix_journal(self, event_id: str) -> Iterator[FixedViolation]:
        violations = list(self._checker.check_journal(event_id))
        for violation in violations:
            _, last = violation.versions or (0, 0)
            is_ahead = violation.kind is ViolationKind.JOURNAL_AHEAD
            if is_ahead and (fixed := list(self._raise_version(violation, last))):
                yield from fixed
                return
        for violation in violations:
            is_gap = violation.kind is ViolationKind.MISSING_JOURNAL_ENTRY
            if is_gap and self._fill_gap(violation):
                yield FixedViolation(violation, "entries that say repaired")

    def _raise_version(self, violation: Violation, last: int) -> Iterator[FixedViolation]:
        """Take the event above a version that its journal, or a registration, has already."""
        if self._apply(violation.event_id, raise_version_above(last)):
            is_row = violation.kind is ViolationKind.VERSION_AHEAD
            text = "below its event's version" if is_row else "at version"
            yield FixedViolation(violation, f"{text} {last + 1}")
            # The versions below may have gaps, which count from now on.
            yield from self._fix_journal(violation.event_id)

    def _fill_gap(self, violation: Violation) -> bool:
        first, last = violation.versions or (0, 0)
        starts = range(first, last + 1, ACTIONS_PER_COMMIT)
        return all(self._fill_versions(violation.event_id, start, last) for start in starts)

    def _fill_versions(self, event_id: str, first: int, last: int) -> bool:
        versions = range(first, min(first + ACTIONS_PER_COMMIT, last + 1))
        return self._write(event_id, *(self._placeholder(event_id, one) for one in versions))

    def _placeholder(self, event_id: str, version: int) -> PutJournalEntry:
        """Return an entry in place of a lost one. It is unknown which notifications that one held."""
        entry = JournalEntry(
            event_id=event_id,
            version=version,
            plan_id=self._new_id(),
            at=self._clock.now(),
            changes=(Change(kind=ChangeKind.REPAIRED, fields={"entry": (None, "added")}),),
        )
        return PutJournalEntry(entry, is_undelivered=False)

    def _record_as_stored(self, event_id: str) -> Iterator[FixedViolation]:
        """Record in the journal what is stored, where it says otherwise: what is stored is the truth."""
        found = self._checker.compare_with_journal(event_id)
        for first in range(0, len(found), ACTIONS_PER_COMMIT):
            part = found[first : first + ACTIONS_PER_COMMIT]
            if self._apply(event_id, self._record(part)):
                for violation in part:
                    yield FixedViolation(violation, "as stored, in the journal, too")

    def _record(self, violations: Sequence[Violation]) -> MakeFix:
        """Return what records the users' registrations, and by being a repair, the event's values."""
        user_ids = [
            one.user_id
            for one in violations
            if one.kind is ViolationKind.JOURNAL_REGISTRATION and one.user_id is not None
        ]

        def make_fix(event: Event) -> ApplyFix:
            stored = self._checker.registrations(event.event_id, user_ids)
            recorded = (FixedRegistration.of(user_id, stored.get(user_id)) for user_id in user_ids)
            return ApplyFix(event.version, recorded=tuple(recorded))

        return make_fix

    # Waitlists

    def _fix_waitlist_entry(self, violation: Violation) -> Iterator[FixedViolation]:
        event_id = violation.event_id
        event = self._get_event(event_id)
        if event is None or event.deletion is Deletion.DONE:
            # No version guards it, and none has to: the event's id is never used again.
            entry = self._stray_entry(violation, event)
            is_fixed = entry is not None and self._write(
                event_id, DeleteWaitlistEntry(event_id, entry)
            )
        else:
            is_fixed = self._apply(event_id, lambda event: self._drop_entry(violation, event))
        if is_fixed:
            yield FixedViolation(violation, "deleted")

    def _drop_entry(self, violation: Violation, event: Event) -> ApplyFix | None:
        entry = self._stray_entry(violation, event)
        return ApplyFix(event.version, drop=(entry,)) if entry is not None else None

    def _stray_entry(self, violation: Violation, event: Event | None) -> WaitlistEntry | None:
        """Return the waitlist entry of a violation, or None if it is none any more."""
        event_id = violation.event_id
        entry = self._checker.entry_at(event_id, violation.ticket or 0)
        if entry is None or entry.user_id != violation.user_id:
            return None
        registration = self._get_registration(event_id, entry.user_id)
        is_stray = any(waitlist_entry_violations(event, event_id, entry, registration))
        return entry if is_stray else None

    # Registrations

    def _fix_registration(self, violation: Violation) -> Iterator[FixedViolation]:
        event_id = violation.event_id
        registration = self._get_registration(event_id, violation.user_id)
        if registration is None:
            return
        match violation.kind:
            case ViolationKind.NO_EVENT:
                if self._write(event_id, DeleteRegistration(registration)):
                    yield FixedViolation(violation, "deleted")
            case ViolationKind.VERSION_AHEAD:
                yield from self._raise_version(violation, newest_version(registration))
            case ViolationKind.NOT_ON_WAITLIST:
                steps = [self._apply(event_id, self._add_entry(registration)) for _ in range(3)]
                if any(steps):
                    yield FixedViolation(violation, "on the waitlist")
            case ViolationKind.SHARED_TICKET | ViolationKind.BAD_TICKET:
                if self._apply(event_id, self._give_ticket(registration)):
                    new = self._get_registration(event_id, registration.user_id)
                    yield FixedViolation(violation, f"ticket {new.ticket}" if new else "gone")
            case _:
                if self._apply(event_id, self._rewrite(registration)):
                    yield FixedViolation(violation, violation.expected)

    def _if_same_ticket(self, registration: Registration) -> Registration | None:
        """Return the registration as it is stored now, or None if it has another ticket or is gone."""
        stored = self._get_registration(registration.event_id, registration.user_id)
        return stored if stored is not None and stored.ticket == registration.ticket else None

    def _add_entry(self, registration: Registration) -> MakeFix:
        """Return what adds a registration's waitlist entry, after it drops another entry with its ticket."""

        def make_fix(event: Event) -> ApplyFix | None:
            stored = self._if_same_ticket(registration)
            if stored is None or stored.status is not RegistrationStatus.WAITLISTED:
                return None
            entry = self._checker.entry_at(registration.event_id, registration.ticket)
            if repeats(entry, stored):
                return None
            if entry is None:
                return ApplyFix(event.version, add=(WaitlistEntry.of(stored),))
            return ApplyFix(event.version, drop=(entry,))

        return make_fix

    def _give_ticket(self, registration: Registration) -> MakeFix:
        """Return what gives a registration a ticket of its own."""

        def make_fix(_: Event) -> ApplyFix | None:
            # The count first: its version guards what is read after it.
            count = self._checker.count(registration.event_id)
            stored = self._if_same_ticket(registration)
            if count is None or stored is None:
                return None
            if stored.ticket > 0 and not self._checker.other_keepers(stored):
                return None
            entry = self._checker.entry_at(registration.event_id, registration.ticket)
            return give_new_ticket(count, stored, entry)

        return make_fix

    def _rewrite(self, registration: Registration) -> MakeFix:
        """Return what writes a registration as it should be. The roster follows the write."""

        def make_fix(event: Event) -> ApplyFix | None:
            stored = self._if_same_ticket(registration)
            if stored is None:
                return None
            valid = with_valid_seat(stored)
            has_seat = stored.status is RegistrationStatus.REGISTERED
            if stored == valid and self._checker.is_on_roster(stored) is has_seat:
                return None
            return ApplyFix(event.version, registrations=((stored, valid),))

        return make_fix

    def _unregister(self, violation: Violation) -> Iterator[FixedViolation]:
        """Delete the registration of a user who does not exist, by command or, if refused, by a fix."""
        event_id, user_id = violation.event_id, violation.user_id or ""
        registration, event = self._get_registration(event_id, user_id), self._get_event(event_id)
        if registration is None or event is None or self._checker.existing_users([registration]):
            return
        outcome = None
        if event.deletion is None:
            command = Unregister(user_id, Cause.REPAIR, registration.ticket)
            outcome = self._execute(event_id, command)
        if isinstance(outcome, UnregisterOutcome):
            yield FixedViolation(violation, "unregistered")
            yield from self._promotions(event_id, outcome.promoted)
        elif self._apply(event_id, self._delete(registration)):
            yield FixedViolation(violation, "unregistered")
            yield from self._fill_free_seats(event_id)

    def _delete(self, registration: Registration) -> MakeFix:
        def make_fix(event: Event) -> ApplyFix | None:
            stored = self._if_same_ticket(registration)
            entry = self._checker.entry_at(registration.event_id, registration.ticket)
            return None if stored is None else delete_registration(event, stored, entry)

        return make_fix

    # Counts and seats

    def _fix_counts(self, event_id: str) -> Iterator[FixedViolation]:
        found: list[Violation] = []
        values: dict[str, object] = {}

        def make_fix(_: Event) -> ApplyFix | None:
            count = self._checker.count(event_id)
            found[:] = event_violations(count, self._clock.now()) if count is not None else ()
            is_seat_only = all(one.kind is ViolationKind.FREE_SEAT for one in found)
            if count is None or is_seat_only:
                return None
            values.update(fixed_event_values(count, self._new_id))
            return ApplyFix(count.event.version, values)

        if self._apply(event_id, make_fix):
            for violation in found:
                if violation.kind in EVENT_FIELDS:
                    names = EVENT_FIELDS[violation.kind]
                    yield FixedViolation(violation, ", ".join(str(values[name]) for name in names))
        yield from self._fill_free_seats(event_id)

    def _fill_free_seats(self, event_id: str) -> Iterator[FixedViolation]:
        while True:
            event = self._get_event(event_id)
            if event is None or event.deletion or event.free_seats <= 0 or not event.waitlist_count:
                return
            outcome = self._execute(event_id, FillFreeSeats())
            if not isinstance(outcome, ChangeOutcome) or not outcome.promoted:
                return
            yield from self._promotions(event_id, outcome.promoted)

    def _promotions(self, event_id: str, promoted: Sequence[str]) -> Iterator[FixedViolation]:
        waitlisted, registered = RegistrationStatus.WAITLISTED, RegistrationStatus.REGISTERED
        for user_id in promoted:
            violation = Violation(
                ViolationKind.FREE_SEAT, event_id, user_id, None, waitlisted, registered
            )
            yield FixedViolation(violation, registered)
