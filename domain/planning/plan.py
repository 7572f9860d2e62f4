"""One atomic write: its actions, each on its condition, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from domain.commands import Outcome
from domain.errors import RollcallError
from domain.models import Event, JournalEntry, Registration, WaitlistEntry


@dataclass(frozen=True, slots=True)
class PutEvent:
    """Write the event, if it is stored with this version (None: if it is not stored)."""

    event: Event
    replaces: int | None


@dataclass(frozen=True, slots=True)
class PutRegistration:
    """Write a registration, if it is stored with that one's ticket and status (None: if there is none)."""

    registration: Registration
    replaces: Registration | None


@dataclass(frozen=True, slots=True)
class DeleteRegistration:
    """Delete a registration, if it is stored with this ticket and status."""

    registration: Registration


@dataclass(frozen=True, slots=True)
class PutWaitlistEntry:
    """Write a place in the line, if the ticket has none."""

    event_id: str
    waiting: WaitlistEntry


@dataclass(frozen=True, slots=True)
class DeleteWaitlistEntry:
    """Delete a place in the line, if the ticket is this user's."""

    event_id: str
    waiting: WaitlistEntry


@dataclass(frozen=True, slots=True)
class CheckUser:
    """Check that the user exists and is not marked for deletion."""

    user_id: str


@dataclass(frozen=True, slots=True)
class PutJournalEntry:
    """Write the journal's entry, if its version has none: marked undelivered, unless nothing is `owed`."""

    entry: JournalEntry
    owed: bool = True


Action = (
    PutEvent
    | PutRegistration
    | DeleteRegistration
    | PutWaitlistEntry
    | DeleteWaitlistEntry
    | CheckUser
    | PutJournalEntry
)


@dataclass(frozen=True, slots=True)
class Plan:
    """One atomic write, and what it answers to the first `len(outcomes)` commands.

    With no actions nothing is written: every command was refused, or was so already.
    """

    plan_id: str
    event_id: str
    event: Event | None
    """The event as the plan leaves it."""
    outcomes: tuple[Outcome | RollcallError, ...]
    actions: tuple[Action, ...] = ()
