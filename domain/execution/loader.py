"""Loading what a plan needs. The event is read first: its version guards everything read after it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from domain.commands import Command, Create
from domain.enums import Deletion
from domain.models import (
    WAITLIST_BLOCK,
    Event,
    Registration,
    WaitlistEntry,
    block_of,
    occurrence_id,
)
from domain.planning.snapshot import (
    Snapshot,
    occurrences_needed,
    positions_needed,
    users_needed,
    waitlist_head_needed,
)
from domain.ports import Rows, Store


def load_snapshot(store: Store, event_id: str, commands: Sequence[Command]) -> Snapshot:
    """Return what the commands need; raise `Unavailable`."""
    return load_rows(store, store.get_event(event_id), event_id, commands)


def load_rows(
    store: Store, event: Event | None, event_id: str, commands: Sequence[Command]
) -> Snapshot:
    """Return what the commands need besides the event, which was read before; raise `Unavailable`."""
    if event is None or event.deletion is Deletion.DONE:
        creations = [command for command in commands if isinstance(command, Create)]
        existing, leaving = _split(_rows(store, event_id, creations if event is None else ()))
        return Snapshot(event, existing, users_in_deletion=leaving)
    rows = _rows(store, event_id, commands, event)
    length = waitlist_head_needed(event, rows.registrations, commands)
    head = store.get_waitlist(event_id, limit=length) if length else ()
    positions = positions_needed(rows.registrations, commands)
    existing, leaving = _split(rows)
    return Snapshot(
        event,
        existing,
        {**rows.registrations, **_registrations_of(store, event_id, head, rows)},
        head,
        count_entries_before(store, event_id, positions),
        leaving,
        _occurrences(store, event) if occurrences_needed(event, commands) else {},
    )


def _occurrences(store: Store, event: Event) -> Mapping[int, Event]:
    """Return what a series needs to make or change occurrences: see `Snapshot.occurrences`."""
    series = event.series
    if series is None:
        return {}
    ids = {
        number: occurrence_id(event.event_id, number)
        for number in {*series.ahead, series.made, series.made + 1}
    }
    events = store.get_events(ids.values())
    found = {number: events[id_] for number, id_ in ids.items() if id_ in events}
    # Somebody may have created an event with the next id.
    following = series.made + 1
    while following in found:
        following += 1
        other = store.get_event(occurrence_id(event.event_id, following))
        found |= {} if other is None else {following: other}
    return found


def _rows(
    store: Store, event_id: str, commands: Sequence[Command], event: Event | None = None
) -> Rows:
    registrations_of, users = users_needed(commands, event)
    if not registrations_of and not users:
        return Rows({}, {})
    return store.get_rows(event_id, registrations_of=registrations_of, users=users)


def _split(rows: Rows) -> tuple[Collection[str], Collection[str]]:
    """Return the ids of the users who exist, and of those who are being deleted."""
    in_deletion = {user_id for user_id, user in rows.users.items() if user.deletion_id is not None}
    return rows.users.keys() - in_deletion, in_deletion


def _registrations_of(
    store: Store, event_id: str, head: Sequence[WaitlistEntry], rows: Rows
) -> Mapping[str, Registration]:
    """Return the registrations of the waitlist's head that were not read yet: a promotion changes them."""
    missing = {entry.user_id for entry in head} - rows.registrations.keys()
    if not missing:
        return {}
    return store.get_rows(event_id, registrations_of=missing, users=()).registrations


def count_entries_before(
    store: Store, event_id: str, entries: frozenset[WaitlistEntry]
) -> dict[int, int]:
    """Return by ticket how many waitlist entries are before each entry within its block.

    An entry that is not on the waitlist is left out. Raises `Unavailable`.
    """
    before: dict[int, int] = {}
    for block in sorted({block_of(entry.ticket) for entry in entries}):
        after = block * WAITLIST_BLOCK - 1
        wanted = {entry.ticket: entry for entry in entries if block_of(entry.ticket) == block}
        if len(wanted) == 1:
            (entry,) = wanted.values()
            count = store.count_entries_before(event_id, entry, after=after)
            before |= {} if count is None else {entry.ticket: count}
            continue
        # Several entries of one block are counted with one request: by their order in that block.
        listed = store.get_waitlist(event_id, after=after, until=max(wanted), limit=WAITLIST_BLOCK)
        before |= {one.ticket: n for n, one in enumerate(listed) if one.ticket in wanted}
    return before
