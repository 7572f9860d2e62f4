"""The protocols that the domain needs from the outside: stores, the outbox, time and ids."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
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
    from domain.queued import AwaitedReply, QueuedRequest, QueueState, RequestResult

INDEX_LAG = 2.0
"""Seconds until an eventually consistent list shows what was committed."""

MARKS_PER_SAVE = 20
"""The most entries that are marked as delivered together with the delivery row: as many as are read at a time."""


class Conflict(Exception):
    """A conditional write did not apply and never will: its condition failed, or it was throttled."""


class AnswerLost(Exception):
    """A write was sent and got no definite answer: it may have applied, or may still apply."""


class Unavailable(Exception):
    """A read failed for a temporary reason: throttling, a timeout, or a server error."""


class UnreadableRow(ValueError):
    """A stored row is damaged, or was written by a newer version: no retry reads it.

    The message names the table, the row's key, the field and the reason, and none of the row's other values.
    """


class ThreadNotStarted(Exception):
    """The system starts no more threads at present: none of the work has run."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Users and registrations in one event that one batch read found, by user id."""

    users: Mapping[str, User]
    registrations: Mapping[str, Registration]


@dataclass(frozen=True, slots=True)
class DeliveryRows:
    """The rows that a delivery starts from. One batch reads them, so they may be of different moments."""

    event: Event | None
    delivery: DeliveryState
    entry: JournalEntry | None


class Clock(Protocol):
    """Time. `now` is aware UTC; `monotonic` and `sleep` are in seconds."""

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for so many seconds."""
        ...

    def wait(self, signal: threading.Event, seconds: float) -> bool:
        """Wait for the signal, at most so many seconds; return whether it came."""
        ...


class Store(Protocol):
    """The tables of one workspace.

    Reads are strongly consistent unless they say otherwise, and raise `Unavailable`. `limit` is the
    length of a page. Where it may be None, that means as much as one request returns, which is 1 MB
    on DynamoDB. Cursors are opaque; one of another list raises `Invalid`. Other errors pass through
    unchanged.
    """

    # Events

    def get_event(self, event_id: str) -> Event | None:
        """Return the event, also during its deletion or as a tombstone."""
        ...

    def get_events(self, event_ids: Collection[str]) -> dict[str, Event]:
        """Return the events that exist, by id, in one batch."""
        ...

    def list_events(
        self,
        *,
        starting_from: datetime | None,
        limit: int,
        cursor: str | None = None,
        organizer_id: str | None = None,
    ) -> Page[ListedEvent]:
        """List events by start, from a time on (None: all), without deleted ones and series. Eventually consistent.

        With an organizer: without those that others organize. A page may then be short, or empty.
        """
        ...

    def list_series(
        self, *, limit: int, cursor: str | None = None, organizer_id: str | None = None
    ) -> Page[ListedEvent]:
        """List the series that were not deleted by the start of their first occurrence. Eventually consistent.

        With an organizer: as `list_events`.
        """
        ...

    def list_running_events(
        self,
        *,
        since: datetime,
        limit: int,
        cursor: str | None = None,
        organizer_id: str | None = None,
    ) -> Page[ListedEvent]:
        """List events that started before a time and end at or after it, by end. Eventually consistent.

        Otherwise as `list_events`. A page may be short, or empty.
        """
        ...

    def list_unfinished_events(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """List the ids of events with an unfinished operation (R7.4). Eventually consistent."""
        ...

    def list_due_events(self, *, limit: int, cursor: str | None = None) -> Page[DueEvent]:
        """List events by their next due time. Eventually consistent."""
        ...

    # Registrations

    def get_rows(
        self, event_id: str, *, registrations_of: Collection[str], users: Collection[str]
    ) -> Rows:
        """Return the users, and the registrations in the event, that exist, in one batch."""
        ...

    def get_waitlist(
        self, event_id: str, *, after: int = 0, until: int | None = None, limit: int | None
    ) -> tuple[WaitlistEntry, ...]:
        """Return the waitlist entries with tickets above `after`, up to and including `until`, in order.

        Without a limit there is at least one, if there are any.
        """
        ...

    def count_entries_before(
        self, event_id: str, entry: WaitlistEntry, *, after: int
    ) -> int | None:
        """Return the number of entries with tickets above `after` before an entry.

        Return None if the entry is not on the waitlist.
        """
        ...

    def list_roster(
        self, event_id: str, *, limit: int | None, cursor: str | None = None
    ) -> Page[Registration]:
        """List the registered users' registrations, in order of tickets. Eventually consistent."""
        ...

    def get_last_seated(self, event_id: str, *, limit: int) -> tuple[Registration, ...]:
        """Return the registered users' registrations with the highest tickets. Eventually consistent.

        The highest comes first.
        """
        ...

    def get_registrations_of(self, user_id: str) -> tuple[Registration, ...]:
        """Return all of a user's registrations."""
        ...

    def get_events_and_registrations(
        self, event_ids: Collection[str], user_id: str
    ) -> tuple[dict[str, Event], tuple[Registration, ...]]:
        """Return what `get_events` and `get_registrations_of` do, read at the same time where that is faster."""
        ...

    def commit(self, plan: Plan) -> None:
        """Apply all actions of the plan, or none, each on its condition.

        Raises `Conflict` if it did not apply, and `AnswerLost` if that is not known. Committing the
        same plan again after `AnswerLost` repeats the same request: it never applies twice.
        """
        ...

    # The journal

    def get_journal_entry(self, event_id: str, version: int) -> JournalEntry | None:
        """Return the entry of the commit that made this version of the event."""
        ...

    def list_journal(
        self, event_id: str, *, after: int = 0, limit: int
    ) -> tuple[JournalEntry, ...]:
        """Return the event's entries with versions above `after`, in order."""
        ...

    def list_history(
        self, event_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[JournalEntry]:
        """List the event's entries, newest first."""
        ...

    def delete_old_entries(self, now: datetime, *, limit: int) -> int:
        """Delete delivered entries that are no longer kept at `now`, up to `limit`; return how many.

        A store whose engine deletes them by itself does nothing. Raises `Conflict` if the store is busy.
        """
        ...

    # Users

    def get_user(self, user_id: str) -> User | None:
        """Return the user, also during its deletion."""
        ...

    def list_users(self, *, limit: int | None, cursor: str | None = None) -> Page[User]:
        """List users by name, also during their deletion. Eventually consistent."""
        ...

    def list_unfinished_users(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """List the ids of users that are being deleted. Eventually consistent."""
        ...

    def put_user(self, user: User, *, replaces: str | None) -> None:
        """Write a user, if the stored one has this revision and no deletion id (None: if none is stored).

        Raises `Conflict` or `AnswerLost`. The stored revision then tells whether it applied.
        """
        ...

    def start_user_deletion(self, user_id: str, deletion_id: str, *, revision: str) -> str | None:
        """Store a deletion id in a user with this revision; return the stored one: an earlier one stays.

        Return None if there is no user with this revision: a request that arrives late does not
        delete a user that was created again. Raises `Conflict` if throttled, or `AnswerLost`. Both
        can be repeated.
        """
        ...

    def delete_user(self, user_id: str, deletion_id: str) -> None:
        """Delete the user. Raises `Conflict` unless it has this deletion id, or `AnswerLost`."""
        ...

    # Everything, in any order: for `check`, and for what must miss nothing

    def scan_events(
        self, *, limit: int, cursor: str | None = None, organizer_id: str | None = None
    ) -> Page[Event]:
        """List all events, including tombstones. With an organizer: without those that others organize.

        An event that exists throughout is listed, whatever else changes meanwhile: its place in this
        list never changes. A page may be short, or empty.
        """
        ...

    def scan_registrations(self, *, limit: int, cursor: str | None = None) -> Page[Registration]:
        """List all registrations, in any order."""
        ...

    def find_on_roster(self, event_id: str, ticket: int) -> tuple[Registration, ...]:
        """Return what the roster lists under a ticket, normally one registration. Eventually consistent."""
        ...

    def scan_waitlist(
        self, *, limit: int, cursor: str | None = None
    ) -> Page[tuple[str, WaitlistEntry]]:
        """List all waitlist entries, each with its event's id, in any order."""
        ...


class Outbox(Protocol):
    """The undelivered journal entries and the cards: what the notification worker needs of a store.

    Every `event_id` may also be the id of a job (`domain.models.ExportJob`, `ReplyJob`).

    Writes raise `Conflict` if their condition fails. All methods may raise `Unavailable`, and can then
    be repeated.
    """

    def list_undelivered(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """List the ids of events with undelivered entries; an id may repeat. Eventually consistent."""
        ...

    def get_undelivered(self, event_id: str) -> tuple[int, ...]:
        """Return the versions of the event's undelivered entries. Eventually consistent."""
        ...

    def get_delivery(self, event_id: str) -> DeliveryState:
        """Return the event's delivery row, a new one if nothing was delivered yet."""
        ...

    def get_delivery_rows(self, event_id: str, version: int) -> DeliveryRows:
        """Return the event, its delivery row and the journal entry of a version, in one batch."""
        ...

    def take_lease(
        self, event_id: str, *, holder: str, until: datetime, expired: int | None = None
    ) -> DeliveryState:
        """Take the event's lease, if no other process holds it, or the row has the revision `expired`.

        Return the row: its `holder` says who has the lease now. No time is compared: `until` is for
        people who read the row.
        """
        ...

    def save_delivery(
        self, delivery: DeliveryState, *, delivered: Sequence[int] = ()
    ) -> DeliveryState:
        """Replace the delivery row; return it with its new revision.

        In the same write, mark the entries of up to `MARKS_PER_SAVE` versions as delivered. Raises `Conflict`
        unless the stored row has this holder and this revision, or there is none yet and `delivery` is new: a
        write that arrives late does not restore an older row.
        """
        ...

    def mark_delivered(self, event_id: str, version: int) -> None:
        """Mark an entry as delivered; do nothing if it is, or if there is none."""
        ...

    def add_job(self, entry: JournalEntry) -> None:
        """Write the only entry of a new job, as undelivered. Its `event_id` is the job's id."""
        ...

    def delete_job(self, job_id: str) -> None:
        """Delete what a finished job leaves: its entry, then its delivery row. Do nothing if both are gone."""
        ...

    def record_unreachable(
        self, event_id: str, version: int, recipient: UnreachableRecipient
    ) -> None:
        """Add an unreachable recipient to an entry, once, up to `MAX_UNREACHABLE`.

        Do nothing without the entry.
        """
        ...

    def get_cards(self, event_id: str) -> tuple[Card, ...]:
        """Return the event's cards."""
        ...

    def put_card(self, card: Card) -> bool:
        """Write a card, unless a newer version of it is stored; return whether it was written.

        Version 0 is a card that was seen and not rendered: it replaces no stored card.
        """
        ...

    def delete_card(self, event_id: str, channel_id: str, message_ts: str) -> None:
        """Delete a card; do nothing if there is none."""
        ...


class RequestQueue(Protocol):
    """The queues of one workspace's events (R14). Whoever has a request's turn hands it to the consumer, in order.

    Reads raise `Unavailable`. Writes raise `Conflict` if they did not apply, and `AnswerLost` if that is not
    known; each can be repeated. What is written is deleted after `domain.queued.QUEUE_KEEPS`.
    """

    def get_event_and_queue(self, event_id: str) -> tuple[Event | None, datetime | None]:
        """Return the event, and until when its queue is open, in one batch."""
        ...

    def open_queue(self, event_id: str, until: datetime) -> None:
        """Have everybody put requests for the event into its queue until a time."""
        ...

    def put_request(self, request: QueuedRequest) -> None:
        """Add a request to the queue of its event."""
        ...

    def get_result(self, request_id: str) -> RequestResult | None:
        """Return the result of a request, if there is one. Eventually consistent."""
        ...

    def get_queue_state(self, event_id: str, request_ids: Collection[str]) -> QueueState:
        """Return the results of the event's last two commits, and those of the given requests, in one batch."""
        ...

    def put_results(self, results: Sequence[RequestResult]) -> None:
        """Write results. They are those of a commit, or they depend on no event."""
        ...

    def put_refusals(
        self, event_id: str, version: int | None, results: Sequence[RequestResult]
    ) -> None:
        """Write the results of one batch whose plan changes nothing, all of them or none.

        Raises `Conflict` unless the event has this version (None: unless it does not exist): refusals must
        be true at one moment.
        """
        ...

    def put_awaited_reply(self, reply: AwaitedReply) -> None:
        """Write that a request's person waits for its reply."""
        ...

    def get_awaited_replies(
        self, request_ids: Collection[str]
    ) -> dict[str, tuple[AwaitedReply, RequestResult | None]]:
        """Return the replies that are awaited, by request id, with the results that there are."""
        ...

    def list_awaited_replies(self, *, limit: int, cursor: str | None = None) -> Page[str]:
        """List the ids of the requests whose replies are awaited, oldest first. Eventually consistent."""
        ...

    def delete_awaited_reply(self, request_id: str) -> None:
        """Delete a reply that was sent. Do nothing if there is none."""
        ...


NewId = Callable[[], str]
"""Returns a new identifier of at most 32 characters of `[0-9a-z]`."""

Spawn = Callable[[Callable[[], None]], None]
"""Runs a function in the background and returns immediately. Raises `ThreadNotStarted`."""
