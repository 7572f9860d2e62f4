"""Removal of a user who is deleted from the events that they organize (R2.9)."""

from __future__ import annotations

from collections.abc import Iterator

from domain.commands import RemoveOrganizer
from domain.enums import Cause
from domain.errors import UnknownEvent
from domain.execution.executor import Executor
from domain.execution.retry import RetryPolicy
from domain.models import Event, Page
from domain.ports import Clock, Store

BATCH_SIZE = 100
"""Events read at a time, the most that one request to DynamoDB reads."""


class OrganizerRemoval:
    """Takes users who are being deleted off the events they organize, past ones included.

    It goes through the list of events in steps, and remembers how far it is: an attempt that runs out
    of time is continued by the next one in this process. Any process can begin again at any time.
    """

    def __init__(self, store: Store, executor: Executor, retry: RetryPolicy, clock: Clock) -> None:
        self._store = store
        self._executor = executor
        self._retry = retry
        self._clock = clock
        self._cursors: dict[str, str | None] = {}
        """The place in the list, by deletion id; `None` at its end."""

    def finish(self, user_id: str, deletion_id: str, cause: Cause, deadline: float) -> bool:
        """Return whether the user organizes no event anymore, False if there was no time to find out.

        Raises `Busy` and `NotConfirmed`.
        """
        for event in self._left(user_id, deletion_id, deadline):
            try:
                self._executor.execute(event.event_id, RemoveOrganizer(user_id, cause), deadline)
            except UnknownEvent:
                continue  # deleted meanwhile
        return self._cursors.get(deletion_id, "") is None

    def _left(self, user_id: str, deletion_id: str, deadline: float) -> Iterator[Event]:
        """Yield the events that are left. A page counts as done when the next one is asked for."""
        cursor = self._cursors.get(deletion_id, "")
        while cursor is not None and self._clock.monotonic() < deadline:
            page = self._page(user_id, cursor or None)
            yield from page.items
            cursor = self._cursors[deletion_id] = page.next_cursor

    def _page(self, user_id: str, cursor: str | None) -> Page[Event]:
        """Return the events of a page of the list of all events that the user organizes.

        The list itself could filter by organizer, but its index may lag: organizers are read consistently.
        """
        page = self._retry.read(
            lambda: self._store.list_events(starting_from=None, limit=BATCH_SIZE, cursor=cursor)
        )
        event_ids = [listed.event_id for listed in page.items]
        events = self._retry.read(lambda: self._store.get_events(event_ids)) if event_ids else {}
        found = (events[event_id] for event_id in event_ids if event_id in events)
        organized = (one for one in found if one.deletion is None and one.is_organizer(user_id))
        return Page(tuple(organized), page.next_cursor)

    def forget(self, deletion_id: str) -> None:
        """Forget the place in the list: the user is deleted."""
        self._cursors.pop(deletion_id, None)
