"""Random histories on each store, compared with the reference model after every step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import ClassVar, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.commands import ChangeOutcome
from domain.enums import ChangeKind, EventStatus, NotificationKind, RegistrationStatus
from domain.errors import EventOver, NotOrganizer, NotRegistered, RollcallError, UnknownEvent
from domain.inputs import EventChanges, UserDraft
from domain.models import Actor, ExportJob, JournalEntry
from domain.service import Service
from tests.support.environment import ManualClock, new_event, service_on
from tests.support.invariants import assert_invariants
from tests.support.reference_model import Message, ReferenceModel, Refused
from tests.support.scale import scaled
from tests.support.stores import Kind, empty_store

T = TypeVar("T")

user_ids = st.sampled_from([f"u{number}" for number in range(6)])
event_ids = st.sampled_from(["e1", "e2", "e3"])
capacities = st.integers(1, 4)
actors = st.builds(Actor, user_ids, is_admin=st.booleans())
request_ids = st.sampled_from(["r1", "r2", "r3"])
some_users = st.lists(user_ids, max_size=2, unique=True)
# Few, so the last organizer is often deleted.
organizers = st.lists(st.sampled_from(["u0", "u1", "u2"]), min_size=1, max_size=3, unique=True)

CHANNEL = "C1"

TO_ORGANIZERS = frozenset(
    {
        NotificationKind.ORGANIZER_LEFT,
        NotificationKind.ORPHANED,
        NotificationKind.ORGANIZER_ADDED,
        NotificationKind.DEACTIVATED,
        NotificationKind.CARD,
    }
)


def messages_in(entries: Iterable[JournalEntry]) -> list[Message]:
    """Return what the journal tells organizers and admins, and the cards that it requests."""
    return [
        (one.kind, one.user_id, one.about_user_id or one.channel_id)
        for entry in entries
        for one in entry.notifications
        if one.kind in TO_ORGANIZERS
    ]


def exports_in(entries: Iterable[JournalEntry]) -> list[str | None]:
    """Return who exported the list of attendees, by the journal."""
    changes = (change for entry in entries for change in entry.changes)
    return [change.actor_id for change in changes if change.kind is ChangeKind.EXPORTED]


class Histories(RuleBasedStateMachine):
    """Users do anything in any order, and the service must do what the model does."""

    kind: ClassVar[Kind] = "memory"

    def __init__(self) -> None:
        super().__init__()
        self.model = ReferenceModel()
        self.closing = ExitStack()
        self.store = self.closing.enter_context(empty_store(self.kind))
        self.clock = ManualClock()
        self.service: Service = service_on(self.store, clock=self.clock)

    def teardown(self) -> None:
        self.closing.close()

    def both(self, model: Callable[[], object], service: Callable[[], T]) -> T | None:
        """Call the model and the service; return the service's result, or None if both refused."""
        expected = None
        try:
            model()
        except Refused as refused:
            expected = str(refused)
        if expected is None:
            return service()
        with pytest.raises(RollcallError) as refusal:
            service()
        assert type(refusal.value).__name__ == expected
        return None

    @initialize(organizers=organizers)
    def create_users_and_events(self, organizers: list[str]) -> None:
        for user_id in ("u0", "u1", "u2"):
            self.create_user(user_id)
        self.create_event("e1", 2, True, organizers, None)
        self.create_event("e2", 1, True, ["u0"], None)

    @rule(user_id=user_ids)
    def create_user(self, user_id: str) -> None:
        self.both(
            lambda: self.model.create_user(user_id),
            lambda: self.service.create_user(UserDraft.of(user_id=user_id, name=user_id)),
        )

    @rule(user_id=user_ids, is_deactivated=st.booleans())
    def delete_user(self, user_id: str, is_deactivated: bool) -> None:
        how = self.service.deactivate_user if is_deactivated else self.service.delete_user
        self.both(
            lambda: self.model.delete_user(user_id, is_deactivated=is_deactivated),
            lambda: how(user_id),
        )
        if user_id not in self.model.users:
            self.assert_manages(user_id)

    def assert_manages(self, user_id: str) -> None:
        """Assert that a user manages the events that the model says, and no other (R2.9, R8.9)."""
        for event_id, event in self.model.events.items():
            if user_id in event.organizers:
                self.service.get_event(event_id, actor=Actor(user_id))
            else:
                with pytest.raises(NotOrganizer):
                    self.service.get_event(event_id, actor=Actor(user_id))

    @rule(
        event_id=event_ids,
        capacity=capacities,
        has_waitlist=st.booleans(),
        organizers=organizers,
        card_channel=st.none() | st.just(CHANNEL),
    )
    def create_event(
        self,
        event_id: str,
        capacity: int,
        has_waitlist: bool,
        organizers: list[str],
        card_channel: str | None,
    ) -> None:
        organizer_id, *co_organizer_ids = organizers
        self.both(
            lambda: self.model.create_event(
                event_id, capacity, has_waitlist, organizers, card_channel
            ),
            lambda: new_event(
                self.service,
                event_id,
                capacity=capacity,
                has_waitlist=has_waitlist,
                organizer_id=organizer_id,
                co_organizer_ids=co_organizer_ids,
                card_channel=card_channel,
                **self.in_two_days(),
            ),
        )

    def in_two_days(self) -> dict[str, datetime]:
        starts_at = self.clock.now() + timedelta(days=2)
        return {"starts_at": starts_at, "ends_at": starts_at + timedelta(days=2)}

    @rule(event_id=event_ids)
    def move(self, event_id: str) -> None:
        promoted: list[str] = []
        moved = self.both(
            lambda: promoted.extend(self.model.move(event_id)),
            lambda: self.service.edit_event(event_id, EventChanges.of(**self.in_two_days())),
        )
        if moved is not None:
            assert list(moved.promoted) == promoted

    @rule()
    def a_day_passes(self) -> None:
        self.clock.advance(timedelta(days=1))
        for event_id, expected in self.model.events.items():
            event = self.store.get_event(event_id)
            assert event is not None
            expected.has_started = event.starts_at <= self.clock.now()
            expected.is_over = event.ends_at is not None and event.ends_at <= self.clock.now()

    @precondition(lambda self: len(self.model.used_event_ids) > 1)
    @rule(event_id=event_ids)
    def delete_event(self, event_id: str) -> None:
        self.both(
            lambda: self.model.delete_event(event_id), lambda: self.service.delete_event(event_id)
        )

    def _register(self, event_id: str, user_id: str) -> None:
        positions: list[int | None] = []
        placed = self.both(
            lambda: positions.append(self.model.register(event_id, user_id)),
            lambda: self.service.register(event_id, user_id),
        )
        if placed is not None:
            assert [placed.position] == positions

    # The rule exists twice, so more users register than leave.
    register = rule(event_id=event_ids, user_id=user_ids)(_register)
    register_again = rule(event_id=event_ids, user_id=user_ids)(_register)

    @rule(event_id=event_ids, user_id=user_ids, removed=st.booleans())
    def leave(self, event_id: str, user_id: str, removed: bool) -> None:
        promoted: list[str] = []
        how = self.service.remove if removed else self.service.unregister
        left = self.both(
            lambda: promoted.extend(self.model.leave(event_id, user_id, is_removed=removed)),
            lambda: how(event_id, user_id),
        )
        if left is not None:
            assert list(left.promoted) == promoted

    @rule(
        event_id=event_ids,
        capacity=st.none() | capacities,
        has_waitlist=st.none() | st.booleans(),
    )
    def edit(self, event_id: str, capacity: int | None, has_waitlist: bool | None) -> None:
        given = {"capacity": capacity, "has_waitlist": has_waitlist}
        changes = EventChanges.of(**{name: new for name, new in given.items() if new is not None})
        promoted: list[str] = []
        changed = self.both(
            lambda: promoted.extend(self.model.edit(event_id, capacity, has_waitlist)),
            lambda: self.service.edit_event(event_id, changes),
        )
        if changed is not None:
            assert list(changed.promoted) == promoted

    @rule(event_id=event_ids, status=st.sampled_from(EventStatus), actor=st.none() | actors)
    def set_status(self, event_id: str, status: EventStatus, actor: Actor | None) -> None:
        set_to = {
            EventStatus.OPEN: self.service.reopen_event,
            EventStatus.CLOSED: self.service.close_event,
            EventStatus.CANCELED: self.service.cancel_event,
        }
        self.both(
            lambda: self.model.set_status(event_id, status, actor),
            lambda: set_to[status](event_id, actor=actor),
        )

    # Organizers (R2.9)

    @rule(event_id=event_ids, organizer=st.none() | user_ids, co_organizers=st.none() | some_users)
    def edit_organizers(
        self, event_id: str, organizer: str | None, co_organizers: list[str] | None
    ) -> None:
        given = {"organizer_id": organizer, "co_organizer_ids": co_organizers}
        changes = EventChanges.of(**{name: new for name, new in given.items() if new is not None})
        self.both(
            lambda: self.model.edit_organizers(event_id, organizer, co_organizers),
            lambda: self.service.edit_event(event_id, changes),
        )

    @rule(event_id=event_ids, actor=actors)
    def take_over(self, event_id: str, actor: Actor) -> None:
        self.both_change(
            lambda: self.model.take_over(event_id, actor),
            lambda: self.service.take_over_event(event_id, actor=actor),
        )

    @rule(event_id=event_ids, actor=actors)
    def lose_all_organizers(self, event_id: str, actor: Actor) -> None:
        """Delete whoever organizes an event, also those who were no users; then somebody takes it over."""
        event = self.model.events.get(event_id)
        for user_id in event.organizers if event else ():
            self.create_user(user_id)
            self.delete_user(user_id, False)
        self.take_over(event_id, actor)

    @rule(event_id=event_ids, actor=actors, request_id=request_ids)
    def post_card(self, event_id: str, actor: Actor, request_id: str) -> None:
        self.both_change(
            lambda: self.model.post_card(event_id, actor, request_id, CHANNEL),
            lambda: self.service.post_card(
                event_id, CHANNEL, after="", request_id=request_id, actor=actor
            ),
        )

    @rule(event_id=event_ids, actor=actors, request_id=request_ids)
    def export(self, event_id: str, actor: Actor, request_id: str) -> None:
        changed = self.both_change(
            lambda: self.model.export(event_id, actor, request_id),
            lambda: self.service.export(event_id, request_id=request_id, actor=actor),
        )
        if changed is not None:
            job_id = ExportJob(event_id, changed.event.version, 0).job_id
            job = self.store.get_journal_entry(job_id, 1)
            assert job is not None
            assert [one.user_id for one in job.notifications] == [actor.user_id]

    def both_change(
        self, model: Callable[[], bool], service: Callable[[], ChangeOutcome]
    ) -> ChangeOutcome | None:
        """Call both; return the outcome if both changed the event, or None if neither did."""
        changes: list[bool] = []
        outcome = self.both(lambda: changes.append(model()), service)
        if outcome is None:
            return None
        assert [outcome.changed] == changes
        return outcome if outcome.changed else None

    @invariant()
    def the_store_holds_what_the_model_holds(self) -> None:
        found = assert_invariants(self.store)
        assert set(found.users) == self.model.users
        existing = {event_id for event_id, event in found.events.items() if event.deletion is None}
        assert existing == set(self.model.events)
        for event_id, expected in self.model.events.items():
            event = found.events[event_id]
            assert event.capacity == expected.capacity
            assert event.status is expected.status
            assert set(found.seated(event_id)) == set(expected.seated)
            assert found.waitlisted(event_id) == expected.waitlist
            assert list(event.organizer_ids) == expected.organizers
            journal = found.journal[event_id]
            assert messages_in(journal) == expected.messages
            assert exports_in(journal) == expected.exports
        for row in found.registrations.values():
            assert row.registered_version is not None
            assert (row.seated_version is None) is (row.seated_at is None)
        assert not {key for key in found.registrations if key[0] not in existing}
        assert not {key for key in found.waitlist if key[0] not in existing}

    @rule(user_id=user_ids)
    def read_own_registrations(self, user_id: str) -> None:
        listed = {
            own.event.event_id: (own.registration.status, own.position)
            for own in self.service.list_registrations_of(user_id)
        }
        expected: dict[str, tuple[RegistrationStatus, int | None]] = {}
        for event_id, event in self.model.events.items():
            if user_id in event.seated:
                expected[event_id] = (RegistrationStatus.REGISTERED, None)
            if user_id in event.waitlist:
                position = event.waitlist.index(user_id) + 1
                expected[event_id] = (RegistrationStatus.WAITLISTED, position)
        assert listed == expected

    @rule(event_id=event_ids, user_id=user_ids)
    def read_one(self, event_id: str, user_id: str) -> None:
        event = self.model.events.get(event_id)
        if event is None:
            with pytest.raises(UnknownEvent):
                self.service.get_event(event_id)
        elif user_id not in event.seated + event.waitlist or event.is_over:
            refusal = EventOver if user_id in event.tickets else NotRegistered
            with pytest.raises(refusal):
                self.service.preview_unregister(event_id, user_id)
        else:
            preview = self.service.preview_unregister(event_id, user_id)
            may_promote = bool(event.waitlist) and not event.has_started
            assert preview.next_gets_seat == (user_id in event.seated and may_promote)


class HistoriesOnSQLite(Histories):
    kind = "sqlite"


class HistoriesOnMoto(Histories):
    kind = "moto"


class HistoriesOnDynamoDBLocal(Histories):
    kind = "local"


class ManyHistoriesOnDynamoDBLocal(HistoriesOnDynamoDBLocal):
    pass


def _settings(histories: int, steps: int = 30) -> settings:
    return settings(
        max_examples=scaled(histories),
        stateful_step_count=steps,
    )


TestHistories = Histories.TestCase
TestHistories.settings = _settings(100)
TestHistoriesOnSQLite = HistoriesOnSQLite.TestCase
TestHistoriesOnSQLite.settings = _settings(30)
TestHistoriesOnMoto = HistoriesOnMoto.TestCase
TestHistoriesOnMoto.settings = _settings(2, steps=20)
TestHistoriesOnDynamoDBLocal = pytest.mark.short(HistoriesOnDynamoDBLocal.TestCase)
TestHistoriesOnDynamoDBLocal.settings = _settings(2, steps=20)
TestManyHistoriesOnDynamoDBLocal = pytest.mark.soak(ManyHistoriesOnDynamoDBLocal.TestCase)
TestManyHistoriesOnDynamoDBLocal.settings = _settings(10)
