"""Plans on every store apply whole or not at all: bare actions, and plans that the planner makes."""

from __future__ import annotations

import contextlib

import pytest

from domain.commands import Create, Register, RegisterOutcome, SetStatus, Unregister
from domain.enums import EventStatus, RegistrationStatus
from domain.errors import UnknownUser
from domain.planning.plan import (
    Action,
    CheckUser,
    CreateUser,
    DeleteRegistration,
    DeleteWaitlistEntry,
    PutEvent,
    PutJournalEntry,
    PutRegistration,
    PutWaitlistEntry,
)
from domain.planning.planner import fence
from domain.ports import Conflict
from tests.support.builders import (
    a_journal_entry,
    a_registration,
    a_user,
    a_waitlist_entry,
    a_waitlisted_registration,
    an_event,
    bare_plan,
    everything,
    plan_and_commit,
    planned,
    put_event,
    put_users,
)
from tests.support.environment import START, start_user_deletion
from tests.support.stores import AnyStore, another_workspace


@pytest.fixture
def peopled(store: AnyStore) -> AnyStore:
    """Give a store with e1 at version 1: ada has a seat (ticket 1), ben is waitlisted (2), cyd has no registration."""
    put_users(store, "ada", "ben", "cyd")
    put_event(store)
    store.commit(
        bare_plan(
            PutRegistration(a_registration("ada", ticket=1), None),
            PutRegistration(a_waitlisted_registration("ben", ticket=2), None),
            PutWaitlistEntry("e1", a_waitlist_entry("ben", 2)),
        )
    )
    return store


HOLDS: list[tuple[str, Action]] = [
    ("a new event", PutEvent(an_event("e2"), None)),
    ("an event at its version", PutEvent(an_event(version=2), 1)),
    ("a first registration", PutRegistration(a_registration("cyd", ticket=3), None)),
    (
        "a registration as read",
        PutRegistration(
            a_registration("ben", ticket=2), a_waitlisted_registration("ben", ticket=2)
        ),
    ),
    ("a row to delete, as read", DeleteRegistration(a_registration("ada", ticket=1))),
    ("a waitlist entry for a new ticket", PutWaitlistEntry("e1", a_waitlist_entry("cyd", 3))),
    (
        "to delete the user's own waitlist entry",
        DeleteWaitlistEntry("e1", a_waitlist_entry("ben", 2)),
    ),
    ("a user who is not being deleted", CheckUser("cyd")),
    ("a user who is not stored, to create", CreateUser(a_user("dee"))),
    ("an entry for a new version", PutJournalEntry(a_journal_entry(version=2))),
]

FAILS: list[tuple[str, Action]] = [
    ("an event's id again", PutEvent(an_event(), None)),
    ("an older version", PutEvent(an_event(version=2), 0)),
    ("a version to come", PutEvent(an_event(version=3), 2)),
    ("an event that is not stored", PutEvent(an_event("e2", version=2), 1)),
    ("a second registration", PutRegistration(a_registration("ada", ticket=3), None)),
    (
        "a row of another status",
        PutRegistration(a_registration("ada"), a_waitlisted_registration("ada", ticket=1)),
    ),
    (
        "a row of another ticket",
        PutRegistration(a_registration("ada"), a_registration("ada", ticket=9)),
    ),
    (
        "a row that is not stored",
        PutRegistration(a_registration("cyd"), a_registration("cyd", ticket=3)),
    ),
    ("to delete another status", DeleteRegistration(a_waitlisted_registration("ada", ticket=1))),
    ("to delete another ticket", DeleteRegistration(a_registration("ada", ticket=9))),
    ("to delete what is not stored", DeleteRegistration(a_registration("cyd", ticket=3))),
    ("a ticket's second waitlist entry", PutWaitlistEntry("e1", a_waitlist_entry("cyd", 2))),
    (
        "to delete another user's waitlist entry",
        DeleteWaitlistEntry("e1", a_waitlist_entry("ada", 2)),
    ),
    ("to delete a missing waitlist entry", DeleteWaitlistEntry("e1", a_waitlist_entry("ben", 3))),
    ("a user that is not stored", CheckUser("nobody")),
    ("to create a user who is stored", CreateUser(a_user("cyd"))),
    ("a version's second entry", PutJournalEntry(a_journal_entry(version=1, plan_id="other"))),
]


def named(cases: list[tuple[str, Action]]) -> list[object]:
    return [pytest.param(action, id=name.replace(" ", "-")) for name, action in cases]


@pytest.mark.parametrize("action", named(HOLDS))
def test_action_applies_if_its_condition_holds(peopled: AnyStore, action: Action) -> None:
    before = everything(peopled, "e1", "e2")
    peopled.commit(bare_plan(action))
    assert (everything(peopled, "e1", "e2") == before) is isinstance(action, CheckUser)


@pytest.mark.parametrize("action", named(FAILS))
@pytest.mark.parametrize("position", ["first", "last"])
def test_nothing_is_written_if_one_condition_fails(
    peopled: AnyStore, action: Action, position: str
) -> None:
    """Nothing of the plan is written, whether the failing action is the first or the last."""
    before = everything(peopled, "e1", "e2", "e3")
    others = (PutEvent(an_event("e3"), None), PutJournalEntry(a_journal_entry("e3", 1)))
    plan = bare_plan(*((action, *others) if position == "first" else (*others, action)))
    with pytest.raises(Conflict):
        peopled.commit(plan)
    assert everything(peopled, "e1", "e2", "e3") == before


# Plans of the planner


def test_event_from_creation_to_promotion(store: AnyStore) -> None:
    put_users(store, "ada", "ben", "cyd")
    plan_and_commit(store, Create(an_event(capacity=1)))
    plan = plan_and_commit(store, Register("ada"), Register("ben"), Register("nobody"))
    assert [type(outcome) for outcome in plan.outcomes] == [
        RegisterOutcome,
        RegisterOutcome,
        UnknownUser,
    ]
    plan_and_commit(store, Register("cyd"))
    plan_and_commit(store, Unregister("ada"))
    assert store.get_event("e1") == planned(store, Register("ben")).event
    rows = store.get_rows("e1", registrations_of=["ada", "ben", "cyd"], users=())
    assert {user_id: row.status for user_id, row in rows.registrations.items()} == {
        "ben": RegistrationStatus.REGISTERED,
        "cyd": RegistrationStatus.WAITLISTED,
    }
    assert [entry.version for entry in store.list_journal("e1", limit=9)] == [1, 2, 3, 4]


def test_only_the_first_of_two_plans_for_one_version_applies(store: AnyStore) -> None:
    """R7.3: the version is the fence."""
    put_users(store, "ada", "ben")
    plan_and_commit(store, Create(an_event(capacity=1)))
    first, second = planned(store, Register("ada")), planned(store, Register("ben"))
    store.commit(first)
    with pytest.raises(Conflict):
        store.commit(second)
    assert store.get_event("e1") == first.event
    assert store.get_registrations_of("ben") == ()


def test_late_repeat_of_an_undone_plan_does_not_apply(store: AnyStore) -> None:
    """R8.13: a repeat that arrives after its effect was undone changes nothing."""
    put_users(store, "ada")
    plan_and_commit(store, Create(an_event()))
    plan = plan_and_commit(store, Register("ada"))
    plan_and_commit(store, Unregister("ada"))
    before = everything(store)
    with contextlib.suppress(Conflict):
        store.commit(plan)
    assert everything(store) == before


def test_fence_keeps_out_plans_of_the_previous_version(store: AnyStore) -> None:
    put_users(store, "ada")
    event = plan_and_commit(store, Create(an_event())).event
    assert event is not None
    plan = planned(store, Register("ada"))
    store.commit(fence(event, now=START, plan_id="fence"))
    with pytest.raises(Conflict):
        store.commit(plan)
    assert store.get_registrations_of("ada") == ()


def test_most_seats_that_fit_are_written_in_one_commit(store: AnyStore) -> None:
    crowd = [f"p{number}" for number in range(49)]
    put_users(store, *crowd)
    plan_and_commit(store, Create(an_event(capacity=100)))
    plan = plan_and_commit(store, *(Register(user_id) for user_id in crowd))
    assert len(plan.outcomes) == 49
    rows = store.get_rows("e1", registrations_of=crowd, users=crowd)
    assert (len(rows.registrations), len(rows.users)) == (49, 49)


def test_workspace_ids_with_a_common_prefix_are_separate(store: AnyStore) -> None:
    """R10.2: `T1` and `T11`, with the same ids in both."""
    other = another_workspace(store, "T11")
    put_users(store, "ada", "ben")
    plan_and_commit(store, Create(an_event(capacity=1)))
    plan_and_commit(store, Register("ada"), Register("ben"))
    assert everything(other) == ([], [], [], [], [()])
    put_users(other, "ada")
    plan_and_commit(other, Create(an_event(title="Other")))
    own = everything(store)
    plan_and_commit(other, SetStatus(EventStatus.CLOSED, None))
    other.delete_user("ada", start_user_deletion(other, "ada"))
    assert everything(store) == own
