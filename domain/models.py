"""The values of the domain, frozen, in the words of the requirements. Times are aware, in UTC.

What comes out of a store is rebuilt here and not judged again; `domain.inputs` judges what comes in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
)

from domain.enums import (
    Audience,
    Cause,
    ChangeKind,
    ClosedBecause,
    Deletion,
    EventStatus,
    NotificationKind,
    RegistrationStatus,
)

T = TypeVar("T")

WAITLIST_BLOCK = 500
"""Tickets in one block of the line: a position is counted within one block only.

Larger blocks make that dearer, smaller ones the event: 100,000 who wait are 200 blocks, less than 2 KB."""

MAX_UNREACHABLE = 1_000
"""People that an entry of the journal names as unreached: an item of DynamoDB holds 400 KB."""


STORED = ConfigDict(
    frozen=True,
    # Fields that a newer version wrote survive a write by this one (R7.7).
    extra="allow",
    # What does not fit is named, and never shown: an error may end in a log, and these are people's words.
    hide_input_in_errors=True,
    # A cold start builds the models that its request is of, and no others.
    defer_build=True,
)


class User(BaseModel):
    """Someone who can register. `deletion` marks one whose deletion is under way (R7.1)."""

    model_config = STORED

    user_id: str
    name: str
    time_zone: str | None
    created_at: datetime
    updated_at: datetime
    revision: str
    """A new id with each write: what an update rests on, and how its writer knows its own."""
    deletion: str | None = None


class Event(BaseModel):
    """An event with its counts. `version` grows by one with each commit that touches the event."""

    model_config = STORED

    event_id: str
    title: str
    description: str
    location: str
    starts_at: datetime
    ends_at: datetime | None
    time_zone: str
    organizer_id: str
    co_organizer_ids: tuple[str, ...]
    capacity: int
    has_waitlist: bool
    registration_deadline: datetime | None
    listed: bool
    status: EventStatus
    created_at: datetime
    updated_at: datetime
    version: int
    registered_count: int = 0
    waitlist_count: int = 0
    next_ticket: int = 1
    waitlist_by_block: Mapping[int, int] = Field(default_factory=dict)
    """How many wait in each block of `WAITLIST_BLOCK` tickets; empty blocks are dropped."""
    capacity_target: int | None = None
    """The capacity that a raise in steps is heading for (R2.5)."""
    operation_id: str | None = None
    """The unfinished operation: a raise in steps, or a deletion."""
    deletion: Deletion | None = None
    reminders: tuple[int, ...] = ()
    """How long before the start those registered are reminded (R8.15), in minutes, the longest first."""
    next_due_at: datetime | None = None
    """When the clock next asks something of this event: see `domain.planning.schedule`."""
    recent_requests: tuple[str, ...] = ()
    """Ids of the last requests that must not be carried out twice (R8.13), the newest last."""

    @property
    def organizer_ids(self) -> tuple[str, ...]:
        """Who created the event, then the co-organizers, each once."""
        return tuple(dict.fromkeys((self.organizer_id, *self.co_organizer_ids)))

    @property
    def is_unfinished(self) -> bool:
        """Whether the sweep has something to finish (R7.4)."""
        return self.operation_id is not None

    @property
    def free_seats(self) -> int:
        """Seats that nobody holds."""
        return self.capacity - self.registered_count

    @property
    def over_at(self) -> datetime:
        """When the event is over: its end, or its start if it has none."""
        return self.ends_at or self.starts_at

    def closed_reason(self, now: datetime) -> ClosedBecause | None:
        """Return why the event takes no registrations at `now` (R2.6), None while it takes them."""
        if self.status is EventStatus.CANCELED:
            return ClosedBecause.CANCELED
        if now >= self.starts_at:
            return ClosedBecause.STARTED
        if self.status is EventStatus.CLOSED:
            return ClosedBecause.CLOSED
        if self.registration_deadline is not None and now >= self.registration_deadline:
            return ClosedBecause.DEADLINE
        return None

    def closed_since(self, because: ClosedBecause) -> datetime | None:
        """Return when the clock ended registration; None where a person did."""
        if because is ClosedBecause.STARTED:
            return self.starts_at
        return self.registration_deadline if because is ClosedBecause.DEADLINE else None

    def entries_before_block(self, block: int) -> int:
        """Return how many wait with a ticket of an earlier block."""
        return sum(count for number, count in self.waitlist_by_block.items() if number < block)

    def is_organizer(self, user_id: str) -> bool:
        """Whether the user created the event or was added as co-organizer."""
        return user_id in self.organizer_ids


def block_of(ticket: int) -> int:
    """Return the block of the line that a ticket belongs to."""
    return ticket // WAITLIST_BLOCK


class Registration(BaseModel):
    """One user's place in one event. `seated_at` is when it got its seat, None while it waits."""

    model_config = STORED

    event_id: str
    user_id: str
    status: RegistrationStatus
    ticket: int
    registered_at: datetime
    seated_at: datetime | None


@dataclass(frozen=True, slots=True)
class WaitlistEntry:
    """One place in an event's line."""

    ticket: int
    user_id: str
    registered_at: datetime

    @classmethod
    def of(cls, row: Registration) -> Self:
        """Return the place that a registration has while it waits."""
        return cls(row.ticket, row.user_id, row.registered_at)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for something that only organizers and workspace admins may do (R8.9)."""

    user_id: str
    is_admin: bool = False


class Change(BaseModel):
    """One thing that a commit did: to whose registration (`user_id`), by whom, and why."""

    model_config = STORED

    kind: ChangeKind
    user_id: str | None = None
    actor_id: str | None = None
    ticket: int | None = None
    cause: Cause | None = None
    status: RegistrationStatus | None = None
    """What a registration that left had been: with this, counts can be followed by the journal alone."""
    reason: str | None = None
    fields: Mapping[str, tuple[str | None, str | None]] | None = None
    """For an edit: each field's old and new value, as text."""


class EventSummary(BaseModel):
    """What a message says of an event, as it was when the message was decided."""

    model_config = STORED

    title: str
    starts_at: datetime
    time_zone: str
    location: str
    ends_at: datetime | None = None

    @classmethod
    def of(cls, event: Event) -> Self:
        """Return the summary of an event as it is now."""
        return cls(
            title=event.title,
            starts_at=event.starts_at,
            ends_at=event.ends_at,
            time_zone=event.time_zone,
            location=event.location,
        )


class Notification(BaseModel):
    """A message decided by a commit: to one user, or to the event's `audience` (`user_id` None)."""

    model_config = STORED

    kind: NotificationKind
    user_id: str | None = None
    ticket: int | None = None
    reason: str | None = None
    before: EventSummary | None = None
    """Where and when the event was to be, for one that moved."""
    audience: Audience = Audience.EVERYONE
    text: str | None = None
    """What an organizer has to say."""
    about_user_id: str | None = None
    """Whom it is about, where that is not the one who is told."""


class UnreachableRecipient(BaseModel):
    """Someone whom a message can't reach, for good: what it was about, and Slack's word for why (R9.2)."""

    model_config = STORED

    user_id: str
    version: int
    """Of the journal's entry with the message."""
    kind: NotificationKind
    reason: str


class JournalEntry(BaseModel):
    """The history and the outbox of one commit, keyed by the version that it made."""

    model_config = STORED

    event_id: str
    version: int
    plan_id: str
    at: datetime
    changes: tuple[Change, ...] = ()
    notifications: tuple[Notification, ...] = ()
    about: EventSummary | None = None
    """The event as its notices describe it; None where there are none."""
    unreachable: tuple[UnreachableRecipient, ...] = ()
    """Whom its notices could not reach, the first `MAX_UNREACHABLE` of them; added while they are delivered."""

    def messages(self) -> Iterator[tuple[Change, Notification]]:
        """Yield each of the organizers' messages: who wrote it, and what. One commit may hold several."""
        written = (change for change in self.changes if change.kind is ChangeKind.MESSAGED)
        said = (
            notification
            for notification in self.notifications
            if notification.kind is NotificationKind.MESSAGE
        )
        return zip(written, said, strict=False)


class Deferred(BaseModel):
    """A message that could not be delivered yet, and before which moment not to try again."""

    model_config = STORED

    user_id: str
    version: int
    notification: int
    """Which of the entry's notices, from 0."""
    attempts: int
    not_before: datetime
    unreachable: tuple[UnreachableRecipient, ...] = ()
    """If there are any, the message is no notice: it tells an organizer of these people (R9.2)."""
    more_unreachable: int = 0
    """How many there are besides those that it names."""


class DeliveryState(BaseModel):
    """How far an event's messages are, and who delivers them: the journal's row of version 0."""

    model_config = STORED

    event_id: str
    delivered_version: int = 0
    """Of every entry up to this one, each message is delivered, recorded as undeliverable, or deferred."""
    cleared_version: int = 0
    """Up to this one, no entry is marked undelivered but for those of `deferred`."""
    notification: int = 0
    """Of the entry after `delivered_version`, the first notice that is not done."""
    recipient: str | None = None
    """Of that notice, where to go on in its audience; the notifier's own notation."""
    deferred: tuple[Deferred, ...] = ()
    unreported: tuple[UnreachableRecipient, ...] = ()
    """Of these unreached people the organizers are still to be told."""
    more_unreported: int = 0
    """How many there are besides those."""
    holder: str | None = None
    leased_until: datetime | None = None
    revision: int = 0
    """How often the row was saved."""


class Card(BaseModel):
    """A message in a channel that shows an event, and the version that it shows."""

    model_config = STORED

    event_id: str
    channel_id: str
    message_ts: str
    rendered_version: int


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, and where the next begins (None: this is the last)."""

    items: tuple[T, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """What the list of events knows of one without reading it: nothing that a registration changes."""

    event_id: str
    title: str
    starts_at: datetime
    status: EventStatus
    closes_at: datetime
    """When it stops taking registrations by the clock: its deadline, or its start."""
    listed: bool

    @classmethod
    def of(cls, event: Event) -> Self:
        """Return what a list knows of an event."""
        closes_at = event.registration_deadline or event.starts_at
        return cls(
            event.event_id, event.title, event.starts_at, event.status, closes_at, event.listed
        )


@dataclass(frozen=True, slots=True)
class DueEvent:
    """An event of which the clock asks something at `due_at` (UTC)."""

    event_id: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class RegistrationMove:
    """What one commit did to one user's place in an event (R8.10)."""

    at: datetime
    changes: tuple[Change, ...]
    """To the user's own registration, the latest first."""
    moved_up: int
    """How many who waited ahead of the user left the line, or got a seat."""


@dataclass(frozen=True, slots=True)
class UserRegistration:
    """One of a user's registrations with its event, whole (R5.4); `position` while it waits."""

    registration: Registration
    event: Event
    position: int | None = None


@dataclass(frozen=True, slots=True)
class WaitlistPosition:
    """One place in the line with its position: 1 is next."""

    position: int
    waiting: WaitlistEntry


@dataclass(frozen=True, slots=True)
class EventRegistrations:
    """A page of an event's registrations (R6): those with a seat first, then the line."""

    event: Event
    registered: tuple[Registration, ...]
    waiting: tuple[WaitlistPosition, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class CapacityPreview:
    """What a capacity would do (R8.8): who would get a seat, the first of them by id, and how many.

    Of one below the number registered, which is refused (R2.5): who came last, and how many too many there are.
    """

    event: Event
    capacity: int
    promoted: tuple[str, ...] = ()
    promoted_count: int = 0
    affected: tuple[str, ...] = ()
    affected_count: int = 0


@dataclass(frozen=True, slots=True)
class LeavePreview:
    """What leaving would cost (R8.4): the seat to the next in line, and the position on coming back."""

    own: UserRegistration
    next_gets_seat: bool
    position_on_return: int | None
    """None: there would be a free seat, or no way back."""

    @property
    def is_free(self) -> bool:
        """Whether leaving costs nothing: a seat stays free to come back to, or nobody waits behind."""
        event = self.own.event
        if self.own.position is None:
            return event.free_seats > 0 or (not event.has_waitlist and not self.next_gets_seat)
        return self.position_on_return == self.own.position
