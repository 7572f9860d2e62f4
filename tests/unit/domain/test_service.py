"""The service when something happens between its reads, or before a commit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.commands import Register, StartDeletion
from domain.errors import Busy, NotConfirmed, UnknownEvent, UnknownUser
from domain.execution.committer import Committer
from domain.execution.retry import RetryPolicy
from domain.execution.unconfirmed import UnconfirmedResolver
from domain.inputs import EventChanges, UserChanges, UserDraft
from domain.models import PAGE_SIZE, Page, UserDeletion, WaitlistEntry
from domain.planning.plan import Plan
from domain.planning.snapshot import InconsistentSnapshot
from domain.ports import AnswerLost, Conflict, Unavailable
from domain.queries.registrations import waitlist_cursor
from domain.service import Service
from domain.users import Users
from tests.support.environment import (
    ManualClock,
    commit_together,
    ids,
    new_event,
    new_users,
    run_all,
    service_on,
    start_user_deletion,
)
from tests.support.faulty_store import FaultyStore, conflict, never_sent
from tests.support.invariants import assert_invariants
from tests.support.memory_store import MemoryStore

Action = Callable[[], None]


class InterruptedStore(MemoryStore):
    """Something happens, once, before a read of a waitlist or a write of a user."""

    def __init__(self) -> None:
        super().__init__()
        self.before_waitlist: Action | None = None
        self.before_put_user: Action | None = None
        self.before_start_deletion: Action | None = None
        self.always_before_waitlist: Action | None = None

    def get_waitlist(
        self, event_id: str, *, after: int = 0, until: int | None = None, limit: int | None
    ) -> tuple[WaitlistEntry, ...]:
        action, self.before_waitlist = self.before_waitlist or self.always_before_waitlist, None
        if action is not None:
            action()
        return super().get_waitlist(event_id, after=after, until=until, limit=limit)

    def count_entries_before(
        self, event_id: str, entry: WaitlistEntry, *, after: int
    ) -> int | None:
        action, self.before_waitlist = self.before_waitlist or self.always_before_waitlist, None
        if action is not None:
            action()
        return super().count_entries_before(event_id, entry, after=after)

    def put_user(self, user: Any, *, replaces: str | None) -> None:
        if self.before_put_user is not None:
            self.before_put_user()
        super().put_user(user, replaces=replaces)

    def start_user_deletion(self, user_id: str, deletion_id: str, *, revision: str) -> str | None:
        action, self.before_start_deletion = self.before_start_deletion, None
        if action is not None:
            action()
        return super().start_user_deletion(user_id, deletion_id, revision=revision)


@pytest.fixture
def store() -> InterruptedStore:
    return InterruptedStore()


@pytest.fixture
def service(store: InterruptedStore) -> Service:
    """Return a service on an event with one seat: `a` has it, `b` and `c` are waitlisted."""
    service = service_on(store)
    new_users(service, "a", "b", "c")
    new_event(service, capacity=1)
    commit_together(store, "e1", [Register(user_id) for user_id in "abc"])
    return service


@pytest.fixture
def other(store: InterruptedStore) -> Service:
    return service_on(store, new_id=ids("other"))


def test_waitlist_that_became_shorter_is_read_again(
    service: Service, other: Service, store: InterruptedStore
) -> None:
    def both_leave() -> None:
        other.unregister("e1", "b")
        other.unregister("e1", "c")

    store.before_waitlist = both_leave
    assert service.unregister("e1", "a").promoted == ()
    assert_invariants(store)


def test_waitlist_page_during_a_leave_is_of_one_moment(
    service: Service, other: Service, store: InterruptedStore
) -> None:
    store.before_waitlist = lambda: _ignore(other.unregister("e1", "b"))
    waitlist = service.list_registrations_in("e1").waitlist
    assert [(one.entry.user_id, one.position) for one in waitlist] == [("c", 1)]


def test_waitlist_page_whose_first_user_leaves_is_read_again(
    service: Service, other: Service, store: InterruptedStore
) -> None:
    def when_counted() -> None:
        store.before_waitlist = lambda: _ignore(other.unregister("e1", "c"))

    store.before_waitlist = when_counted
    assert service.list_registrations_in("e1", cursor=waitlist_cursor("e1", 2)).waitlist == ()


def test_user_promoted_during_a_list_is_listed_once(
    service: Service, other: Service, store: InterruptedStore
) -> None:
    """R6: registered when the waitlist is read, but waitlisted when the seats were."""
    store.before_waitlist = lambda: _ignore(other.unregister("e1", "a"))
    listed = service.list_registrations_in("e1")
    assert [row.user_id for row in listed.registered] == ["b"]
    assert [one.entry.user_id for one in listed.waitlist] == ["c"]
    assert (listed.event.registered_count, listed.event.waitlist_count) == (1, 1)


def test_list_of_an_event_deleted_meanwhile_raises(
    service: Service, other: Service, store: InterruptedStore
) -> None:
    store.before_waitlist = lambda: _ignore(other.delete_event("e1"))
    with pytest.raises(UnknownEvent):
        service.list_registrations_in("e1")


def test_preview_capacity_during_a_leave_is_of_one_moment(
    service: Service, other: Service, store: InterruptedStore
) -> None:
    store.before_waitlist = lambda: _ignore(other.unregister("e1", "b"))
    assert service.preview_capacity("e1", 2).promoted == ("c",)


def test_preview_of_an_event_that_keeps_changing_is_busy(
    service: Service, other: Service, store: InterruptedStore
) -> None:
    def other_edits() -> None:
        other.edit_event("e1", EventChanges.of(title=f"Title {store.events['e1'].version}"))

    store.always_before_waitlist = other_edits
    with pytest.raises(Busy):
        service.preview_capacity("e1", 2)


def test_consistent_read_without_an_answer_is_busy(store: InterruptedStore) -> None:
    def unavailable() -> str | None:
        raise Unavailable

    with pytest.raises(Busy):
        RetryPolicy(ManualClock(), lambda: 0.5).read_consistently(unavailable)


def test_find_events_reads_all_pages(service: Service, store: InterruptedStore) -> None:
    for number in range(120):
        new_event(service, f"dinner{number:03}", title=f"Dinner {number:03}")
    assert len(service.find_events("Dinner").matches) == 120


def test_update_of_a_user_changed_meanwhile_is_repeated(
    service: Service, other: Service, store: InterruptedStore
) -> None:
    def other_renames() -> None:
        store.before_put_user = None
        other.update_user("a", UserChanges.of(name="Other"))

    store.before_put_user = other_renames
    assert service.update_user("a", UserChanges.of(time_zone="Europe/Berlin")).name == "Other"


def test_update_of_a_user_that_keeps_changing_is_busy(
    service: Service, other: Service, store: InterruptedStore
) -> None:
    def other_renames() -> None:
        action, store.before_put_user = store.before_put_user, None
        other.update_user("a", UserChanges.of(name=f"Name {store.users['a'].revision}"))
        store.before_put_user = action

    store.before_put_user = other_renames
    with pytest.raises(Busy):
        service.update_user("a", UserChanges.of(time_zone="Europe/Berlin"))


def test_user_created_by_another_process_is_found(
    service: Service, other: Service, store: InterruptedStore
) -> None:
    def other_creates() -> None:
        store.before_put_user = None
        new_users(other, "new")

    store.before_put_user = other_creates
    draft = UserDraft.of(user_id="new", name="Name in Slack")
    assert service.ensure_user(draft) == store.users["new"]
    assert store.users["new"].name == "new"
    service.register_ensuring_user("e1", draft)
    assert store.users["new"].name == "Name in Slack"


def test_user_changed_at_the_start_of_its_deletion_is_deleted(
    service: Service, other: Service, store: InterruptedStore
) -> None:
    store.before_start_deletion = lambda: _ignore(
        other.update_user("a", UserChanges.of(name="Anna"))
    )
    assert service.delete_user("a")
    assert "a" not in store.users
    assert_invariants(store)


def test_deletion_that_someone_else_has_finished_is_done_and_names_no_events(
    service: Service, other: Service
) -> None:
    """Nobody knows anymore whom that deletion made the successor."""
    other.edit_event("e1", EventChanges.of(co_organizer_ids=["a"]))
    preview = service.preview_user_deletion("a")
    assert [event.event_id for event in preview.organized] == ["e1"]
    other.delete_user("a")
    assert service.delete_previewed_user(preview, "b") == UserDeletion(
        "a", has_started=True, is_done=True
    )


def test_unconfirmed_update_of_a_deleted_user_resolves_to_a_refusal(
    store: InterruptedStore,
) -> None:
    """R8.12: it is repeated until there is an answer, here in the second round."""
    clock = ManualClock()
    answers_from = clock.now() + timedelta(seconds=5)

    def nothing_comes_through() -> None:
        if clock.now() < answers_from:
            raise AnswerLost

    pending: list[Action] = []
    service = service_on(store, clock=clock, spawn=pending.append)
    new_users(service, "a")
    store.before_put_user = nothing_comes_through
    with pytest.raises(NotConfirmed) as unconfirmed:
        service.update_user("a", UserChanges.of(name="Anna"))
    service_on(store, new_id=ids("other")).delete_user("a")
    run_all(pending)
    assert isinstance(unconfirmed.value.result.exception(0), UnknownUser)


def test_ensure_user_without_an_id_raises(service: Service) -> None:
    with pytest.raises(ValueError, match="own id"):
        service.ensure_user(UserDraft.of(name="Nobody"))


# The sweep


def test_sweep_with_a_failing_operation_finishes_the_others(store: InterruptedStore) -> None:
    """The first failure is raised at the end."""
    service = service_on(store, spawn=_ignore)
    new_users(service, "a", "b")
    for event_id in ("e1", "e2"):
        new_event(service, event_id, capacity=1)
        commit_together(store, event_id, [Register("a"), Register("b")])
        commit_together(store, event_id, [StartDeletion(None)])
    store.events["e1"] = store.events["e1"].model_copy(update={"waitlist_by_block": {}})
    with pytest.raises(InconsistentSnapshot, match="of e1 would count below 0"):
        service.finish_unfinished()
    assert store.list_unfinished_events(limit=5).items == ("e1",)


def test_sweep_finishes_more_operations_than_a_page_lists(store: InterruptedStore) -> None:
    service = service_on(store)
    for number in range(PAGE_SIZE + 1):
        new_event(service, f"e{number}")
        commit_together(store, f"e{number}", [StartDeletion(None)])
    assert service.finish_unfinished() == PAGE_SIZE + 1
    assert store.list_unfinished_events(limit=1).items == ()


def test_lagging_index_of_finished_operations_makes_no_work(store: InterruptedStore) -> None:
    class Lagging(InterruptedStore):
        def list_unfinished_events(self, *, limit: int, cursor: str | None = None) -> Page[str]:
            return Page(("e1", "gone"), None)

        def list_unfinished_users(self, *, limit: int, cursor: str | None = None) -> Page[str]:
            return Page(("a", "gone"), None)

    lagging = Lagging()
    service = service_on(lagging)
    new_users(service, "a")
    new_event(service)
    assert service.finish_unfinished() == 0


def test_capacity_increase_of_an_event_deleted_meanwhile_ends(store: InterruptedStore) -> None:
    user_ids = [f"p{number}" for number in range(120)]
    pending: list[Action] = []
    service = service_on(store, spawn=pending.append)
    new_users(service, *user_ids)
    new_event(service, capacity=1)
    commit_together(store, "e1", [Register(user_id) for user_id in user_ids])
    assert service.edit_event("e1", EventChanges.of(capacity=115)).event.capacity_target == 115
    service.delete_event("e1")
    run_all(pending)
    assert_invariants(store)
    with pytest.raises(UnknownEvent):
        service.get_event("e1")


def test_capacity_increase_past_its_deadline_continues_in_the_background() -> None:
    """R8.12: or the sweep finishes it."""
    clock = ManualClock()

    class Slow(InterruptedStore):
        def commit(self, plan: Plan) -> None:
            super().commit(plan)
            clock.advance(timedelta(seconds=3))

    store = Slow()
    pending: list[Action] = []
    service = service_on(store, clock=clock, spawn=pending.append)
    user_ids = [f"p{number}" for number in range(120)]
    new_users(service, *user_ids)
    new_event(service, capacity=1)
    commit_together(store, "e1", [Register(user_id) for user_id in user_ids])
    service.edit_event("e1", EventChanges.of(capacity=115))
    run_all(pending)
    assert store.events["e1"].capacity == 115
    assert_invariants(store)


# Committing


def test_lost_plan_without_a_journal_entry_is_not_confirmed(
    store: InterruptedStore,
) -> None:
    """R7.6: a journal entry is missing, so no one can know. `check` finds that."""
    faulty = FaultyStore()
    service = service_on(faulty, spawn=_ignore)
    other = service_on(faulty, new_id=ids("other"))
    new_users(service, "a", "b")
    new_event(service)

    def others_move_on_and_their_entries_are_lost() -> None:
        faulty.faults, rest = [], faulty.faults
        version = faulty.events["e1"].version
        other.register("e1", "b")
        other.unregister("e1", "b")
        del faulty.journal["e1", version + 1]
        faulty.faults = rest

    faulty.before_commit = others_move_on_and_their_entries_are_lost
    faulty.faults = [never_sent, *[conflict] * 100]
    with pytest.raises(NotConfirmed):
        service.register("e1", "a")


def test_resolving_a_plan_without_an_event_raises() -> None:
    class Rejecting(MemoryStore):
        def commit(self, plan: Plan) -> None:
            raise Conflict

    clock = ManualClock()
    retry = RetryPolicy(clock, lambda: 0.5)
    resolver = UnconfirmedResolver(retry, clock, _ignore)
    committer = Committer(Rejecting(), retry, clock, ids(), resolver)
    with pytest.raises(ValueError, match="writes nothing"):
        committer.find_out(Plan("p", "e1", None, ()))


def test_user_in_deletion_keeps_the_first_deletion_id(
    store: InterruptedStore, service: Service
) -> None:
    start_user_deletion(store, "a", "first")
    clock = ManualClock()
    users = Users(store, RetryPolicy(clock, lambda: 0.5), clock, ids())
    assert users.start_deletion("a", "second") == "first"


def _ignore(_: object) -> None:
    """Ignore the argument."""
