"""The domain's values, frozen, in the words of the requirements. Times are aware and in UTC.

Values from a store are not validated again; `domain.inputs` validates what comes from outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, Field

from domain.enums import (
    Audience,
    Cause,
    ChangeKind,
    ClosedReason,
    Deletion,
    EventStatus,
    NotificationKind,
    RegistrationStatus,
    Visibility,
)
from domain.questions import Answer, Answers, Question
from domain.recurrence import Recurrence, end_of
from domain.stored import STORED

T = TypeVar("T")

WAITLIST_BLOCK = 500
"""Tickets in one block of the waitlist. A position needs a count within one block only.

Larger blocks make that count more expensive, smaller ones the event: 100,000 waitlist entries are
200 blocks, less than 2 KB."""

DAYS_AHEAD = 28
"""How many days before its start an occurrence is made, if the organizer does not choose (R13.2)."""

MAX_UNREACHABLE = 1_000
"""The most unreachable recipients in a journal entry: an item of DynamoDB holds 400 KB."""


class User(BaseModel):
    """Someone who can register. `deletion_id` is set while the user is being deleted (R7.1)."""

    model_config = STORED

    user_id: str
    name: str
    time_zone: str | None
    created_at: datetime
    updated_at: datetime
    revision: str
    """A new id with each write: the condition of an update, and how its writer recognizes it."""
    deletion_id: str | None = None

    @property
    def is_named(self) -> bool:
        """Whether the name is known. Until then, the id stands for it (R1.6)."""
        return self.name != self.user_id


class Carried(BaseModel):
    """A change of a series on its way to the occurrences that were made (R13.3), one after the other."""

    model_config = STORED

    numbers: tuple[int, ...]
    """Those that it has not reached yet, in order."""
    fields: tuple[str, ...] = ()
    """The fields that it sets, to what the series has."""
    days: Mapping[int, date] = Field(default_factory=dict)
    """By number, the days that they move to. Without one, a new time of day is on the day that it had."""
    cancels: bool = False
    """Whether it cancels them instead."""
    reason: str | None = None
    note: str | None = None
    actor_id: str | None = None


class Series(BaseModel):
    """The rule and the progress of a series (R13). The event itself never takes place; its occurrences do.

    The event's own values are those of the next occurrences; its `starts_at` is the start of the first one. Its
    waitlist is the list of those who registered for all of the series. Nobody has a seat in it.
    """

    model_config = STORED

    recurrence: Recurrence
    days_ahead: int = DAYS_AHEAD
    """How many days before its start an occurrence is made. With `missed_first` it may be later."""
    card_channel: str | None = None
    """The channel that gets the card of each occurrence."""
    card_days: int | None = None
    """How many days before the start it gets the card. None: when the occurrence is made."""
    missed_first: bool = False
    """Whether those who are waitlisted when an occurrence starts go first in the next one (R13.5).

    An occurrence is then made once the one before it has started: only then is it known who goes first."""
    made: int = 0
    """Number of the last occurrence that was made. Numbers may have gaps."""
    made_until: date | None = None
    """The day of that occurrence by the rule. None: none was made yet."""
    ahead: tuple[int, ...] = ()
    """Numbers of the occurrences that had not started when the last one was made, in order."""
    honored: int = 0
    """Up to this ticket, each registration for the series is honored in every occurrence that was made."""
    carried: Carried | None = None
    """The change that its occurrences still get."""


def occurrence_id(series_id: str, number: int) -> str:
    """Return the event id of an occurrence of a series."""
    return f"{series_id}-{number}"


class Occurrence(BaseModel):
    """The place of an event in its series, and how far it honors those who registered for all of that (R13.2)."""

    model_config = STORED

    series_id: str
    number: int
    day: date
    """The day of the series' rule that it is for, in the series' time zone."""
    own_fields: tuple[str, ...] = ()
    """Fields that an organizer changed in this occurrence only: changes of the series leave them (R13.3)."""
    rule_starts: tuple[datetime, ...] = ()
    """The starts that the series' rule gave it, the latest last, once it has moved: see `Event.rule_starts`."""
    card_channel: str | None = None
    """The channel that gets its card `card_days` before the start."""
    card_days: int = 0
    missed_first: bool = False
    """Whether those who missed the occurrence before go first here (R13.5); in the first one, too, which has none."""
    previous_id: str | None = None
    """The occurrence before it, if those who are waitlisted there go first here (R13.5)."""
    opens_after: int = 0
    """Up to this ticket, registrations for the series are honored before anybody else registers."""
    honored_first: int = 0
    """How far those who go first are honored, likewise a ticket. It means nothing without `previous_id`."""
    honored: int = 0
    """How far all others are honored: up to this ticket of the series, each exactly once."""

    @property
    def is_opening(self) -> bool:
        """Whether registrations for the whole series come first now: nobody else can register or leave."""
        return self.honored < self.opens_after


class Event(BaseModel):
    """An event with its counts. Each commit on the event raises `version` by one."""

    model_config = STORED

    event_id: str
    title: str
    description: str
    location: str
    starts_at: datetime
    ends_at: datetime | None
    time_zone: str
    organizer_id: str | None
    """None once its last organizer was deleted or deactivated (R2.9). There are no co-organizers then."""
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
    """Number of waitlist entries in each block of `WAITLIST_BLOCK` tickets, without empty blocks."""
    capacity_target: int | None = None
    """The requested capacity, while it is increased in steps (R2.5)."""
    operation_id: str | None = None
    """Id of the unfinished operation: a capacity increase in steps, or a deletion."""
    deletion: Deletion | None = None
    reminders: tuple[int, ...] = ()
    """Minutes before the start when registered users are reminded (R8.15), the longest first."""
    next_due_at: datetime | None = None
    """When the event is due next: see `domain.planning.schedule`."""
    last_due_at: datetime | None = None
    """The latest due time that a sweep has handled. Cards take it as the present: they follow commits, not clocks."""
    recent_requests: tuple[str, ...] = ()
    """Ids of the latest requests that must not run twice (R8.13), the newest last."""
    listing_channel: str | None = None
    """The channel whose privacy decides whether the event is listed (R2.8), None once someone chose."""
    join_link: str = ""
    """A web address, or "". Only for those with a seat (R12.2)."""
    attendees_visible_to: Visibility = Visibility.EVERYONE
    questions: tuple[Question, ...] = ()
    """Questions for everyone who registers, at most `domain.inputs.MAX_QUESTIONS` (R12.3)."""
    committed_at: datetime | None = None
    """When the commit that made `version` was planned. None: an earlier Rollcall made it."""
    series: Series | None = None
    """Set if this is a series (R13): the event itself does not take place."""
    occurrence: Occurrence | None = None
    """Set if this is an occurrence of a series."""

    @property
    def recurrence(self) -> Recurrence | None:
        """The rule of a series. None: this is no series."""
        return self.series.recurrence if self.series else None

    @property
    def organizer_ids(self) -> tuple[str, ...]:
        """Ids of the organizer and the co-organizers, in this order, each once. Empty without any (R2.9)."""
        first = () if self.organizer_id is None else (self.organizer_id,)
        return tuple(dict.fromkeys((*first, *self.co_organizer_ids)))

    @property
    def rule_starts(self) -> tuple[datetime, ...]:
        """The starts that the rule of its series gave this occurrence, the latest last, however it was moved alone.

        Calendars tell the occurrences of a series apart by them.
        """
        moved = self.occurrence.rule_starts if self.occurrence else ()
        return moved or (self.starts_at,)

    @property
    def is_unfinished(self) -> bool:
        """Whether the sweep has an operation to finish (R7.4), or registrations for a series to honor (R13.4)."""
        if self.operation_id is not None or self.deletion is not None:
            return self.operation_id is not None
        if self.series:
            return self.series.carried is not None or self.series.honored < self.next_ticket - 1
        return self.is_opening

    @property
    def is_opening(self) -> bool:
        """Whether this occurrence honors registrations for the whole series first (R13.4)."""
        return self.occurrence is not None and self.occurrence.is_opening

    @property
    def free_seats(self) -> int:
        """Number of seats that are not taken. A series has none to give."""
        return 0 if self.series else self.capacity - self.registered_count

    @property
    def over_at(self) -> datetime:
        """When the event is over: its end, or its start if it has no end. A series is over after its last day."""
        if self.series:
            return end_of(self.series.recurrence, self.time_zone)
        return self.ends_at or self.starts_at

    @property
    def closes_at(self) -> datetime:
        """When registration ends without an organizer: at the registration deadline, or else at the start."""
        return self.over_at if self.series else self.registration_deadline or self.starts_at

    def has_started(self, now: datetime) -> bool:
        """Return whether the event has started at `now`. From then on no one is promoted (R4.7).

        A series starts when it is over: until then, one can register for what is left of it.
        """
        return now >= (self.over_at if self.series else self.starts_at)

    def is_over(self, now: datetime) -> bool:
        """Return whether the event is over at `now`. From then on no one can leave (R4.7)."""
        return now >= self.over_at

    def closed_reason(self, now: datetime) -> ClosedReason | None:
        """Return why the event takes no registrations at `now` (R2.6), or None if it takes them."""
        if self.status is EventStatus.CANCELED:
            return ClosedReason.CANCELED
        if self.has_started(now):
            return ClosedReason.STARTED
        if self.status is EventStatus.CLOSED:
            return ClosedReason.CLOSED
        if self.series:
            return None
        if self.registration_deadline is not None and now >= self.registration_deadline:
            return ClosedReason.DEADLINE
        if self.is_opening:
            return ClosedReason.OPENING
        return None

    def accepts(self, now: datetime) -> bool:
        """Return whether a newcomer would get a seat or a waitlist entry at `now` (R3)."""
        return self.closed_reason(now) is None and self.takes_newcomers

    @property
    def takes_newcomers(self) -> bool:
        """Whether a newcomer would get a seat or a waitlist entry while registration is open (R3)."""
        has_seat = self.free_seats > 0 and self.waitlist_count == 0
        return has_seat or self.takes_waitlisted

    @property
    def takes_waitlisted(self) -> bool:
        """Whether those without a seat are waitlisted. In a series, everybody is: see `Series`."""
        return self.has_waitlist or self.series is not None

    def closed_since(self, reason: ClosedReason) -> datetime | None:
        """Return when registration ended, or None if an organizer ended it."""
        if reason is ClosedReason.STARTED:
            return self.over_at if self.series else self.starts_at
        return self.registration_deadline if reason is ClosedReason.DEADLINE else None

    def entries_before_block(self, block: int) -> int:
        """Return the number of waitlist entries in earlier blocks."""
        return sum(count for number, count in self.waitlist_by_block.items() if number < block)

    def may_see_attendees(self, actor: Actor, *, is_attendee: bool) -> bool:
        """Return whether a user may see who has a seat (R12.1)."""
        if actor.is_admin or self.is_organizer(actor.user_id):
            return True
        is_for_attendees = self.attendees_visible_to is Visibility.ATTENDEES
        return self.attendees_visible_to is Visibility.EVERYONE or (
            is_for_attendees and is_attendee
        )

    def is_organizer(self, user_id: str) -> bool:
        """Return whether the user created the event or is a co-organizer."""
        return user_id in self.organizer_ids


def block_of(ticket: int) -> int:
    """Return the block of the waitlist that a ticket belongs to."""
    return ticket // WAITLIST_BLOCK


class Registration(BaseModel):
    """One user's registration for one event. `seated_at` is None while it is waitlisted."""

    model_config = STORED

    event_id: str
    user_id: str
    status: RegistrationStatus
    ticket: int
    registered_at: datetime
    seated_at: datetime | None
    registered_version: int | None = None
    """The event version whose commit registered the user. None: an earlier Rollcall wrote the row."""
    seated_version: int | None = None
    """The event version whose commit gave the seat, likewise. None while it is waitlisted."""
    answers: Mapping[str, Answer] = Field(default_factory=dict)
    """By question id (R12.3). It may hold answers to questions that were removed: `shown_answers` hides them."""

    @property
    def may_have_waited(self) -> bool:
        """Whether it is or was on the waitlist, or an earlier Rollcall wrote the row, which doesn't tell."""
        return (
            self.status is RegistrationStatus.WAITLISTED
            or self.registered_version is None
            or self.registered_version != self.seated_version
        )


@dataclass(frozen=True, slots=True)
class WaitlistEntry:
    """One user on an event's waitlist. Tickets order the waitlist."""

    ticket: int
    user_id: str
    registered_at: datetime
    registered_version: int | None = field(default=None, compare=False)
    """See `Registration.registered_version`. None if an earlier version of Rollcall rewrote the entry."""

    @classmethod
    def of(cls, registration: Registration) -> Self:
        """Return the entry of a waitlisted registration."""
        return cls(
            registration.ticket,
            registration.user_id,
            registration.registered_at,
            registration.registered_version,
        )


@dataclass(frozen=True, slots=True)
class Actor:
    """The user who requests something that only organizers and workspace admins may do (R8.9)."""

    user_id: str
    is_admin: bool = False


class Change(BaseModel):
    """One thing that a commit did: to a registration (`user_id`) or the event, with actor and cause."""

    model_config = STORED

    kind: ChangeKind
    user_id: str | None = None
    actor_id: str | None = None
    ticket: int | None = None
    cause: Cause | None = None
    status: RegistrationStatus | None = None
    """The status of a registration that was deleted: with it, the journal alone gives the counts."""
    reason: str | None = None
    """Why an organizer removed the user, or canceled the event."""
    fields: Mapping[str, tuple[str | None, str | None]] | None = None
    """Each edited field's old and new value, as text."""
    note: str | None = None
    """An organizer's note about a new time or location."""
    channel_id: str | None = None
    """The channel of a card."""
    event_id: str | None = None
    """The occurrence of a series that was made."""


class EventSummary(BaseModel):
    """The event as a notification describes it: as it was when the notification was decided."""

    model_config = STORED

    title: str
    starts_at: datetime
    time_zone: str
    location: str
    ends_at: datetime | None = None
    join_link: str = ""
    """See `Event.join_link`."""
    waitlist_count: int = 0
    has_questions: bool = False
    """Whether it asks those who register (R12.3)."""
    series_id: str | None = None
    """The series of an occurrence."""
    recurrence: Recurrence | None = None
    """Set if this is a series: its rule. The start is that of its first occurrence."""

    @classmethod
    def of(cls, event: Event) -> Self:
        """Return the summary of an event."""
        return cls(
            title=event.title,
            starts_at=event.starts_at,
            ends_at=event.ends_at,
            time_zone=event.time_zone,
            location=event.location,
            join_link=event.join_link,
            waitlist_count=event.waitlist_count,
            has_questions=bool(event.questions),
            series_id=event.occurrence.series_id if event.occurrence else None,
            recurrence=event.recurrence,
        )


class Notification(BaseModel):
    """A direct message that a commit decided: to one user, or to an audience (`user_id` None)."""

    model_config = STORED

    kind: NotificationKind
    user_id: str | None = None
    ticket: int | None = None
    reason: str | None = None
    before: EventSummary | None = None
    """The event before it moved."""
    audience: Audience = Audience.EVERYONE
    text: str | None = None
    """The text of an announcement, or the texts of questions to answer, one a line."""
    note: str | None = None
    """An organizer's note about a new time or location."""
    actor_id: str | None = None
    """The user who moved or canceled the event, or added the recipient. None if no user did."""
    about_user_id: str | None = None
    """The user that the notification is about, if that is not its recipient."""
    channel_id: str | None = None
    """The channel that a card goes to. `user_id` is then who asked for it, and hears if Slack refuses it."""
    after: str | None = None
    """The `ts` of a message. The card is already there if the channel has one that is newer (R8.13)."""


class UnreachableRecipient(BaseModel):
    """A user that a notification can never reach, and Slack's error code (R9.2)."""

    model_config = STORED

    user_id: str
    """For a card, the id of the channel."""
    version: int
    """Version of the journal entry with the notification."""
    kind: NotificationKind
    reason: str


class FixedRegistration(BaseModel):
    """A registration as a repair left it. Without ticket and status: there is none."""

    model_config = STORED

    user_id: str
    ticket: int | None = None
    status: RegistrationStatus | None = None

    @classmethod
    def of(cls, user_id: str, registration: Registration | None) -> Self:
        """Return what a user's registration is now (None: there is none)."""
        if registration is None:
            return cls(user_id=user_id)
        return cls(user_id=user_id, ticket=registration.ticket, status=registration.status)


JOURNAL_KEPT = timedelta(days=400)
"""How long a delivered journal entry is kept after its commit (R7.8).

More than a year: whoever plans a yearly event can read the last one's history."""


class JournalEntry(BaseModel):
    """History and outbox of one commit, keyed by the event version that it made."""

    model_config = STORED

    event_id: str
    version: int
    plan_id: str
    at: datetime
    changes: tuple[Change, ...] = ()
    notifications: tuple[Notification, ...] = ()
    about: EventSummary | None = None
    """The event as the notifications describe it; None without notifications."""
    unreachable: tuple[UnreachableRecipient, ...] = ()
    """Recipients that its notifications could not reach, up to `MAX_UNREACHABLE`. Added on delivery."""
    reply: str | None = None
    """Instead of notifications, in the entry of a `ReplyJob`: the reply as the bot rendered it."""
    event_values: Mapping[str, str] | None = None
    """The event's values that the commit changed, as JSON, by field: see `domain.planning.event_values`.

    None: an earlier Rollcall wrote the entry, or it stands for one that was lost."""
    fixed: tuple[FixedRegistration, ...] = ()
    """The registrations that a repair changed, or found otherwise than the journal says."""
    previous_at: datetime | None = None
    """The `at` of the entry before it: a gap then tells whether what is missing was too old to be kept.

    None: there is none before it, or an earlier Rollcall wrote that one."""

    @property
    def kept_until(self) -> datetime:
        """From when on the store may delete the entry, once it is delivered."""
        return self.at + JOURNAL_KEPT

    def announcements(self) -> Iterator[tuple[Change, Notification]]:
        """Yield each announcement with the change that says who wrote it. One commit may hold several."""
        changes = (change for change in self.changes if change.kind is ChangeKind.ANNOUNCED)
        notifications = (
            notification
            for notification in self.notifications
            if notification.kind is NotificationKind.ANNOUNCEMENT
        )
        return zip(changes, notifications, strict=False)


@dataclass(frozen=True, slots=True)
class ExportJob:
    """An export on its way: a journal of its own, whose one entry has the notification (R9.6).

    So no other notification waits for it, and nothing of the event's delivery is held meanwhile.
    """

    SUFFIX: ClassVar[str] = "/export"
    """The end of a job's id. The id of an event has no slash."""

    event_id: str
    version: int
    """The event version that the commit made."""
    number: int
    """One commit may answer several commands."""

    @property
    def job_id(self) -> str:
        """The id that stands for the event's in the journal and the outbox."""
        return f"{self.event_id}/{self.version}/{self.number}{self.SUFFIX}"

    @classmethod
    def of(cls, id_: str) -> Self | None:
        """Return the job with this id, or None if it is an event's."""
        if not id_.endswith(cls.SUFFIX):
            return None
        event_id, version, number = id_.removesuffix(cls.SUFFIX).split("/")
        return cls(event_id, int(version), int(number))


@dataclass(frozen=True, slots=True)
class ReplyJob:
    """A reply that Slack did not take in time, on its way as a direct message: a journal of its own (R8.12)."""

    SUFFIX: ClassVar[str] = "/reply"

    user_id: str
    reply_id: str
    """Later replies to a user have ids that sort later."""

    @property
    def job_id(self) -> str:
        """The id that stands for an event's in the journal and the outbox."""
        return f"{self.user_id}/{self.reply_id}{self.SUFFIX}"

    @classmethod
    def of(cls, id_: str) -> Self | None:
        """Return the job with this id, or None if it is an event's or another job's."""
        if not id_.endswith(cls.SUFFIX):
            return None
        return cls(*id_.removesuffix(cls.SUFFIX).split("/"))


class Deferred(BaseModel):
    """A notification that could not be delivered yet, and when to try again."""

    model_config = STORED

    user_id: str
    version: int
    notification: int
    """Index of the notification in its journal entry."""
    attempts: int
    not_before: datetime
    unreachable: tuple[UnreachableRecipient, ...] = ()
    """If not empty, this is instead a message to an organizer about these recipients (R9.2)."""
    more_unreachable: int = 0
    """Number of unreachable recipients beyond those listed."""
    is_card: bool = False
    """Whether this is a card. `user_id` is then the id of its channel."""


class DeliveryState(BaseModel):
    """How far the delivery of an event's journal is, and who has the lease: version 0 of the journal."""

    model_config = STORED

    event_id: str
    delivered_version: int = 0
    """Up to this version, each notification is delivered, recorded as unreachable, or deferred."""
    cleared_version: int = 0
    """Up to this version, no entry is marked as undelivered, but for those of `deferred` and `late_versions`."""
    cards_version: int = 0
    """Up to this version, each card is posted, refused for good, or in `deferred`. It may be ahead of messages."""
    notification: int = 0
    """Index of the next notification in the entry after `delivered_version`."""
    recipient: str | None = None
    """Position in the audience of that notification, in the notification worker's notation."""
    deferred: tuple[Deferred, ...] = ()
    late_versions: tuple[int, ...] = ()
    """Entries up to `cleared_version` whose last deferred notification is done, still marked as undelivered."""
    unreported: tuple[UnreachableRecipient, ...] = ()
    """Unreachable recipients that the organizers have not been notified about yet."""
    more_unreported: int = 0
    """Number of such recipients beyond those listed."""
    unfinished_tries: int = 0
    """Tries of an export, in a row, that had no end: the process died, or the time for the try was over."""
    holder: str | None = None
    leased_until: datetime | None = None
    """When the lease ends, by its holder's clock, unless it is renewed. None: no one holds it.

    For people who read the row: other processes wait for `revision` (`domain.execution.leases`)."""
    revision: int = 0
    """How many times the row was saved or its lease taken."""


class Card(BaseModel):
    """A message in a channel that shows an event, and the event version that it shows."""

    model_config = STORED

    event_id: str
    channel_id: str
    message_ts: str
    rendered_version: int
    requested_channel: str | None = None
    """The channel's id in the request for the card, which may be an earlier or other form of `channel_id`."""
    updated_at: datetime | None = None
    """When Slack was last asked to update the card, by that process's clock."""

    def is_in(self, channel_id: str) -> bool:
        """Return whether the card is in a channel, by its id now or by the one that was asked for."""
        return channel_id in (self.channel_id, self.requested_channel)


CREATION_VERSION = 1
"""The version that creating an event makes, because an event's id is never used again (R7.2)."""

PAGE_SIZE = 50
"""Length of a page if the caller names none."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, and the cursor of the next page (None: this is the last)."""

    items: tuple[T, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ListedEvent:
    """An event as the list of events holds it: nothing that a registration changes."""

    event_id: str
    title: str
    starts_at: datetime
    status: EventStatus
    closes_at: datetime
    """When registration ends without an organizer: the registration deadline, or the start."""
    listed: bool
    is_series: bool = field(default=False, compare=False)
    """Whether it is a series. No list of events has those, but they are found by their id."""

    @classmethod
    def of(cls, event: Event) -> Self:
        """Return the list's view of an event."""
        return cls(
            event.event_id,
            event.title,
            event.starts_at,
            event.status,
            event.closes_at,
            event.listed,
            event.series is not None,
        )


@dataclass(frozen=True, slots=True)
class DueEvent:
    """An event with something due at `due_at`."""

    event_id: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class RegistrationHistoryEntry:
    """The changes of one user's registration or position in one commit (R8.10)."""

    at: datetime
    changes: tuple[Change, ...]
    """Changes of the user's own registration, the latest first."""
    moved_up: int
    """By how many positions the user moved up on the waitlist."""


@dataclass(frozen=True, slots=True)
class UserRegistration:
    """A user's registration with its complete event (R5.4), and its position if it is waitlisted."""

    registration: Registration
    event: Event
    position: int | None = None
    has_started: bool = False
    """Whether the event has started: from then on no more seats are given out (R4.7)."""
    next_start: datetime | None = None
    """Of a registration for all of a series, among those to come: when it takes place next."""

    @property
    def join_link(self) -> str:
        """The join link, or "" if the user has no seat, or the event is canceled (R12.2)."""
        has_seat = self.position is None and self.event.status is not EventStatus.CANCELED
        return self.event.join_link if has_seat else ""


@dataclass(frozen=True, slots=True)
class EventForUser:
    """An event as one user sees it in a list."""

    event: Event
    registration: UserRegistration | None = None
    accepts: bool = False
    """Whether a newcomer would get a seat or a waitlist entry (R3)."""
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class SeriesOverview:
    """A series with what it has made, and the dates that follow."""

    series: Event
    occurrences: tuple[Event, ...]
    """Those that were made and not deleted, in order: of very many, the last ones."""
    to_come: tuple[Event, ...]
    """Those of them that will take place and have not started: the ones that changes of the series reach."""
    coming: tuple[tuple[date, datetime], ...]
    """The days for which none was made yet, each with its start."""
    skipped: tuple[date, ...] = ()
    """The days that would be among them, but are left out."""

    @property
    def first_number(self) -> int | None:
        """The number of the first occurrence that a change of the series reaches, None if there is none."""
        numbers = (one.occurrence.number for one in self.to_come if one.occurrence is not None)
        return next(numbers, None)


@dataclass(frozen=True, slots=True)
class SeriesRegistration:
    """The result of registering for all of a series, or of ending that (R13.4)."""

    series: Event
    occurrences: tuple[EventForUser, ...]
    """Those that were made and still take place, as the user sees them."""
    is_finished: bool
    """Whether all of them have been tried. If not, the user gets a message for each of the others."""


@dataclass(frozen=True, slots=True)
class WholeSeries:
    """A series with all that it has made, and what one user has of it (R13)."""

    event: Event
    made: tuple[Event, ...]
    """Its occurrences by number, also those that were canceled or deleted."""
    read_at: datetime
    registrations: Mapping[str, Registration] = field(default_factory=dict)
    """The user's, by the id of the occurrence, and of the series."""
    coming: tuple[date, ...] = ()
    """The days for which it will make an occurrence."""

    @property
    def revision(self) -> int:
        """A number that grows with each commit on the series or one of its occurrences."""
        return self.event.version + sum(one.version for one in self.made)


@dataclass(frozen=True, slots=True)
class RegistrationsToCome:
    """A user's registrations for events that are not over, soonest first, and how many are past (R5.5).

    A series is among them until its last occurrence starts, and never among the past ones.
    """

    items: tuple[UserRegistration, ...]
    past_count: int


@dataclass(frozen=True, slots=True)
class PastRegistrations:
    """A part of a user's registrations for events that are over, the latest first (R5.5)."""

    items: tuple[UserRegistration, ...]
    first: int
    """How many of them are before this part."""
    count: int
    """How many there are in all."""


@dataclass(frozen=True, slots=True)
class WaitlistPosition:
    """A waitlist entry with its position: 1 is next."""

    position: int
    entry: WaitlistEntry
    answers: Answers = field(default_factory=dict)
    """Those of its registration, if the event has questions (R12.3)."""


@dataclass(frozen=True, slots=True)
class EventRegistrations:
    """A page of an event's registrations (R6): the registered users, then the waitlist."""

    event: Event
    registered: tuple[Registration, ...]
    waitlist: tuple[WaitlistPosition, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class QuestionTotals:
    """How often each answer to a question was given, and how many users answered it."""

    question: Question
    counts: Mapping[str, int]
    answered: int


@dataclass(frozen=True, slots=True)
class AnswerTotals:
    """The totals of an event's questions among `counted` users with a seat (R12.3)."""

    event: Event
    questions: tuple[QuestionTotals, ...]
    counted: int
    is_complete: bool
    """Whether these are all users with a seat."""


@dataclass(frozen=True, slots=True)
class CapacityPreview:
    """The effect of setting a capacity (R8.8).

    `promoted` holds the users who would get a seat, as many as one commit promotes. If the capacity is
    below the number of registered users (R2.5), `affected` holds the last of those beyond it.
    """

    event: Event
    capacity: int
    promoted: tuple[str, ...] = ()
    promoted_count: int = 0
    affected: tuple[str, ...] = ()
    affected_count: int = 0


@dataclass(frozen=True, slots=True)
class UserDeletion:
    """The deletion of a user: previewed, started, or done. It changes who organizes the user's events (R2.9)."""

    user_id: str
    organized: tuple[Event, ...] = ()
    """The upcoming and running events that the user organized when the deletion was previewed, by start."""
    successor_id: str | None = None
    """The user who takes over events that nobody else organizes. None if no one was chosen at the start."""
    is_stored: bool = True
    """False for an organizer who is no user: an event that is created over HTTP names whom it likes."""
    has_started: bool = False
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class UnregisterPreview:
    """The effect of unregistering (R8.4), and the position after registering again."""

    registration: UserRegistration
    next_gets_seat: bool
    position_on_return: int | None
    """None if a seat would be free, or registering again would be impossible."""
    is_open: bool = True
    """Whether the event takes registrations."""

    @property
    def loses_nothing(self) -> bool:
        """Whether the user loses nothing: a seat stays free, or no one is behind on the waitlist.

        Nobody unregisters from a canceled event by one press: there is nothing to give up.
        """
        event = self.registration.event
        if event.status is EventStatus.CANCELED:
            return False
        if self.registration.position is None:
            return event.free_seats > 0 or (not event.has_waitlist and not self.next_gets_seat)
        return self.position_on_return == self.registration.position
