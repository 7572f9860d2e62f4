"""Events and users as this process last knew them: for a first try that the commit decides, never for an answer."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, TypeVar

from domain.inputs import UserDraft
from domain.models import Event

T = TypeVar("T")

MAX_CACHED_EVENTS = 256
"""Events of which a process keeps what it knows: more than take registrations at a time."""

MAX_CACHED_USERS = 4096
"""Users whom a process remembers to have seen stored: more than press in an hour, in a megabyte or two."""


class EventCache:
    """The events that this process knows. Any thread may ask; for one event, one at a time tells."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Each with whether nobody else wrote it lately: where others write too, a try without
        # reading mostly fails, and takes from the event's throughput.
        self._events: OrderedDict[str, tuple[Event, bool]] = OrderedDict()

    def get_if_likely_current(self, event_id: str) -> Event | None:
        """Return the event as it probably still is, None where that is not known or not probable."""
        with self._lock:
            event, is_alone = self._events.get(event_id, (None, False))
            return event if is_alone else None

    def remember_read(self, event: Event) -> None:
        """Take note of what is stored."""
        with self._lock:
            before, _ = self._events.get(event.event_id, (event, True))
            self._keep(event, is_alone=before.version == event.version)

    def remember_commit(self, event: Event) -> None:
        """Take note of what this process stored."""
        with self._lock:
            _, is_alone = self._events.get(event.event_id, (event, True))
            self._keep(event, is_alone=is_alone)

    def _keep(self, event: Event, *, is_alone: bool) -> None:
        _keep(self._events, event.event_id, (event, is_alone), MAX_CACHED_EVENTS)


class UserCache:
    """The users whom this process has seen stored, and as what. Any thread may ask and tell."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def has(self, draft: UserDraft) -> bool:
        """Return whether the user was seen stored as the draft has it; it may be so no more."""
        with self._lock:
            return self._users.get(draft.user_id or "") == draft.given()

    def add(self, user_id: str, draft: UserDraft) -> None:
        """Take note that the user is stored as the draft has it."""
        with self._lock:
            _keep(self._users, user_id, draft.given(), MAX_CACHED_USERS)

    def forget(self, user_id: str) -> None:
        """Take note that the user changes."""
        with self._lock:
            self._users.pop(user_id, None)


def _keep(kept: OrderedDict[str, T], key: str, value: T, most: int) -> None:
    """Keep a value in place of the one that was told of longest ago."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)
