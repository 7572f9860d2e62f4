"""Hypothesis strategies for any value that a store may be given."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import strategies as st

from domain.enums import (
    Cause,
    ChangeKind,
    Deletion,
    EventStatus,
    Frequency,
    NotificationKind,
    RegistrationStatus,
    Visibility,
)
from domain.models import (
    Card,
    Change,
    Deferred,
    DeliveryState,
    Event,
    EventSummary,
    JournalEntry,
    Notification,
    Occurrence,
    Registration,
    Series,
    UnreachableRecipient,
    User,
    WaitlistEntry,
)
from domain.recurrence import Recurrence

# Neither UTF-8 nor Slack can carry a lone surrogate.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
lines = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
names = lines.map(str.strip).filter(bool)
identifiers = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", fullmatch=True)
moments = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  # `timezones`
commit_times = st.datetimes(datetime(1970, 1, 1), datetime(9990, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # `timezones`
"""Entries are kept for longer than a year after them: no clock shows the last year that there is."""
days = st.dates(date(1970, 1, 1), date(9999, 12, 30))
zones = st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "UTC"])
counts = st.integers(0, 100_000)
versions = st.integers(1, 2**53)

summaries = st.builds(
    EventSummary,
    title=names,
    starts_at=moments,
    time_zone=zones,
    location=texts,
    ends_at=st.none() | moments,
    join_link=texts,
)
changes = st.builds(
    Change,
    kind=st.sampled_from(ChangeKind),
    user_id=st.none() | identifiers,
    actor_id=st.none() | identifiers,
    ticket=st.none() | versions,
    cause=st.none() | st.sampled_from(Cause),
    status=st.none() | st.sampled_from(RegistrationStatus),
    reason=st.none() | texts,
    fields=st.none()
    | st.dictionaries(names, st.tuples(st.none() | texts, st.none() | texts), max_size=3),
    note=st.none() | texts,
)
notifications = st.builds(
    Notification,
    kind=st.sampled_from(NotificationKind),
    user_id=st.none() | identifiers,
    ticket=st.none() | versions,
    reason=st.none() | texts,
    before=st.none() | summaries,
    actor_id=st.none() | identifiers,
    note=st.none() | texts,
)
unreachable = st.builds(
    UnreachableRecipient,
    user_id=identifiers,
    version=versions,
    kind=st.sampled_from(NotificationKind),
    reason=st.from_regex(r"[a-z_]{1,30}", fullmatch=True),
)


series = st.builds(
    Series,
    recurrence=st.builds(
        Recurrence,
        frequency=st.sampled_from(Frequency),
        interval=st.integers(1, 52),
        until=days,
        left_out=st.lists(days, max_size=3).map(tuple),
    ),
    days_ahead=counts,
    card_channel=st.none() | identifiers,
    card_days=st.none() | counts,
    missed_first=st.booleans(),
    made=counts,
    made_until=st.none() | days,
    ahead=st.lists(counts, max_size=3).map(tuple),
    honored=versions,
)
occurrences = st.builds(
    Occurrence,
    series_id=identifiers,
    number=counts,
    day=days,
    card_channel=st.none() | identifiers,
    card_days=counts,
    previous_id=st.none() | identifiers,
    opens_after=versions,
    honored_first=versions,
    honored=versions,
)


def users(user_id: str) -> st.SearchStrategy[User]:
    """Return users with this id, none of them under deletion: only `start_user_deletion` writes that."""
    return st.builds(
        User,
        user_id=st.just(user_id),
        name=names,
        time_zone=st.none() | zones,
        created_at=moments,
        updated_at=moments,
        revision=identifiers,
        deletion_id=st.none(),
    )


def events(event_id: str) -> st.SearchStrategy[Event]:
    """Return events with this id, in any state."""
    return st.builds(
        Event,
        event_id=st.just(event_id),
        title=names,
        description=texts,
        location=lines,
        starts_at=moments,
        ends_at=st.none() | moments,
        time_zone=zones,
        organizer_id=identifiers,
        co_organizer_ids=st.lists(identifiers, max_size=3).map(tuple),
        capacity=counts,
        has_waitlist=st.booleans(),
        registration_deadline=st.none() | moments,
        listed=st.booleans(),
        status=st.sampled_from(EventStatus),
        created_at=moments,
        updated_at=moments,
        version=versions,
        registered_count=counts,
        waitlist_count=counts,
        next_ticket=versions,
        waitlist_by_block=st.dictionaries(counts, st.integers(1, 1_000), max_size=3),
        capacity_target=st.none() | counts,
        operation_id=st.none() | identifiers,
        deletion=st.none() | st.sampled_from(Deletion),
        join_link=texts,
        attendees_visible_to=st.sampled_from(Visibility),
        series=st.none() | series,
        occurrence=st.none() | occurrences,
    )


def registrations(event_id: str, user_id: str) -> st.SearchStrategy[Registration]:
    """Return registrations of this user in this event."""
    return st.builds(
        Registration,
        event_id=st.just(event_id),
        user_id=st.just(user_id),
        status=st.sampled_from(RegistrationStatus),
        ticket=versions,
        registered_at=moments,
        seated_at=st.none() | moments,
        registered_version=st.none() | versions,
        seated_version=st.none() | versions,
    )


def waitlist_entries(user_id: str) -> st.SearchStrategy[WaitlistEntry]:
    """Return waitlist entries of this user."""
    return st.builds(WaitlistEntry, versions, st.just(user_id), moments, st.none() | versions)


def entries(event_id: str) -> st.SearchStrategy[JournalEntry]:
    """Return entries of this event's journal."""
    return st.builds(
        JournalEntry,
        event_id=st.just(event_id),
        version=versions,
        plan_id=identifiers,
        at=commit_times,
        changes=st.lists(changes, max_size=3).map(tuple),
        notifications=st.lists(notifications, max_size=3).map(tuple),
        about=st.none() | summaries,
        unreachable=st.lists(unreachable, max_size=3, unique=True).map(tuple),
    )


def deliveries(event_id: str, holder: str) -> st.SearchStrategy[DeliveryState]:
    """Return delivery rows of this event under this holder's lease."""
    deferred = st.builds(
        Deferred,
        user_id=identifiers,
        version=versions,
        notification=counts,
        attempts=counts,
        not_before=moments,
        unreachable=st.lists(unreachable, max_size=3).map(tuple),
        more_unreachable=counts,
    )
    return st.builds(
        DeliveryState,
        event_id=st.just(event_id),
        delivered_version=counts,
        cleared_version=counts,
        notification=counts,
        recipient=st.none() | texts,
        deferred=st.lists(deferred, max_size=3).map(tuple),
        unreported=st.lists(unreachable, max_size=3).map(tuple),
        more_unreported=counts,
        holder=st.just(holder),
        leased_until=st.none() | moments,
    )


def cards(event_id: str) -> st.SearchStrategy[Card]:
    """Return cards of this event."""
    return st.builds(
        Card,
        event_id=st.just(event_id),
        channel_id=st.from_regex(r"C[A-Z0-9]{1,10}", fullmatch=True),
        message_ts=st.from_regex(r"[0-9]{10}\.[0-9]{6}", fullmatch=True),
        rendered_version=versions,
    )
