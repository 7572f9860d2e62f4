"""Process that is killed during a rush, and checks of what it had printed by then."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from signal import SIGKILL
from typing import Any

from domain.commands import Register
from domain.enums import Cause, ChangeKind, Deletion, NotificationKind
from domain.models import Change, Page
from domain.ports import Store
from storage.dynamodb.store import DynamoDBStore
from storage.sqlite.store import SQLiteStore
from tests.support.crashes.killed_process import (
    ADMIN,
    EVENTS,
    INCREASED_TO,
    LONG,
    ORGANIZERS,
    USERS,
)
from tests.support.environment import commit_together, ids, new_event, new_users, service_on
from tests.support.invariants import Everything, assert_invariants
from tests.support.npm import ROOT

AnyStore = SQLiteStore | DynamoDBStore


@dataclass
class RushTranscript:
    """Lines that a process printed before it was killed."""

    asked: dict[int, list[str]] = field(default_factory=dict)
    answers: dict[int, Any] = field(default_factory=dict)

    def hear(self, line: str) -> list[str]:
        """Record a line; return the call if it is one."""
        said = json.loads(line)
        if "asked" in said:
            self.asked[said["number"]] = said["asked"]
            return list(said["asked"])
        self.answers[said["number"]] = said["answer"]
        return []

    def unanswered(self) -> list[list[str]]:
        """Return the calls without an answer."""
        return [call for number, call in self.asked.items() if number not in self.answers]

    def answered(self) -> Iterator[tuple[list[str], Any]]:
        """Yield the other calls, with their answers."""
        for number, answer in self.answers.items():
            yield self.asked[number], answer


def run_and_kill(seed: int, kind: str, where: str) -> RushTranscript:
    """Run a rush in a process, and kill it at any moment, or shortly after a long operation started."""
    random, rush = Random(seed), RushTranscript()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.crashes.killed_process", str(seed), kind, where],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    needs_long, more = seed % 2 == 0, random.randrange(300)
    if needs_long:
        more = random.randrange(12)
    for line in process.stdout:
        is_long = bool(LONG.intersection(rush.hear(line)))
        needs_long = needs_long and not is_long
        if not needs_long and more == 0:
            break
        more -= not needs_long
    process.kill()
    # Its last lines count, except for one that is cut off.
    for line in process.stdout:
        if line.endswith("\n"):
            rush.hear(line)
    process.stdout.close()
    assert process.wait() == -SIGKILL, "the process ended before it was killed"
    return rush


def prepare(store: AnyStore) -> None:
    """Fill three events: a small one, one whose capacity will increase a lot, and one that will be deleted."""
    service = service_on(store, new_id=ids("prepare"))
    new_users(service, *USERS)
    for event_id, capacity, crowd in zip(EVENTS, (5, 1, 30), (20, 80, 80), strict=True):
        first, *others = ORGANIZERS
        new_event(service, event_id, capacity=capacity, organizer_id=first, co_organizer_ids=others)
        commit_together(store, event_id, [Register(user_id) for user_id in USERS[:crowd]])
        for entry in store.list_journal(event_id, limit=100):
            store.mark_delivered(event_id, entry.version)


def moves(found: Everything, before: Everything) -> list[tuple[str, Change]]:
    """Return the changes of registrations since `before`, with their events."""
    return [
        (event_id, change)
        for event_id, entries in found.journal.items()
        for entry in entries[len(before.journal[event_id]) :]
        for change in entry.changes
        if change.user_id is not None
    ]


IN = {ChangeKind.REGISTERED, ChangeKind.WAITLISTED}


def assert_answers_are_true(rush: RushTranscript, found: Everything, before: Everything) -> None:
    """Assert that each acknowledged call happened once, and that nothing else happened."""
    moved = moves(found, before)
    came = Counter((e, c.user_id, c.ticket) for e, c in moved if c.kind in IN)
    went = Counter(
        (e, c.user_id, c.ticket)
        for e, c in moved
        if c.kind is ChangeKind.UNREGISTERED and c.cause is Cause.OWN
    )
    assert all(times == 1 for times in (*came.values(), *went.values())), "twice"
    for call, answer in rush.answered():
        match call, answer:
            case ["register", event_id, user_id], {"ticket": ticket}:
                assert came.pop((event_id, user_id, ticket), 0), f"{call} is lost"
            case ["unregister", event_id, user_id], {"ticket": ticket}:
                assert went.pop((event_id, user_id, ticket), 0), f"{call} is lost"
    done: list[tuple[str | None, ...]] = [("register", e, who) for e, who, _ in came]
    done += [("unregister", e, who) for e, who, _ in went]
    cut_off: Counter[tuple[str | None, ...]] = Counter(tuple(call) for call in rush.unanswered())
    assert not Counter(done) - cut_off, "a change that no call asked for"
    for event_id, change in moved:
        if change.cause is Cause.USER_DELETED and change.kind is ChangeKind.UNREGISTERED:
            assert ["delete_user", change.user_id] in rush.asked.values()
        if change.cause is Cause.EVENT_DELETED:
            assert ["delete_event", event_id] in rush.asked.values()


def assert_promotions_are_notified(store: AnyStore, found: Everything, before: Everything) -> None:
    """Assert that each promotion has its notification, and that its event is listed as undelivered."""
    undelivered = set(pages(store.list_undelivered))
    for event_id, entries in found.journal.items():
        for entry in entries[len(before.journal[event_id]) :]:
            promoted = [
                (c.user_id, c.ticket) for c in entry.changes if c.kind is ChangeKind.PROMOTED
            ]
            notified = [
                (n.user_id, n.ticket)
                for n in entry.notifications
                if n.kind is NotificationKind.PROMOTED
            ]
            assert notified == promoted
            assert event_id in undelivered, "no one would be notified"


def unfinished(store: Store) -> list[str]:
    """Return the events and users with unfinished operations."""
    return [*pages(store.list_unfinished_events), *pages(store.list_unfinished_users)]


def pages(read: Callable[..., Page[str]]) -> Iterator[str]:
    """Yield all items of a list."""
    page = read(limit=100)
    yield from page.items
    while page.next_cursor is not None:
        page = read(limit=100, cursor=page.next_cursor)
        yield from page.items


def assert_organizers_are_true(found: Everything) -> None:
    """Assert that no deleted user organizes an event, and that admins were notified of each without any (R2.9)."""
    for event in found.events.values():
        if event.deletion is not None:
            continue
        left = [one for one in ORGANIZERS if one in found.users]
        entries = found.journal[event.event_id]
        kinds = [one.kind for entry in entries for one in entry.notifications]
        assert kinds.count(NotificationKind.ORPHANED) == (not left)
        is_taken_over = any(c.kind is ChangeKind.TAKEN_OVER for e in entries for c in e.changes)
        assert list(event.organizer_ids) == left + [ADMIN.user_id] * is_taken_over


def assert_next_process_continues(store: Store, rush: RushTranscript) -> None:
    """Assert that the sweep finishes what was interrupted, and that the next process works."""
    service = service_on(store, new_id=ids("next"))
    while left := unfinished(store):
        assert service.finish_unfinished() == len(left)
    found = assert_invariants(store)
    increased = found.events["increased"]
    assert (increased.capacity, increased.capacity_target) in {(1, None), (INCREASED_TO, None)}
    assert found.events["deleted"].deletion in {None, Deletion.DONE}
    for call, answer in rush.answered():
        match call, answer:
            case ["increase", _], True:
                assert increased.capacity == INCREASED_TO, "the capacity increase is lost"
            case ["delete_event", _], bool():
                assert found.events["deleted"].deletion is Deletion.DONE, "the deletion is lost"
            case ["delete_user", user_id], bool():
                assert user_id not in found.users, "the deletion is lost"
    assert_organizers_are_true(found)
    new_users(service, "new")
    placed = service.register("small", "new")
    assert service.unregister("small", "new").registration == placed.registration
    assert_invariants(store)
