"""Series (R13) on every store: occurrences made once, registrations for all of a series honored once and in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.commands import RunSchedule
from domain.enums import ClosedReason, NotificationKind, RegistrationStatus
from domain.errors import AlreadyRegistered, Invalid, RegistrationClosed, UnknownEvent
from domain.inputs import EventDraft
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
from tests.support.invariants import assert_invariants
from tests.support.series import FIRST, new_series, register_for_all
from tests.support.stores import Kind, empty_store

WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)


@pytest.fixture(params=["memory", "sqlite", "moto", "local"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    kind: Kind = request.param
    with empty_store(kind) as store:
        yield store
        assert_invariants(store)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def service(store: Store, clock: ManualClock) -> Iterator[Service]:
    service = service_on(store, clock=clock)
    yield service
    assert list(service.check(lambda _: None)) == []


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
        assert service.list_organized("organizer").items == ()
        assert [event.event_id for event in service.list_series().items] == ["yoga"]

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

    def test_a_thousand_take_at_most_40_commits(
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
        assert service.get_event("yoga-1").version <= 2 + number / 32 + 1


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
