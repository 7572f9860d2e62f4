"""Commands that delete an event in steps (R7.2), and those that repair one (R7.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from domain.commands import ApplyFix, ChangeOutcome
from domain.enums import (
    Cause,
    ChangeKind,
    Deletion,
    EventStatus,
    NotificationKind,
    RegistrationStatus,
)
from domain.models import Actor, Event, FixedRegistration, Registration, WaitlistEntry
from domain.planning.events import as_text, update_due_time
from domain.planning.plan import (
    Action,
    DeleteRegistration,
    DeleteWaitlistEntry,
    PutRegistration,
    PutWaitlistEntry,
)
from domain.planning.registrations import can_promote, delete_and_promote, promote_first
from domain.planning.snapshot import InconsistentSnapshot
from domain.planning.working_copy import WorkingCopy

FieldChanges = dict[str, tuple[str | None, str | None]]


def start_deletion(work: WorkingCopy, actor: Actor | None) -> ChangeOutcome:
    """Hide the event from everyone. Raises `UnknownEvent`, `NotOrganizer`."""
    event = work.event_organized_by(actor)
    work.update_event(
        deletion=Deletion.IN_PROGRESS, operation_id=work.plan_id, capacity_target=None
    )
    update_due_time(work)
    work.record(ChangeKind.DELETED, actor_id=actor.user_id if actor else None)
    return ChangeOutcome(event)


def remove_attendees(work: WorkingCopy, user_ids: Sequence[str]) -> ChangeOutcome:
    """Delete registrations of an event that is being deleted, those on the waitlist first.

    Users without a registration are skipped. Raises `UnknownEvent`.
    """
    event = work.event_in_deletion()
    for user_id in user_ids:
        registration = work.registration(user_id)
        if registration is None:
            continue
        if registration.status is RegistrationStatus.REGISTERED and work.current.waitlist_count:
            raise InconsistentSnapshot(
                f"{user_id} cannot leave {work.event_id} before its waitlist is empty"
            )
        delete_and_promote(work, user_id, Cause.EVENT_DELETED, None)
        if event.status is not EventStatus.CANCELED:
            work.notify(NotificationKind.DELETED, registration)
    return ChangeOutcome(event, changed=bool(work.changed))


def finish_deletion(work: WorkingCopy) -> ChangeOutcome:
    """Turn an empty event into a tombstone. Raises `UnknownEvent`."""
    event = work.event_in_deletion()
    if event.registered_count or event.waitlist_count:
        raise InconsistentSnapshot(f"{work.event_id} cannot be deleted before it is empty")
    work.update_event(deletion=Deletion.DONE, operation_id=None)
    return ChangeOutcome(event)


def apply_fix(work: WorkingCopy, fix: ApplyFix) -> ChangeOutcome | None:
    """Write a fix, if the event still has the version that it was made for.

    Return None if it needs a commit of its own.
    """
    event = work.current
    if event.version != fix.version:
        return ChangeOutcome(event, changed=False)
    if event is not work.snapshot.event:
        return None
    work.fixes = tuple(_fix_actions(work.event_id, fix))
    changed = (FixedRegistration.of(stored.user_id, fixed) for stored, fixed in fix.registrations)
    work.fixed = (*changed, *fix.recorded)
    work.ends_batch = True
    work.min_version = max(event.version, fix.min_version)
    _record_fix(work, event, fix)
    return ChangeOutcome(work.update_event(**fix.values))


def _fix_actions(event_id: str, fix: ApplyFix) -> Iterator[Action]:
    for stored, fixed in fix.registrations:
        yield DeleteRegistration(stored) if fixed is None else PutRegistration(fixed, stored)
    for entry in fix.add:
        yield PutWaitlistEntry(event_id, entry)
    for entry in fix.drop:
        yield DeleteWaitlistEntry(event_id, entry)


def _record_fix(work: WorkingCopy, event: Event, fix: ApplyFix) -> None:
    work.record(ChangeKind.REPAIRED, fields=_changed_fields(event, fix.values))
    for stored, fixed in fix.registrations:
        user_id, ticket = stored.user_id, stored.ticket
        if fixed is None:
            cause, status = Cause.REPAIR, stored.status
            work.record(ChangeKind.UNREGISTERED, user_id, None, ticket, cause, status=status)
        else:
            fields = _changed_fields(stored, fixed.model_dump())
            work.record(ChangeKind.REPAIRED, user_id, None, ticket, fields=fields)
    for entry in fix.add:
        _record_entry(work, entry, (None, "on the waitlist"))
    for entry in fix.drop:
        _record_entry(work, entry, ("on the waitlist", None))
    for one in fix.recorded:
        as_stored = {"journal": (None, "as stored")}
        work.record(ChangeKind.REPAIRED, one.user_id, None, one.ticket, fields=as_stored)


def _record_entry(
    work: WorkingCopy, entry: WaitlistEntry, values: tuple[str | None, str | None]
) -> None:
    fields = {"waitlist_entry": values}
    work.record(ChangeKind.REPAIRED, entry.user_id, None, entry.ticket, fields=fields)


def _changed_fields(stored: Event | Registration, values: Mapping[str, object]) -> FieldChanges:
    before = {name: getattr(stored, name) for name in values}
    return {
        name: (as_text(before[name]), as_text(new))
        for name, new in values.items()
        if new != before[name]
    }


def fill_seats_within_budget(work: WorkingCopy) -> ChangeOutcome:
    """Promote into free seats, as many as one commit holds, before the start. Raises `UnknownEvent`."""
    event = work.existing_event()
    promoted: list[str] = []
    while can_promote(work) and work.waitlist.head and work.cost + 2 <= work.budget:
        promoted.append(promote_first(work, Cause.REPAIR))
    return ChangeOutcome(event, changed=bool(promoted), promoted=tuple(promoted))
