"""Series: making the next occurrence, and honoring the registrations for all of the series in it (R13)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain.commands import ChangeOutcome, Enroll, FinishEnrolling
from domain.enums import ChangeKind, EventStatus
from domain.models import Event, Occurrence, Series, occurrence_id
from domain.planning.events import request_card_of_occurrence, update_due_time
from domain.planning.plan import MAX_ENROLLED_PER_COMMIT
from domain.planning.registrations import enroll as enroll_user
from domain.planning.schedule import coming_starts, next_occurrence_at
from domain.planning.snapshot import Snapshot
from domain.planning.working_copy import WorkingCopy
from domain.recurrence import moment_of

_HANDED_ON = (
    *("title", "description", "location", "time_zone", "organizer_id", "co_organizer_ids"),
    *("capacity", "has_waitlist", "listed", "listing_channel", "reminders", "join_link"),
    *("attendees_visible_to", "questions"),
)
"""The fields of a series that its occurrences have as they are."""


def make_occurrence(work: WorkingCopy, series: Series) -> ChangeOutcome | None:
    """Make the next occurrence if it is due, in the same commit (R13.2).

    Days that have begun are left out: nobody could register any more. Return None if it needs a commit of its own.
    Raises `UnknownEvent`, and `UnknownUser` while an organizer is being deleted.
    """
    event, stored = work.existing_event(), work.snapshot.occurrences
    if event.next_due_at is None or event.next_due_at > work.now:
        return ChangeOutcome(event, changed=False)
    if event is not work.snapshot.event:
        return None
    to_come = (one for one in coming_starts(event, series) if one[1] > work.now)
    day, start = next(to_come, (None, None))
    if day is None or start is None:
        return ChangeOutcome(work.update_event(next_due_at=None))
    before = stored.get(series.made)
    if series.missed_first and before is not None and _is_awaited(before, work.now, start):
        return ChangeOutcome(work.update_event(next_due_at=before.starts_at))
    number = max(series.made, *stored, 0) + 1
    work.made = _made(work, event, series, number, day, start)
    ahead = (one for one in series.ahead if one in stored and not stored[one].has_started(work.now))
    series = series.model_copy(
        update={"made": number, "made_until": day, "ahead": (*ahead, number)}
    )
    event = work.update_event(series=series, last_due_at=work.now)
    work.update_event(next_due_at=next_occurrence_at(event, series))
    work.record(ChangeKind.OCCURRENCE_MADE, event_id=work.made.event_id)
    work.ends_batch = True
    return ChangeOutcome(work.current)


def _is_awaited(before: Event, now: datetime, start: datetime) -> bool:
    """Return whether the occurrence before must have started first: until then, nobody has missed it."""
    if before.status is EventStatus.CANCELED or before.deletion is not None:
        return False
    return now < before.starts_at < start


def _made(
    work: WorkingCopy, event: Event, series: Series, number: int, day: date, start: datetime
) -> WorkingCopy:
    """Return the working copy of a new occurrence."""
    users, leaving = work.snapshot.users, work.snapshot.users_in_deletion
    snapshot = Snapshot(None, users, users_in_deletion=leaving)
    id_ = occurrence_id(work.event_id, number)
    made = WorkingCopy(snapshot, id_, work.now, work.plan_id, work.budget)
    made.event = Event(
        event_id=id_,
        starts_at=start,
        ends_at=None if event.ends_at is None else start + (event.ends_at - event.starts_at),
        registration_deadline=_deadline(event, day, work.now),
        status=EventStatus.OPEN,
        created_at=work.now,
        updated_at=work.now,
        version=0,
        occurrence=Occurrence(
            series_id=work.event_id,
            number=number,
            day=day,
            card_channel=series.card_channel,
            card_days=series.card_days or 0,
            previous_id=_previous_id(series, work.snapshot.occurrences),
            opens_after=event.next_ticket - 1 if event.waitlist_count else 0,
        ),
        **{name: getattr(event, name) for name in _HANDED_ON},
    )
    for user_id in made.event.organizer_ids:
        made.check_organizer(user_id)
    made.record(ChangeKind.CREATED)
    if series.card_days is None:
        request_card_of_occurrence(made)
    update_due_time(made)
    return made


def _deadline(event: Event, day: date, now: datetime) -> datetime | None:
    """Return the registration deadline: as many days before an occurrence as before the first one, at the same time.

    None if it has passed: whoever registered for all of the series still gets a place.
    """
    if event.registration_deadline is None:
        return None
    zone = ZoneInfo(event.time_zone)
    first, local = event.starts_at.astimezone(zone), event.registration_deadline.astimezone(zone)
    deadline = moment_of(day - (first.date() - local.date()), local.time(), event.time_zone)
    return deadline if deadline > now else None


def _previous_id(series: Series, stored: Mapping[int, Event]) -> str | None:
    """Return the last occurrence that was not canceled, if those who missed it go first (R13.5)."""
    before = stored.get(series.made)
    if not series.missed_first or before is None or before.occurrence is None:
        return None
    is_canceled = before.status is EventStatus.CANCELED or before.deletion is not None
    return before.occurrence.previous_id if is_canceled else before.event_id


def enroll(work: WorkingCopy, command: Enroll) -> ChangeOutcome | None:
    """Register those who registered for all of the series, in their order, as many as one commit takes (R13.4).

    The commit applies only if they still want all of it. Return None if it needs a commit of its own. Raises
    `UnknownEvent`.
    """
    event = work.existing_event()
    occurrence = event.occurrence
    if occurrence is None or command.after != honored_until(occurrence, command):
        return ChangeOutcome(event, changed=False)
    if event is not work.snapshot.event:
        return None
    chosen = command.registrations[:MAX_ENROLLED_PER_COMMIT]
    is_all = len(chosen) == len(command.registrations)
    for registration in chosen:
        user_id = registration.user_id
        work.guards.append(registration)
        enroll_user(work, user_id, registration.answers, informs=user_id not in command.informed)
    until = command.until if is_all else chosen[-1].ticket
    name = "honored_first" if command.goes_first else "honored"
    return ChangeOutcome(work.update_event(occurrence=occurrence.model_copy(update={name: until})))


def honored_until(occurrence: Occurrence, command: Enroll) -> int:
    """Return the ticket up to which registrations of the command's kind are honored."""
    return occurrence.honored_first if command.goes_first else occurrence.honored


def finish_enrolling(work: WorkingCopy, command: FinishEnrolling) -> ChangeOutcome:
    """Note that all occurrences honor the registrations up to a ticket. Raises `UnknownEvent`."""
    event = work.existing_event()
    if event.series is None or event.series.honored >= command.until:
        return ChangeOutcome(event, changed=False)
    series = event.series.model_copy(update={"honored": command.until})
    return ChangeOutcome(work.update_event(series=series))
