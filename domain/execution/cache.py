"""Events and users as this process last saw them: for a first try that the commit verifies, never for an answer."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, TypeVar

from domain.inputs import UserDraft
from domain.models import Event

T = TypeVar("T")

MAX_CACHED_EVENTS = 256
"""Cached events of a process: more than take registrations at the same time."""

MAX_CACHED_USERS = 4096
"""Cached users of a process: more than press a button within an hour, in 1 to 2 MB."""


class EventCache:
    """The events that this process read or wrote. Thread-safe; writes for one event come one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Each with whether this process is its only recent writer. If others write too, a try without
        # a read usually fails, and costs throughput of the event.
        self._events: OrderedDict[str, tuple[Event, bool]] = OrderedDict()

    def get_if_likely_current(self, event_id: str) -> Event | None:
        """Return the event as it probably still is, or None if that is unknown or unlikely."""
        with self._lock:
            event, is_only_writer = self._events.get(event_id, (None, False))
            return event if is_only_writer else None

    def remember_read(self, event: Event) -> None:
        """Cache an event that was read."""
        with self._lock:
            before, _ = self._events.get(event.event_id, (event, True))
            self._put(event, is_only_writer=before.version == event.version)

    def leave_to_others(self, event: Event) -> None:
        """Cache an event that was read, and that others write: a try without a read would fail."""
        with self._lock:
            self._put(event, is_only_writer=False)

    def remember_commit(self, event: Event) -> None:
        """Cache an event that this process committed."""
        with self._lock:
            _, is_only_writer = self._events.get(event.event_id, (event, True))
            self._put(event, is_only_writer=is_only_writer)

    def _put(self, event: Event, *, is_only_writer: bool) -> None:
        _put_newest(self._events, event.event_id, (event, is_only_writer), MAX_CACHED_EVENTS)


class UserCache:
    """The users that this process has seen in the store. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def has(self, draft: UserDraft) -> bool:
        """Return whether the user was last seen with the values of the draft."""
        with self._lock:
            return self._users.get(draft.user_id or "") == draft.given()

    def add(self, user_id: str, draft: UserDraft) -> None:
        """Cache a user that is stored with the values of the draft."""
        with self._lock:
            _put_newest(self._users, user_id, draft.given(), MAX_CACHED_USERS)

    def forget(self, user_id: str) -> None:
        """Drop a user that is about to change."""
        with self._lock:
            self._users.pop(user_id, None)


def _put_newest(cache: OrderedDict[str, T], key: str, value: T, size: int) -> None:
    """Add a value and drop the oldest one beyond the size."""
    cache[key] = value
    cache.move_to_end(key)
    if len(cache) > size:
        cache.popitem(last=False)
