"""The plan: one atomic write, with a condition on each action, and an outcome for each command."""

from __future__ import annotations

from dataclasses import dataclass

from domain.commands import Outcome
from domain.errors import RollcallError
from domain.models import Event, JournalEntry, Registration, User, WaitlistEntry
from domain.queued import BatchResults

ACTIONS_PER_COMMIT = 100
"""The most actions that DynamoDB accepts in one transaction."""

MAX_REGISTRATIONS_PER_COMMIT = (ACTIONS_PER_COMMIT - 2) // 2
"""The most registrations that one commit can move: each takes two actions, event and journal one each."""


MAX_ENROLLED_PER_COMMIT = (ACTIONS_PER_COMMIT - 2) // 3
"""The most registrations for a series that one commit can honor: each is checked, and may take two actions more."""


@dataclass(frozen=True, slots=True)
class PutEvent:
    """Write the event, if it is stored with this version (None: if it is not stored)."""

    event: Event
    replaces: int | None


@dataclass(frozen=True, slots=True)
class PutRegistration:
    """Write a registration, if one with the ticket and status of `replaces` is stored (None: if none is)."""

    registration: Registration
    replaces: Registration | None


@dataclass(frozen=True, slots=True)
class DeleteRegistration:
    """Delete a registration, if it is stored with this ticket and status."""

    registration: Registration


@dataclass(frozen=True, slots=True)
class PutWaitlistEntry:
    """Write a waitlist entry, if its ticket has none."""

    event_id: str
    entry: WaitlistEntry


@dataclass(frozen=True, slots=True)
class DeleteWaitlistEntry:
    """Delete a waitlist entry, if its ticket is this user's."""

    event_id: str
    entry: WaitlistEntry


@dataclass(frozen=True, slots=True)
class CheckUser:
    """Check that the user exists, unless it `may_be_missing`, and is not being deleted."""

    user_id: str
    may_be_missing: bool = False


@dataclass(frozen=True, slots=True)
class CheckRegistration:
    """Check that a registration is stored with this ticket and status."""

    registration: Registration


@dataclass(frozen=True, slots=True)
class CreateUser:
    """Write a user, if none with this id is stored."""

    user: User


@dataclass(frozen=True, slots=True)
class PutJournalEntry:
    """Write a journal entry, if its version has none. `is_undelivered` marks it for delivery."""

    entry: JournalEntry
    is_undelivered: bool = True


@dataclass(frozen=True, slots=True)
class PutBatchResults:
    """Write the results of the requests that the plan carries out, in the place of the last but one batch (R14)."""

    batch: BatchResults


Action = (
    PutEvent
    | PutRegistration
    | DeleteRegistration
    | PutWaitlistEntry
    | DeleteWaitlistEntry
    | CheckUser
    | CheckRegistration
    | CreateUser
    | PutJournalEntry
    | PutBatchResults
)


@dataclass(frozen=True, slots=True)
class Plan:
    """One atomic write, and the outcomes of the first `len(outcomes)` commands.

    A plan without actions writes nothing: each command was refused, or there was nothing to change.
    """

    plan_id: str
    event_id: str
    event: Event | None
    """The event as the plan leaves it."""
    outcomes: tuple[Outcome | RollcallError, ...]
    actions: tuple[Action, ...] = ()

    @property
    def journal_ids(self) -> tuple[str, ...]:
        """The ids whose journals have a new entry: the event's, and those of its new jobs."""
        return tuple(
            action.entry.event_id for action in self.actions if isinstance(action, PutJournalEntry)
        )
