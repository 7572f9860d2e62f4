"""Checks of a race: some order of the calls explains every answer, and the store agrees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import pairwise

from domain.enums import ChangeKind, EventStatus, NotificationKind
from domain.ports import Store
from tests.support.environment import ids, service_on
from tests.support.invariants import Everything, assert_invariants
from tests.support.races.calls import Call
from tests.support.races.linearizability import find_order
from tests.support.reference_model import ReferenceEvent, ReferenceModel


def assert_race_is_valid(
    store: Store, initial: ReferenceModel, calls_of: Sequence[Sequence[Call]]
) -> int:
    """Assert everything that a race must keep; return the number of calls. `calls_of` has one history per process."""
    service_on(store, new_id=ids("sweep")).finish_unfinished()
    found = assert_invariants(store)
    calls = [call for of_one in calls_of for call in of_one]
    find_order(initial, calls, contents_of(found))
    assert_promotions_agree(found, calls)
    for of_one in calls_of:
        assert_first_in_first_served(of_one)
    return len(calls)


def contents_of(found: Everything) -> Hashable:
    """Return the contents of a store in the model's form."""
    model = ReferenceModel()
    for user in found.users.values():
        if user.deletion_id is None:
            model.users.add(user.user_id)
        else:
            model.deleting[user.user_id] = frozenset()
    for event_id, event in found.events.items():
        seated, waitlisted = found.seated(event_id), found.waitlisted(event_id)
        if event.deletion is not None:
            assert not seated + waitlisted, f"{event_id} is deleted, but has attendees"
            continue
        model.events[event_id] = ReferenceEvent(
            event.capacity,
            event.has_waitlist,
            event.status,
            seated,
            waitlisted,
            event.capacity_target,
            {p: found.registrations[event_id, p].ticket for p in seated + waitlisted},
            event.next_ticket - 1,
            organizer=event.organizer_id,
            co_organizers=list(event.co_organizer_ids),
            asks=bool(event.questions),
            answers={
                p: str(found.registrations[event_id, p].answers["lunch"])
                for p in seated + waitlisted
                if found.registrations[event_id, p].answers
            },
        )
    return model.contents()


def assert_promotions_agree(found: Everything, calls: Sequence[Call]) -> None:
    """Assert that the journal has each promotion in an answer once, with a notification (R9.1)."""
    written: Counter[tuple[object, ...]] = Counter()
    for event_id, entries in found.journal.items():
        for entry in entries:
            promoted = [c for c in entry.changes if c.kind is ChangeKind.PROMOTED]
            notified = [n for n in entry.notifications if n.kind is NotificationKind.PROMOTED]
            if found.events[event_id].status is not EventStatus.CANCELED:
                assert [(n.user_id, n.ticket) for n in notified] == [
                    (c.user_id, c.ticket) for c in promoted
                ]
            written.update((event_id, entry.version, c.user_id) for c in promoted)
    named: Counter[tuple[object, ...]] = Counter()
    for call in calls:
        version, _ = call.hint
        promoted_in = {"left": 3, "changed": 1}.get(str(call.answer and call.answer[0]))
        if call.answer and promoted_in:
            users = call.answer[promoted_in]
            assert isinstance(users, tuple)
            named.update((call.args[0], version, user_id) for user_id in users)
    assert named <= written, f"in an answer, but not in the journal: {named - written}"


def assert_first_in_first_served(calls: Sequence[Call]) -> None:
    """Assert that within a process, tickets follow the order in which the calls were queued."""
    placed = sorted(
        ((call.hint[1], call) for call in calls if call.answer and call.answer[0] == "placed"),
        key=lambda one: one[0],
    )
    assert all(turn > 0 for turn, _ in placed), "a ticket without a position in the command queue"
    by_event: dict[object, list[object]] = {}
    for _, call in placed:
        by_event.setdefault(call.args[0], []).append((call.answer or ())[1])
    for event_id, tickets in by_event.items():
        assert all(a < b for a, b in pairwise(tickets)), f"{event_id}: {tickets}"  # type: ignore[operator]
