"""The live count: exact at every version, and an error if the journal is incomplete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.enums import ChangeKind, RegistrationStatus
from domain.errors import AlreadyRegistered, NotRegistered
from domain.inputs import EventChanges
from domain.integrity.live_count import Count, JournalGap, LiveCount
from domain.models import Change, JournalEntry
from domain.planning.plan import Plan, PutEvent, PutJournalEntry
from domain.ports import Store, Unavailable
from tests.support.environment import START, new_users, service_on
from tests.support.integrity.corruption import NAMES, CorruptibleEvent
from tests.support.memory_store import MemoryStore

T = TypeVar("T")


def run_now(read: Callable[[], T]) -> T:
    return read()


def a_scene() -> CorruptibleEvent:
    store = MemoryStore()
    return CorruptibleEvent(service_on(store), store)


def count(target: CorruptibleEvent, store: object | None = None, *, page: int = 2) -> Count:
    """Count the scene's event as the store shows it, starting at its present version."""
    reader: Store = store or target.store  # type: ignore[assignment]
    since = target.event().version
    return LiveCount(
        reader, run_now, "e1", since_version=since, page_size=page, on_page=lambda _: None
    ).run()


class Meanwhile:
    """A store on which something happens before each read of a page."""

    def __init__(self, store: Store, happening: Iterator[Callable[[], object]]) -> None:
        self._store = store
        self._happening = happening

    def __getattr__(self, name: str) -> object:
        if name in ("list_roster", "get_waitlist"):
            next(self._happening, lambda: None)()
        return getattr(self._store, name)


@given(
    moves=st.lists(st.tuples(st.sampled_from("><+"), st.integers(0, 6)), max_size=8),
    page=st.integers(1, 3),
)
@settings(max_examples=200)
def test_count_during_changes_matches_the_event_of_its_version(
    moves: list[tuple[str, int]], page: int
) -> None:
    """Users come and go between pages, and the capacity grows."""
    target = a_scene()
    late = [target.user_id(f"late{number}") for number in range(3)]
    new_users(target.service, *late)
    user_ids = [*(target.user_id(name) for name in NAMES[:4]), *late]

    def moving(how: str, number: int) -> Callable[[], object]:
        def move() -> None:
            with suppress(AlreadyRegistered, NotRegistered):
                match how:
                    case ">":
                        target.service.register("e1", user_ids[number])
                    case "<":
                        target.service.unregister("e1", user_ids[number])
                    case _:
                        more = target.event().capacity + 1
                        target.service.edit_event("e1", EventChanges.of(capacity=more))

        return move

    changing = Meanwhile(target.store, iter([moving(*one) for one in moves]))
    counted = count(target, changing, page=page)
    event = counted.event
    assert (counted.registered, counted.waitlisted) == (
        event.registered_count,
        event.waitlist_count,
    )
    assert counted.blocks == dict(event.waitlist_by_block)
    assert counted.last_ticket < event.next_ticket


def increase_version(
    target: CorruptibleEvent, *, by: int = 1, changes: tuple[Change, ...] = ()
) -> None:
    """Raise the event's version, with these changes in the last entry alone."""
    event = target.event()
    new = event.model_copy(update={"version": event.version + by})
    entry = JournalEntry(event_id="e1", version=new.version, plan_id="p", at=START, changes=changes)
    target.store.commit(
        Plan("p", "e1", None, (), (PutEvent(new, event.version), PutJournalEntry(entry)))
    )


def increase_version_without_entry(target: CorruptibleEvent) -> None:
    """Raise the event's version without an entry."""
    event = target.event()
    target.rewrite_event({"version": event.version + 1})


INCOMPLETE: dict[str, Callable[[CorruptibleEvent], None]] = {
    "a repair": lambda target: increase_version(
        target, changes=(Change(kind=ChangeKind.REPAIRED),)
    ),
    "a leave without its status": lambda target: increase_version(
        target, changes=(Change(kind=ChangeKind.UNREGISTERED, user_id="u", ticket=1),)
    ),
    "a registration without its ticket": lambda target: increase_version(
        target, changes=(Change(kind=ChangeKind.REGISTERED, user_id="u"),)
    ),
    "a version without an entry": lambda target: increase_version(target, by=2),
    "no entry": increase_version_without_entry,
    "a version that went back": lambda target: target.rewrite_event({"version": 1}),
    "an event that is gone": lambda target: target.store.events.clear(),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("happens", INCOMPLETE.values(), ids=INCOMPLETE)
def test_count_without_a_complete_journal_raises(
    happens: Callable[[CorruptibleEvent], None],
) -> None:
    target = a_scene()
    with pytest.raises(JournalGap):
        count(target, Meanwhile(target.store, iter([lambda: happens(target)])))


def test_waitlisted_registration_on_the_roster_is_not_counted() -> None:
    """An index may list it; the registration is the truth."""
    target = a_scene()
    waitlisted = target.row("waitlisted1")
    assert waitlisted.status is RegistrationStatus.WAITLISTED

    class Listed(Meanwhile):
        def list_roster(
            self, event_id: str, *, limit: int | None, cursor: str | None = None
        ) -> object:
            page = self._store.list_roster(event_id, limit=limit, cursor=cursor)
            return type(page)((*page.items, waitlisted), page.next_cursor)

    assert count(target, Listed(target.store, iter(()))).registered == 2


def test_read_that_stays_unavailable_raises() -> None:
    target = a_scene()

    def fails() -> None:
        raise Unavailable

    with pytest.raises(Unavailable):
        count(target, Meanwhile(target.store, iter([fails])))
