"""Series (R13) on every store: occurrences made once, registrations for all of a series honored once and in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.commands import EditSeries, EndSeries, RunSchedule
from domain.enums import ChangeKind, ClosedReason, EventStatus, NotificationKind, RegistrationStatus
from domain.errors import (
    AlreadyRegistered,
    CapacityBelowRegistered,
    Invalid,
    NotASeries,
    NotOrganizer,
    RegistrationClosed,
    UnknownEvent,
)
from domain.inputs import EventChanges, EventDraft, RecurrenceDraft
from domain.models import Actor, Change
from domain.planning.plan import CheckRegistration, Plan
from domain.ports import Store
from domain.service import Service
from tests.support.environment import (
    START,
    ManualClock,
    ids,
    new_users,
    service_on,
    start_user_deletion,
)
from tests.support.questions import LUNCH
from tests.support.series import FIRST, new_series, register_for_all
from tests.support.stores import empty_store

WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


Meanwhile = Callable[..., None]


@pytest.fixture
def meanwhile(store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Return a function that has another process act between the reads and the first commit on an event.

    That commit can leave out the actions of a type.
    """

    def act(event_id: str, do: Callable[[Service], object], without: type | None = None) -> None:
        other, commit = service_on(store, clock=clock, new_id=ids("other")), store.commit
        waits = [event_id]

        def commit_late(plan: Plan) -> None:
            if plan.event_id in waits:
                waits.clear()
                do(other)
                kept = (one for one in plan.actions if without is None or type(one) is not without)
                plan = replace(plan, actions=tuple(kept))
            commit(plan)

        monkeypatch.setattr(store, "commit", commit_late)  # the moment before a commit

    return act


def starts(service: Service) -> list[datetime]:
    return [event.starts_at for event in service.list_events().items]


def attendees(service: Service, event_id: str) -> tuple[list[str], list[str]]:
    """Return who has a seat, and who is waitlisted, in order."""
    found = service.list_registrations_in(event_id)
    return (
        [one.user_id for one in found.registered],
        [one.entry.user_id for one in found.waitlist],
    )


def messages(store: Store, event_id: str) -> list[tuple[NotificationKind, str | None]]:
    entries = store.list_journal(event_id, limit=100)
    return [(one.kind, one.user_id) for entry in entries for one in entry.notifications]


class TestMaking:
    def test_none_is_made_before_it_is_time(self, service: Service) -> None:
        new_series(service)
        assert starts(service) == []

    def test_those_of_the_next_weeks_are_made_with_the_series(self, service: Service) -> None:
        new_series(service, days_ahead=28)
        assert starts(service) == [FIRST, FIRST + WEEK, FIRST + 2 * WEEK]

    def test_sweep_makes_the_next_one(self, service: Service, clock: ManualClock) -> None:
        new_series(service)
        clock.advance(DAY)
        service.sweep()
        assert starts(service) == []
        clock.advance(DAY)
        service.sweep()
        assert starts(service) == [FIRST]

    def test_each_has_the_values_of_the_series(self, service: Service) -> None:
        new_series(
            service,
            days_ahead=28,
            description="Bring a mat.",
            location="Park",
            registration_deadline=FIRST - timedelta(hours=30),
            reminders=(60,),
        )
        event = service.get_event("yoga-2")
        assert (event.title, event.description, event.location) == ("Yoga", "Bring a mat.", "Park")
        assert event.ends_at == FIRST + WEEK + timedelta(hours=1)
        assert event.registration_deadline == FIRST + WEEK - timedelta(hours=30)
        assert (event.reminders, event.capacity, event.has_waitlist) == ((60,), 2, True)

    def test_card_goes_out_so_many_days_before_each(
        self, service: Service, store: Store, clock: ManualClock
    ) -> None:
        new_series(service, card_channel="C1", card_days=3, days_ahead=14)
        assert messages(store, "yoga-1") == []
        clock.advance(FIRST - START - 3 * DAY)
        service.sweep()
        assert messages(store, "yoga-1") == [(NotificationKind.CARD, "organizer")]

    def test_card_goes_out_if_an_earlier_start_leaves_fewer_days(
        self, service: Service, store: Store
    ) -> None:
        """Found by seed 93 of the simulation: no sweep came between the new time for the card and the move."""
        new_series(service, card_channel="C1", card_days=3, days_ahead=14)
        service.edit_event("yoga-1", EventChanges.of(starts_at=START + 2 * DAY, ends_at=None))
        service.edit_event("yoga-1", EventChanges.of(starts_at=START + 1 * DAY))
        service.sweep()
        kinds = [kind for kind, _ in messages(store, "yoga-1")]
        assert kinds.count(NotificationKind.CARD) == 1

    def test_second_sweep_makes_nothing_more(self, service: Service, clock: ManualClock) -> None:
        new_series(service, days_ahead=28)
        service.sweep()
        service.sweep()
        assert len(starts(service)) == 3

    def test_days_that_passed_without_a_sweep_are_left_out(
        self, service: Service, clock: ManualClock
    ) -> None:
        new_series(service)
        clock.advance(3 * WEEK)
        service.sweep()
        assert starts(service) == [FIRST + 2 * WEEK]

    def test_last_one_is_the_last(self, service: Service, clock: ManualClock) -> None:
        new_series(service, times=2)
        for _ in range(4):
            clock.advance(WEEK)
            service.sweep()
        assert starts(service) == [FIRST, FIRST + WEEK]
        assert service.get_event("yoga").next_due_at is None

    def test_day_that_is_left_out_counts(self, service: Service, clock: ManualClock) -> None:
        recurrence = {"frequency": "weekly", "times": 3, "left_out": ["2026-11-17"]}
        new_series(service, recurrence=recurrence, days_ahead=60)
        assert starts(service) == [FIRST, FIRST + 2 * WEEK]

    def test_id_that_somebody_used_is_passed_over(self, service: Service) -> None:
        draft = {"event_id": "yoga-1", "title": "Other", "starts_at": START + 90 * DAY}
        service.create_event(
            EventDraft.of(
                **draft,
                time_zone="Europe/Berlin",
                organizer_id="organizer",
                capacity=1,
                has_waitlist=True,
            )
        )
        new_series(service, days_ahead=10)
        assert service.get_event("yoga-2").starts_at == FIRST
        assert service.get_event("yoga-1").title == "Other"
        assert [event.event_id for event in service.list_occurrences("yoga").items] == ["yoga-2"]

    def test_series_that_is_canceled_at_the_same_moment_makes_no_more(
        self, service: Service, clock: ManualClock, meanwhile: Meanwhile
    ) -> None:
        new_series(service)
        clock.advance(WEEK)
        meanwhile("yoga", lambda other: other.cancel_event("yoga"))
        service.sweep()
        assert starts(service) == []

    def test_two_sweeps_make_each_one_once(
        self, service: Service, clock: ManualClock, meanwhile: Meanwhile
    ) -> None:
        new_series(service)
        clock.advance(WEEK)
        meanwhile("yoga", lambda other: other.sweep())
        service.sweep()
        assert starts(service) == [FIRST]

    def test_canceled_series_makes_no_more(self, service: Service, clock: ManualClock) -> None:
        new_series(service, days_ahead=14)
        service.cancel_event("yoga")
        clock.advance(2 * WEEK)
        service.sweep()
        assert starts(service) == [FIRST]

    def test_series_is_in_no_list_of_events(self, service: Service) -> None:
        new_series(service)
        assert service.list_events().items == ()
        assert service.list_events(upcoming=True).items == ()
        assert [event.event_id for event in service.list_series().items] == ["yoga"]

    def test_its_organizer_finds_it(self, service: Service, clock: ManualClock) -> None:
        """R8.6: also one that has no occurrence yet, and until a day after it has ended."""
        new_series(service)
        new_series(service, "chess", title="Chess", organizer_id="ada")
        organizer = Actor("organizer")
        assert [one.event_id for one in service.list_organized("organizer").items] == ["yoga"]
        found = service.find_events_to_manage("yog", organizer)
        assert [one.event_id for one in found.matches] == ["yoga"]
        assert service.find_events_to_manage("ches", organizer).matches == ()
        service.end_series("yoga")
        clock.advance(25 * HOUR)
        assert service.list_organized("organizer").items == ()

    def test_overview_has_what_was_made_and_what_follows(
        self, service: Service, clock: ManualClock
    ) -> None:
        new_series(service, days_ahead=28, times=5)
        service.cancel_event("yoga-2")
        service.delete_event("yoga-3")
        clock.advance(22 * DAY + 10 * HOUR)
        found = service.get_series("yoga")
        assert [one.event_id for one in found.occurrences] == ["yoga-1", "yoga-2"]
        assert found.to_come == ()
        assert [day for day, _ in found.coming] == [date(2026, 12, 1), date(2026, 12, 8)]

    def test_only_a_series_has_an_overview(self, service: Service) -> None:
        new_series(service, days_ahead=28)
        with pytest.raises(NotASeries):
            service.get_series("yoga-1")
        with pytest.raises(NotASeries):
            service.end_series("yoga-1")

    def test_series_follows_the_privacy_of_its_channel(self, service: Service) -> None:
        """R2.8: its next events are listed or not as it is."""
        new_series(service, listing_channel="C1")
        assert [event.event_id for event in service.list_following().items] == ["yoga"]
        service.follow_channel("yoga", "C1", is_private=True)
        assert not service.get_event("yoga").listed

    def test_series_is_handed_over_as_an_event_is(self, service: Service) -> None:
        """R2.9."""
        new_users(service, "organizer", "ada")
        new_series(service, co_organizer_ids=["ada"])
        preview = service.preview_user_deletion("organizer")
        assert [event.event_id for event in preview.organized] == ["yoga"]
        service.delete_user("organizer")
        assert service.get_event("yoga").organizer_ids == ("ada",)

    def test_admins_are_asked_to_take_over_what_a_series_without_an_organizer_makes(
        self, service: Service, store: Store, clock: ManualClock
    ) -> None:
        """R2.9. Found by a simulation with series: they were asked about the series only."""
        new_users(service, "organizer")
        new_series(service)
        service.delete_user("organizer")
        clock.advance(WEEK)
        service.sweep()
        assert service.get_event("yoga-1").organizer_ids == ()
        assert messages(store, "yoga-1") == [(NotificationKind.ORPHANED, None)]

    def test_organizer_who_is_being_deleted_gets_no_new_event(
        self, service: Service, store: Store, clock: ManualClock
    ) -> None:
        new_users(service, "organizer", "ada")
        new_series(service, co_organizer_ids=["ada"])
        clock.advance(WEEK)
        start_user_deletion(store, "organizer")
        service.sweep()
        service.sweep()
        assert service.get_event("yoga-1").organizer_ids == ("ada",)

    def test_occurrences_are_listed_page_by_page(
        self, service: Service, clock: ManualClock
    ) -> None:
        """Also those that are over, but none that was deleted."""
        new_series(service, days_ahead=28)
        service.delete_event("yoga-2")
        clock.advance(2 * WEEK)
        service.sweep()
        first = service.list_occurrences("yoga", limit=3)
        rest = service.list_occurrences("yoga", limit=3, cursor=first.next_cursor)
        pages = [[event.event_id for event in page.items] for page in (first, rest)]
        assert pages == [["yoga-1", "yoga-3"], ["yoga-4", "yoga-5"]]
        assert rest.next_cursor is None
        with pytest.raises(UnknownEvent):
            service.list_occurrences("nothing")

    def test_deleted_series_is_in_no_list(self, service: Service) -> None:
        new_series(service)
        service.delete_event("yoga")
        assert service.list_series().items == ()
        with pytest.raises(UnknownEvent):
            service.get_event("yoga")


class TestRegisteringForAll:
    def test_each_occurrence_registers_those_who_want_all_in_their_order(
        self, service: Service, clock: ManualClock
    ) -> None:
        new_series(service)
        new_users(service, "ada", "ben", "cleo")
        for user_id in ("cleo", "ada", "ben"):
            register_for_all(service, user_id)
        clock.advance(WEEK)
        service.sweep()
        assert attendees(service, "yoga-1") == (["cleo", "ada"], ["ben"])

    def test_occurrences_that_were_made_register_at_once(
        self, service: Service, store: Store
    ) -> None:
        new_series(service, days_ahead=28)
        new_users(service, "ada")
        result = register_for_all(service, "ada")
        assert result.is_finished
        statuses = [
            one.registration and one.registration.registration.status for one in result.occurrences
        ]
        assert statuses == [RegistrationStatus.REGISTERED] * 3
        assert messages(store, "yoga-1") == []  # the reply says it

    def test_each_gets_one_message_for_each_occurrence(
        self, service: Service, store: Store, clock: ManualClock
    ) -> None:
        new_series(service)
        new_users(service, "ada", "ben", "cleo")
        for user_id in ("ada", "ben", "cleo"):
            register_for_all(service, user_id)
        clock.advance(WEEK)
        service.sweep()
        service.sweep()
        assert messages(store, "yoga-1") == [
            (NotificationKind.ENROLLED, user_id) for user_id in ("ada", "ben", "cleo")
        ]

    def test_full_occurrence_without_waitlist_says_so(
        self, service: Service, store: Store, clock: ManualClock
    ) -> None:
        new_series(service, has_waitlist=False, capacity=1)
        new_users(service, "ada", "ben")
        for user_id in ("ada", "ben"):
            register_for_all(service, user_id)
        clock.advance(WEEK)
        service.sweep()
        assert attendees(service, "yoga-1") == (["ada"], [])
        assert messages(store, "yoga-1") == [
            (NotificationKind.ENROLLED, "ada"),
            (NotificationKind.NOT_ENROLLED, "ben"),
        ]

    def test_registering_for_all_twice_is_refused(self, service: Service) -> None:
        new_series(service)
        new_users(service, "ada")
        register_for_all(service, "ada")
        with pytest.raises(AlreadyRegistered):
            register_for_all(service, "ada")

    def test_skipping_one_keeps_the_others(self, service: Service, clock: ManualClock) -> None:
        new_series(service, days_ahead=14)
        new_users(service, "ada")
        register_for_all(service, "ada")
        service.unregister("yoga-1", "ada")
        clock.advance(WEEK)
        service.sweep()
        assert attendees(service, "yoga-1") == ([], [])
        assert attendees(service, "yoga-2") == (["ada"], [])

    def test_it_is_among_what_is_to_come_by_its_next_date(
        self, service: Service, clock: ManualClock
    ) -> None:
        new_series(service, times=2)
        new_users(service, "ada")
        register_for_all(service, "ada")

        def listed(status: RegistrationStatus | None = None) -> list[tuple[str, datetime | None]]:
            found = service.list_registrations_to_come("ada", status=status).items
            return [(one.event.event_id, one.next_start) for one in found]

        assert listed() == [("yoga", FIRST)]
        clock.advance(9 * DAY)
        service.sweep()
        assert listed() == [("yoga", FIRST + WEEK), ("yoga-1", None)]
        assert listed(RegistrationStatus.REGISTERED) == listed()
        assert listed(RegistrationStatus.WAITLISTED) == []

    def test_it_is_never_past(self, service: Service, clock: ManualClock) -> None:
        """Its occurrences are, each with a registration of its own."""
        new_series(service, times=2, days_ahead=20)
        new_users(service, "ada")
        register_for_all(service, "ada")
        clock.advance(3 * WEEK)
        to_come = service.list_registrations_to_come("ada")
        past = service.list_past_registrations("ada")
        assert (to_come.items, to_come.past_count, past.count) == ((), 2, 2)
        assert [one.event.event_id for one in past.items] == ["yoga-2", "yoga-1"]

    def test_canceled_date_is_not_its_next_one(self, service: Service) -> None:
        new_series(service, days_ahead=28)
        new_users(service, "ada")
        register_for_all(service, "ada")
        service.cancel_event("yoga-1")
        own = service.list_registrations_to_come("ada").items
        assert [one.next_start for one in own if one.event.series] == [FIRST + WEEK]

    def test_skipped_one_stays_skipped_when_others_join(self, service: Service) -> None:
        new_series(service, days_ahead=14)
        new_users(service, "ada", "ben")
        register_for_all(service, "ada")
        service.unregister("yoga-1", "ada")
        register_for_all(service, "ben")
        service.sweep()
        assert attendees(service, "yoga-1") == (["ben"], [])

    def test_stopping_keeps_what_was_made(self, service: Service, clock: ManualClock) -> None:
        new_series(service, days_ahead=14)
        new_users(service, "ada")
        register_for_all(service, "ada")
        service.unregister("yoga", "ada")
        clock.advance(WEEK)
        service.sweep()
        assert attendees(service, "yoga-1") == (["ada"], [])
        assert attendees(service, "yoga-2") == ([], [])

    def test_forget_me_withdraws_everything(self, service: Service, clock: ManualClock) -> None:
        new_series(service, days_ahead=14)
        new_users(service, "ada")
        register_for_all(service, "ada")
        assert service.delete_user("ada")
        clock.advance(WEEK)
        service.sweep()
        assert service.get_event("yoga").waitlist_count == 0
        assert attendees(service, "yoga-1") == attendees(service, "yoga-2") == ([], [])

    def test_nobody_gets_ahead_while_an_occurrence_opens(
        self, store: Store, service: Service, clock: ManualClock
    ) -> None:
        new_series(service, capacity=1)
        new_users(service, "ada", "ben")
        register_for_all(service, "ada")
        clock.advance(WEEK)
        made = _made_only(service)
        with pytest.raises(RegistrationClosed) as refused:
            service.register(made, "ben")
        assert refused.value.reason is ClosedReason.OPENING
        service.sweep()
        service.register(made, "ben")
        assert attendees(service, made) == (["ada"], ["ben"])

    def test_whoever_stops_at_the_same_moment_is_not_registered(
        self, service: Service, clock: ManualClock, meanwhile: Meanwhile
    ) -> None:
        new_series(service)
        new_users(service, "ada", "ben")
        for user_id in ("ada", "ben"):
            register_for_all(service, user_id)
        clock.advance(WEEK)
        meanwhile("yoga-1", lambda other: other.unregister("yoga", "ada"))
        service.sweep()
        assert attendees(service, "yoga-1") == (["ben"], [])

    def test_guard_keeps_those_out_who_stopped(
        self, service: Service, clock: ManualClock, meanwhile: Meanwhile
    ) -> None:
        """Negative control: without the check in the commit, it would register them."""
        new_series(service)
        new_users(service, "ada")
        register_for_all(service, "ada")
        clock.advance(WEEK)
        meanwhile(
            "yoga-1", lambda other: other.unregister("yoga", "ada"), without=CheckRegistration
        )
        service.sweep()
        assert attendees(service, "yoga-1") == (["ada"], [])

    def test_one_commit_honors_32_registrations(
        self, store: Store, service: Service, clock: ManualClock
    ) -> None:
        number = 100
        new_series(service, capacity=number // 2)
        users = [f"u{n:04}" for n in range(number)]
        new_users(service, *users)
        for user_id in users:
            service.register("yoga", user_id)
        clock.advance(WEEK)
        service.sweep()
        assert attendees(service, "yoga-1")[0] == users[: number // 2]
        assert service.get_event("yoga-1").version == 1 + 4  # created, then 32, 32, 32 and 4


class TestEditing:
    def test_later_ones_and_those_that_were_made_get_the_change(
        self, service: Service, clock: ManualClock
    ) -> None:
        new_series(service, days_ahead=14)
        service.edit_series("yoga", EventChanges.of(title="Pilates", capacity=7), number=1)
        clock.advance(WEEK)
        service.sweep()
        events = [service.get_event(f"yoga-{number}") for number in (1, 2)]
        assert [(event.title, event.capacity) for event in events] == [("Pilates", 7)] * 2

    @pytest.mark.parametrize(
        ("field", "changes"),
        [
            ("has_waitlist", {"has_waitlist": False}),
            ("registration_deadline", {"registration_deadline": FIRST - WEEK}),
        ],
    )
    def test_what_no_new_series_may_have_none_gets_by_a_change(
        self, service: Service, field: str, changes: dict[str, Any]
    ) -> None:
        new_series(service, missed_first=True)
        with pytest.raises(Invalid) as refused:
            service.edit_series("yoga", EventChanges.of(**changes))
        assert refused.value.field == field

    def test_earlier_ones_stay_as_they_are(self, service: Service) -> None:
        new_series(service, days_ahead=28)
        service.edit_series("yoga", EventChanges.of(title="Pilates"), number=2)
        titles = [service.get_event(f"yoga-{number}").title for number in (1, 2, 3)]
        assert titles == ["Yoga", "Pilates", "Pilates"]

    def test_what_was_changed_in_one_alone_stays(self, service: Service) -> None:
        new_series(service, days_ahead=28)
        service.edit_event("yoga-2", EventChanges.of(location="Roof"))
        service.edit_series("yoga", EventChanges.of(location="Park", title="Pilates"), number=1)
        events = [service.get_event(f"yoga-{number}") for number in (1, 2, 3)]
        assert [event.location for event in events] == ["Park", "Roof", "Park"]
        assert {event.title for event in events} == {"Pilates"}

    def test_another_day_and_time_moves_all_later_ones(
        self, service: Service, clock: ManualClock
    ) -> None:
        new_series(service, days_ahead=28)
        later = FIRST + WEEK + timedelta(days=1, hours=2)  # Wednesday at 20:00
        changes = EventChanges.of(starts_at=later, ends_at=later + timedelta(hours=2))
        service.edit_series("yoga", changes, number=2)
        assert starts(service) == [FIRST, later, later + WEEK]
        assert service.get_event("yoga-3").ends_at == later + WEEK + timedelta(hours=2)
        clock.advance(2 * WEEK)
        service.sweep()
        assert starts(service)[3:] == [later + 2 * WEEK, later + 3 * WEEK]

    def test_series_that_moves_has_as_many_dates(
        self, service: Service, clock: ManualClock
    ) -> None:
        new_series(service, days_ahead=60, times=4)
        service.edit_series("yoga", EventChanges.of(starts_at=FIRST + WEEK), number=1)
        assert starts(service) == [FIRST + number * WEEK for number in (1, 2, 3, 4)]
        clock.advance(8 * WEEK)
        service.sweep()
        assert len(starts(service)) == 4

    def test_one_that_was_moved_alone_stays_there(self, service: Service) -> None:
        new_series(service, days_ahead=28)
        alone = FIRST + WEEK + timedelta(days=2)
        service.edit_event("yoga-2", EventChanges.of(starts_at=alone, ends_at=None))
        service.edit_series("yoga", EventChanges.of(starts_at=FIRST + timedelta(hours=1)), number=1)
        assert starts(service) == [
            FIRST + timedelta(hours=1),
            alone,
            FIRST + 2 * WEEK + timedelta(hours=1),
        ]

    def test_dates_stay_in_their_weeks_when_the_weekday_changes(self, service: Service) -> None:
        left_out = (date(2026, 11, 17), date(2026, 12, 8))
        rule = {"frequency": "weekly", "times": 6, "left_out": left_out}
        new_series(service, days_ahead=14, recurrence=rule)
        service.edit_series("yoga", EventChanges.of(starts_at=FIRST + DAY), number=1)
        overview = service.get_series("yoga")
        assert starts(service) == [FIRST + DAY]
        assert [day for day, _ in overview.coming] == [
            date(2026, 11, 25),
            date(2026, 12, 2),
            date(2026, 12, 16),
        ]
        assert overview.skipped == (date(2026, 11, 18), date(2026, 12, 9))

    def test_one_that_was_made_stays_in_its_week_when_the_weekday_changes(
        self, service: Service
    ) -> None:
        rule = {"frequency": "weekly", "times": 6, "left_out": (date(2026, 11, 17),)}
        new_series(service, days_ahead=28, recurrence=rule)
        service.edit_series("yoga", EventChanges.of(starts_at=FIRST + DAY), number=1)
        assert starts(service) == [FIRST + DAY, FIRST + 2 * WEEK + DAY]

    def test_one_that_an_earlier_rule_made_keeps_its_day(self, service: Service) -> None:
        new_series(service, days_ahead=28)
        every_other = RecurrenceDraft.of(frequency="weekly", interval=2, times=5)
        service.edit_series("yoga", EventChanges.of(), number=1, recurrence=every_other)
        service.edit_series("yoga", EventChanges.of(starts_at=FIRST + HOUR), number=1)
        assert starts(service) == [FIRST + number * WEEK + HOUR for number in (0, 1, 2)]

    def test_monthly_series_that_moves_has_as_many_dates(self, service: Service) -> None:
        """Five months of ten have a 31st."""
        first = datetime(2027, 1, 31, 17, 0, tzinfo=UTC)
        new_series(
            service, starts_at=first, recurrence={"frequency": "monthly_by_date", "times": 6}
        )
        service.edit_series("yoga", EventChanges.of(starts_at=first - 3 * DAY))
        assert len(service.get_series("yoga").coming) == 6

    def test_series_that_moves_to_a_day_that_was_left_out_has_that_day(
        self, service: Service
    ) -> None:
        rule = {"frequency": "weekly", "times": 6, "left_out": (date(2026, 11, 17),)}
        new_series(service, days_ahead=28, recurrence=rule)
        service.edit_series("yoga", EventChanges.of(starts_at=FIRST + WEEK), number=2)
        assert starts(service) == [FIRST, FIRST + WEEK]

    def test_later_ones_do_not_follow_one_that_was_moved_alone(self, service: Service) -> None:
        new_series(service, days_ahead=28)
        service.edit_event("yoga-1", EventChanges.of(starts_at=FIRST + DAY, ends_at=None))
        shown = service.get_series_as_of("yoga", 1)
        assert shown.starts_at == FIRST
        service.edit_series("yoga", EventChanges.of(ends_at=FIRST + 2 * HOUR), number=1)
        assert starts(service) == [FIRST + DAY, FIRST + WEEK, FIRST + 2 * WEEK]

    def test_one_whose_deadline_would_have_passed_moves_too(
        self, service: Service, clock: ManualClock
    ) -> None:
        closes = FIRST - 3 * DAY
        new_series(service, registration_deadline=closes)
        for _ in range(2):
            clock.advance(3 * DAY)
            service.sweep()
        service.edit_series("yoga", EventChanges.of(starts_at=FIRST - DAY), number=1)
        event = service.get_event("yoga-1")
        assert (event.starts_at, event.registration_deadline) == (FIRST - DAY, closes)

    def test_wall_clock_holds_for_a_series_that_moves(
        self, service: Service, clock: ManualClock
    ) -> None:
        """The clocks go forward in Berlin on March 28, 2027."""
        first = datetime(2027, 3, 23, 17, 0, tzinfo=UTC)
        new_series(service, starts_at=first, days_ahead=364)
        service.edit_series("yoga", EventChanges.of(starts_at=first + timedelta(hours=1)), number=1)
        assert starts(service)[:2] == [
            datetime(2027, 3, 23, 18, 0, tzinfo=UTC),
            datetime(2027, 3, 30, 17, 0, tzinfo=UTC),
        ]

    def test_another_rule_holds_for_those_that_are_not_made(
        self, service: Service, clock: ManualClock
    ) -> None:
        new_series(service, days_ahead=14)
        every_other = RecurrenceDraft.of(frequency="weekly", interval=2, times=3)
        service.edit_series("yoga", EventChanges.of(), number=1, recurrence=every_other)
        for _ in range(8):
            clock.advance(WEEK)
            service.sweep()
        assert starts(service) == [FIRST, FIRST + 2 * WEEK, FIRST + 4 * WEEK]

    def test_another_rule_moves_none_that_was_made(
        self, service: Service, clock: ManualClock
    ) -> None:
        new_series(service, days_ahead=28)
        every_other = RecurrenceDraft.of(frequency="weekly", interval=2, times=4)
        service.edit_series("yoga", EventChanges.of(), number=1, recurrence=every_other)
        clock.advance(5 * WEEK)
        service.sweep()
        assert starts(service) == [FIRST + number * WEEK for number in (0, 1, 2, 4, 6)]

    def test_attendees_of_each_get_one_message(self, service: Service, store: Store) -> None:
        new_series(service, days_ahead=28)
        new_users(service, "ada")
        register_for_all(service, "ada")
        service.edit_series("yoga", EventChanges.of(location="Park"), number=2)
        found = [messages(store, f"yoga-{number}") for number in (1, 2, 3)]
        assert found == [[], [(NotificationKind.MOVED, None)], [(NotificationKind.MOVED, None)]]
        assert messages(store, "yoga") == []

    def test_capacity_below_the_registered_of_one_is_refused(self, service: Service) -> None:
        new_series(service, days_ahead=28)
        new_users(service, "ada", "ben")
        for user_id in ("ada", "ben"):
            service.register("yoga-2", user_id)
        with pytest.raises(CapacityBelowRegistered) as refused:
            service.edit_series("yoga", EventChanges.of(capacity=1), number=1)
        assert refused.value.event_id == "yoga-2"
        assert service.get_event("yoga").capacity == service.get_event("yoga-1").capacity == 2

    def test_sweep_carries_what_was_interrupted(
        self, store: Store, service: Service, clock: ManualClock
    ) -> None:
        new_series(service, days_ahead=28)
        dead = service_on(store, clock=clock, new_id=ids("dead"))
        dead._execute("yoga", EditSeries(EventChanges.of(title="Pilates"), None, 1))
        assert service.get_event("yoga-1").title == "Yoga"
        service.sweep()
        titles = [service.get_event(f"yoga-{number}").title for number in (1, 2, 3)]
        assert titles == ["Pilates"] * 3

    def test_second_change_finishes_the_first(
        self, store: Store, service: Service, clock: ManualClock
    ) -> None:
        new_series(service, days_ahead=28)
        dead = service_on(store, clock=clock, new_id=ids("dead"))
        dead._execute("yoga", EditSeries(EventChanges.of(title="Pilates"), None, 1))
        service.edit_series("yoga", EventChanges.of(location="Park"), number=1)
        event = service.get_event("yoga-3")
        assert (event.title, event.location) == ("Pilates", "Park")

    def test_questions_are_the_same_in_each(self, service: Service) -> None:
        new_series(service, days_ahead=28)
        service.edit_series("yoga", EventChanges.of(questions=[LUNCH]), number=1)
        questions = [service.get_event(f"yoga-{number}").questions for number in (1, 2, 3)]
        assert questions == [service.get_event("yoga").questions] * 3

    def test_only_organizers_may(self, service: Service) -> None:
        new_series(service)
        with pytest.raises(NotOrganizer):
            service.edit_series("yoga", EventChanges.of(title="Mine"), actor=Actor("mallory"))
        with pytest.raises(NotOrganizer):
            service.end_series("yoga", actor=Actor("mallory"))


class TestEnding:
    def test_what_was_made_is_held(self, service: Service, clock: ManualClock) -> None:
        new_series(service, days_ahead=14)
        service.end_series("yoga")
        clock.advance(2 * WEEK)
        service.sweep()
        assert starts(service) == [FIRST]
        assert service.get_event("yoga-1").status is EventStatus.OPEN

    def test_what_was_made_is_canceled_if_the_organizer_says_so(
        self, service: Service, store: Store
    ) -> None:
        new_series(service, days_ahead=28)
        new_users(service, "ada")
        register_for_all(service, "ada")
        service.end_series("yoga", cancels=True, reason="No room")
        events = [service.get_event(f"yoga-{number}") for number in (1, 2, 3)]
        assert {event.status for event in events} == {EventStatus.CANCELED}
        assert messages(store, "yoga-2") == [(NotificationKind.CANCELED, None)]
        assert messages(store, "yoga") == [(NotificationKind.CANCELED, None)]

    def test_what_was_made_can_be_canceled_later(self, service: Service, store: Store) -> None:
        new_series(service, days_ahead=28)
        service.end_series("yoga")
        service.end_series("yoga", cancels=True)
        events = [service.get_event(f"yoga-{number}") for number in (1, 2, 3)]
        assert {event.status for event in events} == {EventStatus.CANCELED}
        assert len(messages(store, "yoga")) == 1
        assert not service.end_series("yoga", cancels=True).changed

    def test_sweep_finishes_it(self, store: Store, service: Service, clock: ManualClock) -> None:
        new_series(service, days_ahead=28)
        dead = service_on(store, clock=clock, new_id=ids("dead"))
        dead._execute("yoga", EndSeries(None, cancels=True))
        service.sweep()
        events = [service.get_event(f"yoga-{number}") for number in (1, 2, 3)]
        assert {event.status for event in events} == {EventStatus.CANCELED}


class TestFairness:
    def test_those_who_missed_the_last_one_go_first(
        self, service: Service, clock: ManualClock
    ) -> None:
        new_series(service, missed_first=True)
        users = ("ada", "ben", "cleo", "dana")
        new_users(service, *users)
        for user_id in users:
            register_for_all(service, user_id)
        clock.advance(WEEK)
        service.sweep()
        assert attendees(service, "yoga-1") == (["ada", "ben"], ["cleo", "dana"])
        clock.advance(WEEK)
        service.sweep()
        assert attendees(service, "yoga-2") == (["cleo", "dana"], ["ada", "ben"])
        clock.advance(WEEK)
        service.sweep()
        assert attendees(service, "yoga-3") == (["ada", "ben"], ["cleo", "dana"])

    def test_next_one_is_made_once_the_last_one_has_started(
        self, service: Service, clock: ManualClock
    ) -> None:
        new_series(service, missed_first=True, days_ahead=28)
        assert starts(service) == [FIRST]
        clock.advance(FIRST - START - timedelta(minutes=1))
        service.sweep()
        assert starts(service) == [FIRST]
        clock.advance(60)
        service.sweep()
        assert starts(service) == [FIRST, FIRST + WEEK]

    def test_canceled_one_was_missed_by_nobody(self, service: Service, clock: ManualClock) -> None:
        new_series(service, missed_first=True, capacity=1)
        new_users(service, "ada", "ben")
        for user_id in ("ada", "ben"):
            register_for_all(service, user_id)
        clock.advance(WEEK)
        service.sweep()
        service.cancel_event("yoga-1")
        clock.advance(WEEK)
        service.sweep()
        assert attendees(service, "yoga-2") == (["ada"], ["ben"])


def test_card_of_an_occurrence_that_is_made_late_is_posted_at_once() -> None:
    """It is made once the one before has started: its card is due since then."""
    clock = ManualClock()
    with empty_store("memory") as store:
        service = service_on(store, clock=clock)
        new_series(service, missed_first=True, days_ahead=14, card_channel="C1", card_days=7)
        assert [one.kind for one in _changes(service, "yoga-1")] == [ChangeKind.CREATED]
        clock.advance(FIRST - START + timedelta(minutes=1))
        service.sweep()
        kinds = [one.kind for one in _changes(service, "yoga-2")]
    assert kinds == [ChangeKind.CREATED, ChangeKind.CARD_POSTED]


def _changes(service: Service, event_id: str) -> Sequence[Change]:
    return service.list_history(event_id).items[-1].changes


def test_series_at_the_end_of_time_has_an_end() -> None:
    first = datetime(9998, 12, 30, 17, 0, tzinfo=UTC)
    recurrence = {"frequency": "monthly_by_date", "until": "9999-12-31"}
    with empty_store("memory") as store:
        series = new_series(service_on(store), starts_at=first, recurrence=recurrence)
    assert first < series.over_at


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"recurrence": {"frequency": "weekly"}}, "recurrence"),
        ({"recurrence": {"frequency": "weekly", "times": 53}}, "recurrence.times"),
        ({"recurrence": {"frequency": "weekly", "until": "2027-11-09"}}, "recurrence.until"),
        ({"recurrence": {"frequency": "weekly", "until": "2026-11-09"}}, "recurrence.until"),
        (
            {"recurrence": {"frequency": "monthly_by_date", "interval": 2, "times": 2}},
            "recurrence.interval",
        ),
        (
            {"recurrence": {"frequency": "weekly", "times": 1, "left_out": ["2026-11-10"]}},
            "recurrence.left_out",
        ),
        ({"missed_first": True, "has_waitlist": False}, "missed_first"),
        ({"registration_deadline": FIRST - WEEK}, "registration_deadline"),
        ({"card_days": 8}, "card_days"),
        ({"card_days": 0}, "card_days"),  # it would be due when nobody can register anymore
    ],
)
def test_bad_series_names_the_field(values: dict[str, Any], field: str) -> None:
    with empty_store("memory") as store, pytest.raises(Invalid) as refused:
        new_series(service_on(store), **values)
    assert refused.value.field == field


def _made_only(service: Service) -> str:
    """Make the next occurrence, as a process does that dies before it honors anything. Return its id."""
    service._execute("yoga", RunSchedule())
    return "yoga-1"
