"""The snapshot: what was read for a plan, and what must be read for given commands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from domain.commands import (
    AddAttendees,
    ChangeAnswers,
    Command,
    ContinueCapacityIncrease,
    Create,
    Edit,
    EditSeries,
    EndSeries,
    Enroll,
    FillFreeSeats,
    Register,
    Remove,
    RemoveAttendees,
    RemoveOrganizer,
    RunSchedule,
    TakeOver,
    Unregister,
)
from domain.enums import RegistrationStatus
from domain.models import Event, Registration, WaitlistEntry
from domain.planning.plan import MAX_REGISTRATIONS_PER_COMMIT


class InconsistentSnapshot(Exception):
    """The parts of a snapshot contradict each other.

    Either the event changed while it was read, or the stored data is corrupt.
    """


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The stored data of one event, as far as the commands need it.

    `users_needed`, `waitlist_head_needed`, `positions_needed` and `occurrences_needed` say how far that is.
    """

    event: Event | None
    users: Collection[str] = frozenset()
    """Ids of the users who exist and are not being deleted."""
    registrations: Mapping[str, Registration] = field(default_factory=dict)
    """By user id, those of `waitlist_head` included."""
    waitlist_head: tuple[WaitlistEntry, ...] = ()
    entries_before: Mapping[int, int] = field(default_factory=dict)
    """By ticket: the number of entries before it within its block."""
    users_in_deletion: Collection[str] = frozenset()
    """Ids of the users who are being deleted."""
    occurrences: Mapping[int, Event] = field(default_factory=dict)
    """By number, the occurrences of a series that have not started, the last one that was made, and whatever has the
    ids of the next ones."""


def occurrences_needed(event: Event | None, commands: Sequence[Command]) -> bool:
    """Return whether the commands may make an occurrence of a series, or change those that were made."""
    is_series = event is not None and event.series is not None
    kinds = RunSchedule | EditSeries | EndSeries
    return is_series and any(isinstance(command, kinds) for command in commands)


def users_needed(
    commands: Sequence[Command], event: Event | None = None
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the users whose registrations, and those who themselves, must be in the snapshot."""
    registrations: set[str] = set()
    users: set[str] = set()
    for command in commands:
        match command:
            case Register(user_id):
                registrations.add(user_id)
                users.add(user_id)
            case AddAttendees(user_ids):
                registrations.update(user_ids)
                users.update(user_ids)
            case Unregister(user_id) | Remove(user_id) | ChangeAnswers(user_id):
                registrations.add(user_id)
            case RemoveAttendees(user_ids):
                registrations.update(user_ids)
            case Enroll(enrolled):
                registrations.update(one.user_id for one in enrolled)
            case RunSchedule() if event is not None and event.series is not None:
                users.update(event.organizer_ids)
            case Create(created):
                users.update(created.organizer_ids)
            case Edit(changes) | EditSeries(changes):
                users.update({changes.organizer_id, *changes.co_organizer_ids} - {""})
            case TakeOver(actor):
                users.add(actor.user_id)
            case RemoveOrganizer(user_id, successor_id=successor_id):
                users.update({user_id, successor_id or user_id})
    return frozenset(registrations), frozenset(users)


def waitlist_head_needed(
    event: Event, registrations: Mapping[str, Registration], commands: Sequence[Command]
) -> int:
    """Return how many entries of the waitlist's head must be in the snapshot.

    0 if no seat can become free. Otherwise one for each seat, and one for each waitlisted user who
    may leave first.
    """
    freed = leaving = 0
    for command in commands:
        match command:
            case Unregister(user_id) | Remove(user_id) if user_id in registrations:
                if registrations[user_id].status is RegistrationStatus.REGISTERED:
                    freed += 1
                else:
                    leaving += 1
            case Edit(changes) if changes.model_fields_set & {"capacity", "starts_at"}:
                # Seats that stayed free since the start are given away at a later start (R4.7).
                is_given = "capacity" in changes.model_fields_set
                capacity = changes.capacity if is_given else event.capacity
                freed += max(0, capacity - event.registered_count)
            case ContinueCapacityIncrease() if event.capacity_target is not None:
                freed += event.capacity_target - event.capacity
            case FillFreeSeats():
                freed += event.free_seats
    return (
        min(freed + leaving, event.waitlist_count, MAX_REGISTRATIONS_PER_COMMIT + 1)
        if freed > 0
        else 0
    )


def positions_needed(
    registrations: Mapping[str, Registration], commands: Sequence[Command]
) -> frozenset[WaitlistEntry]:
    """Return the entries of waitlisted users whose position an answer states, such as who register again."""
    stated: set[str] = set()
    for command in commands:
        match command:
            case Register(user_id) | ChangeAnswers(user_id, with_position=True):
                stated.add(user_id)
            case AddAttendees(user_ids):
                stated.update(user_ids)
    return frozenset(
        WaitlistEntry.of(registrations[user_id])
        for user_id in stated & registrations.keys()
        if registrations[user_id].status is RegistrationStatus.WAITLISTED
    )
