"""The promises of `domain.ports`, on every store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import storage.dynamodb.outbox
import storage.sqlite.outbox
from domain.enums import Cause, ChangeKind, EventStatus, NotificationKind, RegistrationStatus
from domain.errors import Invalid
from domain.models import (
    Card,
    Change,
    Deferred,
    DeliveryState,
    DueEvent,
    EventSummary,
    Notification,
    Page,
    Registration,
    UnreachableRecipient,
    WaitlistEntry,
)
from domain.planning.plan import (
    CheckUser,
    DeleteRegistration,
    DeleteWaitlistEntry,
    Plan,
    PutEvent,
    PutJournalEntry,
    PutRegistration,
    PutWaitlistEntry,
)
from domain.ports import Conflict, DeliveryRows
from tests.support.builders import (
    a_journal_entry,
    a_registration,
    a_user,
    a_waitlisted_registration,
    an_event,
    commit,
    put_event_and_users,
)
from tests.support.environment import START, ids
from tests.support.scale import scaled
from tests.support.stores import AnyStore, another_workspace

T = TypeVar("T")
HOUR = timedelta(hours=1)
_names = ids("name")


def pages(read: Callable[..., Page[T]], limit: int) -> list[T]:
    """Return a whole list, read page by page."""
    items: list[T] = []
    cursor: str | None = None
    while True:
        page = read(limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        items += page.items
        cursor = page.next_cursor
        if cursor is None:
            return items


# Conditions


def test_event_is_created_only_if_it_does_not_exist(store: AnyStore) -> None:
    commit(store, PutEvent(an_event(title="First"), None))
    with pytest.raises(Conflict):
        commit(store, PutEvent(an_event(title="Second"), None))
    assert store.get_event("e1") == an_event(title="First")


def test_event_is_replaced_only_at_the_version_that_was_read(store: AnyStore) -> None:
    commit(store, PutEvent(an_event(), None))
    commit(store, PutEvent(an_event(version=2), 1))
    with pytest.raises(Conflict):
        commit(store, PutEvent(an_event(version=2, title="Late"), 1))
    assert store.get_event("e1") == an_event(version=2)


def test_user_has_one_registration_per_event(store: AnyStore) -> None:
    put_event_and_users(store, "ada")
    commit(store, PutRegistration(a_registration(), None))
    with pytest.raises(Conflict):
        commit(store, PutRegistration(a_registration(ticket=2), None))
    assert store.get_registrations_of("ada") == (a_registration(),)


@pytest.mark.parametrize(
    "other", [a_registration("ada", ticket=7), a_waitlisted_registration("ada", ticket=1)]
)
def test_registration_is_replaced_or_deleted_only_as_it_was_read(
    store: AnyStore, other: Registration
) -> None:
    put_event_and_users(store, "ada")
    commit(store, PutRegistration(a_registration(), None))
    with pytest.raises(Conflict):
        commit(store, PutRegistration(a_registration(ticket=9), other))
    with pytest.raises(Conflict):
        commit(store, DeleteRegistration(other))
    commit(store, PutRegistration(a_waitlisted_registration(), a_registration()))
    assert store.get_registrations_of("ada") == (a_waitlisted_registration(),)
    commit(store, DeleteRegistration(a_waitlisted_registration()))
    assert store.get_registrations_of("ada") == ()


def test_waitlist_entry_is_written_once_and_deleted_only_for_its_user(store: AnyStore) -> None:
    put_event_and_users(store)
    commit(store, PutWaitlistEntry("e1", WaitlistEntry(3, "ada", START)))
    with pytest.raises(Conflict):
        commit(store, PutWaitlistEntry("e1", WaitlistEntry(3, "b", START)))
    with pytest.raises(Conflict):
        commit(store, DeleteWaitlistEntry("e1", WaitlistEntry(3, "b", START)))
    assert store.get_waitlist("e1", limit=5) == (WaitlistEntry(3, "ada", START),)
    commit(store, DeleteWaitlistEntry("e1", WaitlistEntry(3, "ada", START)))
    with pytest.raises(Conflict):
        commit(store, DeleteWaitlistEntry("e1", WaitlistEntry(3, "ada", START)))


def test_user_check_fails_for_missing_users_and_during_deletion(store: AnyStore) -> None:
    with pytest.raises(Conflict):
        commit(store, CheckUser("ada"))
    store.put_user(a_user("ada"), replaces=None)
    commit(store, CheckUser("ada"))
    store.start_user_deletion("ada", "deletion1", revision="r1")
    with pytest.raises(Conflict):
        commit(store, CheckUser("ada"))


def test_version_has_one_journal_entry(store: AnyStore) -> None:
    put_event_and_users(store)
    commit(store, PutJournalEntry(a_journal_entry(version=1)))
    with pytest.raises(Conflict):
        commit(store, PutJournalEntry(a_journal_entry(version=1, plan_id="other")))
    assert store.get_journal_entry("e1", 1) == a_journal_entry(version=1)


def test_plan_is_not_written_if_its_last_condition_fails(store: AnyStore) -> None:
    """R7.4: the last action fails."""
    put_event_and_users(store, "ada")
    before = an_event()
    with pytest.raises(Conflict):
        commit(
            store,
            PutEvent(an_event(version=2), 1),
            PutRegistration(a_waitlisted_registration(), None),
            PutWaitlistEntry("e1", WaitlistEntry(1, "ada", START)),
            PutJournalEntry(a_journal_entry(version=2)),
            CheckUser("nobody"),
        )
    assert store.get_event("e1") == before
    assert store.get_registrations_of("ada") == ()
    assert store.get_waitlist("e1", limit=5) == ()
    assert store.list_journal("e1", limit=5) == ()


def test_same_plan_never_applies_twice(store: AnyStore) -> None:
    """The repeat returns or is a conflict. The journal entry shows which plan applied."""
    put_event_and_users(store, "ada")
    event = an_event(version=2, registered_count=1)
    actions = (
        PutEvent(event, 1),
        PutRegistration(a_registration(), None),
        PutJournalEntry(a_journal_entry(version=2, plan_id="again")),
    )
    plan = Plan("again", "e1", event, (), actions)
    store.commit(plan)
    try:
        store.commit(plan)
    except Conflict:
        assert store.get_journal_entry("e1", 2) == a_journal_entry(version=2, plan_id="again")
    assert store.get_event("e1") == event


# Users


def test_user_is_created_once_and_updated_at_its_revision(store: AnyStore) -> None:
    store.put_user(a_user(), replaces=None)
    with pytest.raises(Conflict):
        store.put_user(a_user(name="Other"), replaces=None)
    store.put_user(a_user(name="New", revision="r2"), replaces="r1")
    with pytest.raises(Conflict):
        store.put_user(a_user(name="Late", revision="r3"), replaces="r1")
    assert store.get_user("ada") == a_user(name="New", revision="r2")


def test_first_deletion_id_stays_and_blocks_updates(store: AnyStore) -> None:
    assert store.start_user_deletion("ada", "first", revision="r1") is None
    store.put_user(a_user(), replaces=None)
    assert store.start_user_deletion("ada", "first", revision="r1") == "first"
    assert store.start_user_deletion("ada", "second", revision="r1") == "first"
    assert store.get_user("ada") == a_user(deletion_id="first")
    assert store.list_unfinished_users(limit=5).items == ("ada",)
    with pytest.raises(Conflict):
        store.put_user(a_user(revision="r2"), replaces="r1")


def test_late_deletion_does_not_affect_a_user_created_again(store: AnyStore) -> None:
    store.put_user(a_user(revision="r2"), replaces=None)
    assert store.start_user_deletion("ada", "late", revision="r1") is None
    assert store.get_user("ada") == a_user(revision="r2")
    assert store.list_unfinished_users(limit=5).items == ()


def test_user_is_deleted_only_with_its_deletion_id(store: AnyStore) -> None:
    store.put_user(a_user(), replaces=None)
    with pytest.raises(Conflict):
        store.delete_user("ada", "deletion1")
    store.start_user_deletion("ada", "deletion1", revision="r1")
    with pytest.raises(Conflict):
        store.delete_user("ada", "other")
    store.delete_user("ada", "deletion1")
    assert store.get_user("ada") is None
    with pytest.raises(Conflict):
        store.delete_user("ada", "deletion1")


# Lists


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_lists_are_complete_and_ordered_for_any_page_size(store: AnyStore, limit: int) -> None:
    for number in (3, 1, 2, 5, 4):
        event = an_event(
            f"e{number}",
            starts_at=START + timedelta(days=number),
            operation_id="o" if number % 2 else None,
        )
        commit(store, PutEvent(event, None))
    for number in (3, 1, 2, 5, 4):
        store.put_user(a_user(f"u{number}", name=f"Name {9 - number}"), replaces=None)
        row = a_registration(f"u{number}", ticket=number)
        commit(store, PutRegistration(row, None))
        commit(store, PutJournalEntry(a_journal_entry(version=number)))
    listed = pages(lambda **page: store.list_events(starting_from=None, **page), limit)
    assert [event.event_id for event in listed] == ["e1", "e2", "e3", "e4", "e5"]
    later = START + timedelta(days=3)
    listed = pages(lambda **page: store.list_events(starting_from=later, **page), limit)
    assert [event.event_id for event in listed] == ["e3", "e4", "e5"]
    assert pages(store.list_unfinished_events, limit) == ["e1", "e3", "e5"]
    users = pages(store.list_users, limit)
    assert [user.user_id for user in users] == ["u5", "u4", "u3", "u2", "u1"]
    roster = pages(lambda **page: store.list_roster("e1", **page), limit)
    assert [row.ticket for row in roster] == [1, 2, 3, 4, 5]
    history = pages(lambda **page: store.list_history("e1", **page), limit)
    assert [entry.version for entry in history] == [5, 4, 3, 2, 1]
    assert len({event.event_id for event in pages(store.scan_events, limit)}) == 5
    assert len({row.user_id for row in pages(store.scan_registrations, limit)}) == 5
    assert [e.version for e in store.list_journal("e1", after=2, limit=2)] == [3, 4]


def test_waitlist_is_read_between_tickets_in_order(store: AnyStore) -> None:
    put_event_and_users(store)
    for ticket in (5, 1, 3, 4):
        commit(store, PutWaitlistEntry("e1", WaitlistEntry(ticket, f"u{ticket}", START)))

    def tickets(**arguments: Any) -> list[int]:
        return [entry.ticket for entry in store.get_waitlist("e1", **arguments)]

    assert tickets(limit=9) == [1, 3, 4, 5]
    assert tickets(limit=2) == [1, 3]
    assert tickets(after=1, limit=9) == [3, 4, 5]
    assert tickets(after=1, until=4, limit=9) == [3, 4]
    assert tickets(after=3, until=3, limit=9) == []
    assert tickets(after=-1, until=3, limit=9) == [1, 3]
    assert len(pages(store.scan_waitlist, 3)) == 4


def test_entries_before_an_entry_are_counted_between_tickets(store: AnyStore) -> None:
    put_event_and_users(store)
    for ticket in (5, 1, 3, 4):
        commit(store, PutWaitlistEntry("e1", WaitlistEntry(ticket, f"u{ticket}", START)))

    def before(ticket: int, after: int = 0) -> int | None:
        return store.count_entries_before(
            "e1", WaitlistEntry(ticket, f"u{ticket}", START), after=after
        )

    assert [before(ticket) for ticket in (1, 3, 4, 5)] == [0, 1, 2, 3]
    assert [before(4, after) for after in (-1, 1, 3)] == [2, 1, 0]
    assert before(2) is None
    assert before(6) is None
    assert store.count_entries_before("another", WaitlistEntry(1, "u1", START), after=0) is None


def test_waitlisted_user_is_on_the_roster_only_once_seated(store: AnyStore) -> None:
    put_event_and_users(store, "ada")
    commit(store, PutRegistration(a_waitlisted_registration(), None))
    assert store.list_roster("e1", limit=5).items == ()
    commit(store, PutRegistration(a_registration(), a_waitlisted_registration()))
    assert store.list_roster("e1", limit=5).items == (a_registration(),)


def test_roster_is_read_for_one_ticket(store: AnyStore) -> None:
    """Waitlisted users are not on the roster. A ticket that two users hold, which is a violation, shows both."""
    put_event_and_users(store, "ada", "b", "c")
    commit(store, PutRegistration(a_registration("ada", ticket=1), None))
    commit(store, PutRegistration(a_waitlisted_registration("b", ticket=2), None))
    assert store.find_on_roster("e1", 1) == (a_registration("ada", ticket=1),)
    assert store.find_on_roster("e1", 2) == store.find_on_roster("e2", 1) == ()
    commit(store, PutRegistration(a_registration("c", ticket=1), None))
    assert {row.user_id for row in store.find_on_roster("e1", 1)} == {"ada", "c"}


@pytest.mark.parametrize("mangled", ["", "x", "AAAA", "bm90IGpzb24=", "W10=", "é"])
def test_mangled_cursor_is_refused(store: AnyStore, mangled: str) -> None:
    for read in (store.list_users, store.list_unfinished_events, store.scan_events):
        with pytest.raises(Invalid) as refusal:
            read(limit=5, cursor=mangled)
        assert refusal.value.field == "cursor"


def test_cursor_of_another_list_is_refused(store: AnyStore) -> None:
    for user_id in "abc":
        store.put_user(a_user(user_id), replaces=None)
    cursor = store.list_users(limit=1).next_cursor
    for read in (store.list_unfinished_users, store.scan_events, store.list_unfinished_events):
        with pytest.raises(Invalid):
            read(limit=5, cursor=cursor)


def test_workspaces_never_see_each_other(store: AnyStore) -> None:
    """R10.2, with the same ids in both."""
    other = another_workspace(store)
    put_event_and_users(store, "ada")
    commit(
        store, PutRegistration(a_registration(), None), PutJournalEntry(a_journal_entry(version=1))
    )
    store.start_user_deletion("ada", "deletion1", revision="r1")
    store.put_card(Card(event_id="e1", channel_id="C", message_ts="1", rendered_version=1))
    assert other.get_event("e1") is None
    assert other.get_user("ada") is None
    assert other.get_registrations_of("ada") == ()
    assert other.get_rows("e1", registrations_of=["ada"], users=["ada"]).users == {}
    assert other.list_journal("e1", limit=5) == ()
    assert other.get_cards("e1") == ()
    for listed in (
        other.list_events(starting_from=None, limit=5),
        other.list_users(limit=5),
        other.list_unfinished_users(limit=5),
        other.list_roster("e1", limit=5),
        other.scan_events(limit=5),
        other.scan_registrations(limit=5),
        other.scan_waitlist(limit=5),
    ):
        assert listed.items == ()
    assert pages(other.list_undelivered, 5) == []
    commit(other, PutEvent(an_event(title="Theirs"), None))
    assert store.get_event("e1") == an_event()


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_events_are_listed_by_due_time(store: AnyStore, limit: int) -> None:
    for number in (3, 1, 2):
        due_at = START + timedelta(hours=number)
        commit(store, PutEvent(an_event(f"e{number}", next_due_at=due_at), None))
    commit(store, PutEvent(an_event("never"), None))
    due = [DueEvent(f"e{number}", START + timedelta(hours=number)) for number in (1, 2, 3)]
    assert pages(store.list_due_events, limit) == due
    # After it was handled, an event is due later or never again.
    later = START + timedelta(hours=9)
    commit(store, PutEvent(an_event("e1", version=2, next_due_at=later), 1))
    commit(store, PutEvent(an_event("e2", version=2), 1))
    assert pages(store.list_due_events, limit) == [due[2], DueEvent("e1", later)]


def test_last_seated_are_read_from_the_end(store: AnyStore) -> None:
    commit(store, PutEvent(an_event(), None))
    for number in (2, 1, 3):
        store.put_user(a_user(f"u{number}"), replaces=None)
        commit(store, PutRegistration(a_registration(f"u{number}", ticket=number), None))
    last = store.get_last_seated("e1", limit=2)
    assert [row.user_id for row in last] == ["u3", "u2"]
    assert store.get_last_seated("e2", limit=2) == ()


def test_deleted_event_is_read_but_not_listed(store: AnyStore) -> None:
    commit(store, PutEvent(an_event(), None))
    commit(store, PutEvent(an_event(version=2, deletion="in_progress", operation_id="d"), 1))
    assert store.list_events(starting_from=None, limit=5).items == ()
    assert store.list_unfinished_events(limit=5).items == ("e1",)
    commit(store, PutEvent(an_event(version=3, deletion="done"), 2))
    assert store.list_unfinished_events(limit=5).items == ()
    assert store.get_event("e1") == an_event(version=3, deletion="done")


def test_batch_read_returns_what_exists(store: AnyStore) -> None:
    put_event_and_users(store, "ada", "b")
    commit(store, PutRegistration(a_registration("b"), None))
    rows = store.get_rows("e1", registrations_of=["ada", "b", "x"], users=["ada", "x"])
    assert set(rows.users) == {"ada"}
    assert rows.registrations == {"b": a_registration("b")}
    assert set(store.get_events(["e1", "e2"])) == {"e1"}
    assert store.get_events([]) == {}


def test_batch_read_takes_any_number_of_keys(store: AnyStore) -> None:
    user_ids = [f"u{number}" for number in range(130)]
    put_event_and_users(store, *user_ids)
    assert len(store.get_rows("e1", registrations_of=user_ids, users=user_ids).users) == 130


# The outbox


def test_lease_has_one_holder_until_others_saw_it_unchanged(store: AnyStore) -> None:
    """No time decides: not even one that is long past."""
    assert store.get_delivery("e1") == DeliveryState(event_id="e1")
    taken = store.take_lease("e1", holder="one", until=START)
    assert (taken.holder, taken.leased_until, taken.revision) == ("one", START, 1)
    assert store.take_lease("e1", holder="two", until=START + HOUR) == taken
    again = store.take_lease("e1", holder="one", until=START)
    renewed = store.save_delivery(again)
    assert store.take_lease("e1", holder="two", until=START + HOUR, expired=1) == renewed
    stolen = store.take_lease("e1", holder="two", until=START + HOUR, expired=renewed.revision)
    assert (stolen.holder, stolen.leased_until) == ("two", START + HOUR)
    assert store.get_delivery("e1") == stolen
    with pytest.raises(Conflict):
        store.save_delivery(renewed)


def test_expired_lease_is_taken_by_one_of_two(store: AnyStore) -> None:
    """Both saw the same revision for the whole length of the lease."""
    seen = store.take_lease("e1", holder="dead", until=START).revision
    first = store.take_lease("e1", holder="one", until=START, expired=seen)
    assert store.take_lease("e1", holder="two", until=START, expired=seen) == first
    assert first.holder == "one"


def test_delivery_row_is_saved_whole_and_its_lease_released(store: AnyStore) -> None:
    taken = store.take_lease("e1", holder="one", until=START + HOUR)
    late = Deferred(user_id="ada", version=2, notification=0, attempts=1, not_before=START)
    saved = taken.model_copy(
        update={
            "delivered_version": 3,
            "cleared_version": 2,
            "notification": 1,
            "recipient": '["seats", null, 4]',
            "deferred": (late,),
            "leased_until": None,
        }
    )
    stored = store.save_delivery(saved)
    assert stored == saved.model_copy(update={"revision": 2})
    assert store.get_delivery("e1") == stored
    assert store.take_lease("e1", holder="two", until=START).holder == "two"
    assert store.list_journal("e1", limit=5) == ()


def test_late_save_does_not_move_the_delivery_row_back(store: AnyStore) -> None:
    taken = store.take_lease("e1", holder="one", until=START + HOUR)
    saved = store.save_delivery(taken.model_copy(update={"delivered_version": 1}))
    saved = store.save_delivery(saved.model_copy(update={"delivered_version": 2}))
    with pytest.raises(Conflict):
        store.save_delivery(taken.model_copy(update={"delivered_version": 1}))
    assert store.get_delivery("e1") == saved


def test_entry_is_undelivered_until_marked_delivered(store: AnyStore) -> None:
    put_event_and_users(store)
    commit(store, PutJournalEntry(a_journal_entry(version=1)))
    commit(store, PutJournalEntry(a_journal_entry(version=2)))
    assert set(pages(store.list_undelivered, 1)) == {"e1"}
    assert sorted(store.get_undelivered("e1")) == [1, 2]
    assert store.get_undelivered("e2") == ()
    store.mark_delivered("e1", 1)
    assert set(pages(store.list_undelivered, 5)) == {"e1"}
    assert store.get_undelivered("e1") == (2,)
    store.mark_delivered("e1", 2)
    store.mark_delivered("e1", 2)
    store.mark_delivered("e1", 99)
    assert pages(store.list_undelivered, 5) == []
    assert store.get_undelivered("e1") == ()
    assert store.get_journal_entry("e1", 99) is None
    assert store.get_journal_entry("e1", 2) == a_journal_entry(version=2)


def test_delivery_row_is_saved_together_with_marks_or_not_at_all(store: AnyStore) -> None:
    put_event_and_users(store)
    for version in (1, 2, 3):
        commit(store, PutJournalEntry(a_journal_entry(version=version)))
    taken = store.take_lease("e1", holder="one", until=START + HOUR)
    done = taken.model_copy(update={"cleared_version": 2, "leased_until": None})
    saved = store.save_delivery(done, delivered=(1, 2))
    assert store.get_delivery("e1") == saved
    assert store.get_undelivered("e1") == (3,)
    with pytest.raises(Conflict):
        store.save_delivery(done, delivered=(3,))
    assert store.get_delivery("e1") == saved
    assert store.get_undelivered("e1") == (3,)


def test_marks_are_cleared_though_an_entry_among_them_was_lost(store: AnyStore) -> None:
    put_event_and_users(store)
    commit(store, PutJournalEntry(a_journal_entry(version=1)))
    commit(store, PutJournalEntry(a_journal_entry(version=3)))
    taken = store.take_lease("e1", holder="one", until=START + HOUR)
    saved = store.save_delivery(taken, delivered=(1, 2, 3))
    assert store.get_delivery("e1") == saved
    assert store.get_undelivered("e1") == ()
    assert store.get_journal_entry("e1", 2) is None


def test_first_delivery_row_needs_no_lease(store: AnyStore) -> None:
    """It is written if there is none still, and the next one if nobody has had the lease since."""
    first = store.save_delivery(DeliveryState(event_id="e1", delivered_version=1))
    assert store.get_delivery("e1") == first
    with pytest.raises(Conflict):
        store.save_delivery(DeliveryState(event_id="e1", delivered_version=1))
    second = store.save_delivery(first.model_copy(update={"delivered_version": 2}))
    taken = store.take_lease("e1", holder="one", until=START + HOUR)
    assert taken.delivered_version == 2
    with pytest.raises(Conflict):
        store.save_delivery(second.model_copy(update={"delivered_version": 3}))
    assert store.get_delivery("e1") == taken


def test_rows_of_a_delivery_are_read_together(store: AnyStore) -> None:
    put_event_and_users(store)
    commit(store, PutJournalEntry(a_journal_entry(version=1)))
    found = store.get_delivery_rows("e1", 1)
    assert (found.event, found.entry) == (store.get_event("e1"), a_journal_entry(version=1))
    assert found.delivery == DeliveryState(event_id="e1")
    taken = store.take_lease("e1", holder="one", until=START + HOUR)
    assert store.get_delivery_rows("e1", 2) == DeliveryRows(found.event, taken, None)
    assert store.get_delivery_rows("e2", 1) == DeliveryRows(
        None, DeliveryState(event_id="e2"), None
    )


def test_entry_without_notifications_is_never_undelivered(store: AnyStore) -> None:
    put_event_and_users(store)
    commit(store, PutJournalEntry(a_journal_entry(version=1), is_undelivered=False))
    assert pages(store.list_undelivered, 5) == []
    assert store.get_journal_entry("e1", 1) == a_journal_entry(version=1)


def test_entry_keeps_each_unreachable_recipient_once(store: AnyStore) -> None:
    """R9.2: the undelivered mark and the delivery row stay as they are."""
    recipient = UnreachableRecipient(
        user_id="u1", version=1, kind=NotificationKind.PROMOTED, reason="user_disabled"
    )
    other = recipient.model_copy(update={"user_id": "u2"})
    put_event_and_users(store)
    commit(store, PutJournalEntry(a_journal_entry(version=1)))
    for one in (recipient, other, recipient):
        store.record_unreachable("e1", 1, one)
    store.record_unreachable("e1", 99, recipient)
    recorded = a_journal_entry(version=1).model_copy(update={"unreachable": (recipient, other)})
    assert store.get_journal_entry("e1", 1) == recorded
    assert store.list_journal("e1", limit=5) == (recorded,)
    assert pages(store.list_undelivered, 5) == ["e1"]
    assert store.get_delivery("e1") == DeliveryState(event_id="e1")


def test_entry_keeps_no_more_unreachable_recipients_than_fit(
    store: AnyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (storage.sqlite.outbox, storage.dynamodb.outbox):
        monkeypatch.setattr(module, "MAX_UNREACHABLE", 2)
    put_event_and_users(store)
    commit(store, PutJournalEntry(a_journal_entry(version=1)))
    recipients = [
        UnreachableRecipient(
            user_id=f"u{number}", version=1, kind=NotificationKind.DELETED, reason="user_not_found"
        )
        for number in range(3)
    ]
    for recipient in recipients:
        store.record_unreachable("e1", 1, recipient)
    (entry,) = store.list_journal("e1", limit=5)
    assert entry.unreachable == tuple(recipients[:2])


def test_card_never_goes_back_to_an_older_version(store: AnyStore) -> None:
    def card(version: int, ts: str = "1.1") -> Card:
        return Card(event_id="e1", channel_id="C1", message_ts=ts, rendered_version=version)

    assert store.put_card(card(3))
    assert not store.put_card(card(2))
    assert store.put_card(card(3))
    assert store.get_cards("e1") == (card(3),)
    assert store.put_card(card(5))
    assert store.put_card(card(1, "2.2"))
    assert set(store.get_cards("e1")) == {card(5), card(1, "2.2")}
    store.delete_card("e1", "C1", "1.1")
    store.delete_card("e1", "C1", "1.1")
    assert store.get_cards("e1") == (card(1, "2.2"),)


# Round trips

moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # bounds
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
names = texts.filter(str.strip)


@settings(
    max_examples=scaled(10),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_drawn_rows_round_trip(store: AnyStore, data: st.DataObject) -> None:
    unique = f"{_names()}"
    event = data.draw(
        st.builds(
            an_event,
            event_id=st.just(unique),
            title=names,
            description=texts,
            location=texts,
            starts_at=moments,
            ends_at=st.none() | moments,
            registration_deadline=st.none() | moments,
            co_organizer_ids=st.lists(names).map(tuple),
            capacity=st.integers(1, 100_000),
            status=st.sampled_from(EventStatus),
            waitlist_by_block=st.dictionaries(st.integers(0, 200), st.integers(1, 1000)),
            capacity_target=st.none() | st.integers(1, 100_000),
            created_at=moments,
        )
    )
    user = data.draw(st.builds(a_user, user_id=st.just(unique), name=names, updated_at=moments))
    summary = EventSummary.of(event)
    changes = st.builds(
        Change,
        kind=st.sampled_from(ChangeKind),
        user_id=st.none() | names,
        cause=st.none() | st.sampled_from(Cause),
        reason=st.none() | texts,
        fields=st.none() | st.dictionaries(names, st.tuples(st.none() | texts, st.none() | texts)),
    )
    notifications = st.builds(
        Notification,
        kind=st.sampled_from(NotificationKind),
        user_id=st.none() | names,
        ticket=st.none() | st.integers(1, 10**6),
        before=st.none() | st.just(summary),
    )
    entry = data.draw(
        st.builds(
            a_journal_entry,
            version=st.just(1),
            event_id=st.just(unique),
            at=moments,
            changes=st.lists(changes, max_size=3).map(tuple),
            notifications=st.lists(notifications, max_size=3).map(tuple),
            about=st.none() | st.just(summary),
        )
    )
    row = data.draw(
        st.builds(
            Registration,
            event_id=st.just(unique),
            user_id=st.just(unique),
            status=st.sampled_from(RegistrationStatus),
            ticket=st.integers(1, 10**6),
            registered_at=moments,
            seated_at=st.none() | moments,
        )
    )
    store.put_user(user, replaces=None)
    commit(store, PutEvent(event, None), PutRegistration(row, None), PutJournalEntry(entry))
    commit(store, PutWaitlistEntry(unique, WaitlistEntry(row.ticket, unique, row.registered_at)))
    assert store.get_event(unique) == event
    assert store.get_user(unique) == user
    assert store.get_registrations_of(unique) == (row,)
    assert store.get_journal_entry(unique, 1) == entry
    assert store.get_waitlist(unique, limit=1) == (
        WaitlistEntry(row.ticket, unique, row.registered_at),
    )
