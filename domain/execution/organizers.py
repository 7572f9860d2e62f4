"""Removal of a user who is deleted from the events that they organize (R2.9)."""

from __future__ import annotations

from collections.abc import Iterator

from domain.commands import RemoveOrganizer
from domain.errors import UnknownEvent
from domain.execution.deletion_ids import cause_of, successor_of
from domain.execution.executor import Executor
from domain.execution.retry import LONG_PAGE_SIZE, RetryPolicy
from domain.models import Event, Page
from domain.ports import Clock, Store


class OrganizerRemoval:
    """Takes users who are being deleted off the events they organize, past ones included.

    It reads all events once, in an order that no change of an event affects: the user can't become an
    organizer anymore, because the commit checks the deletion id. It goes in steps, and remembers how far
    it is: an attempt that runs out of time is continued by the next one in this process. Any process can
    begin again at any time.
    """

    def __init__(self, store: Store, executor: Executor, retry: RetryPolicy, clock: Clock) -> None:
        self._store = store
        self._executor = executor
        self._retry = retry
        self._clock = clock
        self._cursors: dict[str, str | None] = {}
        """The place among all events, by deletion id; `None` at their end."""

    def finish(self, user_id: str, deletion_id: str, deadline: float) -> bool:
        """Return whether the user organizes no event anymore, False if there was no time to find out.

        Raises `Busy` and `NotConfirmed`.
        """
        command = RemoveOrganizer(user_id, cause_of(deletion_id), successor_of(deletion_id))
        for event in self._left(user_id, deletion_id, deadline):
            try:
                self._executor.execute(event.event_id, command, deadline)
            except UnknownEvent:
                continue  # deleted meanwhile
        return self._cursors.get(deletion_id, "") is None

    def _left(self, user_id: str, deletion_id: str, deadline: float) -> Iterator[Event]:
        """Yield the events that are left. A page counts as done when the next one is asked for."""
        cursor = self._cursors.get(deletion_id, "")
        while cursor is not None and self._clock.monotonic() < deadline:
            page = self._page(user_id, cursor or None)
            for event in page.items:
                if event.deletion is None and event.is_organizer(user_id):
                    yield event
            cursor = self._cursors[deletion_id] = page.next_cursor

    def _page(self, user_id: str, cursor: str | None) -> Page[Event]:
        return self._retry.read(
            lambda: self._store.scan_events(
                limit=LONG_PAGE_SIZE, cursor=cursor, organizer_id=user_id
            )
        )

    def forget(self, deletion_id: str) -> None:
        """Forget the place among all events: the user is deleted."""
        self._cursors.pop(deletion_id, None)
