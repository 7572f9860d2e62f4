"""Judge of series (R13): what is made when, who is registered in it and in which order, and what an edit changes.

Its rules are those of docs/requirements.md. It knows what organizers asked for, and computes dates and times itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from domain.enums import Cause, ChangeKind, EventStatus, NotificationKind, RegistrationStatus
from domain.inputs import SeriesDraft
from domain.models import Change, Event, JournalEntry
from tests.support.simulation.nights import AFTER_A_START
from tests.support.simulation.scheduler import MOST_APART
from tests.support.simulation.situations import CLOCKS_CHANGE, MISSED_FIRST, STOPPED_WHILE_OPENING

if TYPE_CHECKING:
    from tests.support.simulation.judge import State
    from tests.support.simulation.world import World

APART = timedelta(seconds=MOST_APART + 1_000)
"""How far a clock may be from the true time, at most: jumps, and what it is apart from the start."""

REGISTERS = (ChangeKind.REGISTERED, ChangeKind.WAITLISTED)
ENROLLMENTS = (NotificationKind.ENROLLED, NotificationKind.NOT_ENROLLED)


@dataclass(frozen=True)
class SeriesEdit:
    """An edit of a series that an organizer asked for, which may or may not be carried out."""

    number: int | None
    """The occurrence from which on it holds. None: what is not made yet."""
    location: str | None = None
    starts_at: datetime | None = None


@dataclass
class Day:
    """A day of the rule, with the time of its occurrence by the wall clock."""

    day: date
    time: time
    is_left_out: bool
    event_id: str | None = None
    """Once it was made."""


@dataclass
class Made:
    """An occurrence, and what is known of it."""

    event: Event
    number: int
    day: Day
    rows: dict[str, RegistrationStatus]
    location: str
    """Where it takes place by the series."""
    wishes: dict[str, int]
    """Who wanted all of the series when it was made, with their tickets, in order."""
    missed: frozenset[str]
    """Who of them missed the one before, if they go first."""
    honored: set[tuple[str, int]] = field(default_factory=set)
    last_rank: tuple[bool, int] = (False, 0)
    arrivals: Counter[str] = field(default_factory=Counter)
    """How often each user has come to it."""
    has_own_location: bool = False
    has_own_time: bool = False
    was_shut: bool = False
    """Whether it was closed, or full without a waitlist: then some who want all of the series have no place in it."""

    def is_open(self, now: datetime) -> bool:
        """Return whether it will take place, and has not started."""
        return not self.is_canceled and self.event.starts_at > now

    @property
    def is_canceled(self) -> bool:
        """Whether it was canceled or deleted."""
        return self.event.status is EventStatus.CANCELED or self.event.deletion is not None


class Obligation(NamedTuple):
    """A wish to be honored in an occurrence, unless it is withdrawn, or its user is in it anyway."""

    made: Made
    user_id: str
    ticket: int
    arrivals: int
    """How often the user had come to the occurrence by then."""


class Course:
    """One series, as it must go by what was asked for."""

    def __init__(self, draft: SeriesDraft) -> None:
        self.draft = draft
        self.zone = ZoneInfo(draft.time_zone)
        self.step = timedelta(weeks=draft.recurrence.interval)
        first = draft.starts_at.astimezone(self.zone)
        self.days = [
            Day(day, first.time(), day in draft.recurrence.left_out)
            for day in (
                first.date() + number * self.step for number in range(draft.recurrence.times or 0)
            )
        ]
        self.location = draft.location
        self.made: dict[str, Made] = {}
        self.wishes: dict[str, int] = {}
        """Who wants all of it, with their tickets, in order."""
        self.is_ended = False
        self.to_cancel: list[Made] = []
        """What was to come when it ended, if that is canceled with it."""
        self.obligations: list[Obligation] = []

    def start(self, day: Day) -> datetime:
        """Return the moment at which the wall clock shows the time of a day."""
        return datetime.combine(day.day, day.time, self.zone).astimezone(UTC)

    def due_at(self, day: Day) -> datetime:
        """Return when it is to be made: so many days earlier by the calendar, at the same time."""
        before = day.day - timedelta(days=self.draft.days_ahead)
        return datetime.combine(before, day.time, self.zone).astimezone(UTC)

    def next_day(self) -> Day | None:
        """Return the day that is made next, None if there is none."""
        if self.is_ended:
            return None
        return next((one for one in self.days if not one.event_id and not one.is_left_out), None)

    def last_held(self) -> Made | None:
        """Return the last one that was made and takes place."""
        return next((one for one in reversed(self.made.values()) if not one.is_canceled), None)

    def is_awaited(self, day: Day, now: datetime) -> bool:
        """Return whether a day must be made by now: it is time, and it is known who missed the one before (R13.5)."""
        before = self.last_held()
        is_known = not self.draft.missed_first or before is None or before.event.starts_at <= now
        return self.due_at(day) <= now and is_known

    def earliest(self, day: Day) -> datetime:
        """Return when a day can be made: it is time, and the one before has started if those who miss it go first."""
        before, due = self.last_held(), self.due_at(day)
        if not self.draft.missed_first or before is None:
            return due
        return max(due, before.event.starts_at + AFTER_A_START)

    def numbers(self) -> Iterator[tuple[int, Made]]:
        """Yield the occurrences that were made, by their numbers."""
        for one in self.made.values():
            yield one.number, one


class SeriesJudge:
    """Judges the series of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.courses: dict[str, Course] = {}
        self._drafts: dict[str, SeriesDraft] = {}
        self._edits: dict[object, SeriesEdit] = {}
        """By a value that no other edit has: a location, or a time of day."""
        self._leaving: set[tuple[str, str]] = set()
        """A series and a user who asked to stop it. Without a series: whose deletion was asked for."""
        self._cancels: dict[str, bool] = {}
        """By the reason for the end of a series: whether what was made is canceled, too."""

    # What is asked for

    def asks_to_create(self, draft: SeriesDraft) -> None:
        """Take note of a series that an organizer wants."""
        self._drafts[draft.event_id or ""] = draft

    def asks_to_edit(self, edit: SeriesEdit) -> None:
        """Take note of an edit of a series. Its values differ from those of all others."""
        if edit.location is not None:
            self._edits[edit.location] = edit
        if edit.starts_at is not None:
            zone = ZoneInfo(self._world.nights.season.time_zone)
            self._edits[edit.starts_at.astimezone(zone).time()] = edit

    def asks_to_end(self, reason: str, *, cancels: bool) -> None:
        """Take note that an organizer ends a series. No other has this reason."""
        self._cancels[reason] = cancels

    def asks_to_leave(self, name: str, event_id: str, user_id: str) -> None:
        """Take note of a request after which somebody may not be registered for all of a series anymore."""
        if name in ("unregister", "stop_series"):
            self._leaving.add((event_id, user_id))
        elif name in ("delete_user", "deactivate_user"):
            self._leaving.add(("", user_id))

    # What is committed

    def has_changed(self, state: State, entry: JournalEntry) -> None:
        """Judge a commit on a series, or on an occurrence."""
        event = state.event
        if event.series is not None:
            self._has_changed_series(event, state, entry)
        elif event.occurrence is not None:
            course = self.courses[event.occurrence.series_id]
            made = course.made.get(event.event_id)
            if made is None:
                self._has_made(course, event)
            else:
                self._has_changed_occurrence(course, made, state, entry)

    def _has_changed_series(self, event: Event, state: State, entry: JournalEntry) -> None:
        id_ = event.event_id
        if id_ not in self.courses:
            self.courses[id_] = Course(self._drafts[id_])
        course = self.courses[id_]
        rows = {user_id: row.ticket for user_id, row in state.rows.items()}
        now = self._world.now()
        for user_id in course.wishes.keys() - rows.keys():
            has_asked = (id_, user_id) in self._leaving or ("", user_id) in self._leaving
            assert has_asked or event.deletion, f"{user_id} did not stop {id_}"
            if any(one.event.is_opening for one in course.made.values()):
                self._world.count(STOPPED_WHILE_OPENING)
        for user_id, ticket in rows.items():
            if course.wishes.get(user_id) != ticket:
                course.obligations += [
                    Obligation(made, user_id, ticket, made.arrivals[user_id])
                    for made in course.made.values()
                    if made.is_open(now) and user_id not in made.rows
                ]
        course.wishes = dict(sorted(rows.items(), key=lambda one: one[1]))
        for change in entry.changes:
            if change.kind is ChangeKind.EDITED:
                self._has_edited(course, event, change)
            elif change.kind is ChangeKind.CANCELED:
                course.is_ended = True
                self._world.count("a series ends")
                if self._cancels[change.reason or ""]:
                    course.to_cancel = [one for one in course.made.values() if one.is_open(now)]
        course.is_ended = course.is_ended or event.deletion is not None

    def _has_edited(self, course: Course, event: Event, change: Change) -> None:
        fields, now = change.fields or {}, self._world.now()
        if "location" in fields:
            edit = self._edits[event.location]
            course.location = event.location
            for number, made in course.numbers():
                if edit.number is not None and number >= edit.number and made.is_open(now):
                    made.location = event.location
        if "starts_at" in fields:
            local = event.starts_at.astimezone(course.zone)
            edit = self._edits[local.time()]
            concerned = self._from(course, edit.number)
            for number, one in enumerate(concerned):
                one.day, one.time = local.date() + number * course.step, local.time()

    def _from(self, course: Course, number: int | None) -> list[Day]:
        """Return the days from an occurrence on, or those that are not made yet. Those left out stay left out."""
        made = (one.day for of, one in course.numbers() if of == number)
        first = course.next_day() if number is None else next(made)
        return [] if first is None else course.days[course.days.index(first) :]

    def _has_made(self, course: Course, event: Event) -> None:
        """Judge an occurrence that was just made: it is the next one, at the right moment (R13.1, R13.2)."""
        now, day = self._world.now(), course.next_day()
        assert day is not None, f"{event.event_id} is one too many"
        assert event.starts_at == course.start(day), (
            f"{event.event_id} starts at {event.starts_at}, not at {course.start(day)}"
        )
        assert course.is_awaited(day, now + APART), f"{event.event_id} was made too early"
        assert event.location == course.location, f"{event.event_id} is in {event.location}"
        before = course.last_held()
        missed = frozenset[str]()
        if course.draft.missed_first and before is not None:
            missed = frozenset(
                user_id
                for user_id, status in before.rows.items()
                if status is RegistrationStatus.WAITLISTED
            )
        day.event_id = event.event_id
        number = event.occurrence.number if event.occurrence else 0
        wishes = dict(course.wishes)
        made = Made(event, number, day, {}, event.location, wishes, missed)
        course.made[event.event_id] = made
        course.obligations += [
            Obligation(made, user_id, ticket, 0) for user_id, ticket in wishes.items()
        ]
        if len({course.start(one).astimezone(course.zone).utcoffset() for one in course.days}) > 1:
            self._world.count(CLOCKS_CHANGE)

    def _has_changed_occurrence(
        self, course: Course, made: Made, state: State, entry: JournalEntry
    ) -> None:
        made.event = state.event
        is_full = state.seated >= state.event.capacity and not state.event.has_waitlist
        is_closed = state.event.status is not EventStatus.OPEN
        made.was_shut = made.was_shut or is_closed or is_full
        for change in entry.changes:
            if change.kind in REGISTERS:
                made.arrivals[change.user_id or ""] += 1
                self._has_registered(course, made, change)
            elif change.kind is ChangeKind.CANCELED:
                is_meant = self._cancels.get(change.reason or "", True)
                assert is_meant, f"{made.event.event_id} is canceled, and was to take place"
            elif change.kind is ChangeKind.EDITED:
                self._has_edited_occurrence(course, made, entry, change)
        for notification in entry.notifications:
            if notification.kind is NotificationKind.NOT_ENROLLED:
                self._has_honored(course, made, notification.user_id or "")
            if notification.kind is NotificationKind.ENROLLED:
                assert any(
                    change.user_id == notification.user_id and change.cause is Cause.SERIES
                    for change in entry.changes
                ), f"{notification.user_id} hears of nothing new in {entry}"
        made.rows = {user_id: row.status for user_id, row in state.rows.items()}

    def _has_registered(self, course: Course, made: Made, change: Change) -> None:
        """Judge a registration for an occurrence: those who want all of the series come first, each once (R13.4)."""
        user_id, id_ = change.user_id or "", made.event.event_id
        if change.cause is Cause.SERIES:
            self._has_honored(course, made, user_id)
            return
        left = [
            one
            for one, ticket in made.wishes.items()
            if course.wishes.get(one) == ticket and (one, ticket) not in made.honored
        ]
        assert made.was_shut or not left, f"{user_id} is in {id_} before {left}"

    def _has_honored(self, course: Course, made: Made, user_id: str) -> None:
        """Judge that a wish is honored: it is one, it is honored for the first time, and in its turn (R13.4, R13.5)."""
        id_, ticket = made.event.event_id, course.wishes.get(user_id)
        assert ticket is not None, f"{user_id} is registered in {id_}, and had stopped"
        assert (user_id, ticket) not in made.honored, f"{user_id} is registered in {id_} again"
        goes_first = user_id in made.missed and made.wishes.get(user_id) == ticket
        rank = not goes_first, ticket
        assert rank > made.last_rank, f"{user_id} is registered in {id_} out of turn"
        made.honored.add((user_id, ticket))
        made.last_rank = rank
        if goes_first:
            self._world.count(MISSED_FIRST)

    def _has_edited_occurrence(
        self, course: Course, made: Made, entry: JournalEntry, change: Change
    ) -> None:
        """Judge an edit of an occurrence: what was changed in it alone stays, and its attendees are told (R13.3)."""
        fields = change.fields or {}
        local = made.event.starts_at.astimezone(course.zone).time()
        for name, value in (("location", made.event.location), ("starts_at", local)):
            if name not in fields:
                continue
            edit = self._edits.get(value)
            own = "has_own_location" if name == "location" else "has_own_time"
            if edit is None:
                setattr(made, own, True)
                continue
            assert not getattr(made, own), f"the series changed {name} of {made.event.event_id}"
            is_concerned = edit.number is not None and made.number >= edit.number
            assert is_concerned, f"{edit} is about later ones than {made.event.event_id}"
            kinds = [one.kind for one in entry.notifications]
            assert NotificationKind.MOVED in kinds, f"nobody hears of {entry}"

    # The calendar

    def starts(self) -> Iterator[datetime]:
        """Yield when the occurrences that were made start."""
        for course in self.courses.values():
            for made in course.made.values():
                yield made.event.starts_at

    def awaited(self) -> str | None:
        """Return what should be made by now, and is not."""
        for id_, course in self.courses.items():
            day = course.next_day()
            if day is not None and course.is_awaited(day, self._world.now() - APART):
                return f"{id_} on {day.day}"
        return None

    def next_due(self) -> datetime | None:
        """Return when something is to be made next, as far as that is known."""
        days = [(course, course.next_day()) for course in self.courses.values()]
        return min((course.earliest(day) for course, day in days if day is not None), default=None)

    # At the end

    def check(self) -> None:
        """Assert that everything due was made, each wish was honored, and each edit has reached what it concerns."""
        assert self.awaited() is None, f"never made: {self.awaited()}"
        for course in self.courses.values():
            for made, user_id, ticket, arrivals in course.obligations:
                is_withdrawn = course.wishes.get(user_id) != ticket
                is_off = made.was_shut or made.event.deletion is not None
                has_come = (user_id, ticket) in made.honored or made.arrivals[user_id] > arrivals
                assert is_withdrawn or is_off or has_come, (
                    f"{user_id} wants all of the series, and was never in {made.event.event_id}"
                )
            for made in course.made.values():
                if made.is_open(self._world.now()):
                    self._check_edits(course, made)
            for made in course.to_cancel:
                assert made.is_canceled, f"{made.event} is not canceled with its series"

    def _check_edits(self, course: Course, made: Made) -> None:
        event = made.event
        if not made.has_own_location:
            assert event.location == made.location, (
                f"{event.event_id} is in {event.location}, not in {made.location}"
            )
        if not made.has_own_time:
            assert event.starts_at == course.start(made.day), (
                f"{event.event_id} is at {event.starts_at}, not at {course.start(made.day)}"
            )
