"""Commands that can be run on an event, and the outcome of each. Refusals are in `domain.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from domain.enums import Audience, Cause, EventStatus
from domain.inputs import EventChanges, RecurrenceDraft
from domain.models import Actor, Event, FixedRegistration, Registration, WaitlistEntry
from domain.questions import Answers

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Create:
    """Create the event. Its id must never have been used (R7.2). Gives `ChangeOutcome`."""

    event: Event
    actor_id: str | None = None
    card_channel: str | None = None
    """The channel that gets the event's card (R9.7)."""


@dataclass(frozen=True, slots=True)
class Register:
    """Give the user a seat or add the user to the waitlist (R3). Gives `RegisterOutcome`."""

    user_id: str
    answers: Answers | None = None
    """The answers to the event's questions (R12.3). None: the user has not been asked."""
    asked: frozenset[str] | None = None
    """The fingerprints of the questions that the user was asked. None: they may have changed since."""


@dataclass(frozen=True, slots=True)
class ChangeAnswers:
    """Replace the answers of a registered or waitlisted user (R12.3). Gives `AnswersOutcome`."""

    user_id: str
    answers: Answers
    asked: frozenset[str] | None = None
    """See `Register.asked`."""
    with_position: bool = False
    """Whether the outcome has the position of a waitlisted user, which may take a request more."""


@dataclass(frozen=True, slots=True)
class AddAttendees:
    """Register users for an organizer, all of them or none, and notify them (R12.4). Gives `AddOutcome`."""

    user_ids: tuple[str, ...]
    """In the order in which they get seats. Each once."""
    actor: Actor | None
    request_id: str | None = None
    """With one, those who are registered already are left out, and a repetition adds nobody."""
    creates_users: bool = False
    """Whether users who are not stored are created, without a name (R1.6)."""


@dataclass(frozen=True, slots=True)
class Unregister:
    """Delete the user's registration (R4); with a ticket, only that one. Gives `UnregisterOutcome`."""

    user_id: str
    cause: Cause = Cause.OWN
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete a user's registration for an organizer and notify the user (R4.6). Gives `UnregisterOutcome`."""

    user_id: str
    actor: Actor | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Change the event, including its capacity (R2.5, R8.8). Gives `ChangeOutcome`."""

    changes: EventChanges
    actor: Actor | None
    note: str | None = None
    """For the attendees. It goes with a change of time or place, and nowhere without one."""
    of_series: bool = False
    """Whether these are an occurrence's values in its series. They leave what was changed in it alone (R13.3)."""
    day: date | None = None
    """The day of the series' rule that the occurrence moves to."""


@dataclass(frozen=True, slots=True)
class EditSeries:
    """Change a series, and what it has made from an occurrence on (R13.3). Gives `ChangeOutcome`."""

    changes: EventChanges
    """Its times are those of the occurrence; without a number, of the next one to be made."""
    actor: Actor | None
    number: int | None = None
    """The occurrence. None: all that have not started."""
    recurrence: RecurrenceDraft | None = None
    """How the series goes on from there."""
    note: str | None = None
    """See `Edit.note`."""


@dataclass(frozen=True, slots=True)
class ChangeLeftOut:
    """Leave days out of a series for which nothing was made yet, or no longer (R13.1). Gives `ChangeOutcome`."""

    actor: Actor | None
    leave_out: tuple[date, ...] = ()
    take_back: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class EndSeries:
    """Make no more occurrences of a series (R13.3). Gives `ChangeOutcome`."""

    actor: Actor | None
    cancels: bool = False
    """Whether those that were made and have not started are canceled, too."""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class FinishCarrying:
    """Note that a change of a series has reached one of its occurrences. Gives `ChangeOutcome`."""

    number: int


@dataclass(frozen=True, slots=True)
class FollowChannel:
    """List the event if its channel is public, unless someone has chosen (R2.8). Gives `ChangeOutcome`."""

    channel_id: str
    is_private: bool


@dataclass(frozen=True, slots=True)
class SetStatus:
    """Open, close or cancel the event (R2.6). Gives `ChangeOutcome`."""

    status: EventStatus
    actor: Actor | None
    reason: str | None = None
    """Why the event is canceled."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Send an announcement to an audience, once per request id. Gives `ChangeOutcome`."""

    text: str
    audience: Audience
    actor: Actor | None
    request_id: str


@dataclass(frozen=True, slots=True)
class Export:
    """Send the actor the list of attendees, once per request id. Gives `ChangeOutcome`."""

    actor: Actor
    request_id: str


@dataclass(frozen=True, slots=True)
class PostCard:
    """Post the event's card in a channel, once per request id (R9.7). Gives `ChangeOutcome`.

    No card is posted if the channel has one that is newer than the message `after` (R8.13).
    """

    channel_id: str
    after: str
    actor: Actor | None
    request_id: str


@dataclass(frozen=True, slots=True)
class RemoveOrganizer:
    """Take a user who is being deleted off the event's organizers (R2.9). Gives `ChangeOutcome`.

    If nobody is left, the successor becomes the organizer.
    """

    user_id: str
    cause: Cause
    successor_id: str | None = None


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Make a workspace admin the organizer of an event that has none (R2.9). Gives `ChangeOutcome`."""

    actor: Actor


@dataclass(frozen=True, slots=True)
class RunSchedule:
    """Send what is due, if the event's next due time has come (R8.15). Gives `ChangeOutcome`."""


@dataclass(frozen=True, slots=True)
class Enroll:
    """Honor registrations for a series in one of its occurrences, each exactly once (R13.4). Gives `ChangeOutcome`.

    Nothing changes unless the occurrence has honored them up to the ticket `after`. `changed` is then False.
    """

    registrations: tuple[Registration, ...]
    """Registrations for the series that are honored next, in order of tickets: at most `MAX_ENROLLED_PER_COMMIT`."""
    after: int
    until: int
    """No registration for the series is left out between `after` and this ticket."""
    goes_first: bool = False
    """Whether these are those who go first because they missed the occurrence before (R13.5)."""
    informed: frozenset[str] = frozenset()
    """Ids of the users who learn it otherwise, and get no message."""


@dataclass(frozen=True, slots=True)
class FinishEnrolling:
    """Note that all occurrences of a series honor its registrations up to a ticket. Gives `ChangeOutcome`."""

    until: int


@dataclass(frozen=True, slots=True)
class ContinueCapacityIncrease:
    """Take the next step of a capacity increase, if it is still wanted. Gives `ChangeOutcome`."""

    operation_id: str


@dataclass(frozen=True, slots=True)
class StartDeletion:
    """Hide the event from everyone: the first step of its deletion (R7.2). Gives `ChangeOutcome`."""

    actor: Actor | None


@dataclass(frozen=True, slots=True)
class RemoveAttendees:
    """Delete registrations of an event in deletion, waitlisted users first. Gives `ChangeOutcome`."""

    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FinishDeletion:
    """Keep only the event's id, forever: the last step of its deletion. Gives `ChangeOutcome`."""


@dataclass(frozen=True, slots=True)
class ApplyFix:
    """Fix what a check found at this version (R7.6).

    Gives `ChangeOutcome`, with `changed` False if the event has another version.
    """

    version: int
    values: Mapping[str, object] = field(default_factory=dict)
    """The event's fields to set."""
    registrations: tuple[tuple[Registration, Registration | None], ...] = ()
    """Each as stored, and as it should be (None: deleted)."""
    add: tuple[WaitlistEntry, ...] = ()
    drop: tuple[WaitlistEntry, ...] = ()
    min_version: int = 0
    """The new version must be above this: the journal is ahead of the event."""
    recorded: tuple[FixedRegistration, ...] = ()
    """Registrations that stay as they are, for the journal, which says otherwise."""


@dataclass(frozen=True, slots=True)
class FillFreeSeats:
    """Promote into seats that should not be free (R7.6). Gives `ChangeOutcome`."""


Command = (
    Create
    | Register
    | ChangeAnswers
    | AddAttendees
    | Unregister
    | Remove
    | Edit
    | FollowChannel
    | SetStatus
    | Announce
    | Export
    | PostCard
    | RemoveOrganizer
    | TakeOver
    | RunSchedule
    | Enroll
    | FinishEnrolling
    | EditSeries
    | ChangeLeftOut
    | EndSeries
    | FinishCarrying
    | ContinueCapacityIncrease
    | StartDeletion
    | RemoveAttendees
    | FinishDeletion
    | ApplyFix
    | FillFreeSeats
)


# Outcomes. `event` is the event after the whole commit.


@dataclass(frozen=True, slots=True)
class RegisterOutcome:
    """The user is registered (`position` None) or waitlisted."""

    event: Event
    registration: Registration
    position: int | None = None


@dataclass(frozen=True, slots=True)
class AnswersOutcome:
    """The registration has these answers. `changed` is False if it had them before."""

    event: Event
    registration: Registration
    position: int | None = None
    """None with a seat, or if it was not asked for."""
    changed: bool = True


@dataclass(frozen=True, slots=True)
class Attendee:
    """A user's registration, with its position if it is waitlisted."""

    registration: Registration
    position: int | None = None


@dataclass(frozen=True, slots=True)
class AddOutcome:
    """The users in `added` are registered or waitlisted now. Those in `present` were already."""

    event: Event
    added: tuple[Attendee, ...]
    present: tuple[Attendee, ...] = ()
    is_repeated: bool = False
    """Whether an earlier commit has carried out the same request. Users in neither list have left since then."""


@dataclass(frozen=True, slots=True)
class UnregisterOutcome:
    """The registration was deleted, and the users in `promoted` got seats."""

    event: Event
    registration: Registration
    promoted: tuple[str, ...] = ()
    notifies: bool = True
    """Whether the users concerned are notified. They are not if the event is canceled or over."""
    can_return: bool = False
    """Whether the user could register again."""


@dataclass(frozen=True, slots=True)
class ChangeOutcome:
    """The event is as requested, and the users in `promoted` got seats.

    `changed` is False if there was nothing to change.
    """

    event: Event
    changed: bool = True
    promoted: tuple[str, ...] = ()
    is_moved: bool = False
    """Whether time or place changed: all attendees are notified."""
    notifies: bool = True
    """Whether the users concerned are notified. They are not if the event is over, nor twice."""
    new_questions: int = 0
    """Questions that were added, and that all attendees are asked. There are none once the event has started."""


Outcome = RegisterOutcome | AnswersOutcome | AddOutcome | UnregisterOutcome | ChangeOutcome


def expect(kind: type[T], outcome: object) -> T:
    """Return the outcome. Raise `TypeError` if it is not of the kind that its command gives."""
    if not isinstance(outcome, kind):
        raise TypeError(f"expected {kind.__name__}, got {outcome!r}")
    return outcome
