"""Commands about the event itself: create, edit, status, announcements, exports, cards and the schedule."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from domain.commands import Announce, ChangeOutcome, Create, Edit, PostCard, SetStatus
from domain.enums import Audience, Cause, ChangeKind, EventStatus, NotificationKind, QuestionKind
from domain.errors import (
    CapacityBelowRegistered,
    DuplicateEvent,
    EventCanceled,
    Invalid,
    UnknownUser,
)
from domain.inputs import EventChanges, EventDraft, check_times
from domain.models import Actor, Event, EventSummary, Notification
from domain.planning.questions import questions_of
from domain.planning.registrations import fill_free_seat
from domain.planning.schedule import (
    card_times,
    done_times,
    last_due_at,
    missed_time,
    next_due_at,
    passed_due_at,
    registration_closings,
    reminder_times,
    stored_due_time,
)
from domain.planning.working_copy import WorkingCopy
from domain.questions import Question

_STATUS_CHANGES = {
    EventStatus.OPEN: ChangeKind.REOPENED,
    EventStatus.CLOSED: ChangeKind.CLOSED,
    EventStatus.CANCELED: ChangeKind.CANCELED,
}

FUTURE_FIELDS = {"starts_at", "registration_deadline"}
"""Fields that can only be set to a future time."""

MOVING_FIELDS = {"starts_at", "ends_at", "time_zone", "location"}
"""Fields whose change is announced to all attendees."""

TIMES = {"starts_at", "ends_at", "time_zone", "registration_deadline"}
"""Fields that an occurrence takes from its series together, or not at all."""

_SCHEDULE_FIELDS = {"starts_at", "ends_at", "time_zone", "reminders", "registration_deadline"}
"""Fields that determine when an event is due."""


def create(work: WorkingCopy, command: Create) -> ChangeOutcome:
    """Create the event. Raises `DuplicateEvent`, and `Invalid` for a time in the past.

    For an organizer who is being deleted it raises `UnknownUser`, for a co-organizer `Invalid`.
    """
    if work.event is not None:
        raise DuplicateEvent(work.event_id)
    check_future(command.event, FUTURE_FIELDS, work.now)
    check_new_organizers(work, command.event)
    work.event = command.event
    work.ends_batch = True
    work.record(ChangeKind.CREATED, actor_id=command.actor_id)
    notify_new_organizers(work, (), command.actor_id)
    if command.card_channel is not None:
        _request_card(work, command.card_channel, command.actor_id, after="")
    return ChangeOutcome(update_due_time(work))


def edit(work: WorkingCopy, command: Edit) -> ChangeOutcome | None:
    """Change the event. Return None if a long capacity increase needs a commit of its own.

    Raises `UnknownEvent`, `NotOrganizer`, `EventCanceled`, `CapacityBelowRegistered`, `Invalid`.
    """
    before = work.event_organized_by(command.actor)
    if before.status is EventStatus.CANCELED:
        raise EventCanceled(work.event_id)
    given = _kept(before, command, work.now) if command.of_series else command.changes.given()
    values, capacity = changed_values(work, before, given, command.changes)
    event = before.model_copy(update=values | {"updated_at": work.now})
    check_times(event.starts_at, event.ends_at, event.registration_deadline)
    check_future(event, FUTURE_FIELDS & values.keys(), work.now)
    if not values and capacity is None and not _has_new_day(before, command):
        return ChangeOutcome(before, changed=False)
    check_new_organizers(work, event, before.organizer_ids)
    has_earlier_moves = bool(work.changed)
    work.event = event
    _remember_in_occurrence(work, before, command, {*values, *(["capacity"] if capacity else [])})
    if values.keys() & _SCHEDULE_FIELDS:
        update_due_time(work, before)
    is_moved = bool(values.keys() & MOVING_FIELDS)
    _record_edit(work, before, command, values, capacity, is_moved=is_moved)
    new_questions = ask_new_questions(work, before)
    if capacity is None and "starts_at" in values:
        capacity = _capacity_to_fill(before)
    promoted = () if capacity is None else _set_capacity(work, capacity, work.plan_id)
    if "starts_at" in values:
        _announce_missed_closing(work, before)
        _request_missed_card(work, before)
    if has_earlier_moves and work.current.operation_id == work.plan_id:
        return None
    notifies = not event.is_over(work.now)
    return ChangeOutcome(
        work.current,
        promoted=promoted,
        is_moved=is_moved,
        notifies=notifies,
        new_questions=new_questions,
    )


def _record_edit(
    work: WorkingCopy,
    before: Event,
    command: Edit,
    values: Mapping[str, object],
    capacity: int | None,
    *,
    is_moved: bool,
) -> None:
    """Add an edit to the history; notify the attendees if the event moved, and new organizers.

    The note is kept only if it is sent: nobody is notified once the event is over.
    """
    shown = {name: value for name, value in values.items() if name != "listing_channel"}
    fields = field_changes(before, shown if capacity is None else shown | {"capacity": capacity})
    is_sent = is_moved and not work.current.is_over(work.now)
    note, actor_id = command.note if is_sent else None, id_of(command.actor)
    cause = Cause.SERIES if command.of_series else None
    if values or capacity is not None:  # else only the day that the series has for it is new
        work.record(ChangeKind.EDITED, actor_id=actor_id, cause=cause, fields=fields, note=note)
    if is_moved:
        summary = EventSummary.of(before)
        work.notify_audience(NotificationKind.MOVED, before=summary, actor_id=actor_id, note=note)
    if not command.of_series:  # they were notified about the series
        notify_new_organizers(work, before.organizer_ids, actor_id)


def ask_new_questions(work: WorkingCopy, before: Event) -> int:
    """Ask those who registered before questions were added; return how many these are.

    There are none if it is too late to answer (R12.3).
    """
    known = {one.question_id for one in before.questions}
    texts = [one.text for one in work.current.questions if one.question_id not in known]
    if not texts or work.current.has_started(work.now):
        return 0
    work.notify_audience(NotificationKind.QUESTIONS_ADDED, text="\n".join(texts))
    return len(texts)


def follow_channel(work: WorkingCopy, channel_id: str, *, is_private: bool) -> ChangeOutcome:
    """List the event if its channel is public, else not (R2.8). Raises `UnknownEvent`.

    Nothing changes if someone has chosen whether it is listed: also just now, in the same commit.
    """
    event = work.existing_event()
    listed = not is_private
    follows = event.listing_channel == channel_id and event.status is not EventStatus.CANCELED
    if not follows or event.listed is listed:
        return ChangeOutcome(event, changed=False)
    work.update_event(listed=listed, updated_at=work.now)
    work.record(ChangeKind.EDITED, fields=field_changes(event, {"listed": listed}))
    return ChangeOutcome(work.current)


def _has_own_times(event: Event) -> bool:
    return event.occurrence is not None and not TIMES.isdisjoint(event.occurrence.own_fields)


def _has_new_day(event: Event, command: Edit) -> bool:
    """Return whether the series has another day, or another time of it, for an occurrence, whatever its own times."""
    if event.occurrence is None or not command.of_series:
        return False
    start = command.changes.given().get("starts_at", event.rule_starts[-1])
    return command.day != event.occurrence.day or start != event.rule_starts[-1]


def _kept(event: Event, command: Edit, now: datetime) -> dict[str, object]:
    """Return what an occurrence takes from its series: all but what was changed in it. Times go together.

    A deadline that has passed by then would refuse the change: the occurrence keeps the one that it has.
    """
    own = set(event.occurrence.own_fields) if event.occurrence else set()
    if _has_own_times(event):
        own |= TIMES
    kept = {name: value for name, value in command.changes.given().items() if name not in own}
    deadline, start = kept.get("registration_deadline"), kept.get("starts_at")
    if isinstance(deadline, datetime) and isinstance(start, datetime) and deadline <= now:
        before = event.registration_deadline
        kept["registration_deadline"] = None if before is None else min(before, start)
    return kept


def _remember_in_occurrence(
    work: WorkingCopy, before: Event, command: Edit, names: Collection[str]
) -> None:
    """Note in an occurrence what was changed in it alone, or the day and start that the series has for it now."""
    event = work.current
    if event.occurrence is None:
        return
    starts = before.rule_starts
    if not command.of_series:
        own = dict.fromkeys((*event.occurrence.own_fields, *sorted(names)))
        update: dict[str, object] = {"own_fields": tuple(own)}
    else:
        update = {"day": command.day}
        start = command.changes.given().get("starts_at", starts[-1])
        starts = (*(one for one in starts if one != start), start)
    if starts != event.rule_starts:
        update["rule_starts"] = starts
    work.update_event(occurrence=event.occurrence.model_copy(update=update))


def changed_values(
    work: WorkingCopy, event: Event, given: dict[str, Any], changes: EventChanges
) -> tuple[dict[str, object], int | None]:
    """Return the given values that differ from the event's, and the new capacity apart (None: unchanged).

    Raises `CapacityBelowRegistered`, and `Invalid` for questions.
    """
    capacity = given.pop("capacity", None)
    if capacity is not None and capacity < event.registered_count:
        raise CapacityBelowRegistered(event.event_id, capacity, event.registered_count)
    if capacity == (event.capacity_target or event.capacity):
        capacity = None
    if "listed" in given:
        given["listing_channel"] = None
    if "questions" in given:
        given["questions"] = questions_of(changes.questions, event.questions, work.new_question_id)
    values = {name: value for name, value in given.items() if value != getattr(event, name)}
    has_organizer = event.organizer_id or values.get("organizer_id")
    if not has_organizer and values.get("co_organizer_ids"):
        # The first of them organizes an event that nobody else does (R2.9).
        first, *others = changes.co_organizer_ids
        values |= {"organizer_id": first, "co_organizer_ids": tuple(others)}
    return values, capacity


def _capacity_to_fill(event: Event) -> int | None:
    """Return the capacity if seats stayed free after the start (R4.7): a later start gives them away."""
    has_free_seats = event.waitlist_count > 0 and event.free_seats > 0
    return (event.capacity_target or event.capacity) if has_free_seats else None


def continue_capacity_increase(work: WorkingCopy, operation_id: str) -> ChangeOutcome | None:
    """Take the next step of a capacity increase, unless a later request replaced it.

    Return None if it needs a commit of its own. Raises `UnknownEvent`.
    """
    event = work.existing_event()
    if event.capacity_target is None or event.operation_id != operation_id:
        return ChangeOutcome(event, changed=False)
    if work.changed:
        return None
    promoted = _set_capacity(work, event.capacity_target, operation_id)
    return ChangeOutcome(event, promoted=promoted)


def _set_capacity(work: WorkingCopy, capacity: int, operation_id: str) -> tuple[str, ...]:
    """Set the capacity, seat by seat as long as users are waitlisted: no seat is free meanwhile (R2.5).

    Stops where the budget or the waitlist that was read ends; the rest is left to a later step. From
    the start on no one is promoted, so it is set at once (R4.7).
    """
    event = work.update_event(capacity_target=None, operation_id=None)
    if event.has_started(work.now):
        work.update_event(capacity=capacity)
        return ()
    if event.waitlist_count and event.free_seats > 0:
        event = work.update_event(capacity=event.registered_count)
    promoted: list[str] = []
    while event.waitlist_count and event.capacity < capacity:
        is_head_used_up = not work.waitlist.head and work.waitlist.unread > 0
        if work.cost + 2 > work.budget or is_head_used_up:
            work.update_event(capacity_target=capacity, operation_id=operation_id)
            return tuple(promoted)
        work.update_event(capacity=event.capacity + 1)
        promoted += fill_free_seat(work, Cause.CAPACITY_INCREASED)
        event = work.current
    work.update_event(capacity=capacity)
    return tuple(promoted)


def set_status(work: WorkingCopy, command: SetStatus) -> ChangeOutcome:
    """Open, close or cancel the event. Raises `UnknownEvent`, `NotOrganizer`, `EventCanceled`."""
    event, status = work.event_organized_by(command.actor), command.status
    if event.status is status:
        return ChangeOutcome(event, changed=False)
    if event.status is EventStatus.CANCELED:
        raise EventCanceled(work.event_id)
    work.update_event(status=status, updated_at=work.now)
    reason = command.reason if status is EventStatus.CANCELED else None
    actor_id = id_of(command.actor)
    work.record(_STATUS_CHANGES[status], actor_id=actor_id, reason=reason)
    notifies = False
    if status is EventStatus.CANCELED:
        notifies = work.notify_audience(NotificationKind.CANCELED, actor_id=actor_id, reason=reason)
        update_due_time(work)
    elif (
        status is EventStatus.CLOSED
        and event.waitlist_count
        and not _has_announced_closing(event, work.now)
    ):
        notifies = work.notify_audience(NotificationKind.CLOSED, Audience.WAITLISTED)
        missed = _missed_closing(event, work.now)
        if missed is not None and missed == event.next_due_at:
            # It counts for the deadline, too, also if the event is reopened before the sweep.
            work.update_event(next_due_at=next_due_at(event, missed), last_due_at=missed)
    return ChangeOutcome(work.current, notifies=notifies)


def _has_announced_closing(event: Event, now: datetime) -> bool:
    """Return whether registration had ended before, and waitlisted users were notified of that."""
    has_closed = any(at <= now for at in registration_closings(event))
    return event.has_started(now) or (has_closed and _missed_closing(event, now) is None)


def _missed_closing(event: Event, now: datetime) -> datetime | None:
    """Return the registration deadline if it has passed and no sweep has seen it."""
    due = event.next_due_at
    closings = registration_closings(event)
    return next((at for at in closings if due is not None and due <= at <= now), None)


def _announce_missed_closing(work: WorkingCopy, before: Event) -> None:
    """Notify waitlisted users of a deadline that a new start keeps, and the new due time skips."""
    event, missed = work.current, _missed_closing(before, work.now)
    is_closed = missed is not None and missed == event.registration_deadline
    if is_closed and event.waitlist_count and event.status is EventStatus.OPEN:
        work.notify_audience(NotificationKind.CLOSED, Audience.WAITLISTED)


def _request_missed_card(work: WorkingCopy, before: Event) -> None:
    """Have an occurrence's card posted if its new start has brought the time for that into the past."""
    is_posted = not done_times(before).isdisjoint(card_times(before))
    if not is_posted and any(at <= work.now for at in card_times(work.current)):
        request_card_of_occurrence(work)


def announce(work: WorkingCopy, message: Announce) -> ChangeOutcome:
    """Send an announcement, once per request id. Raises `UnknownEvent`, `NotOrganizer`.

    Also possible when the event is over or canceled: to say thanks, or how to get a refund.
    """
    event = work.event_organized_by(message.actor)
    if message.request_id in event.recent_requests:
        return ChangeOutcome(event, changed=False)
    work.remember_request(message.request_id)
    work.record(ChangeKind.ANNOUNCED, actor_id=id_of(message.actor))
    work.notifications.append(
        Notification(
            kind=NotificationKind.ANNOUNCEMENT, audience=message.audience, text=message.text
        )
    )
    return ChangeOutcome(work.current)


def export(work: WorkingCopy, actor: Actor, request_id: str) -> ChangeOutcome:
    """Send the actor the list of attendees, once per request id. Raises `UnknownEvent`, `NotOrganizer`."""
    event = work.event_organized_by(actor)
    if request_id in event.recent_requests:
        return ChangeOutcome(event, changed=False)
    work.remember_request(request_id)
    work.record(ChangeKind.EXPORTED, actor_id=actor.user_id)
    work.exports.append(actor.user_id)
    return ChangeOutcome(work.current)


def post_card(work: WorkingCopy, command: PostCard) -> ChangeOutcome:
    """Have the card posted, once per request id. Raises `UnknownEvent`, `NotOrganizer`."""
    event = work.event_organized_by(command.actor)
    if command.request_id in event.recent_requests:
        return ChangeOutcome(event, changed=False)
    work.remember_request(command.request_id)
    _request_card(work, command.channel_id, id_of(command.actor), after=command.after)
    return ChangeOutcome(work.current)


def _request_card(work: WorkingCopy, channel_id: str, actor_id: str | None, *, after: str) -> None:
    work.record(ChangeKind.CARD_POSTED, actor_id=actor_id, channel_id=channel_id)
    work.notifications.append(
        Notification(
            kind=NotificationKind.CARD, user_id=actor_id, channel_id=channel_id, after=after
        )
    )


def request_card_of_occurrence(work: WorkingCopy) -> None:
    """Have the card of an occurrence posted, unless its channel has one. The organizer hears if Slack refuses it."""
    event = work.current
    if event.occurrence is not None and event.occurrence.card_channel is not None:
        _request_card(work, event.occurrence.card_channel, event.organizer_id, after="")


def run_schedule(work: WorkingCopy) -> ChangeOutcome:
    """Send what became due since the last run, once, unless the event has started. Raises `UnknownEvent`.

    The commit makes the cards outdated, and so they follow the clock, too (R8.3).
    """
    event = work.existing_event()
    due = event.next_due_at
    if due is None or due > work.now:
        return ChangeOutcome(event, changed=False)
    work.update_event(last_due_at=last_due_at(event, work.now))
    update_due_time(work)
    if event.has_started(work.now):
        return ChangeOutcome(work.current)
    if any(due <= at <= work.now for at in card_times(event)):
        request_card_of_occurrence(work)
    if event.registered_count and any(due <= at <= work.now for at in reminder_times(event)):
        work.record(ChangeKind.REMINDED)
        work.notify_audience(NotificationKind.REMINDER, Audience.REGISTERED)
    is_closed = any(due <= at <= work.now for at in registration_closings(event))
    if is_closed and event.waitlist_count and event.status is EventStatus.OPEN:
        work.notify_audience(NotificationKind.CLOSED, Audience.WAITLISTED)
    return ChangeOutcome(work.current)


def update_due_time(work: WorkingCopy, before: Event | None = None) -> Event:
    """Set when the event is next due. `before`: the event before an edit.

    A time that passed before the edit without a sweep stays due unless the start moves, and so does an end that
    the edit moved into the past. A time that a sweep has handled is not due again, even if it is ahead of this
    process's clock.
    """
    after, done = work.now, frozenset[datetime]()
    if before is not None:
        done, due = done_times(before), stored_due_time(before)
        keeps_start = before.starts_at == work.current.starts_at
        if keeps_start and due is not None and due <= work.now:
            after = due - timedelta.resolution
    missed = missed_time(work.current, work.now)
    following = missed or next_due_at(work.current, after, done)
    if before is not None:
        work.update_event(last_due_at=passed_due_at(work.current, work.now, following))
    return work.update_event(next_due_at=following)


def id_of(actor: Actor | None) -> str | None:
    """Return who did it, None for the operator or a program."""
    return actor.user_id if actor else None


def check_new_organizers(work: WorkingCopy, event: Event, known: Sequence[str] = ()) -> None:
    """Raise `UnknownUser` or `Invalid` for a new organizer who is being deleted, now or at the commit (R2.9)."""
    for user_id in event.organizer_ids:
        if user_id in known:
            continue
        try:
            work.check_organizer(user_id)
        except UnknownUser:
            if user_id == event.organizer_id:
                raise
            reason = "must not name someone whose data is being deleted"
            raise Invalid("co_organizer_ids", reason) from None


def notify_new_organizers(work: WorkingCopy, known: Sequence[str], actor_id: str | None) -> None:
    """Notify those who became organizers, except whoever made the change."""
    if work.is_canceled_or_over():
        return
    for user_id in work.current.organizer_ids:
        if user_id not in known and user_id != actor_id:
            work.notifications.append(
                Notification(
                    kind=NotificationKind.ORGANIZER_ADDED, user_id=user_id, actor_id=actor_id
                )
            )


def check_future(event: Event | EventDraft, names: Collection[str], now: datetime) -> None:
    """Raise `Invalid` if one of these times of the event has passed."""
    for name in sorted(names):
        moment = getattr(event, name)
        if moment is not None and moment <= now:
            raise Invalid(name, "must be in the future")


def field_changes(
    event: Event, values: Mapping[str, object]
) -> dict[str, tuple[str | None, str | None]]:
    """Return each field's old and new value, as the history shows them."""
    return {name: (as_text(getattr(event, name)), as_text(new)) for name, new in values.items()}


def _described(question: Question) -> str:
    how_many = "one" if question.kind is QuestionKind.ONE else "any"
    more = [f"{how_many} of {', '.join(question.options)}"] if question.options else []
    more += ["required"] if question.required else []
    return f"{question.text} ({'; '.join(more)})" if more else question.text


def as_text(value: object) -> str | None:
    """Return a field's value as the history shows it; of questions, one in each line."""
    if isinstance(value, tuple) and value and all(isinstance(one, Question) for one in value):
        return "\n".join(map(_described, value))
    return None if value is None else str(value)
