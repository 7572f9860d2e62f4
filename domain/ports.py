"""What the domain asks of the world around it: small protocols, each because something uses it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import threading

    from domain.models import (
        Card,
        DeliveryState,
        DueEvent,
        Event,
        JournalEntry,
        ListedEvent,
        Page,
        Registration,
        UnreachableRecipient,
        User,
        WaitlistEntry,
    )
    from domain.planning.plan import Plan


class Conflict(Exception):
    """A conditional write did not apply, and never will: what it rests on has moved, or it was throttled."""


class AnswerLost(Exception):
    """A commit was sent and no definite answer came back: it may have applied, or may yet."""


class Unavailable(Exception):
    """A read failed for a reason that passes by itself: throttled, timed out, or a server's error."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What one batch read of users and of their registrations in one event found, by user id."""

    users: Mapping[str, User]
    registrations: Mapping[str, Registration]


class Clock(Protocol):
    """Time. `now` is aware UTC; `monotonic` and `sleep` are in seconds."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        ...

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        """Wait for the signal, at most so long; return whether it came."""
        ...


class Store(Protocol):
    """The tables of one workspace.

    Reads are strongly consistent unless they say otherwise, and raise `Unavailable`. A `limit` is
    a page's length; a cursor is opaque, and `Invalid` names one that this list did not give out.
    Whatever else goes wrong passes through untouched.
    """

    # Events

    def get_event(self, event_id: str) -> Event | None:
        """Return the event, also one that is marked for deletion or was deleted (a tombstone)."""
        ...

    def get_events(self, event_ids: Collection[str]) -> dict[str, Event]:
        """Return those of the events that exist, by id, in one batch."""
        ...

    def list_events(
        self, *, starting_from: datetime | None, limit: int, cursor: str | None = None
    ) -> Page[ListedEvent]:
        """List events by start, from a moment on (None: all). Not those deleted. Eventually consistent."""
        ...

    def list_unfinished_events(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """List the ids of events with an unfinished operation (R7.4). Eventually consistent."""
        ...

    def list_due_events(self, *, limit: int, cursor: str | None = None) -> Page[DueEvent]:
        """List the events of which the clock will ask something, by when it does. Eventually consistent."""
        ...

    # Registrations

    def get_rows(
        self, event_id: str, *, registrations_of: Collection[str], users: Collection[str]
    ) -> Rows:
        """Return the users, and the registrations of users in the event, that exist; in one batch."""
        ...

    def get_waitlist(
        self, event_id: str, *, after: int = 0, until: int | None = None, limit: int
    ) -> tuple[WaitlistEntry, ...]:
        """Return who waits, in order of tickets, with tickets above `after` up to `until` (included)."""
        ...

    def count_entries_before(
        self, event_id: str, place: WaitlistEntry, *, after: int
    ) -> int | None:
        """Return how many wait with tickets above `after` before a place; None if that is not in the line."""
        ...

    def list_roster(
        self, event_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[Registration]:
        """List the registrations that have a seat, in order of tickets. Eventually consistent."""
        ...

    def get_last_seated(self, event_id: str, *, limit: int) -> tuple[Registration, ...]:
        """Return those who have a seat with the highest tickets, the last first. Eventually consistent."""
        ...

    def get_registrations_of(self, user_id: str) -> tuple[Registration, ...]:
        """Return all of a user's registrations, however many."""
        ...

    def commit(self, plan: Plan) -> None:
        """Apply the plan's actions whole, or not at all, each on its condition.

        Raises `Conflict` when it did not apply, and `AnswerLost` when that is not known. The same
        plan committed again after `AnswerLost` is the same request: it never applies twice.
        """
        ...

    # The journal

    def get_journal_entry(self, event_id: str, version: int) -> JournalEntry | None:
        """Return what the commit that made this version of the event did."""
        ...

    def list_journal(
        self, event_id: str, *, after: int = 0, limit: int
    ) -> tuple[JournalEntry, ...]:
        """Return the event's entries in order of version, those above `after`."""
        ...

    def list_history(
        self, event_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[JournalEntry]:
        """List the event's entries, newest first."""
        ...

    # Users

    def get_user(self, user_id: str) -> User | None:
        """Return the user, also one whose deletion is under way."""
        ...

    def list_users(self, *, limit: int, cursor: str | None = None) -> Page[User]:
        """List users by name, those under deletion included. Eventually consistent."""
        ...

    def list_unfinished_users(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """List the ids of users whose deletion is under way. Eventually consistent."""
        ...

    def put_user(self, user: User, *, replaces: str | None) -> None:
        """Write a user, if the one stored has this revision and no mark (None: if there is none).

        Raises `Conflict`, or `AnswerLost`; the stored revision then tells.
        """
        ...

    def start_user_deletion(self, user_id: str, mark: str, *, revision: str) -> str | None:
        """Mark a user of this revision for deletion; return the mark that holds now: an earlier one stays.

        None: there is no such user, or of another revision. A mark that arrives late, when the
        user was created anew, finds that. Raises `Conflict` when throttled, or `AnswerLost`: both
        can be repeated.
        """
        ...

    def delete_user(self, user_id: str, mark: str) -> None:
        """Delete the user's row. Raises `Conflict` unless the mark is this one, or `AnswerLost`."""
        ...

    # For `check` only

    def scan_events(self, *, limit: int, cursor: str | None = None) -> Page[Event]:
        """List every event in no order, tombstones included."""
        ...

    def scan_registrations(self, *, limit: int, cursor: str | None = None) -> Page[Registration]:
        """List every registration in no order."""
        ...

    def find_on_roster(self, event_id: str, ticket: int) -> tuple[Registration, ...]:
        """Return what the roster lists under a ticket: one registration at most. Eventually consistent."""
        ...

    def scan_waitlist(
        self, *, limit: int, cursor: str | None = None
    ) -> Page[tuple[str, WaitlistEntry]]:
        """List every place in every line, each with its event's id, in no order."""
        ...


class Outbox(Protocol):
    """What the journal still owes, and the cards: the notifier's side of a store.

    Writes here raise `Conflict` when their condition fails; all may raise `Unavailable`, and can
    then be repeated.
    """

    def list_undelivered(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """List the ids of events of which an entry is marked undelivered; may repeat. Eventually consistent."""
        ...

    def get_undelivered(self, event_id: str) -> tuple[int, ...]:
        """Return the versions of the event's entries that are marked undelivered. Eventually consistent."""
        ...

    def get_delivery(self, event_id: str) -> DeliveryState:
        """Return how far the event's messages are; a new `DeliveryState` where nothing was delivered yet."""
        ...

    def take_lease(
        self, event_id: str, *, holder: str, now: datetime, until: datetime
    ) -> DeliveryState | None:
        """Become the event's only deliverer until then; None while another's lease lasts."""
        ...

    def save_delivery(self, delivery: DeliveryState) -> DeliveryState:
        """Write the delivery row whole; return it with its new revision.

        Raises `Conflict` unless `delivery.holder` holds the lease and the revision is the stored
        one: a write that arrives late does not take the row back.
        """
        ...

    def mark_delivered(self, event_id: str, version: int) -> None:
        """Take the undelivered mark off an entry; harmless when it is off, or no such entry exists."""
        ...

    def record_unreachable(self, event_id: str, version: int, person: UnreachableRecipient) -> None:
        """Add a person to an entry's unreached, once, up to `MAX_UNREACHABLE`; harmless without the entry."""
        ...

    def get_cards(self, event_id: str) -> tuple[Card, ...]:
        """Return the event's cards."""
        ...

    def put_card(self, card: Card) -> bool:
        """Write a card; return whether it is stored: one with a newer version stays as it is."""
        ...

    def delete_card(self, event_id: str, channel_id: str, message_ts: str) -> None:
        """Forget a card; harmless when there is none."""
        ...


NewId = Callable[[], str]
"""Returns an identifier that was never returned before: 32 characters of `[0-9a-z]` at most."""

Spawn = Callable[[Callable[[], None]], None]
"""Runs a function in the background, and returns at once."""
