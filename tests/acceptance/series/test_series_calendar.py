"""Calendar files of series and their occurrences, as other libraries read them (R8.16, R13)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from icalendar import Event as Entry

from bot.features.calendar.calendar_file import calendar_file, depends_on_user
from bot.features.calendar.series_file import series_file
from domain.enums import Frequency
from domain.inputs import EventChanges, RecurrenceDraft
from domain.models import Event
from domain.service import Service
from tests.support.calendars import MemberCalendar, Shown
from tests.support.environment import ManualClock, new_users, service_on
from tests.support.memory_store import MemoryStore
from tests.support.series import FIRST, new_series, register_for_all

WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
JOIN_LINK = "https://meet.example/yoga"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def service(clock: ManualClock) -> Service:
    service = service_on(MemoryStore(), clock=clock)
    new_users(service, "organizer", "ada", "bo")
    return service


def yoga(service: Service, *, times: int = 6, **values: Any) -> None:
    """Create a series with all occurrences made, and register Ada for all of it."""
    new_series(service, times=times, **{"days_ahead": 90} | values)
    register_for_all(service, "ada")


def weeks(*numbers: int) -> list[datetime]:
    """Return when these occurrences of the series start by its first rule. It is winter in Berlin."""
    return [FIRST + (number - 1) * WEEK for number in numbers]


def file_for(service: Service, user_id: str = "ada") -> bytes:
    """Return a member's file of the whole series."""
    file = series_file(service.get_whole_series("yoga", user_id), "T1")
    assert file is not None
    return file.content.read()


def file_of(
    service: Service, number: int, user_id: str = "ada", *, is_update: bool = True
) -> bytes:
    """Return a member's file of one occurrence, by default that for one that has moved."""
    whole = service.get_whole_series("yoga", user_id)
    event = service.get_event(f"yoga-{number}")
    join_link = event.join_link if service.find_registration(event.event_id, user_id) else ""
    return calendar_file(event, "T1", join_link, whole=whole, is_update=is_update).content.read()


def shows(*files: bytes) -> list[Shown]:
    return MemberCalendar.of(*files).shows()


def starts(*files: bytes) -> list[datetime]:
    """Return the starts that a calendar shows once it has opened these files, in this order."""
    return [one.starts_at for one in shows(*files)]


def exceptions(file: bytes) -> list[Entry]:
    return [one for one in Calendar.from_ical(file).events if "recurrence-id" in one]


def sequences(file: bytes) -> set[int]:
    return {one.decoded("sequence") for one in Calendar.from_ical(file).events}


def move(service: Service, number: int, starts_at: datetime) -> None:
    """Move one occurrence. It lasts an hour."""
    changes = EventChanges.of(starts_at=starts_at, ends_at=starts_at + HOUR)
    service.edit_event(f"yoga-{number}", changes)


def move_series(service: Service, starts_at: datetime, *, number: int) -> None:
    """Move an occurrence and all later ones."""
    changes = EventChanges.of(starts_at=starts_at, ends_at=starts_at + HOUR)
    service.edit_series("yoga", changes, number=number)


def make_all(service: Service, clock: ManualClock) -> Sequence[Event]:
    """Let time pass until the series has made all of its occurrences, and return them."""
    while service.get_event("yoga").next_due_at is not None:
        clock.advance(DAY)
        service.sweep()
    return service.get_whole_series("yoga", "ada").made


class TestRule:
    @pytest.mark.parametrize("hour", [2, 18])
    @pytest.mark.parametrize("time_zone", ["Europe/Berlin", "America/New_York", "Australia/Sydney"])
    def test_wall_clock_time_holds_when_the_clocks_change(
        self, service: Service, clock: ManualClock, time_zone: str, hour: int
    ) -> None:
        """A year of Sundays at 18:30, and at 2:30, which is skipped once and comes twice once."""
        first = datetime(2026, 12, 6, hour, 30, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)
        yoga(service, starts_at=first, time_zone=time_zone, times=50, days_ahead=1)
        before = shows(file_for(service))
        made = make_all(service, clock)
        assert len(made) == 50
        assert [one[:2] for one in before] == [(one.starts_at, one.ends_at) for one in made]
        assert shows(file_for(service)) == before

    @pytest.mark.parametrize(
        ("frequency", "interval", "first"),
        [
            (Frequency.WEEKLY, 2, date(2026, 11, 10)),
            (Frequency.MONTHLY_BY_DATE, 1, date(2027, 1, 31)),
            (Frequency.MONTHLY_BY_WEEKDAY, 1, date(2027, 1, 29)),  # the fifth Friday
            (Frequency.MONTHLY_BY_WEEKDAY, 1, date(2026, 11, 10)),
        ],
    )
    def test_days_are_those_of_the_series(
        self,
        service: Service,
        clock: ManualClock,
        frequency: Frequency,
        interval: int,
        first: date,
    ) -> None:
        starts_at = datetime.combine(first, datetime.min.time(), UTC) + 17 * HOUR
        recurrence = {"frequency": frequency, "interval": interval, "until": date(2027, 11, 30)}
        yoga(service, starts_at=starts_at, recurrence=recurrence, days_ahead=1)
        before = starts(file_for(service))
        made = [one.starts_at for one in make_all(service, clock)]
        assert before == made
        assert len(made) >= 4

    def test_series_in_utc_needs_no_time_zone(self, service: Service) -> None:
        yoga(service, time_zone="UTC", days_ahead=1)
        assert b"VTIMEZONE" not in file_for(service)
        assert starts(file_for(service)) == weeks(1, 2, 3, 4, 5, 6)

    @pytest.mark.parametrize(
        "time_zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo"]
    )
    def test_time_zone_in_the_file_changes_its_clocks_at_the_right_moments(
        self, service: Service, time_zone: str
    ) -> None:
        """For calendars that don't know the name. On Lord Howe, clocks change by half an hour."""
        yoga(service, time_zone=time_zone, times=52, days_ahead=1)
        (written,) = Calendar.from_ical(file_for(service)).timezones
        changes = {
            start - part.TZOFFSETFROM: part.TZOFFSETTO
            for part in written.subcomponents
            for start in (part.DTSTART, *(start for start, _ in part.rdates))
            if part.TZOFFSETFROM != part.TZOFFSETTO
        }
        assert changes == clock_changes(time_zone, FIRST, FIRST + 51 * WEEK)


def clock_changes(
    time_zone: str, after: datetime, before: datetime
) -> dict[datetime, timedelta | None]:
    """Return the offsets that a time zone changes to, by the moment in UTC."""
    zone, changes = ZoneInfo(time_zone), {}
    while after < before:
        after += HOUR / 2
        offset = after.astimezone(zone).utcoffset()
        if offset != (after - HOUR / 2).astimezone(zone).utcoffset():
            changes[after.replace(tzinfo=None)] = offset
    return changes


class TestDates:
    def test_day_that_is_left_out(self, service: Service) -> None:
        recurrence = {"frequency": "weekly", "times": 4, "left_out": ["2026-11-17"]}
        yoga(service, recurrence=recurrence)
        assert starts(file_for(service)) == weeks(1, 3, 4)

    def test_occurrence_that_is_canceled_or_deleted(self, service: Service) -> None:
        yoga(service)
        service.cancel_event("yoga-2")
        service.delete_event("yoga-4")
        assert starts(file_for(service)) == weeks(1, 3, 5, 6)

    def test_date_that_the_member_skips(self, service: Service) -> None:
        yoga(service)
        register_for_all(service, "bo")
        service.unregister("yoga-3", "ada")
        assert starts(file_for(service)) == weeks(1, 2, 4, 5, 6)
        assert starts(file_for(service, "bo")) == weeks(1, 2, 3, 4, 5, 6)

    def test_series_that_someone_joins_later(self, service: Service, clock: ManualClock) -> None:
        yoga(service)
        clock.advance(16 * DAY)
        register_for_all(service, "bo")
        assert starts(file_for(service, "bo")) == weeks(3, 4, 5, 6)

    def test_days_that_were_never_made(self, service: Service, clock: ManualClock) -> None:
        """No process ran for two weeks."""
        yoga(service, days_ahead=1)
        clock.advance(3 * WEEK)
        assert starts(file_for(service)) == weeks(3, 4, 5, 6)

    def test_series_that_has_ended_keeps_what_was_made(self, service: Service) -> None:
        yoga(service, days_ahead=16)
        service.end_series("yoga")
        file = file_for(service)
        assert starts(file) == weeks(1, 2)
        assert not exceptions(file)

    def test_series_without_dates_has_no_file(self, service: Service) -> None:
        yoga(service, times=1)
        service.cancel_event("yoga-1")
        assert series_file(service.get_whole_series("yoga", "ada"), "T1") is None

    def test_occurrence_that_still_registers_the_member(self, service: Service) -> None:
        """Whoever registered just now is in the file, though another process has yet to honor that."""
        new_series(service, days_ahead=90, times=3)
        service.register("yoga", "ada")
        assert starts(file_for(service)) == weeks(1, 2, 3)


class TestExceptions:
    def test_series_as_planned_has_none(self, service: Service) -> None:
        yoga(service)
        assert not exceptions(file_for(service))

    def test_occurrence_that_was_moved_or_renamed_alone(self, service: Service) -> None:
        yoga(service)
        moved = FIRST + WEEK + 3 * HOUR
        move(service, 2, moved)
        service.edit_event("yoga-4", EventChanges.of(title="Hot yoga"))
        file = file_for(service)
        assert [(one.starts_at, one.title) for one in shows(file)][:4] == [
            (FIRST, "Yoga"),
            (moved, "Yoga"),
            (FIRST + 2 * WEEK, "Yoga"),
            (FIRST + 3 * WEEK, "Hot yoga"),
        ]
        ids = [one.decoded("recurrence-id") for one in exceptions(file)]
        assert ids == weeks(2, 4)

    def test_join_link_is_for_dates_with_a_seat_only(self, service: Service) -> None:
        """R12.2. Of the dates to come, nobody knows who will have one."""
        yoga(service, capacity=1, join_link=JOIN_LINK, days_ahead=16)
        register_for_all(service, "bo")
        service.unregister("yoga-1", "ada")
        file = file_for(service, "bo")
        assert [str(one["url"]) for one in exceptions(file) if "url" in one] == [JOIN_LINK]
        assert JOIN_LINK not in file_for(service, "organizer").decode()

    def test_date_on_the_waitlist_is_tentative_and_leaves_the_time_free(
        self, service: Service, clock: ManualClock
    ) -> None:
        yoga(service, capacity=1, days_ahead=16)
        register_for_all(service, "bo")
        service.unregister("yoga-2", "ada")
        file = file_for(service, "bo")
        assert [(one.title, one.status) for one in shows(file)][:2] == [
            ("Yoga (waitlist)", "TENTATIVE"),
            ("Yoga", "CONFIRMED"),
        ]
        (waitlisted,) = exceptions(file)
        assert waitlisted["transp"] == "TRANSPARENT"
        clock.advance(9 * DAY)
        assert starts(file_for(service, "bo")) == weeks(2, 3, 4, 5, 6)

    def test_promotion_replaces_the_tentative_date(self, service: Service) -> None:
        yoga(service, capacity=1)
        register_for_all(service, "bo")
        before = file_for(service, "bo")
        service.unregister("yoga-1", "ada")
        first, *_ = shows(before, file_of(service, 1, "bo", is_update=False))
        assert (first.title, first.status) == ("Yoga", "CONFIRMED")
        assert len(shows(before, file_of(service, 1, "bo"))) == 6


class TestOneOccurrence:
    def test_adding_it_and_all_of_the_series_shows_it_once(self, service: Service) -> None:
        yoga(service)
        whole, one = file_for(service), file_of(service, 2, is_update=False)
        assert starts(one) == weeks(2)
        assert starts(whole, one) == starts(one, whole) == weeks(1, 2, 3, 4, 5, 6)

    def test_move_moves_it_in_the_series(self, service: Service) -> None:
        yoga(service)
        whole, one = file_for(service), file_of(service, 2)
        move(service, 2, FIRST + 8 * DAY)
        moved = file_of(service, 2)
        assert starts(one, moved) == [FIRST + 8 * DAY]
        assert starts(whole, moved) == [FIRST, FIRST + 8 * DAY, *weeks(3, 4, 5, 6)]
        move(service, 2, FIRST + 9 * DAY)
        assert starts(whole, file_of(service, 2), moved)[1] == FIRST + 9 * DAY, (
            "the newer one stays"
        )

    def test_cancellation_removes_one_date(self, service: Service) -> None:
        yoga(service)
        whole, one = file_for(service), file_of(service, 2)
        service.cancel_event("yoga-2")
        canceled = file_of(service, 2)
        assert Calendar.from_ical(canceled)["method"] == "CANCEL"
        assert starts(whole, canceled) == weeks(1, 3, 4, 5, 6)
        assert starts(one, canceled) == []

    def test_time_that_the_clocks_skip_is_the_one_of_the_rule(
        self, service: Service, clock: ManualClock
    ) -> None:
        """2:30 on the day when 2 o'clock is followed by 3: it takes place at 3:30."""
        first = datetime(2027, 3, 21, 1, 30, tzinfo=UTC)
        yoga(service, starts_at=first, times=3, days_ahead=200)
        whole = file_for(service)
        assert starts(whole, file_of(service, 2)) == starts(whole)
        assert b"20270328T023000" in file_of(service, 2)

    def test_second_of_two_same_wall_clock_times_is_in_utc(self, service: Service) -> None:
        yoga(service, starts_at=datetime(2027, 10, 24, 16, tzinfo=UTC), times=2, days_ahead=364)
        second = datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
        move(service, 2, second)
        assert starts(file_for(service))[1] == starts(file_of(service, 2))[0] == second

    def test_each_change_raises_the_number_in_all_files_of_the_series(
        self, service: Service
    ) -> None:
        yoga(service)
        whole, one = sequences(file_for(service)), sequences(file_of(service, 1))
        assert whole == one
        service.cancel_event("yoga-4")
        later = sequences(file_for(service))
        assert later == sequences(file_of(service, 1))
        assert min(later) > max(whole)


class TestMovesOfTheSeries:
    """From the third occurrence on, at 20:00, and a day later."""

    @pytest.fixture
    def files(self, service: Service) -> dict[str, bytes]:
        """Return the files from before the move."""
        yoga(service, days_ahead=30)
        files = {"whole": file_for(service), "1": file_of(service, 1), "3": file_of(service, 3)}
        move_series(service, FIRST + 2 * WEEK + DAY + 2 * HOUR, number=3)
        return files

    AFTER = (*weeks(1, 2), *(start + DAY + 2 * HOUR for start in weeks(3, 4, 5, 6)))

    def test_new_file_has_old_and_new_dates(
        self, service: Service, files: dict[str, bytes]
    ) -> None:
        assert starts(file_for(service)) == [*self.AFTER]
        assert starts(files["whole"], file_for(service)) == [*self.AFTER]

    def test_file_of_a_moved_occurrence_removes_it_from_its_earlier_time(
        self, service: Service, files: dict[str, bytes]
    ) -> None:
        assert starts(files["3"], file_of(service, 3)) == [self.AFTER[2]]
        with_both = starts(files["whole"], file_of(service, 3), file_of(service, 4))
        assert with_both == [*self.AFTER[:4], *weeks(5, 6)], "those to be made come with a new file"
        assert starts(file_for(service), file_of(service, 3)) == [*self.AFTER]

    def test_file_of_an_occurrence_before_the_move_is_as_before(
        self, service: Service, files: dict[str, bytes]
    ) -> None:
        assert starts(files["1"], file_of(service, 1)) == [FIRST]
        assert starts(file_for(service), file_of(service, 1)) == [*self.AFTER]

    def test_member_who_adds_it_for_the_first_time_sees_no_earlier_time(
        self, service: Service, files: dict[str, bytes]
    ) -> None:
        assert len(Calendar.from_ical(file_of(service, 3, is_update=False)).events) == 1

    def test_move_back_uses_the_first_ids_again(
        self, service: Service, files: dict[str, bytes]
    ) -> None:
        moved = file_of(service, 3)
        move_series(service, FIRST + 2 * WEEK, number=3)
        assert starts(files["3"], moved, file_of(service, 3)) == weeks(3)
        assert starts(file_for(service)) == weeks(1, 2, 3, 4, 5, 6)


def test_own_time_stays_in_a_series_that_moves(service: Service) -> None:
    yoga(service, days_ahead=30)
    own = FIRST + 3 * WEEK + 5 * HOUR
    move(service, 4, own)
    before = file_of(service, 4)
    move_series(service, FIRST + 2 * WEEK + HOUR, number=3)
    later = [start + HOUR for start in weeks(3, 5, 6)]
    expected = [*weeks(1, 2), later[0], own, *later[1:]]
    assert starts(file_for(service)) == expected
    assert starts(file_for(service), file_of(service, 4)) == expected
    assert starts(before, file_of(service, 4)) == [own]


class TestSeriesThatMovesByAWeek:
    """Each occurrence then has the time that the next one had before."""

    @pytest.fixture(autouse=True)
    def before(self, service: Service) -> dict[int, bytes]:
        yoga(service, times=3, capacity=5)
        service.register("yoga-2", "bo")
        before = {number: file_of(service, number) for number in (1, 2, 3)}
        move_series(service, FIRST + WEEK, number=1)
        return before

    def test_whoever_has_all_of_them_keeps_all(
        self, service: Service, before: dict[int, bytes]
    ) -> None:
        files = [file_of(service, number) for number in (1, 2, 3)]
        assert starts(*before.values(), *files) == weeks(2, 3, 4)

    def test_whoever_has_one_keeps_one(self, service: Service, before: dict[int, bytes]) -> None:
        assert starts(before[2], file_of(service, 2, "bo")) == weeks(3)

    def test_one_file_for_everybody_would_be_wrong(self, service: Service) -> None:
        whole = service.get_whole_series("yoga", "ada")
        assert depends_on_user(service.get_event("yoga-2"), whole)
        assert not depends_on_user(service.get_event("yoga-1"), whole)


def test_rule_that_changes_keeps_what_was_made(service: Service) -> None:
    """The series now is every other week: a date that was made and is no longer in the rule stays."""
    yoga(service, days_ahead=16)
    recurrence = RecurrenceDraft.of(frequency="weekly", interval=2, times=3)
    service.edit_series("yoga", EventChanges.of(), recurrence=recurrence)
    whole = service.get_whole_series("yoga", "ada")
    to_come = [datetime.combine(day, datetime.min.time(), UTC) + 17 * HOUR for day in whole.coming]
    assert starts(file_for(service)) == [*weeks(1, 2), *to_come]
