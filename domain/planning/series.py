"""Series (R13): making the next occurrence, honoring who registered for all of it, and changing what was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from domain.commands import (
    ChangeLeftOut,
    ChangeOutcome,
    Edit,
    EditSeries,
    EndSeries,
    Enroll,
    FinishEnrolling,
)
from domain.enums import ChangeKind, EventStatus, NotificationKind
from domain.errors import (
    CapacityBelowRegistered,
    EventCanceled,
    Invalid,
    NotASeries,
    SeriesBusy,
    UnknownEvent,
)
from domain.inputs import (
    LATEST,
    EventChanges,
    RecurrenceDraft,
    check_deadline_of_series,
    check_times,
)
from domain.models import (
    Actor,
    Carried,
    Event,
    Notification,
    Occurrence,
    Series,
    occurrence_id,
)
from domain.planning.events import (
    MOVING_FIELDS,
    TIMES,
    ask_new_questions,
    changed_values,
    check_future,
    check_new_organizers,
    field_changes,
    id_of,
    notify_new_organizers,
    request_card_of_occurrence,
    update_due_time,
)
from domain.planning.registrations import enroll as enroll_user
from domain.planning.schedule import card_times, coming_starts, next_occurrence_at
from domain.planning.snapshot import Snapshot
from domain.planning.working_copy import WorkingCopy
from domain.recurrence import Recurrence, days, moment_of

_HANDED_ON = (
    *("title", "description", "location", "time_zone", "organizer_id", "co_organizer_ids"),
    *("capacity", "has_waitlist", "listed", "listing_channel", "reminders", "join_link"),
    *("attendees_visible_to", "questions"),
)
"""The fields of a series that its occurrences have as they are."""


def make_occurrence(work: WorkingCopy, series: Series) -> ChangeOutcome | None:
    """Make the next occurrence if it is due, in the same commit (R13.2).

    Days that have begun are left out: nobody could register anymore. Return None if it needs a commit of its own.
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
    event = work.update_event(series=series, last_due_at=event.next_due_at)
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
        ends_at=_end_from(event, start),
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
            missed_first=series.missed_first,
            previous_id=_previous_id(series, work.snapshot.occurrences),
            opens_after=event.next_ticket - 1 if event.waitlist_count else 0,
        ),
        **{name: getattr(event, name) for name in _HANDED_ON},
    )
    for user_id in made.event.organizer_ids:
        made.check_organizer(user_id)
    made.record(ChangeKind.CREATED)
    if not made.current.organizer_ids:
        made.notifications.append(Notification(kind=NotificationKind.ORPHANED))
    if series.card_days is None or all(at <= work.now for at in card_times(made.current)):
        request_card_of_occurrence(made)
    update_due_time(made)
    return made


def _end_from(event: Event, start: datetime) -> datetime | None:
    """Return the end of an occurrence with this start: each lasts as long as the first one."""
    return None if event.ends_at is None else start + (event.ends_at - event.starts_at)


def _deadline(event: Event, day: date, now: datetime) -> datetime | None:
    """Return the registration deadline: as many days before an occurrence as before the first one, at the same time.

    None if it has passed: whoever registered for all of the series still gets a place.
    """
    deadline = _deadline_on(event, day)
    return None if deadline is None or deadline <= now else deadline


def _deadline_on(event: Event, day: date) -> datetime | None:
    if event.registration_deadline is None:
        return None
    zone = ZoneInfo(event.time_zone)
    first, local = event.starts_at.astimezone(zone), event.registration_deadline.astimezone(zone)
    return moment_of(day - (first.date() - local.date()), local.time(), event.time_zone)


def _previous_id(series: Series, stored: Mapping[int, Event]) -> str | None:
    """Return the last occurrence that was not canceled, if those who missed it go first (R13.5)."""
    before = stored.get(series.made)
    if not series.missed_first or before is None or before.occurrence is None:
        return None
    is_canceled = before.status is EventStatus.CANCELED or before.deletion is not None
    return before.occurrence.previous_id if is_canceled else before.event_id


def enroll(work: WorkingCopy, command: Enroll) -> ChangeOutcome | None:
    """Register those who registered for all of the series, in their order (R13.4).

    The commit applies only if they still want all of it. Return None if it needs a commit of its own. Raises
    `UnknownEvent`.
    """
    event = work.existing_event()
    occurrence = event.occurrence
    name = "honored_first" if command.goes_first else "honored"
    if occurrence is None or command.after != getattr(occurrence, name):
        return ChangeOutcome(event, changed=False)
    if event is not work.snapshot.event:
        return None
    for registration in command.registrations:
        user_id = registration.user_id
        work.guards.append(registration)
        enroll_user(work, user_id, registration.answers, informs=user_id not in command.informed)
    occurrence = occurrence.model_copy(update={name: command.until})
    return ChangeOutcome(work.update_event(occurrence=occurrence))


def finish_enrolling(work: WorkingCopy, command: FinishEnrolling) -> ChangeOutcome:
    """Note that all occurrences honor the registrations up to a ticket. Raises `UnknownEvent`."""
    event = work.existing_event()
    if event.series is None or event.series.honored >= command.until:
        return ChangeOutcome(event, changed=False)
    series = event.series.model_copy(update={"honored": command.until})
    return ChangeOutcome(work.update_event(series=series))


def edit_series(work: WorkingCopy, command: EditSeries) -> ChangeOutcome | None:
    """Change a series; the occurrences that were made get the change one after the other (R13.3).

    Its times are those of one occurrence, and the days after it follow from its day. Return None if it needs a commit
    of its own. Raises `UnknownEvent`, `NotOrganizer`, `NotASeries`, `EventCanceled`, `SeriesBusy` while an earlier
    change is on its way, `CapacityBelowRegistered` with the occurrence, and `Invalid`.
    """
    before = work.event_organized_by(command.actor)
    if before.series is not None and before.status is EventStatus.CANCELED:
        raise EventCanceled(work.event_id, is_series=True)
    series = _series_to_change(before)
    if before is not work.snapshot.event:
        return None
    numbers = tuple(n for n in series.ahead if command.number is not None and n >= command.number)
    given = command.changes.given()
    new = {name: given.pop(name) for name in sorted(TIMES & given.keys())}
    values, capacity = changed_values(work, before, given, command.changes)
    values |= {} if capacity is None else {"capacity": capacity}
    _check_capacity(work, numbers, capacity)
    day, shown = _shown(work, before, series, command.number)
    times = _new_times(shown, new) if new or command.recurrence else {}
    event = before.model_copy(update=values | times | {"updated_at": work.now})
    changed = {
        name: value
        for name, value in (values | times).items()
        if value != getattr(shown, name) and name != "listing_channel"
    }
    if not changed and command.recurrence is None:
        return ChangeOutcome(before, changed=False)
    check_times(event.starts_at, event.ends_at, event.registration_deadline)
    check_deadline_of_series(event.starts_at, event.registration_deadline, series.days_ahead)
    if series.missed_first and not event.has_waitlist:
        raise Invalid("has_waitlist", "must stay: those who are on it go first next time")
    check_future(event, new.keys() & {"starts_at", "registration_deadline"}, work.now)
    check_new_organizers(work, event, before.organizer_ids)
    days_of: dict[int, date] = {}
    if times and command.number is not None and command.number not in _alive(work, numbers):
        raise Invalid("starts_at", "can't be changed: this date has started, or was canceled")
    if times:
        stored = [work.snapshot.occurrences.get(number) for number in numbers]
        made = {
            one.occurrence.number: one.occurrence.day for one in stored if one and one.occurrence
        }
        series, days_of = _moved(
            before, event, series, day, made, command.recurrence, has_new_times=bool(new)
        )
    # Whether someone chose that it is listed follows from that, in each of them.
    fields = (*sorted(values.keys() - {"listing_channel"}), *(sorted(TIMES) if new else ()))
    carried = Carried(
        numbers=_alive(work, numbers) if fields else (),
        fields=fields,
        days=days_of,
        note=command.note,
        actor_id=id_of(command.actor),
    )
    series = series.model_copy(update={"carried": carried if carried.numbers else None})
    event = event.model_copy(update={"series": series})
    work.event = event.model_copy(update={"next_due_at": next_occurrence_at(event, series)})
    actor_id = id_of(command.actor)
    fields_of_history = field_changes(shown, changed) | _rule_change(before, work.event)
    work.record(ChangeKind.EDITED, actor_id=actor_id, fields=fields_of_history, note=command.note)
    ask_new_questions(work, before)
    notify_new_organizers(work, before.organizer_ids, actor_id)
    return ChangeOutcome(work.current, is_moved=not MOVING_FIELDS.isdisjoint(changed))


def change_left_out(work: WorkingCopy, command: ChangeLeftOut) -> ChangeOutcome:
    """Leave days out of a series, or no longer: those for which nothing was made yet.

    Raises `UnknownEvent`, `NotOrganizer`, `NotASeries`, `EventCanceled`, and `Invalid` for another day, or if no day
    would be left.
    """
    before = work.event_organized_by(command.actor)
    series = before.series
    if series is None:
        raise NotASeries(before.event_id, before.title)
    if before.status is EventStatus.CANCELED:
        raise EventCanceled(work.event_id, is_series=True)
    rule = series.recurrence
    first = _first_day(before)
    coming = {*days(rule.model_copy(update={"left_out": ()}), first, after=series.made_until)}
    for day in command.leave_out:
        if day not in coming:
            raise Invalid("left_out", f"must be dates that aren’t open yet, and {day} isn’t one")
    left_out = {*rule.left_out, *command.leave_out} - (coming & {*command.take_back})
    rule = rule.model_copy(update={"left_out": tuple(sorted(left_out))})
    if not series.made and next(days(rule, first), None) is None:
        raise Invalid("left_out", "must leave at least one date")
    if left_out == {*series.recurrence.left_out}:
        return ChangeOutcome(before, changed=False)
    series = series.model_copy(update={"recurrence": rule})
    event = work.update_event(series=series, updated_at=work.now)
    work.update_event(next_due_at=next_occurrence_at(event, series))
    fields = _rule_change(before, event)
    work.record(ChangeKind.EDITED, actor_id=id_of(command.actor), fields=fields)
    return ChangeOutcome(work.current)


def _rule_change(before: Event, after: Event) -> dict[str, tuple[str | None, str | None]]:
    """Return what the history says of a new rule, or of another first day, which is a part of it."""
    old, new = _rule_text(before), _rule_text(after)
    return {} if old == new else {"recurrence": (old, new)}


def _rule_text(event: Event) -> str | None:
    """Return the first day of a series and its rule as JSON."""
    rule = event.recurrence
    return None if rule is None else f"{_first_day(event)} {rule.model_dump_json()}"


def _first_day(event: Event) -> date:
    return event.starts_at.astimezone(ZoneInfo(event.time_zone)).date()


def _series_to_change(event: Event) -> Series:
    """Return the series. Raise `NotASeries`, or `SeriesBusy` while an earlier change of it is on its way."""
    if event.series is None:
        raise NotASeries(event.event_id, event.title)
    if event.series.carried is not None:
        raise SeriesBusy
    return event.series


def _check_capacity(work: WorkingCopy, numbers: Sequence[int], capacity: int | None) -> None:
    for number in _alive(work, numbers):
        made = work.snapshot.occurrences[number]
        own = made.occurrence.own_fields if made.occurrence else ()
        if capacity is not None and capacity < made.registered_count and "capacity" not in own:
            day = made.starts_at.astimezone(ZoneInfo(made.time_zone)).date()
            raise CapacityBelowRegistered(made.event_id, capacity, made.registered_count, day)


def _alive(work: WorkingCopy, numbers: Sequence[int]) -> tuple[int, ...]:
    """Return the numbers of the occurrences that will take place and have not started."""
    stored = work.snapshot.occurrences
    return tuple(
        number
        for number in numbers
        if number in stored
        and stored[number].deletion is None
        and stored[number].status is not EventStatus.CANCELED
        and not stored[number].has_started(work.now)
    )


def _shown(
    work: WorkingCopy, event: Event, series: Series, number: int | None
) -> tuple[date, Event]:
    """Return as `with_times_of` does. Raises `UnknownEvent` without the occurrence that has this number."""
    made = None if number is None else work.snapshot.occurrences.get(number)
    if number is not None and (made is None or made.deletion is not None):
        raise UnknownEvent(occurrence_id(work.event_id, number))
    return with_times_of(made, event, series)


def with_times_of(made: Event | None, event: Event, series: Series) -> tuple[date, Event]:
    """Return the day of an occurrence (None: of the next one to be made), and the series with its times.

    Raises `Invalid` if the series has no more days.
    """
    if made is not None and made.occurrence is not None:
        day, start = made.occurrence.day, made.rule_starts[-1]
    else:
        following = next(coming_starts(event, series), None)
        if following is None:
            raise Invalid("recurrence", "must go on: the series has no more dates")
        day, start = following
    times = {
        "starts_at": start,
        "ends_at": _end_from(event, start),
        "registration_deadline": _deadline_on(event, day),
    }
    return day, event.model_copy(update=times)


def _new_times(shown: Event, new: Mapping[str, Any]) -> dict[str, object]:
    """Return all times, of which some are new. The end and the deadline otherwise keep their distance to the start."""
    start, time_zone = new.get("starts_at", shown.starts_at), new.get("time_zone", shown.time_zone)
    deadline = shown.registration_deadline
    if deadline is not None:
        moved = shown.model_copy(update={"time_zone": time_zone})
        deadline = _deadline_on(moved, start.astimezone(ZoneInfo(time_zone)).date())
    kept = {"ends_at": _end_from(shown, start), "registration_deadline": deadline}
    return {"starts_at": start, "time_zone": time_zone} | kept | dict(new)


def _moved(
    before: Event,
    event: Event,
    series: Series,
    day: date,
    made: Mapping[int, date],
    recurrence: RecurrenceDraft | None,
    *,
    has_new_times: bool,
) -> tuple[Series, dict[int, date]]:
    """Return the series as it goes on from the event's start, and the days to which it moves what was made.

    `made` are their days before. Without new times nothing moves: another rule is for what is not made yet.
    """
    first = _first_day(event)
    if recurrence is not None:
        rule = recurrence.rule_from(first)
        days_of = dict(zip(made, days(rule, first), strict=False)) if has_new_times else {}
    else:
        rule, days_of = _shifted(series.recurrence, _first_day(before), day, made, first)
    if not made and series.made_until is not None and first <= series.made_until:
        raise Invalid(
            "starts_at", f"must be after {series.made_until}, the last date that was made"
        )
    made_until = max(days_of.values(), default=series.made_until)
    return series.model_copy(update={"recurrence": rule, "made_until": made_until}), days_of


def _shifted(
    rule: Recurrence, begin: date, day: date, made: Mapping[int, date], first: date
) -> tuple[Recurrence, dict[int, date]]:
    """Return a rule that began on a day as it goes on when `day` moves to `first`, and where what was made moves.

    Each day moves to the one with its number, and so does one that is left out: a date stays in its week, a week
    without a date has none after it, and the series has as many days.
    """
    every = rule.model_copy(update={"left_out": ()})
    earlier = {one for one in made.values() if one < begin}
    old = sorted(one for one in {day, *earlier, *days(every, begin)} if one >= day)
    indexes, taken = {one: index for index, one in enumerate(old)}, -1
    index_of: dict[int, int] = {}
    days_of: dict[int, date] = {}
    for number, made_on in made.items():
        if made_on in indexes or made_on < day:
            # Two occurrences have the same day if one was moved there: the later one then goes on to the next.
            taken = index_of[number] = max(indexes.get(made_on, 0), taken + 1)
        else:  # made by an earlier rule
            days_of[number] = made_on + (first - day)
    endless = every.model_copy(update={"until": LATEST.date()})
    new = [*islice(days(endless, first), max(len(old), taken + 1))]
    days_of |= {number: new[index] for number, index in index_of.items() if index < len(new)}
    moved = dict(zip(old, new, strict=False))
    left_out = {moved.get(one, one) for one in rule.left_out} - {first, *days_of.values()}
    values = {"until": new[-1], "left_out": tuple(sorted(left_out))}
    return rule.model_copy(update=values), days_of


def end_series(work: WorkingCopy, command: EndSeries) -> ChangeOutcome | None:
    """Make no more occurrences; those that were made take place, unless they are canceled, too (R13.3).

    Also those of a series that was ended before. Return None if it needs a commit of its own. Raises `UnknownEvent`,
    `NotOrganizer`, `NotASeries`, `SeriesBusy` while an earlier change is on its way.
    """
    event = work.event_organized_by(command.actor)
    was_ended = event.series is not None and event.status is EventStatus.CANCELED
    if was_ended and not command.cancels:
        return ChangeOutcome(event, changed=False)
    series = _series_to_change(event)
    if event is not work.snapshot.event:
        return None
    actor_id = id_of(command.actor)
    carried = Carried(
        numbers=_alive(work, series.ahead) if command.cancels else (),
        cancels=True,
        reason=command.reason,
        actor_id=actor_id,
    )
    if was_ended and not carried.numbers:
        return ChangeOutcome(event, changed=False)
    series = series.model_copy(update={"carried": carried if carried.numbers else None})
    work.update_event(
        status=EventStatus.CANCELED, series=series, next_due_at=None, updated_at=work.now
    )
    work.record(ChangeKind.CANCELED, actor_id=actor_id, reason=command.reason)
    notifies = not was_ended and work.notify_audience(
        NotificationKind.CANCELED, actor_id=actor_id, reason=command.reason
    )
    return ChangeOutcome(work.current, notifies=notifies)


def finish_carrying(work: WorkingCopy, number: int) -> ChangeOutcome:
    """Note that a change has reached an occurrence. Raises `UnknownEvent`."""
    event = work.existing_event()
    carried = event.series.carried if event.series else None
    if event.series is None or carried is None or number not in carried.numbers:
        return ChangeOutcome(event, changed=False)
    left = tuple(one for one in carried.numbers if one != number)
    carried = carried.model_copy(update={"numbers": left}) if left else None
    series = event.series.model_copy(update={"carried": carried})
    return ChangeOutcome(work.update_event(series=series))


def edit_of_occurrence(event: Event, carried: Carried, made: Occurrence) -> Edit:
    """Return the command that gives an occurrence what its series has now."""
    values: dict[str, Any] = {
        name: getattr(event, name) for name in carried.fields if name not in TIMES
    }
    if "questions" in values:
        values["questions"] = [one.model_dump() for one in event.questions]
    day = carried.days.get(made.number, made.day)
    if not TIMES.isdisjoint(carried.fields):
        local = event.starts_at.astimezone(ZoneInfo(event.time_zone))
        start = moment_of(day, local.time(), event.time_zone)
        values |= {
            "starts_at": start,
            "ends_at": _end_from(event, start),
            "time_zone": event.time_zone,
            "registration_deadline": _deadline_on(event, day),
        }
    actor = None if carried.actor_id is None else Actor(carried.actor_id, is_admin=True)
    return Edit(EventChanges.of(**values), actor, carried.note, of_series=True, day=day)
