"""Register, unregister, remove and promote: the only place that decides who gets a seat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domain.commands import (
    AddAttendees,
    AddOutcome,
    AnswersOutcome,
    Attendee,
    ChangeAnswers,
    Register,
    RegisterOutcome,
    UnregisterOutcome,
)
from domain.enums import (
    Cause,
    ChangeKind,
    ClosedReason,
    EventStatus,
    NotificationKind,
    RegistrationStatus,
)
from domain.errors import (
    AlreadyRegistered,
    AnswersNeeded,
    EventFull,
    EventOver,
    NotRegistered,
    RegistrationClosed,
    TooFewSeats,
    TooManyToAdd,
    UnknownUser,
)
from domain.models import Actor, Event, Registration, WaitlistEntry
from domain.planning.questions import check_takes_answers, checked_answers, has_asked
from domain.planning.snapshot import InconsistentSnapshot
from domain.planning.working_copy import WorkingCopy
from domain.questions import Answers, Question, shown_answers


def register(work: WorkingCopy, command: Register) -> RegisterOutcome:
    """Give the user a seat, or add the user to the waitlist, with their answers (R3, R12.3).

    Raises `UnknownEvent`, `UnknownUser`, `AlreadyRegistered`, `RegistrationClosed`, `EventFull`, `AnswersNeeded`, and
    `Invalid` for an answer that is wrong or missing.
    """
    event, user_id = work.existing_event(), command.user_id
    _check_can_register(work, event, user_id)
    has_seat = has_seat_for_newcomer(event)
    if not has_seat and not event.takes_waitlisted:
        raise EventFull(event.event_id, event.title, event.capacity, event.registered_count)
    answers = _answers(event, command.answers, command.asked)
    # Also for a user who leaves again in this batch: no registration can start after a user's
    # deletion has started.
    work.checked_users.add(user_id)
    return (_seat if has_seat else _waitlist)(work, event, user_id, user_id, answers)


def _answers(event: Event, given: Answers | None, asked: frozenset[str] | None) -> Answers:
    if event.questions and (given is None or not has_asked(event.questions, asked)):
        raise AnswersNeeded(event.event_id, event.title)
    return checked_answers(event.questions, given or {}, asked)


def change_answers(work: WorkingCopy, command: ChangeAnswers) -> AnswersOutcome:
    """Replace a user's answers, until the event starts (R12.3).

    Raises `UnknownEvent`, `NotRegistered`, `RegistrationClosed` once it has started or if it is canceled,
    `AnswersNeeded`, and `Invalid` for an answer that is wrong or missing.
    """
    event, registration = work.existing_event(), work.registration(command.user_id)
    if registration is None:
        raise _not_registered(event, command.user_id)
    check_takes_answers(event, work.now)
    answers = _answers(event, command.answers, command.asked)
    position = work.position(registration) if command.with_position else None
    if answers == shown_answers(event.questions, registration.answers):
        return AnswersOutcome(event, registration, position, changed=False)
    changed = registration.model_copy(update={"answers": answers})
    work.set_registration(command.user_id, changed)
    work.record(ChangeKind.ANSWERED, command.user_id, command.user_id, registration.ticket)
    # The commit must raise the event's version, as any other (R7.5).
    return AnswersOutcome(work.update_event(), changed, position)


def _check_can_register(work: WorkingCopy, event: Event, user_id: str) -> None:
    if user_id not in work.snapshot.users:
        raise UnknownUser(user_id)
    _check_not_registered(work, event, user_id)
    _check_open(work, event)


def _check_not_registered(work: WorkingCopy, event: Event, user_id: str) -> None:
    registration = work.registration(user_id)
    if registration is not None:
        has_started = event.has_started(work.now)
        is_canceled = event.status is EventStatus.CANCELED
        raise AlreadyRegistered(
            event.event_id,
            event.title,
            user_id,
            registration.status,
            work.position(registration),
            has_started,
            is_canceled,
            event.is_over(work.now),
            takes_answers=bool(event.questions) and not has_started and not is_canceled,
            is_series=event.series is not None,
        )


def _check_open(work: WorkingCopy, event: Event) -> None:
    reason = event.closed_reason(work.now)
    if reason is not None:
        since = event.closed_since(reason)
        is_series = event.series is not None
        raise RegistrationClosed(event.event_id, event.title, reason, since, is_series)


def _not_registered(event: Event, user_id: str) -> NotRegistered:
    return NotRegistered(event.event_id, event.title, user_id, event.series is not None)


def add_attendees(work: WorkingCopy, command: AddAttendees) -> AddOutcome | None:
    """Register users for an organizer, all of them or none, and notify them (R12.4).

    Return None if it needs a commit of its own: its refusals follow from the snapshot. Raises `UnknownEvent`,
    `NotOrganizer`, `RegistrationClosed`, `UnknownUser`, `AlreadyRegistered`, `TooFewSeats`, `TooManyToAdd`.
    """
    if work.event is not work.snapshot.event:
        return None
    event, request_id = work.event_organized_by(command.actor), command.request_id
    present = _present(work, command.user_ids)
    new = [user_id for user_id in command.user_ids if user_id not in present]
    if request_id is None:
        for user_id in present:
            _check_not_registered(work, event, user_id)
    elif not new or request_id in event.recent_requests:
        is_repeated = request_id in event.recent_requests
        return AddOutcome(event, (), tuple(present.values()), is_repeated)
    _check_open(work, event)
    if not event.has_waitlist and len(new) > event.free_seats:
        raise TooFewSeats(event.event_id, event.title, len(new), event.free_seats)
    if request_id is not None:
        work.remember_request(request_id)
    added, most = [], 0
    for user_id in new:
        added.append(_add(work, command, user_id))
        most += work.cost <= work.budget
    if most < len(new):
        raise TooManyToAdd(event.event_id, len(new), most)
    return AddOutcome(work.current, tuple(added), tuple(present.values()))


def _present(work: WorkingCopy, user_ids: Sequence[str]) -> dict[str, Attendee]:
    found = ((user_id, work.registration(user_id)) for user_id in user_ids)
    return {
        user_id: Attendee(registration, work.position(registration))
        for user_id, registration in found
        if registration is not None
    }


def _add(work: WorkingCopy, command: AddAttendees, user_id: str) -> Attendee:
    if user_id in work.snapshot.users:
        work.checked_users.add(user_id)
    elif command.creates_users and user_id not in work.snapshot.users_in_deletion:
        work.create_user(user_id)
    else:
        raise UnknownUser(user_id)
    actor_id = command.actor.user_id if command.actor else None
    event = work.current
    add = _seat if has_seat_for_newcomer(event) else _waitlist
    outcome = add(work, event, user_id, actor_id)
    work.notify(NotificationKind.ADDED, outcome.registration, actor_id=actor_id)
    return Attendee(outcome.registration, outcome.position)


def enroll(work: WorkingCopy, user_id: str, answers: Answers, *, informs: bool) -> None:
    """Register a user who registered for all of the series (R13.4), and notify them if `informs`.

    Nothing happens if the user is registered already, or nobody can be registered any more. If the event is full
    and has no waitlist, the user is notified of that.
    """
    event = work.current
    is_late = event.closed_reason(work.now) not in (None, ClosedReason.OPENING)
    if is_late or work.registration(user_id) is not None:
        return
    has_seat = has_seat_for_newcomer(event)
    if has_seat or event.has_waitlist:
        add = _seat if has_seat else _waitlist
        fitting = shown_answers(event.questions, answers)
        registration = add(work, event, user_id, user_id, fitting, Cause.SERIES).registration
        if informs:
            # Questions that were added since the user registered for the series.
            missing = [one.text for one in event.questions if _is_unanswered(one, fitting)]
            text = "\n".join(missing) or None
            work.notify(NotificationKind.ENROLLED, registration, text=text)
    elif informs:
        work.notify_user(NotificationKind.NOT_ENROLLED, user_id)


def _is_unanswered(question: Question, answers: Answers) -> bool:
    return question.required and question.question_id not in answers


def has_seat_for_newcomer(event: Event) -> bool:
    """Return whether a newcomer gets a seat: nobody takes one ahead of the waitlist (R3.6)."""
    return event.waitlist_count == 0 and event.free_seats > 0


def _seat(
    work: WorkingCopy,
    event: Event,
    user_id: str,
    actor_id: str | None,
    answers: Answers | None = None,
    cause: Cause | None = None,
) -> RegisterOutcome:
    registration = _new_registration(work, event, user_id, RegistrationStatus.REGISTERED, answers)
    work.set_registration(user_id, registration)
    work.update_event(
        registered_count=event.registered_count + 1, next_ticket=event.next_ticket + 1
    )
    work.record(ChangeKind.REGISTERED, user_id, actor_id, registration.ticket, cause)
    return RegisterOutcome(event, registration)


def _waitlist(
    work: WorkingCopy,
    event: Event,
    user_id: str,
    actor_id: str | None,
    answers: Answers | None = None,
    cause: Cause | None = None,
) -> RegisterOutcome:
    registration = _new_registration(work, event, user_id, RegistrationStatus.WAITLISTED, answers)
    work.set_registration(user_id, registration)
    work.waitlist.append(WaitlistEntry.of(registration))
    work.update_event(next_ticket=event.next_ticket + 1)
    work.count_waitlisted(registration.ticket, +1)
    work.record(ChangeKind.WAITLISTED, user_id, actor_id, registration.ticket, cause)
    return RegisterOutcome(event, registration, work.current.waitlist_count)


def _new_registration(
    work: WorkingCopy,
    event: Event,
    user_id: str,
    status: RegistrationStatus,
    answers: Answers | None,
) -> Registration:
    has_seat = status is RegistrationStatus.REGISTERED
    return Registration(
        event_id=event.event_id,
        user_id=user_id,
        status=status,
        ticket=event.next_ticket,
        registered_at=work.now,
        seated_at=work.now if has_seat else None,
        registered_version=work.version,
        seated_version=work.version if has_seat else None,
        answers=answers or {},
    )


def unregister(
    work: WorkingCopy, user_id: str, cause: Cause, ticket: int | None
) -> UnregisterOutcome:
    """Delete the user's registration and promote into a freed seat (R4).

    With a ticket, only the registration with that ticket. Raises `UnknownEvent`, `NotRegistered`,
    and for a user who leaves `EventOver` or, while it is opening, `RegistrationClosed`: a deletion removes what is
    history, too.
    """
    event, registration = work.existing_event(), work.registration(user_id)
    if registration is None or ticket not in (None, registration.ticket):
        raise _not_registered(event, user_id)
    if cause is Cause.OWN and event.is_over(work.now):
        raise EventOver(event.event_id, event.title, event.over_at)
    if cause is Cause.OWN and event.is_opening:
        # Otherwise a later step would register them again.
        raise RegistrationClosed(event.event_id, event.title, ClosedReason.OPENING, None)
    is_deactivated = cause is Cause.USER_DEACTIVATED
    outcome = delete_and_promote(work, user_id, cause, None if is_deactivated else user_id)
    if is_deactivated:
        work.notify_organizers(outcome.registration)
    return replace(outcome, can_return=work.current.accepts(work.now))


def remove(
    work: WorkingCopy, user_id: str, actor: Actor | None, reason: str | None
) -> UnregisterOutcome:
    """Delete the user's registration on behalf of an organizer and notify the user (R4.6).

    Raises `UnknownEvent`, `NotOrganizer`, `NotRegistered`.
    """
    work.event_organized_by(actor)
    actor_id = actor.user_id if actor else None
    outcome = delete_and_promote(work, user_id, Cause.REMOVED, actor_id, reason)
    notifies = work.notify(NotificationKind.REMOVED, outcome.registration, reason)
    return replace(outcome, notifies=notifies)


def delete_and_promote(
    work: WorkingCopy,
    user_id: str,
    cause: Cause,
    actor_id: str | None,
    reason: str | None = None,
) -> UnregisterOutcome:
    """Delete the user's registration and promote into a freed seat, unless the event is being deleted.

    Raises `NotRegistered`.
    """
    event, registration = work.current, work.registration(user_id)
    if registration is None:
        raise _not_registered(event, user_id)
    ticket, status = registration.ticket, registration.status
    work.set_registration(user_id, None)
    if status is RegistrationStatus.WAITLISTED:
        work.waitlist.remove(WaitlistEntry.of(registration))
        work.count_waitlisted(ticket, -1)
    else:
        work.update_event(registered_count=event.registered_count - 1)
    work.record(ChangeKind.UNREGISTERED, user_id, actor_id, ticket, cause, reason, status=status)
    is_freed = status is RegistrationStatus.REGISTERED and event.deletion is None
    promoted = fill_free_seat(work, Cause.SEAT_FREED) if is_freed else ()
    return UnregisterOutcome(event, registration, promoted)


def fill_free_seat(work: WorkingCopy, cause: Cause) -> tuple[str, ...]:
    """Promote the first on the waitlist, if a seat is free and the event has not started (R4.2, R4.7).

    Return the user's id, or nothing. One seat became free, so one user is promoted: more are free only
    if another process, with a clock ahead of this one's, saw the event start.
    """
    return (promote_first(work, cause),) if can_promote(work) else ()


def can_promote(work: WorkingCopy) -> bool:
    """Return whether a seat is free for the first on the waitlist (R4.7)."""
    event = work.current
    return event.free_seats > 0 and event.waitlist_count > 0 and not event.has_started(work.now)


def promote_first(work: WorkingCopy, cause: Cause) -> str:
    """Give a seat to the first on the waitlist and notify that user. Return the user's id.

    The stored registration keeps every field but those of its seat: also those that a newer version added.
    """
    entry = work.waitlist.pop_first()
    waitlisted = work.registration(entry.user_id)
    if (
        waitlisted is None
        or waitlisted.status is not RegistrationStatus.WAITLISTED
        or WaitlistEntry.of(waitlisted) != entry
    ):
        raise InconsistentSnapshot(
            f"the waitlist entry of {entry.user_id} in {work.event_id} has no waitlisted registration"
        )
    seated = {
        "status": RegistrationStatus.REGISTERED,
        "seated_at": work.now,
        "seated_version": work.version,
    }
    registration = waitlisted.model_copy(update=seated)
    work.set_registration(entry.user_id, registration)
    work.update_event(registered_count=work.current.registered_count + 1)
    work.count_waitlisted(entry.ticket, -1)
    work.record(ChangeKind.PROMOTED, entry.user_id, None, entry.ticket, cause)
    work.notify(NotificationKind.PROMOTED, registration)
    return entry.user_id
