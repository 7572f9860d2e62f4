"""What happens between two reads, or before a commit: nothing untrue is told, and nothing goes on for ever."""

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
from domain.models import Page, WaitlistEntry
from domain.planning.plan import Plan
from domain.planning.snapshot import InconsistentSnapshot
from domain.ports import AnswerLost, Conflict, Unavailable
from domain.service import Service
from domain.users import Users
from tests.support.environment import (
    ManualClock,
    commit_together,
    ids,
    new_event,
    new_users,
    service_on,
    start_user_deletion,
)
from tests.support.faulty_store import FaultyStore, conflict, never_sent
from tests.support.invariants import assert_invariants
from tests.support.memory_store import MemoryStore

Happens = Callable[[], None]


class Eventful(MemoryStore):
    """Before a read of a line, and before a mark or a user is written, something happens, once."""

    def __init__(self) -> None:
        super().__init__()
        self.before_line: Happens | None = None
        self.before_put_user: Happens | None = None
        self.before_mark_user: Happens | None = None
        self.always_before_line: Happens | None = None

    def get_waitlist(
        self, event_id: str, *, after: int = 0, until: int | None = None, limit: int
    ) -> tuple[WaitlistEntry, ...]:
        happens, self.before_line = self.before_line or self.always_before_line, None
        if happens is not None:
            happens()
        return super().get_waitlist(event_id, after=after, until=until, limit=limit)

    def count_entries_before(
        self, event_id: str, place: WaitlistEntry, *, after: int
    ) -> int | None:
        happens, self.before_line = self.before_line or self.always_before_line, None
        if happens is not None:
            happens()
        return super().count_entries_before(event_id, place, after=after)

    def put_user(self, user: Any, *, replaces: str | None) -> None:
        if self.before_put_user is not None:
            self.before_put_user()
        super().put_user(user, replaces=replaces)

    def start_user_deletion(self, user_id: str, mark: str, *, revision: str) -> str | None:
        happens, self.before_mark_user = self.before_mark_user, None
        if happens is not None:
            happens()
        return super().start_user_deletion(user_id, mark, revision=revision)


@pytest.fixture
def store() -> Eventful:
    return Eventful()


@pytest.fixture
def service(store: Eventful) -> Service:
    """Return a service on an event of one seat: `a` sits, `b` and `c` wait."""
    service = service_on(store)
    new_users(service, "a", "b", "c")
    new_event(service, capacity=1)
    commit_together(store, "e1", [Register(user_id) for user_id in "abc"])
    return service


@pytest.fixture
def other(store: Eventful) -> Service:
    return service_on(store, new_id=ids("other"))


def test_a_line_that_got_shorter_since_the_event_was_read_is_read_again(
    service: Service, other: Service, store: Eventful
) -> None:
    def both_leave() -> None:
        other.unregister("e1", "b")
        other.unregister("e1", "c")

    store.before_line = both_leave
    assert service.unregister("e1", "a").promoted == ()
    assert_invariants(store)


def test_a_page_of_the_line_is_of_one_moment(
    service: Service, other: Service, store: Eventful
) -> None:
    store.before_line = lambda: _ignore(other.unregister("e1", "b"))
    waiting = service.list_registrations_in("e1").waitlist
    assert [(place.entry.user_id, place.position) for place in waiting] == [("c", 1)]


def test_a_page_of_the_line_whose_first_leaves_while_it_is_counted_is_read_again(
    service: Service, other: Service, store: Eventful
) -> None:
    def when_counted() -> None:
        store.before_line = lambda: _ignore(other.unregister("e1", "c"))

    store.before_line = when_counted
    assert service.list_registrations_in("e1", cursor="waitlist:2").waitlist == ()


def test_who_gets_a_seat_while_seats_and_line_are_read_is_in_one_of_them(
    service: Service, other: Service, store: Eventful
) -> None:
    """R6: seated when the line is read, and waiting when the seats were."""
    store.before_line = lambda: _ignore(other.unregister("e1", "a"))
    listed = service.list_registrations_in("e1")
    assert [row.user_id for row in listed.registered] == ["b"]
    assert [place.entry.user_id for place in listed.waitlist] == ["c"]
    assert (listed.event.registered_count, listed.event.waitlist_count) == (1, 1)


def test_a_line_whose_event_is_deleted_while_it_is_read_is_of_no_event(
    service: Service, other: Service, store: Eventful
) -> None:
    store.before_line = lambda: _ignore(other.delete_event("e1"))
    with pytest.raises(UnknownEvent):
        service.list_registrations_in("e1")


def test_a_preview_is_of_one_moment(service: Service, other: Service, store: Eventful) -> None:
    store.before_line = lambda: _ignore(other.unregister("e1", "b"))
    assert service.preview_capacity("e1", 2).promoted == ("c",)


def test_busy_where_what_is_read_moves_each_time(
    service: Service, other: Service, store: Eventful
) -> None:
    def somebody_moves() -> None:
        other.edit_event("e1", EventChanges.of(title=f"Title {store.events['e1'].version}"))

    store.always_before_line = somebody_moves
    with pytest.raises(Busy):
        service.preview_capacity("e1", 2)


def test_busy_where_what_is_to_be_read_at_one_moment_can_not_be_read(store: Eventful) -> None:
    def unavailable() -> str | None:
        raise Unavailable

    with pytest.raises(Busy):
        RetryPolicy(ManualClock(), lambda: 0.5).read_consistently(unavailable)


def test_a_list_is_read_to_its_last_page(service: Service, store: Eventful) -> None:
    for number in range(120):
        new_event(service, f"dinner{number:03}", title=f"Dinner {number:03}")
    assert len(service.find_events("Dinner").matches) == 120


def test_an_update_of_a_user_who_changed_meanwhile_is_made_anew(
    service: Service, other: Service, store: Eventful
) -> None:
    def somebody_renames() -> None:
        store.before_put_user = None
        other.update_user("a", UserChanges.of(name="Other"))

    store.before_put_user = somebody_renames
    assert service.update_user("a", UserChanges.of(time_zone="Europe/Berlin")).name == "Other"


def test_busy_where_a_user_changes_each_time(
    service: Service, other: Service, store: Eventful
) -> None:
    def somebody_renames() -> None:
        happens, store.before_put_user = store.before_put_user, None
        other.update_user("a", UserChanges.of(name=f"Name {store.users['a'].revision}"))
        store.before_put_user = happens

    store.before_put_user = somebody_renames
    with pytest.raises(Busy):
        service.update_user("a", UserChanges.of(time_zone="Europe/Berlin"))


def test_who_is_created_by_another_on_first_contact_is_found(
    service: Service, other: Service, store: Eventful
) -> None:
    def somebody_creates() -> None:
        store.before_put_user = None
        new_users(other, "new")

    store.before_put_user = somebody_creates
    draft = UserDraft.of(user_id="new", name="Name in Slack")
    assert service.ensure_user(draft) == store.users["new"]
    assert store.users["new"].name == "new"
    service.register_ensuring_user("e1", draft)
    assert store.users["new"].name == "Name in Slack"


def test_a_user_who_changes_while_being_marked_is_marked_all_the_same(
    service: Service, other: Service, store: Eventful
) -> None:
    store.before_mark_user = lambda: _ignore(other.update_user("a", UserChanges.of(name="Anna")))
    assert service.delete_user("a")
    assert "a" not in store.users
    assert_invariants(store)


def test_an_update_not_confirmed_is_settled_as_refused_when_its_user_is_gone(
    store: Eventful,
) -> None:
    """R8.12: it is asked for until there is an answer, here in the second two seconds of the background."""
    clock = ManualClock()
    answers_from = clock.now() + timedelta(seconds=5)

    def nothing_comes_through() -> None:
        if clock.now() < answers_from:
            raise AnswerLost

    later: list[Happens] = []
    service = service_on(store, clock=clock, spawn=later.append)
    new_users(service, "a")
    store.before_put_user = nothing_comes_through
    with pytest.raises(NotConfirmed) as unconfirmed:
        service.update_user("a", UserChanges.of(name="Anna"))
    service_on(store, new_id=ids("other")).delete_user("a")
    later.pop()()
    assert isinstance(unconfirmed.value.result.exception(0), UnknownUser)


def test_an_ensured_user_has_an_id(service: Service) -> None:
    with pytest.raises(ValueError, match="own id"):
        service.ensure_user(UserDraft.of(name="Nobody"))


# The sweep


def test_one_unfinished_operation_that_fails_keeps_none_of_the_others(store: Eventful) -> None:
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


def test_an_index_that_still_lists_what_is_finished_makes_no_work(store: Eventful) -> None:
    class Lagging(Eventful):
        def list_unfinished_events(self, *, limit: int, cursor: str | None = None) -> Page[str]:
            return Page(("e1", "gone"), None)

        def list_unfinished_users(self, *, limit: int, cursor: str | None = None) -> Page[str]:
            return Page(("a", "gone"), None)

    lagging = Lagging()
    service = service_on(lagging)
    new_users(service, "a")
    new_event(service)
    assert service.finish_unfinished() == 0


def test_a_raise_of_an_event_that_is_deleted_meanwhile_is_done(store: Eventful) -> None:
    people = [f"p{number}" for number in range(120)]
    later: list[Happens] = []
    service = service_on(store, spawn=later.append)
    new_users(service, *people)
    new_event(service, capacity=1)
    commit_together(store, "e1", [Register(user_id) for user_id in people])
    assert service.edit_event("e1", EventChanges.of(capacity=115)).event.capacity_target == 115
    service.delete_event("e1")
    while later:
        later.pop(0)()
    assert_invariants(store)
    with pytest.raises(UnknownEvent):
        service.get_event("e1")


def test_a_raise_stops_at_its_deadline_and_goes_on_by_itself() -> None:
    """R8.12: what is left is done in the background, or by the sweep."""
    clock = ManualClock()

    class Slow(Eventful):
        def commit(self, plan: Plan) -> None:
            super().commit(plan)
            clock.advance(timedelta(seconds=3))

    store = Slow()
    later: list[Happens] = []
    service = service_on(store, clock=clock, spawn=later.append)
    people = [f"p{number}" for number in range(120)]
    new_users(service, *people)
    new_event(service, capacity=1)
    commit_together(store, "e1", [Register(user_id) for user_id in people])
    service.edit_event("e1", EventChanges.of(capacity=115))
    while later:
        later.pop(0)()
    assert store.events["e1"].capacity == 115
    assert_invariants(store)


# Committing


def test_a_lost_plan_whose_version_went_by_without_an_entry_is_not_guessed(
    store: Eventful,
) -> None:
    """R7.6: the journal lacks an entry, so that nobody can tell; `check` finds that."""
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


def test_a_plan_that_writes_no_event_has_no_verdict() -> None:
    class Rejecting(MemoryStore):
        def commit(self, plan: Plan) -> None:
            raise Conflict

    clock = ManualClock()
    retry = RetryPolicy(clock, lambda: 0.5)
    committer = Committer(Rejecting(), retry, clock, ids(), UnconfirmedResolver(retry, _ignore))
    with pytest.raises(ValueError, match="writes nothing"):
        committer._find_out(Plan("p", "e1", None, ()))


def test_a_marked_user_keeps_the_first_mark(store: Eventful, service: Service) -> None:
    start_user_deletion(store, "a", "first")
    clock = ManualClock()
    users = Users(store, RetryPolicy(clock, lambda: 0.5), clock, ids())
    assert users.start_deletion("a", "second") == "first"


def _ignore(_: object) -> None:
    """Do nothing with it."""
