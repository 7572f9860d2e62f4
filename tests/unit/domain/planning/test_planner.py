"""The planner: a batch in any budget equals its commands one by one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.commands import (
    ChangeOutcome,
    Command,
    ContinueCapacityIncrease,
    Edit,
    Register,
    RegisterOutcome,
    Remove,
    SetStatus,
    StartDeletion,
    Unregister,
    UnregisterOutcome,
)
from domain.enums import Cause, EventStatus, RegistrationStatus
from domain.errors import RollcallError
from domain.execution.loader import load_snapshot
from domain.inputs import EventChanges
from domain.models import WAITLIST_BLOCK, Actor, Registration
from domain.planning import planner
from domain.planning.plan import CheckUser, Plan
from domain.planning.snapshot import InconsistentSnapshot, Snapshot
from tests.support.environment import START, ids, new_event, new_users, service_on
from tests.support.invariants import Everything, assert_invariants, everything_in
from tests.support.memory_store import MemoryStore
from tests.support.scale import scaled

USERS = [f"u{number}" for number in range(8)]

commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(Register, st.sampled_from(USERS)),
    st.builds(Register, st.sampled_from(USERS)),
    st.builds(Unregister, st.sampled_from(USERS)),
    st.builds(Remove, st.sampled_from(USERS), st.none() | st.just(Actor("u0"))),
    st.builds(lambda seats: Edit(EventChanges.of(capacity=seats), None), st.integers(1, 5)),
    st.builds(SetStatus, st.sampled_from([EventStatus.OPEN, EventStatus.CLOSED]), st.none()),
)


def plan_and_apply(
    store: MemoryStore, batch: Sequence[Command], plan_id: str, budget: int = 100
) -> Plan:
    plan = planner.plan(
        load_snapshot(store, "e1", batch),
        batch,
        event_id="e1",
        now=START,
        plan_id=plan_id,
        budget=budget,
    )
    assert len(plan.actions) <= budget
    store.commit(plan)
    return plan


def new_store(capacity: int = 2) -> MemoryStore:
    store = MemoryStore()
    service = service_on(store)
    new_users(service, *USERS)
    new_event(service, capacity=capacity)
    return store


def without_versions(registration: Registration) -> Registration:
    """Return a registration without the versions of its commits."""
    return registration.model_copy(update={"registered_version": None, "seated_version": None})


def all_without_versions(stored: Everything) -> dict[tuple[str, str], Registration]:
    return {key: without_versions(row) for key, row in stored.registrations.items()}


def result_of(outcome: object) -> object:
    """Return an outcome without the event, which is the one after the whole commit."""
    match outcome:
        case RegisterOutcome(_, registration, position):
            return without_versions(registration), position
        case UnregisterOutcome(_, registration, promoted):
            return registration.ticket, promoted
        case ChangeOutcome(_, changed, promoted):
            return changed, promoted
        case RollcallError():
            return repr(outcome)
        case _:
            raise TypeError(outcome)


@settings(max_examples=scaled(150))
@given(batches=st.lists(st.lists(commands, min_size=1, max_size=12), max_size=5), budget=st.data())
def test_batch_equals_its_commands_one_by_one(
    batches: list[list[Command]], budget: st.DataObject
) -> None:
    """The outcomes, registrations and waitlist are the same, however many fit one commit."""
    together, apart = new_store(), new_store()
    plan_ids = ids("plan")
    for batch in batches:
        rest = list(batch)
        while rest:
            # With a small budget, a capacity increase goes in steps: a different history.
            has_increase = any(isinstance(command, Edit) for command in rest)
            plan_budget = 100 if has_increase else budget.draw(st.integers(8, 100))
            plan = plan_and_apply(together, rest, plan_ids(), plan_budget)
            for outcome in plan.outcomes:
                alone = plan_and_apply(apart, [rest.pop(0)], plan_ids())
                assert result_of(outcome) == result_of(alone.outcomes[0])
        one, other = assert_invariants(together), assert_invariants(apart)
        assert all_without_versions(one) == all_without_versions(other)
        assert one.waitlist == other.waitlist


@settings(max_examples=scaled(100))
@given(waitlisted=st.integers(1, 30), wanted=st.integers(2, 30), budget=st.integers(4, 30))
def test_capacity_increase_in_steps_leaves_no_seat_free(
    waitlisted: int, wanted: int, budget: int
) -> None:
    """R2.5: each step adds only the seats that it fills."""
    store = MemoryStore()
    service = service_on(store)
    user_ids = [f"p{number}" for number in range(waitlisted + 1)]
    new_users(service, *user_ids)
    new_event(service, capacity=1)
    for user_id in user_ids:
        service.register("e1", user_id)
    plan_ids = ids("plan")
    edit = Edit(EventChanges.of(capacity=wanted), None)
    plan = plan_and_apply(store, [edit], "increase", budget)
    while plan.event is not None and plan.event.capacity_target is not None:
        assert_invariants(store)
        assert plan.event.operation_id == "increase"
        plan = plan_and_apply(store, [ContinueCapacityIncrease("increase")], plan_ids(), budget)
    found = assert_invariants(store)
    assert found.events["e1"].capacity == wanted
    assert found.seated("e1") == user_ids[: min(wanted, len(user_ids))]


def test_commit_holds_49_seats() -> None:
    store = MemoryStore()
    user_ids = [f"p{number}" for number in range(50)]
    new_users(service_on(store), *user_ids)
    new_event(service_on(store), capacity=100)
    plan = plan_and_apply(store, [Register(user_id) for user_id in user_ids], "plan")
    assert (len(plan.outcomes), len(plan.actions)) == (49, 100)


def test_commit_holds_32_waitlist_entries() -> None:
    store = MemoryStore()
    user_ids = [f"p{number}" for number in range(34)]
    new_users(service_on(store), *user_ids)
    new_event(service_on(store), capacity=1)
    service_on(store).register("e1", user_ids[0])
    plan = plan_and_apply(store, [Register(user_id) for user_id in user_ids[1:]], "plan")
    assert (len(plan.outcomes), len(plan.actions)) == (32, 98)


def test_refused_command_adds_no_action() -> None:
    store = new_store()
    alone = plan_and_apply(new_store(), [Register("u1")], "plan")
    plan = plan_and_apply(
        store, [Unregister("u5"), Register("u1"), Register("unknown"), Register("u1")], "plan"
    )
    assert plan.actions == alone.actions


def test_batch_of_refusals_writes_nothing() -> None:
    store = new_store()
    before = everything_in(store)
    plan = plan_and_apply(store, [Unregister("u5"), Register("unknown")], "plan")
    assert plan.actions == ()
    assert everything_in(store) == before


def test_user_is_checked_once_and_promoted_users_are_not() -> None:
    store = new_store(capacity=1)
    plan_and_apply(store, [Register("u0"), Register("u1")], "first")
    again: list[Command] = [Unregister("u0"), Register("u0"), Unregister("u0"), Register("u0")]
    plan = plan_and_apply(store, again, "second")
    checks = [action for action in plan.actions if isinstance(action, CheckUser)]
    assert checks == [CheckUser("u0")]
    assert_invariants(store)


def test_register_and_leave_in_one_commit_are_in_the_history() -> None:
    """No registration is written."""
    store = new_store()
    plan = plan_and_apply(store, [Register("u1"), Unregister("u1")], "plan")
    assert [type(action).__name__ for action in plan.actions] == [
        *("PutEvent", "CheckUser", "PutJournalEntry")
    ]
    found = assert_invariants(store)
    kinds = [change.kind.value for change in found.journal["e1"][-1].changes]
    assert kinds == ["registered", "unregistered"]


def test_journal_has_the_status_of_a_deleted_registration() -> None:
    """With it, the journal alone gives the counts."""
    store = new_store(capacity=1)
    plan_and_apply(store, [Register("u0"), Register("u1"), Register("u2")], "p1")
    plan_and_apply(store, [Unregister("u2"), Unregister("u0")], "p2")
    left = store.list_journal("e1", after=2, limit=1)[0].changes[:2]
    assert [(change.ticket, change.status) for change in left] == [
        (3, RegistrationStatus.WAITLISTED),
        (1, RegistrationStatus.REGISTERED),
    ]


def test_budget_too_small_for_any_command_raises() -> None:
    store = new_store()
    with pytest.raises(ValueError, match="too small"):
        plan_and_apply(store, [Register("u1")], "plan", budget=3)


def test_waitlist_shorter_than_its_count_is_inconsistent() -> None:
    store = new_store(capacity=1)
    plan_and_apply(store, [Register("u0"), Register("u1")], "plan")
    snapshot = load_snapshot(store, "e1", [Unregister("u0")])
    torn = Snapshot(snapshot.event, snapshot.users, snapshot.registrations)
    with pytest.raises(InconsistentSnapshot):
        planner.plan(torn, [Unregister("u0")], event_id="e1", now=START, plan_id="p")


def test_position_counts_whole_blocks_and_its_own_block() -> None:
    """There are 600 entries in earlier blocks, and 31 before in the own block."""
    store = new_store(capacity=1)
    event = store.events["e1"].model_copy(
        update={
            "registered_count": 1,
            "next_ticket": 3 * WAITLIST_BLOCK,
            "waitlist_count": 700,
            "waitlist_by_block": {0: 400, 1: 200, 2: 100},
        }
    )
    row = Registration(
        event_id="e1",
        user_id="u7",
        status=RegistrationStatus.WAITLISTED,
        ticket=2 * WAITLIST_BLOCK + 60,
        registered_at=START,
        seated_at=None,
    )
    snapshot = Snapshot(event, dict(store.users), {"u7": row}, (), {row.ticket: 31})
    plan = planner.plan(snapshot, [Register("u7")], event_id="e1", now=START, plan_id="p")
    assert getattr(plan.outcomes[0], "position", None) == 400 + 200 + 31 + 1


def test_event_in_deletion_is_unknown() -> None:
    """R7.2: from the start of its deletion."""
    store = new_store()
    plan_and_apply(store, [StartDeletion(None)], "deletion1")
    asked: list[Command] = [
        Register("u1"),
        Unregister("u1", Cause.USER_DELETED),
        Remove("u1", None),
        Edit(EventChanges.of(capacity=9), None),
        SetStatus(EventStatus.OPEN, None),
        StartDeletion(None),
    ]
    plan = plan_and_apply(store, asked, "after")
    assert {type(outcome).__name__ for outcome in plan.outcomes} == {"UnknownEvent"}
    assert len(plan.outcomes) == len(asked)
