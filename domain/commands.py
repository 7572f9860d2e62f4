"""What can be asked of an event, and what is answered when it is done; refusals are in `domain.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.enums import Audience, Cause, EventStatus
from domain.inputs import EventChanges
from domain.models import Actor, Event, Registration, WaitlistEntry


@dataclass(frozen=True, slots=True)
class Create:
    """Write a new event; its id must never have been used (R7.2)."""

    event: Event
    actor_id: str | None = None


@dataclass(frozen=True, slots=True)
class Register:
    """Give the user a seat, or a place in line (R3). Gives `RegisterOutcome`."""

    user_id: str


@dataclass(frozen=True, slots=True)
class Unregister:
    """Take the user out (R4); with a ticket, only if that is still the one. Gives `LeaveOutcome`."""

    user_id: str
    cause: Cause = Cause.OWN
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Take a user out in an organizer's name; the user is told (R4.6). Gives `LeaveOutcome`."""

    user_id: str
    actor: Actor | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Change the event, its capacity included (R2.5, R8.8). Gives `ChangeOutcome`."""

    changes: EventChanges
    actor: Actor | None


@dataclass(frozen=True, slots=True)
class SetStatus:
    """Open, close or cancel the event (R2.6); what is so already stays so. Gives `ChangeOutcome`."""

    status: EventStatus
    actor: Actor | None


@dataclass(frozen=True, slots=True)
class Message:
    """Tell an audience what an organizer has to say; once for each request id. Gives `ChangeOutcome`."""

    text: str
    audience: Audience
    actor: Actor | None
    request_id: str


@dataclass(frozen=True, slots=True)
class Export:
    """Send the actor the list of everyone in the event; once for each request id. Gives `ChangeOutcome`."""

    actor: Actor
    request_id: str


@dataclass(frozen=True, slots=True)
class RunSchedule:
    """Do what the event's next due time asks for, if it has come (R8.15). Gives `ChangeOutcome`."""


@dataclass(frozen=True, slots=True)
class ContinueCapacityIncrease:
    """Take a raise that did not fit one commit a step further, if it is still wanted. Gives `ChangeOutcome`."""

    operation_id: str


@dataclass(frozen=True, slots=True)
class StartDeletion:
    """The first step of an event's deletion: from here on nobody can find it (R7.2). Gives `ChangeOutcome`."""

    actor: Actor | None


@dataclass(frozen=True, slots=True)
class RemoveAttendees:
    """Take users out of an event that is being deleted: those who wait first. Gives `ChangeOutcome`."""

    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FinishDeletion:
    """The last step of an event's deletion: only its id is kept, for ever. Gives `ChangeOutcome`."""


@dataclass(frozen=True, slots=True)
class ApplyFix:
    """Set right what a check found at this version (R7.6): numbers of the event, registrations, places in line.

    Gives `ChangeOutcome`, unchanged if the version moved.
    """

    version: int
    numbers: Mapping[str, object] = field(default_factory=dict)
    rows: tuple[tuple[Registration, Registration | None], ...] = ()
    """Each as it is stored, and as it is to be; None: gone."""
    add: tuple[WaitlistEntry, ...] = ()
    drop: tuple[WaitlistEntry, ...] = ()
    above: int = 0
    """Versions up to this one are taken: the history is ahead of the event."""


@dataclass(frozen=True, slots=True)
class FillFreeSeats:
    """Give free seats to the line, as no event should need (R7.6). Gives `ChangeOutcome`."""


Command = (
    Create
    | Register
    | Unregister
    | Remove
    | Edit
    | SetStatus
    | Message
    | Export
    | RunSchedule
    | ContinueCapacityIncrease
    | StartDeletion
    | RemoveAttendees
    | FinishDeletion
    | ApplyFix
    | FillFreeSeats
)


# Outcomes. `event` is the event as the whole commit leaves it.


@dataclass(frozen=True, slots=True)
class RegisterOutcome:
    """The user is in; `position` is None for one who has a seat."""

    event: Event
    registration: Registration
    position: int | None = None


@dataclass(frozen=True, slots=True)
class LeaveOutcome:
    """The user is out, and was in as `registration`; `promoted` got the seat."""

    event: Event
    registration: Registration
    promoted: tuple[str, ...] = ()
    told: bool = True
    """Whether those whom it concerns are told: not of an event that is canceled or over."""


@dataclass(frozen=True, slots=True)
class ChangeOutcome:
    """The event is as wanted; `changed` is False where it was so before. `promoted` got seats."""

    event: Event
    changed: bool = True
    promoted: tuple[str, ...] = ()
    is_moved: bool = False
    """Whether time or place changed: everyone is told."""
    told: bool = True
    """Whether those whom it concerns are told: not of an event that is over, nor twice of the same."""


Outcome = RegisterOutcome | LeaveOutcome | ChangeOutcome
